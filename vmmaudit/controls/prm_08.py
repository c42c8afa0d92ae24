"""PRM-08: no principal as wide as Everyone has more than it needs, share and NTFS together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from vmmaudit.assessment import Remark, Ternary, Value, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import (
    Case,
    Control,
    Origin,
    Outcome,
    Severity,
    World,
    both,
    given,
    not_assessable,
    unseen,
)
from vmmaudit.controls.prm_01 import broad
from vmmaudit.controls.prm_07 import WRITING, effective
from vmmaudit.facts import LocalGroups, Missing, Tree
from vmmaudit.facts.token import could_be_local
from vmmaudit.readiness.access import NAMED
from vmmaudit.scope import Library, TokenProfile
from vmmaudit.windows import sid
from vmmaudit.windows.access import FileRight, Token
from vmmaudit.windows.descriptor import Dacl, SecurityDescriptor

_OPEN = (Dacl.NULL, Dacl.ABSENT)
_READING = (FileRight.READ_DATA,)


@dataclass(frozen=True, slots=True)
class _Crowd:
    """A principal that nearly everybody is, and what its members' tokens hold for that reason."""

    sid: str
    token: Token


def _cases(world: World) -> Iterator[Case]:
    servers = world.facts.servers
    for library in world.facts.scope.libraries:
        known = both(servers.share_descriptor(library), servers.tree(library))
        yield given(subjects.share(library), known, partial(_check, world, library))


def _check(world: World, library: Library, known: tuple[SecurityDescriptor, Tree]) -> Outcome:
    share, tree = known
    found = world.facts.servers.descriptors(library)
    items = [item for item, _ in found if isinstance(item, SecurityDescriptor)]
    values: dict[str, Value] = {"share": library.share}
    about = world.facts.servers.share(library).evidence
    evidence = (*((about,) if isinstance(about, str) else about), tree.evidence)
    bare = [
        path or "\\"
        for item, paths in found
        if isinstance(item, SecurityDescriptor) and item.dacl in _OPEN
        for path in paths
    ]
    if bare:
        values |= {"paths": tuple(bare[:NAMED]), "count": len(bare)}
        return Outcome(Verdict.FAIL, "NO_DACL", values, evidence)
    if share.dacl in _OPEN:
        return Outcome(Verdict.FAIL, "NO_DACL_SHARE", values, evidence)
    crowds, doubt = _crowds(world, library)
    writing, may_write = _who(world, share, items, crowds, WRITING)
    if writing:
        values |= _named(world, items, writing, WRITING)
        return Outcome(Verdict.FAIL, "MORE_THAN_READ", values, evidence)
    by_share, _ = _who(world, share, [share], crowds, WRITING)
    remarks: tuple[Remark, ...] = ()
    if by_share:
        principals = tuple(world.facts.name_of(crowd.sid) for crowd in by_share)
        remarks = (Remark("SHARE_ALONE", {**values, "principals": principals}),)
    reading, may_read = _who(world, share, items, crowds, _READING)
    if reading:
        values |= _named(world, items, reading, _READING)
        remarks += unseen(world, library)
        return Outcome(Verdict.WARN, "READ", values, evidence, remarks)
    if missing := world.facts.servers.unseen(library):
        return not_assessable(missing)
    if may_write or may_read:
        if doubt:
            return not_assessable(doubt)
        return Outcome(Verdict.NOT_ASSESSABLE, "UNDECIDABLE", values, evidence)
    return Outcome(Verdict.PASS, "", values, evidence, remarks)


def _crowds(world: World, library: Library) -> tuple[list[_Crowd], Missing | None]:
    """The wide principals as the library server sees them; why its own groups are unknown."""
    servers = world.facts.servers
    local = servers.local_groups(world.facts.server(library))
    doubt = local.missing if isinstance(local, LocalGroups) else local
    groups, own = (local.groups, local.domain_sid) if isinstance(local, LocalGroups) else ((), None)
    unsure: set[str] = set()
    if doubt:
        unsure |= could_be_local(world.facts.directory, servers, library, own)
        unsure -= {group.sid for group in groups}
    logged_on = {sid.EVERYONE, sid.NETWORK, sid.AUTHENTICATED_USERS, sid.THIS_ORGANIZATION}
    if library.token_profile is TokenProfile.WINDOWS_MEMBER:
        # BUILTIN\Users holds Authenticated Users on every Windows machine.
        logged_on.add(sid.USERS)
    crowds = []
    for wide in broad(world, library):
        # On Windows Everyone leaves anonymous logons out unless the server is told otherwise.
        held = {wide, sid.NETWORK}
        held |= logged_on if wide not in (sid.EVERYONE, sid.ANONYMOUS) else set()
        held |= {group.sid for group in groups if group.members & held}
        crowds.append(_Crowd(wide, Token(frozenset(held), frozenset(unsure - held))))
    return crowds, doubt if unsure else None


def _who(
    world: World,
    share: SecurityDescriptor,
    items: Sequence[SecurityDescriptor],
    crowds: Sequence[_Crowd],
    rights: Sequence[FileRight],
) -> tuple[list[_Crowd], bool]:
    """Who has any of the rights anywhere, the widest alone; whether somebody else may."""
    access = world.chain.access
    having: list[_Crowd] = []
    perhaps = False
    for crowd in crowds:
        state = Ternary.any(
            [
                effective(access, share, item, crowd.token, right)
                for item in items
                for right in rights
            ]
        )
        perhaps |= state is Ternary.UNKNOWN
        if state is Ternary.YES and not any(wider.sid in crowd.token.sids for wider in having):
            having.append(crowd)
    return having, perhaps


def _named(
    world: World,
    items: Sequence[SecurityDescriptor],
    crowds: Sequence[_Crowd],
    rights: Sequence[FileRight],
) -> dict[str, Value]:
    """The principals, and the NTFS entries that an administrator has to look for."""
    name_of, access = world.facts.name_of, world.chain.access
    entries = {
        item.aces[index].sid or ""
        for crowd in crowds
        for item in items
        for right in rights
        for index in access.check(item, crowd.token, right).entries
        if item.aces[index].allows
    }
    return {
        "principals": tuple(name_of(crowd.sid) for crowd in crowds),
        "entries": tuple(map(name_of, sorted(entries))),
    }


PRM_08 = Control(
    id="PRM-08",
    version=1,
    severity=Severity.HIGH,
    origin=Origin.SECURITY,
    references=("MS-DTYP 2.5.3.2",),
    mapping=mapping.EVERYBODY,
    cases=_cases,
)
