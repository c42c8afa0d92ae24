"""Our verdict must equal what really happens: log on, delegate, open the file.

`VMMAUDIT_WORLDS=200` tries more worlds than a plain test run does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests import worlds
from tests.lab import oracle
from tests.lab.apply import apply
from tests.lab.lab import Lab
from tests.live.collecting import collected
from tests.random_worlds import random_world
from tests.worlds import World
from vmmaudit.assessment import Assessment, Readiness, Ternary
from vmmaudit.judge import judge

pytestmark = pytest.mark.live
WORLDS = int(os.environ.get("VMMAUDIT_WORLDS", "50"))


def disagreements(lab: Lab, world: World) -> Iterator[str]:
    """Every place where the assessment says something else than the server or the KDC."""
    evidence, scope = collected(lab, world)
    assessment = judge(evidence, scope)
    for entry in assessment.readiness:
        host = world.host(entry.host.split(".")[0].upper())
        account = host.run_as or world.account
        user = next(user for user in world.users if user.name == account)
        usable = user.enabled and user.expires is None
        yield from _reads(lab, assessment, entry, f"{host.name}$", account if usable else None)
        delegated = bool(oracle.can_delegate(lab, host.name, account, f"cifs/{entry.name}"))
        ours = Ternary.all([entry.links.delegation, entry.links.delegatable])
        if ours is not Ternary.of(delegated):
            yield f"{entry.host} delegates {account} to {entry.name}: {ours}, really {delegated}"
        files = _files(assessment, entry)
        if files and entry.ready is not Ternary.UNKNOWN:
            really = delegated and all(
                oracle.can_open_delegated(lab, host.name, account, unc)
                and oracle.can_open(lab, f"{host.name}$", unc)
                for unc in files
            )
            if entry.ready is not Ternary.of(really):
                yield f"{entry.host} {entry.share} ready: {entry.ready}, really {really}"


def _reads(
    lab: Lab, assessment: Assessment, entry: Readiness, host: str, account: str | None
) -> Iterator[str]:
    content = next(s for s in assessment.shares if s.share == entry.share)
    access = {found.descriptor: found for found in entry.access}
    for file in content.files:
        if file.descriptor is None:  # an empty DACL keeps the auditor out as well
            continue
        unc = rf"{entry.share}\{file.path}"
        found = access[file.descriptor]
        for who, ours in ((host, found.host_read), (account, found.account_read)):
            if who is None:
                continue
            outcome = oracle.can_open(lab, who, unc)
            if ours is not Ternary.of(bool(outcome)):
                yield f"{who} {unc}: {ours}, really {bool(outcome)} ({outcome.why})"


def _files(assessment: Assessment, entry: Readiness) -> list[str]:
    content = next(s for s in assessment.shares if s.share == entry.share)
    return [rf"{entry.share}\{file.path}" for file in content.files]


def test_the_conforming_world_is_ready_everywhere_and_really_is(lab: Lab):
    apply(lab, worlds.conforming())
    evidence, scope = collected(lab, worlds.conforming())
    assert {entry.ready for entry in judge(evidence, scope).readiness} == {Ternary.YES}
    assert list(disagreements(lab, worlds.conforming())) == []


@pytest.mark.parametrize("seed", range(WORLDS))
def test_random_worlds(lab: Lab, seed: int):
    world = random_world(seed)
    apply(lab, world)
    assert list(disagreements(lab, world)) == []
