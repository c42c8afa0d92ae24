"""Groups in the place of single accounts (AGDLP), where accounts stand in permissions themselves.

Account, global group, domain-local group, permission: proposed for every share whose entries,
as they are after a plan, let a host or an account of VMM read by itself. It stays a proposal
and is no step: a new group needs a name and a place that only its owners can give.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from vmmaudit import questions
from vmmaudit.change.changes import Named
from vmmaudit.change.remedies import WRITE, is_own_group, named, readers
from vmmaudit.facts import AccountFact, Facts, Missing, Principal
from vmmaudit.scope import Library
from vmmaudit.windows.access import map_generic
from vmmaudit.windows.account_control import GroupType
from vmmaudit.windows.descriptor import Ace, SecurityDescriptor

HOSTS: Final = "Hosts"
ACCOUNTS: Final = "Accounts"
SHARE: Final = "share"
"""Stands for a share's own list among the places, which are UNCs of folders and files."""
_UNFIT: Final = re.compile(r"[^\w-]+")
r"""sAMAccountName takes none of `"/\[]:;|=,+*?<>` (MS-SAMR 3.1.1.6); blanks are a nuisance."""


@dataclass(frozen=True, slots=True)
class Group:
    r"""A group that is there or is to be made; `shown` is `NETBIOS\name`."""

    name: str
    shown: str
    domain: str
    exists: bool


@dataclass(frozen=True, slots=True)
class Joining:
    """The global group for one kind of account, whose entries it replaces, and who is not in it."""

    group: Group
    accounts: tuple[Named, ...]
    missing: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    r"""Groups for one share.

    Attributes:
        share: its UNC; `server` is asked by its full name.
        joining: one global group for the hosts, one for accounts of VMM, as far as needed.
        local: the domain-local group that gets, or has, Read.
        places: where the entries of the accounts stand: `SHARE`, or the UNC of a folder or file.
    """

    share: str
    server: str
    joining: tuple[Joining, ...]
    local: Group
    places: tuple[str, ...]


def proposals(facts: Facts, libraries: Sequence[Library]) -> tuple[Proposal, ...]:
    """One for every share in whose entries accounts stand; `facts` are those after the plan."""
    found = (_proposal(facts, library) for library in libraries)
    return tuple(proposal for proposal in found if proposal)


def _proposal(facts: Facts, library: Library) -> Proposal | None:
    share = facts.servers.share_descriptor(library)
    server = facts.library(library)
    if isinstance(share, Missing) or isinstance(server, Missing):
        return None
    known = _accounts(facts)
    places = dict(_places(facts, library, share, frozenset(known)))
    direct = {sid for found in places.values() for sid in found}
    if not direct:
        return None
    local = _local(facts, library, share, server)
    joining = []
    for kind in (HOSTS, ACCOUNTS):
        kin = [principal for principal, role in known.values() if role == kind]
        for domain in dict.fromkeys(one.domain for one in kin if one.sid in direct):
            peers = [one for one in kin if one.domain == domain]
            accounts = [one for one in peers if one.sid in direct]
            joining.append(_joining(facts, library, local, peers, accounts, kind))
    return Proposal(
        library.share,
        questions.file_server(facts.scope, library),
        tuple(joining),
        local,
        tuple(places),
    )


def _accounts(facts: Facts) -> dict[str, tuple[Principal, str]]:
    """Who has to read in a library, by SID."""
    hosts = [facts.host(host) for host in facts.scope.hyper_v_hosts]
    found = [account for _, account in facts.accounts()]
    others = [one.principal if isinstance(one, AccountFact) else one for one in found]
    others += [facts.directory.computer(vmm.server) for vmm in facts.scope.vmm]
    roles = ((others, ACCOUNTS), (hosts, HOSTS))
    return {p.sid: (p, role) for who, role in roles for p in who if isinstance(p, Principal)}


def _places(
    facts: Facts, library: Library, share: SecurityDescriptor, accounts: frozenset[str]
) -> Iterator[tuple[str, frozenset[str]]]:
    """Where accounts have Read by an entry that is not inherited, and which of them."""
    if found := _named_in(share.aces, accounts):
        yield SHARE, found
    for descriptor, paths in facts.servers.descriptors(library):
        if isinstance(descriptor, Missing):
            continue
        own = [ace for ace in descriptor.aces if not ace.inherited]
        if found := _named_in(own, accounts):
            for path in paths:
                yield (rf"{library.share}\{path}" if path else library.share), found


def _named_in(aces: Sequence[Ace], accounts: frozenset[str]) -> frozenset[str]:
    """Accounts that entries let read, and do nothing that a reader does not need."""
    return frozenset(
        ace.sid
        for ace in aces
        if ace.allows and not ace.conditional and ace.sid in accounts and not _writes(ace)
    )


def _writes(ace: Ace) -> bool:
    return bool(map_generic(ace.mask) & WRITE)


def _local(facts: Facts, library: Library, share: SecurityDescriptor, server: Principal) -> Group:
    """The domain-local group that reads, and only reads, at share and root; else a new one."""
    root = facts.servers.item_descriptor(library, "")
    aces = () if isinstance(root, Missing) else (*share.aces, *root.aces)
    writing = {ace.sid for ace in aces if ace.allows and _writes(ace)}
    reading = set() if isinstance(root, Missing) else {*readers(share)} & {*readers(root)}
    for sid in sorted(reading - writing):
        group = facts.directory.principal(sid)
        if group and is_own_group(facts, sid) and group.group_type & GroupType.DOMAIN_LOCAL:
            return Group(group.name, group.shown, group.domain, True)
    return _new_group(facts, f"DL_{library.share_name}_R", server)


def _joining(
    facts: Facts,
    library: Library,
    local: Group,
    peers: Sequence[Principal],
    accounts: Sequence[Principal],
    kind: str,
) -> Joining:
    """The global group of `local` that others of the kind are in already; else a new one."""
    directory = facts.directory
    everybody = tuple(map(named, accounts))
    for group in directory.known():
        members = set(directory.direct_members(group.sid))
        above = map(directory.principal, directory.groups_above(group.dn))
        if (
            group.domain == peers[0].domain
            and group.group_type & GroupType.GLOBAL
            and any(peer.dn.lower() in members for peer in peers)
            and any(found and found.shown == local.shown for found in above)
        ):
            missing = tuple(one for one in everybody if one.dn.lower() not in members)
            found = Group(group.name, group.shown, group.domain, True)
            return Joining(found, everybody, missing)
    new = _new_group(facts, f"GG_{library.share_name}_{kind}", peers[0])
    return Joining(new, everybody, everybody)


def _new_group(facts: Facts, name: str, beside: Principal) -> Group:
    """A group in the domain of `beside`, under a name that nobody is known to have."""
    plain = _UNFIT.sub("_", name)
    taken = {who.name.lower() for who in facts.directory.known() if who.domain == beside.domain}
    free = next(n for n in _numbered(plain) if n.lower() not in taken)
    netbios, _, _ = beside.shown.partition("\\")
    return Group(free, rf"{netbios}\{free}", beside.domain, False)


def _numbered(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}_{number}"
        number += 1
