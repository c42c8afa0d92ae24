"""*Would be ready if …* is done to the lab, and reality says yes."""

from __future__ import annotations

import pytest

from tests.change.after import world_after
from tests.lab import oracle
from tests.lab.apply import apply
from tests.lab.lab import Lab
from tests.live.collecting import collected
from tests.random_worlds import random_world
from tests.variants import VARIANTS, Variant
from tests.worlds import World
from vmmaudit.assessment import Ternary
from vmmaudit.change.goal import Goal
from vmmaudit.explain import Explanation, explain
from vmmaudit.facts import Facts, Tree, decode

pytestmark = pytest.mark.live
BROKEN = [variant for variant in VARIANTS if variant.live and variant.broken]


def explanations(facts: Facts) -> list[Explanation]:
    """One for each pair of host and file that is not ready."""
    found = [
        explain(facts, Goal(host, library, item.path))
        for host in facts.scope.hyper_v_hosts
        for library in facts.scope.libraries
        if isinstance(tree := facts.servers.tree(library), Tree)
        for item in tree.items
        if item.is_iso
    ]
    return [explanation for explanation in found if explanation.ready is Ternary.NO]


def really_opens(lab: Lab, world: World, explanation: Explanation) -> bool:
    goal = explanation.goal
    host = world.host(goal.host.name.split(".")[0].upper())
    account = host.run_as or world.account
    spn = f"cifs/{goal.library.unc_name}"
    return (
        bool(oracle.can_delegate(lab, host.name, account, spn))
        and bool(oracle.can_open_delegated(lab, host.name, account, explanation.unc))
        and bool(oracle.can_open(lab, f"{host.name}$", explanation.unc))
    )


def mend_and_try(lab: Lab, world: World, *, at_most: int) -> None:
    apply(lab, world)
    broken = explanations(decode(*collected(lab, world)))
    step = max(1, len(broken) // at_most)
    for explanation in broken[::step][:at_most]:
        assert not explanation.needed.obstacles, explanation.in_words()
        after = world_after(world, explanation.needed.changes)
        apply(lab, after)
        assert really_opens(lab, after, explanation), explanation.in_words()


@pytest.mark.parametrize("variant", BROKEN, ids=lambda variant: variant.name)
def test_what_it_says_would_help_helps(lab: Lab, variant: Variant):
    mend_and_try(lab, variant.world, at_most=2)


@pytest.mark.parametrize("seed", range(12))
def test_in_random_worlds_too(lab: Lab, seed: int):
    mend_and_try(lab, random_world(seed), at_most=3)
