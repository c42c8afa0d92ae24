"""Evidence is complete: collecting from it gives it back, judging it twice gives the same bytes."""

import pytest

from tests import worlds
from tests.random_worlds import random_world
from tests.simulate import simulate
from vmmaudit import assessment as assessments
from vmmaudit import evidence as format_
from vmmaudit.audit import demo
from vmmaudit.collect.gather import Interruption, collect
from vmmaudit.collect.replay import Replay
from vmmaudit.evidence import Reason
from vmmaudit.judge import judge


@pytest.mark.parametrize("seed", range(20))
def test_collecting_from_evidence_gives_it_back(seed: int):
    evidence, scope = simulate(random_world(seed))
    assert collect(scope, Replay(evidence)) == evidence


def test_judging_twice_gives_the_same_bytes():
    evidence, scope = simulate(random_world(7))
    assert assessments.dumps(judge(evidence, scope)) == assessments.dumps(judge(evidence, scope))


def test_the_conforming_world_is_ready_and_in_force():
    found = judge(*simulate(worlds.conforming()))
    assert {(e.ready.value, e.in_force.value) for e in found.readiness} == {("yes", "yes")}


def test_an_interruption_leaves_gaps_and_no_guesses():
    evidence, scope = simulate(worlds.conforming())
    interruption = Interruption()
    interruption.request()
    partial = collect(scope, Replay(evidence), interruption=interruption)
    assert not partial.answers
    assert {gap.reason for gap in partial.gaps.values()} == {Reason.INTERRUPTED}
    assert {e.ready.value for e in judge(partial, scope).readiness} == {"unknown"}


def test_the_demo_is_what_its_world_gives():
    from tests.demo import demo_world

    assert demo().evidence.digest() == simulate(demo_world())[0].digest()
    assert format_.dumps(demo().evidence) == format_.dumps(simulate(demo_world())[0])
