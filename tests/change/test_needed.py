"""What is proposed works in a world where it was really done, and nothing of it is too much."""

from __future__ import annotations

import pytest

from tests import worlds
from tests.change.after import world_after
from tests.random_worlds import random_world
from tests.simulate import simulate
from tests.variants import VARIANTS, Variant
from tests.worlds import FULL, READ_EXECUTE, Ace, Descriptor, World
from vmmaudit.assessment import Ternary
from vmmaudit.change.changes import (
    AddMember,
    Change,
    GrantOnFile,
    GrantOnShare,
    RemoveFromFile,
    Restart,
)
from vmmaudit.change.goal import Goal, links, ready
from vmmaudit.change.needed import Needed, needed
from vmmaudit.change.whatif import changed
from vmmaudit.facts import Facts, Tree, decode
from vmmaudit.judge import assess
from vmmaudit.readiness import Chain


def facts_of(world: World) -> Facts:
    return decode(*simulate(world))


def all_goals(facts: Facts) -> list[Goal]:
    return [
        Goal(host, library, item.path, whole_group=True)
        for host in facts.scope.hyper_v_hosts
        for library in facts.scope.libraries
        if isinstance(tree := facts.servers.tree(library), Tree)
        for item in tree.items
        if item.is_iso
    ]


def states(facts: Facts, goals: list[Goal]) -> list[list[tuple[str, Ternary]]]:
    chain = Chain(facts)
    return [[(name, link.state) for name, link in links(chain, goal).items()] for goal in goals]


def check(world: World) -> Needed:
    """The what-if is what simulating the changed world says, and every goal is reached."""
    facts = facts_of(world)
    goals = all_goals(facts)
    found = needed(facts, goals)
    after = facts_of(world_after(world, found.changes))
    assert states(changed(facts, found.changes), goals) == states(after, goals)
    if not found.obstacles:
        chain = Chain(after)
        assert all(ready(chain, goal) is not Ternary.NO for goal in goals)
    return found


def test_nothing_is_needed_where_all_is_well():
    assert check(worlds.conforming()) == Needed((), ())


def test_no_change_changes_nothing():
    facts = facts_of(worlds.conforming())
    assert assess(changed(facts, ())) == assess(facts)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_every_broken_variant_can_be_mended(variant: Variant):
    found = check(variant.world)
    assert not found.obstacles
    assert bool(found.changes) is bool(variant.broken)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_no_change_is_superfluous(variant: Variant):
    facts = facts_of(variant.world)
    goals = all_goals(facts)
    found = needed(facts, goals).changes
    for left_out in found:
        if not isinstance(left_out, Restart):
            fewer = Chain(changed(facts, [c for c in found if c is not left_out]))
            assert any(ready(fewer, goal) is Ternary.NO for goal in goals), left_out


@pytest.mark.parametrize("seed", range(60))
def test_random_worlds(seed: int):
    check(random_world(seed))


def changes_for(world: World) -> tuple[Change, ...]:
    return check(world).changes


def test_a_host_joins_the_group_of_the_other_hosts():
    world = worlds.conforming().with_group("GG_HyperV_Hosts", members=worlds.HOSTS[:6])
    join, restart = changes_for(world)
    assert isinstance(join, AddMember)
    assert join.group.shown == r"CONTOSO\GG_HyperV_Hosts"
    assert restart == Restart("hyper07.contoso.com")


def test_the_account_joins_the_group_that_the_vmm_server_is_in():
    world = worlds.conforming().with_group("GG_VMM_Accounts", members=("run.as", "VMM01"))
    (join,) = changes_for(world)
    assert isinstance(join, AddMember)
    assert join.group.shown == r"CONTOSO\GG_VMM_Accounts"


def test_no_group_that_may_write_is_proposed():
    share = Descriptor((Ace("SYSTEM", FULL), Ace("DL_VMMLib_R", FULL)))
    world = worlds.conforming().with_group("GG_HyperV_Hosts", members=worlds.HOSTS[:6])
    for library in worlds.LIBRARIES:
        found = world.library(library).shares[0]
        aces = tuple(
            Ace(a.trustee, FULL if a.trustee == "DL_VMMLib_R" else a.mask, a.kind, a.flags)
            for a in found.root.aces or ()
        )
        world = world.with_share(library, worlds.SHARE, descriptor=share)
        world = world.with_share(library, worlds.SHARE, root=Descriptor(aces, protected=True))
        for item in found.items:
            entries = tuple(
                Ace(a.trustee, FULL if a.trustee == "DL_VMMLib_R" else a.mask, a.kind, a.flags)
                for a in item.descriptor.aces or ()
            )
            world = world.with_item(
                library, worlds.SHARE, item.path, descriptor=Descriptor(entries)
            )
    found = changes_for(world)
    assert not any(isinstance(change, AddMember) for change in found)
    trustees = {c.trustee.shown for c in found if isinstance(c, (GrantOnShare, GrantOnFile))}
    assert trustees == {r"CONTOSO\HYPER07$"}


def test_a_right_is_given_where_it_is_handed_down():
    """Nobody but the administrators reads: one entry on the root, not one on each file."""
    world = worlds.conforming()
    library = world.library("LIBRARY01")
    bare = tuple(a for a in library.shares[0].root.aces or () if a.trustee != "DL_VMMLib_R")
    world = world.with_share("LIBRARY01", worlds.SHARE, root=Descriptor(bare, protected=True))
    for item in library.shares[0].items:
        aces = tuple(a for a in item.descriptor.aces or () if a.trustee != "DL_VMMLib_R")
        world = world.with_item("LIBRARY01", worlds.SHARE, item.path, descriptor=Descriptor(aces))
    (grant,) = changes_for(world)
    assert isinstance(grant, GrantOnFile)
    assert (grant.path, grant.is_folder) == ("", True)
    assert grant.trustee.shown == r"CONTOSO\DL_VMMLib_R"


def test_an_inherited_denial_is_removed_where_it_is_set():
    world = worlds.conforming()
    library = world.library("LIBRARY01")
    deny = Ace("HYPER01", READ_EXECUTE, worlds.DENY, worlds.BOTH)
    root = library.shares[0].root
    world = world.with_share(
        "LIBRARY01", worlds.SHARE, root=Descriptor((deny, *(root.aces or ())), protected=True)
    )
    for item in library.shares[0].items:
        flags = worlds.INHERITED | (worlds.BOTH if item.size is None else 0)
        aces = (Ace("HYPER01", READ_EXECUTE, worlds.DENY, flags), *(item.descriptor.aces or ()))
        world = world.with_item("LIBRARY01", worlds.SHARE, item.path, descriptor=Descriptor(aces))
    (remove,) = changes_for(world)
    assert isinstance(remove, RemoveFromFile)
    assert remove.path == ""
