"""Where less could be read, no verdict gets better and none turns round: it is not assessable.

Every answer is taken away in turn, as a server may refuse it, then all of one server and all of
one kind, and everything is judged again.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Final

import pytest

from tests.random_worlds import random_world
from tests.simulate import simulate, without
from tests.variants import VARIANTS, Variant
from vmmaudit import questions
from vmmaudit.assessment import Assessment, Judgement, Ternary, Verdict
from vmmaudit.evidence import Evidence, Question
from vmmaudit.facts import decode
from vmmaudit.judge import assess
from vmmaudit.scope import Scope

UNSEEN: Final = "UNSEEN"
"""The remark that there may be more than is told."""


Refused = Sequence[Question]


def alone(evidence: Evidence) -> list[Refused]:
    """Each question by itself."""
    return [[question] for question in evidence.answers]


def together(evidence: Evidence) -> list[Refused]:
    """All questions to one server, and all of one kind."""
    found: dict[str, list[Question]] = {}
    for question in evidence.answers:
        for group in (question.server, question.kind):
            found.setdefault(group, []).append(question)
    return [*found.values()]


def verdicts(assessment: Assessment) -> dict[tuple[str, str], Judgement]:
    return {(found.control, found.subject.id): found for found in assessment.verdicts}


def may_become(before: Judgement, after: Judgement, question: Question) -> bool:
    """Whether a verdict may become another one for want of an answer."""
    match before.control, before.verdict, after.verdict:
        case _, was, now if was is now or now is Verdict.NOT_ASSESSABLE:
            return True
        case "NET-05", Verdict.PASS, Verdict.MANUAL:
            return question.kind == questions.BOOT  # that WinRM answers is what shows it
        case "HST-01", Verdict.PASS, Verdict.WARN:
            return after.code == "MEMBERSHIP_UNKNOWN"  # a doubt is an advisory there
        case _, Verdict.FAIL, Verdict.WARN:
            return any(remark.code == UNSEEN for remark in after.remarks)
    return False


def compare(evidence: Evidence, scope: Scope, taken: Sequence[Refused]) -> None:
    whole = assess(decode(evidence, scope))
    before = verdicts(whole)
    ready = {(pair.host, pair.share): pair for pair in whole.readiness}
    for asked in taken:
        question = asked[0]
        found = assess(decode(reduce(without, asked, evidence), scope))
        after = verdicts(found)
        for subject in before.keys() & after.keys():
            was, now = before[subject], after[subject]
            assert may_become(was, now, question), f"{question}: {was} became {now}"
        for pair in found.readiness:
            then = ready[pair.host, pair.share]
            for known, less_known in ((then.ready, pair.ready), (then.in_force, pair.in_force)):
                assert less_known in (known, Ternary.UNKNOWN), f"{question}: {pair}"


@pytest.mark.parametrize("variant", VARIANTS[::4], ids=lambda variant: variant.name)
def test_of_one_mistake(variant: Variant):
    evidence, scope = simulate(variant.world)
    compare(evidence, scope, alone(evidence)[len(variant.name) % 3 :: 3])


@pytest.mark.parametrize("seed", [0, 3, 110, 119, 200])
def test_of_many(seed: int):
    """Worlds in which an answer that was refused once made a verdict turn round."""
    evidence, scope = simulate(random_world(seed))
    compare(evidence, scope, alone(evidence))


@pytest.mark.parametrize("seed", range(6))
def test_where_whole_servers_are_silent(seed: int):
    evidence, scope = simulate(random_world(seed))
    compare(evidence, scope, together(evidence))
