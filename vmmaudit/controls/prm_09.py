"""PRM-09: no deny entry keeps a host or an account from reading."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from vmmaudit.assessment import Remark, Ternary, Value, Verdict
from vmmaudit.controls import mapping
from vmmaudit.controls.control import (
    Case,
    Control,
    Origin,
    Outcome,
    Severity,
    World,
    both,
    by_link,
    given,
    not_assessable,
)
from vmmaudit.controls.prm_01 import accounts, hosts
from vmmaudit.facts import Missing, Principal, TokenFact
from vmmaudit.readiness.access import NAMED
from vmmaudit.scope import Library
from vmmaudit.windows.access import READ, Token, check, map_generic, matches
from vmmaudit.windows.descriptor import Ace, SecurityDescriptor


def _cases(world: World) -> Iterator[Case]:
    for who in (hosts, accounts):
        for subject, principal, library in who(world):
            token = (
                principal
                if isinstance(principal, Missing)
                else world.chain.access.token(principal, library)
            )
            yield given(
                subject,
                both(principal, token),
                partial(_check, world, library),
            )


def _check(world: World, library: Library, known: tuple[Principal, TokenFact]) -> Outcome:
    """FAIL only where the deny is what refuses: without it the result would be yes."""
    principal, token = known
    access, servers = world.chain.access, world.facts.servers
    values: dict[str, Value] = {"principal": principal.shown, "share": library.share}
    share, ntfs = access.share(principal, library), access.ntfs(principal, library)
    relevant = access.relevant(token.token, library)
    idle: set[str] = set()
    undecided = False
    descriptor = servers.share_descriptor(library)
    if isinstance(descriptor, SecurityDescriptor):
        denies, rest = _split(descriptor, relevant)
        if denies and share.state is Ternary.NO:
            allowed = check(rest, relevant, READ).granted
            if allowed:
                values["denied"] = _names(world, denies)
                return Outcome(Verdict.FAIL, "SHARE", values, share.evidence)
            undecided |= allowed is None
        idle.update(ace.sid or "" for ace in denies)
    refused: list[str] = []
    by: list[Ace] = []
    for found in access.groups(principal, library):
        of_file = found.group.descriptor
        if isinstance(of_file, Missing):
            continue
        denies, rest = _split(of_file, relevant)
        if not denies:
            continue
        parent = found.group.parent
        allowed = access.read(rest, parent, relevant, library).granted
        if found.state is Ternary.NO and allowed:
            refused += [item.path for item in found.group.items]
            by += denies
        else:
            undecided |= found.state is Ternary.NO and allowed is None
            idle.update(ace.sid or "" for ace in denies)
    if refused:
        values["denied"] = _names(world, by)
        values["files"] = tuple(sorted(refused, key=str.lower)[:NAMED])
        values["count"] = len(refused)
        return Outcome(Verdict.FAIL, "NTFS", values, ntfs.evidence)
    unclear = share if share.state is Ternary.UNKNOWN else access.unclear(principal, library)
    if unclear:
        return by_link(unclear)
    if undecided:
        return (
            not_assessable(token.doubt)
            if token.doubt
            else Outcome(Verdict.NOT_ASSESSABLE, "UNDECIDABLE", values, share.evidence)
        )
    names = tuple(world.facts.name_of(found) for found in sorted(idle))
    remarks = (Remark("WITHOUT_EFFECT", {**values, "denied": names}),) if names else ()
    return Outcome(Verdict.PASS, "", values, (*share.evidence, *ntfs.evidence), remarks)


def _split(descriptor: SecurityDescriptor, token: Token) -> tuple[list[Ace], SecurityDescriptor]:
    """The deny entries that speak of this token and of reading, and the descriptor without them."""
    is_owner = descriptor.owner in token.sids
    denies = [
        ace
        for ace in descriptor.aces
        if ace.denies
        and map_generic(ace.mask) & READ
        and matches(ace, token.sids, is_owner=is_owner)
    ]
    if not denies:
        return denies, descriptor
    kept = tuple(ace for ace in descriptor.aces if ace not in denies)
    return denies, replace(descriptor, aces=kept, digest=f"{descriptor.digest} without denies")


def _names(world: World, aces: list[Ace]) -> tuple[str, ...]:
    found = (world.facts.name_of(ace.sid or "") for ace in aces)
    return tuple(dict.fromkeys(found))


PRM_09 = Control(
    id="PRM-09",
    version=1,
    severity=Severity.CRITICAL,
    origin=Origin.SEED,
    references=("MS-DTYP 2.5.3.2",),
    mapping=mapping.PERMISSIONS,
    cases=_cases,
)
