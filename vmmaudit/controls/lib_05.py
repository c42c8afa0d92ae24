"""LIB-05: SYSTEM and Administrators keep Full Control of the library."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from vmmaudit.assessment import Value, Verdict
from vmmaudit.controls import subjects
from vmmaudit.controls.control import (
    Case,
    Control,
    Origin,
    Outcome,
    Severity,
    World,
    both,
    given,
)
from vmmaudit.scope import Library
from vmmaudit.windows import sid
from vmmaudit.windows.access import FULL, Token
from vmmaudit.windows.descriptor import SecurityDescriptor

_EVERYBODY: Final = frozenset({sid.EVERYONE, sid.AUTHENTICATED_USERS})
_ADMINISTRATORS: Final = Token(_EVERYBODY | {sid.ADMINISTRATORS})
_SYSTEM: Final = Token(_EVERYBODY | {sid.ADMINISTRATORS, sid.SYSTEM})
"""The token of Local System holds Administrators."""


def _cases(world: World) -> Iterator[Case]:
    servers = world.facts.servers
    for library in world.facts.scope.libraries:
        known = both(servers.share_descriptor(library), servers.item_descriptor(library, ""))
        yield given(
            subjects.share(library),
            known,
            partial(_check, world, library),
        )


def _check(
    world: World, library: Library, found: tuple[SecurityDescriptor, SecurityDescriptor]
) -> Outcome:
    share, root = found
    values: dict[str, Value] = {"share": library.share}
    evidence = tuple(
        entry.evidence
        for entry in (world.facts.servers.share(library), world.facts.servers.tree(library))
        if isinstance(entry.evidence, str)
    )
    for code, descriptor in (("SYSTEM_SHARE", share), ("SYSTEM_NTFS", root)):
        granted = world.chain.access.check(descriptor, _SYSTEM, FULL).granted
        if granted is None:
            return Outcome(Verdict.NOT_ASSESSABLE, "UNDECIDABLE", values, evidence)
        if not granted:
            return Outcome(Verdict.FAIL, code, values, evidence)
    if not all(
        world.chain.access.check(descriptor, _ADMINISTRATORS, FULL).granted
        for descriptor in (share, root)
    ):
        return Outcome(Verdict.WARN, "ADMINISTRATORS", values, evidence)
    return Outcome(Verdict.PASS, "", values, evidence)


LIB_05 = Control(
    id="LIB-05",
    version=1,
    severity=Severity.HIGH,
    origin=Origin.VENDOR,
    references=("Microsoft Learn: VMM, Add a library server or library share",),
    cases=_cases,
)
