"""PRM-08: no principal as wide as Everyone has more than it needs, share and NTFS together."""

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
from vmmaudit.facts import Missing, Principal
from vmmaudit.facts.servers import Tree
from vmmaudit.scope import Library
from vmmaudit.windows import sid
from vmmaudit.windows.access import FileRight, Token
from vmmaudit.windows.descriptor import Dacl, SecurityDescriptor

_WELL_KNOWN: Final = (sid.EVERYONE, sid.ANONYMOUS, sid.AUTHENTICATED_USERS, sid.USERS)
_DOMAIN: Final = (sid.DOMAIN_USERS_RID, sid.DOMAIN_COMPUTERS_RID)
_MORE: Final = (
    FileRight.WRITE_DATA | FileRight.APPEND_DATA,
    FileRight.DELETE,
    FileRight.WRITE_DAC,
    FileRight.WRITE_OWNER,
)


def _cases(world: World) -> Iterator[Case]:
    servers = world.facts.servers
    for library in world.facts.scope.libraries:
        known = both(servers.share_descriptor(library), servers.tree(library))
        yield given(
            subjects.share(library),
            known,
            partial(_check, world, library),
        )


def _check(world: World, library: Library, known: tuple[SecurityDescriptor, Tree]) -> Outcome:
    share, tree = known
    servers = world.facts.servers
    found = [descriptor for descriptor, _ in servers.descriptors(library)]
    read = [item for item in found if isinstance(item, SecurityDescriptor)]
    unread = next((item for item in found if isinstance(item, Missing)), None)
    values: dict[str, Value] = {"share": library.share}
    evidence = (tree.evidence,)
    open_dacl = [item for item in (share, *read) if item.dacl in (Dacl.NULL, Dacl.ABSENT)]
    if open_dacl:
        return Outcome(Verdict.FAIL, "NO_DACL", {**values, "count": len(open_dacl)}, evidence)
    reading: list[str] = []
    writing: list[str] = []
    for broad in _broad(world, library):
        token = Token(frozenset({broad}))
        name = world.facts.directory.name_of(broad)
        if any(_granted(world, share, item, token, bits) for item in read for bits in _MORE):
            writing.append(name)
        elif any(_granted(world, share, item, token, FileRight.READ_DATA) for item in read):
            reading.append(name)
    if writing:
        return Outcome(
            Verdict.FAIL, "MORE_THAN_READ", {**values, "principals": tuple(writing)}, evidence
        )
    if reading:
        return Outcome(Verdict.WARN, "READ", {**values, "principals": tuple(reading)}, evidence)
    if unread:
        return Outcome(
            Verdict.NOT_ASSESSABLE, unread.reason.value, {"problem": unread.text}, unread.evidence
        )
    return Outcome(Verdict.PASS, "", values, evidence)


def _broad(world: World, library: Library) -> list[str]:
    found = list(_WELL_KNOWN)
    server = world.facts.library(library)
    if isinstance(server, Principal):
        found += [f"{sid.domain_of(server.sid)}-{rid}" for rid in _DOMAIN]
    return found


def _granted(
    world: World, share: SecurityDescriptor, item: SecurityDescriptor, token: Token, bits: int
) -> bool:
    access = world.chain.access
    return bool(
        access.check(share, token, bits).granted and access.check(item, token, bits).granted
    )


PRM_08 = Control(
    id="PRM-08",
    version=1,
    severity=Severity.HIGH,
    origin=Origin.SECURITY,
    references=("BSI IT-Grundschutz-Kompendium Edition 2023, APP.2.2.A16", "MS-DTYP 2.5.3.2"),
    cases=_cases,
)
