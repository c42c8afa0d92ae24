"""PRM-01 to PRM-06: host, VMM server and account may read, at the share layer and at NTFS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Final

from vmmaudit.assessment import Remark, Subject, Ternary, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import (
    Case,
    Control,
    Origin,
    Outcome,
    Severity,
    World,
    by_link,
    given,
)
from vmmaudit.facts import AccountFact, Missing, Principal
from vmmaudit.readiness import Link
from vmmaudit.scope import Library
from vmmaudit.windows import sid
from vmmaudit.windows.descriptor import SecurityDescriptor

_SHARED_ISOS: Final = "Microsoft Learn: VMM, Enable shared ISOs"
_PROCEDURE: Final = "Procedure for VMM 2008 R2 (2009), section NTFS & Share Permissions"
_NULL_DACL: Final = "NULL DACL"
_Layer = Callable[[World, Principal, Library], Link]


def _share(world: World, principal: Principal, library: Library) -> Link:
    return world.chain.access.share(principal, library)


def _ntfs(world: World, principal: Principal, library: Library) -> Link:
    """The link, and through which entries every image may be read."""
    access = world.chain.access
    link = access.ntfs(principal, library)
    if link.state is not Ternary.YES:
        return link
    through: list[str] = []
    for found in access.groups(principal, library):
        descriptor, decision = found.group.descriptor, found.decision
        if isinstance(descriptor, SecurityDescriptor) and decision:
            named = [descriptor.aces[index].sid or "" for index in decision.entries]
            through += map(world.facts.name_of, named) if named else [_NULL_DACL]
    return replace(link, values={**link.values, "through": tuple(dict.fromkeys(through))})


def broad(world: World, library: Library) -> tuple[str, ...]:
    """The SIDs that nearly everybody holds, the widest first."""
    found = [sid.EVERYONE, sid.ANONYMOUS, sid.AUTHENTICATED_USERS, sid.USERS]
    server = world.facts.library(library)
    if isinstance(server, Principal):
        domain = sid.domain_of(server.sid)
        found += [f"{domain}-{sid.DOMAIN_USERS_RID}", f"{domain}-{sid.DOMAIN_COMPUTERS_RID}"]
    return tuple(found)


def hosts(world: World) -> Iterator[tuple[Subject, Principal | Missing, Library]]:
    """Every Hyper-V host with every share."""
    return subjects.host_shares(world.facts)


def accounts(world: World) -> Iterator[tuple[Subject, Principal | Missing, Library]]:
    """Every account that VMM uses on a host with every share."""
    for label, found in world.facts.accounts():
        principal = found.principal if isinstance(found, AccountFact) else found
        for library in world.facts.scope.libraries:
            yield subjects.account_share(label, found, library), principal, library


def servers(world: World) -> Iterator[tuple[Subject, Principal | Missing, Library]]:
    """Every VMM server with every share."""
    for vmm in world.facts.scope.vmm:
        found = world.facts.directory.computer(vmm.server)
        for library in world.facts.scope.libraries:
            yield subjects.vmm_share(vmm.server, found, library), found, library


_Subjects = Callable[[World], Iterator[tuple[Subject, Principal | Missing, Library]]]


def _control(number: int, who: _Subjects, layer: _Layer, *, required: bool) -> Control:
    def check(world: World, library: Library, principal: Principal) -> Outcome:
        link = layer(world, principal, library)
        return _judged(world, library, link, required=required)

    def cases(world: World) -> Iterator[Case]:
        for subject, principal, library in who(world):
            yield given(subject, principal, partial(check, world, library))

    return Control(
        id=f"PRM-{number:02}",
        version=1,
        severity=Severity.CRITICAL if required else Severity.LOW,
        origin=Origin.SEED,
        references=(
            (_SHARED_ISOS, "KB 2689989", "MS-DTYP 2.5.3.2")
            if required
            else (_PROCEDURE, "MS-DTYP 2.5.3.2")
        ),
        mapping=mapping.PERMISSIONS,
        cases=cases,
    )


def _judged(world: World, library: Library, link: Link, *, required: bool) -> Outcome:
    """What is only recommended is never more than a warning."""
    if link.state is Ternary.YES:
        through = link.values.get("through") or (_NULL_DACL,)
        assert isinstance(through, tuple)  # noqa: S101 - readiness gives names
        link = replace(link, values={**link.values, "through": through})
        if _NULL_DACL in through:
            return by_link(link, Remark("NO_DACL", link.values))
        wide = {world.facts.name_of(found) for found in broad(world, library)}
        return by_link(link, *([Remark("BROAD", link.values)] if set(through) <= wide else []))
    outcome = by_link(link)
    if outcome.verdict is Verdict.FAIL and not required:
        return replace(outcome, verdict=Verdict.WARN)
    return outcome


PRM_01 = _control(1, hosts, _share, required=True)
PRM_02 = _control(2, servers, _share, required=False)
PRM_03 = _control(3, accounts, _share, required=True)
PRM_04 = _control(4, hosts, _ntfs, required=True)
PRM_05 = _control(5, servers, _ntfs, required=False)
PRM_06 = _control(6, accounts, _ntfs, required=True)
