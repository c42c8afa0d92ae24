"""LIB-05: SYSTEM and Administrators keep Full Control of the library."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from vmmaudit import questions
from vmmaudit.assessment import Value, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import (
    Case,
    Control,
    Origin,
    Outcome,
    Severity,
    World,
    not_assessable,
)
from vmmaudit.facts import Missing
from vmmaudit.scope import Library
from vmmaudit.windows import sid
from vmmaudit.windows.access import FULL, Token
from vmmaudit.windows.descriptor import SecurityDescriptor

_EVERYBODY: Final = frozenset({sid.EVERYONE, sid.AUTHENTICATED_USERS})
_ADMINISTRATORS: Final = Token(_EVERYBODY | {sid.ADMINISTRATORS})
_SYSTEM: Final = Token(_EVERYBODY | {sid.ADMINISTRATORS, sid.SYSTEM})
"""The token of Local System holds Administrators."""


def _cases(world: World) -> Iterator[Case]:
    for library in world.facts.scope.libraries:
        yield Case(subjects.share(library), partial(_check, world, library))


def _check(world: World, library: Library) -> Outcome:
    """What one layer lacks is certain even where the other could not be read."""
    servers = world.facts.servers
    server, share = world.facts.server(library), library.share_name
    values: dict[str, Value] = {"share": library.share}
    asked = {
        "SYSTEM_SHARE": questions.share(server, share).id,
        "SYSTEM_NTFS": questions.descriptor(server, share, "").id,
    }
    layers = {
        "SYSTEM_SHARE": servers.share_descriptor(library),
        "SYSTEM_NTFS": servers.item_descriptor(library, ""),
    }
    known = {code: d for code, d in layers.items() if isinstance(d, SecurityDescriptor)}
    evidence = tuple(asked[code] for code in known)
    system = {code: _full(world, descriptor, _SYSTEM) for code, descriptor in known.items()}
    for code, granted in system.items():
        if granted is False:
            return Outcome(Verdict.FAIL, code, values, evidence)
    others = [_full(world, descriptor, _ADMINISTRATORS) for descriptor in known.values()]
    if False in others:
        return Outcome(Verdict.WARN, "ADMINISTRATORS", values, evidence)
    for descriptor in layers.values():
        if isinstance(descriptor, Missing):
            return not_assessable(descriptor)
    if None in others or None in system.values():
        return Outcome(Verdict.NOT_ASSESSABLE, "UNDECIDABLE", values, evidence)
    return Outcome(Verdict.PASS, "", values, evidence)


def _full(world: World, descriptor: SecurityDescriptor, token: Token) -> bool | None:
    return world.chain.access.check(descriptor, token, FULL).granted


LIB_05 = Control(
    id="LIB-05",
    version=1,
    severity=Severity.HIGH,
    origin=Origin.VENDOR,
    references=("Microsoft Learn: VMM, Add a library server or library share",),
    mapping=mapping.PERMISSIONS,
    cases=_cases,
)
