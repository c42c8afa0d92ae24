"""The usual remedies of one broken link, the gentlest first; whether they help is tried.

Membership before entries, entries for a group before entries for an account (AGDLP),
never more than Read, never a built-in group, never a group that may write to the library.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from vmmaudit.change.changes import (
    AddDelegationTarget,
    AddMember,
    AllowToAct,
    Change,
    ClearControlBit,
    GrantOnFile,
    GrantOnShare,
    Named,
    RegisterSpn,
    RemoveExpiry,
    RemoveFromFile,
    RemoveFromShare,
    RemoveMember,
    RemoveSpn,
    SetControlBit,
)
from vmmaudit.change.goal import DELEGATABLE, DELEGATION, Goal, identities
from vmmaudit.facts import AccountFact, Facts, Missing, Principal
from vmmaudit.readiness import Chain, Link
from vmmaudit.readiness.access import Ruling
from vmmaudit.readiness.account import privileged
from vmmaudit.readiness.delegation import is_address
from vmmaudit.windows import sid as sids
from vmmaudit.windows.access import READ, READ_EXECUTE, Token, map_generic
from vmmaudit.windows.account_control import AccountControl, GroupType
from vmmaudit.windows.descriptor import Ace, AceFlag, SecurityDescriptor

Remedy = tuple[Change, ...]
FIRST_OWN_RID: Final = 1000
"""Accounts and groups below it came with the domain (MS-SAMR 3.1.1.3.2)."""
WRITE: Final = 0x000D_0156
"""Every right of a file but Read and Execute."""
_HANDED_ON: Final = AceFlag.OBJECT_INHERIT | AceFlag.CONTAINER_INHERIT


def remedies(chain: Chain, goal: Goal, name: str, link: Link) -> Iterator[Remedy]:
    """What could mend `link`, which is called `name` and is broken."""
    if name == DELEGATION:
        yield from _delegation(chain, goal, link.code)
    elif name == DELEGATABLE:
        yield from _delegatable(chain, goal, link.code)
    else:
        prefix, _, layer = name.partition("_")
        who = identities(chain, goal.host)[prefix]
        if isinstance(who, Principal):
            yield from _access(chain, goal, who, on_share=layer == "share")


def named(principal: Principal) -> Named:
    """A principal as a change names it."""
    return Named(principal.sid, principal.shown, principal.dn, principal.domain)


def _delegation(chain: Chain, goal: Goal, code: str) -> Iterator[Remedy]:
    host, server = chain.facts.host(goal.host), chain.facts.library(goal.library)
    if isinstance(host, Missing) or isinstance(server, Missing):
        return
    spn = f"cifs/{goal.library.unc_name}"
    match code:
        case "HOST_DISABLED":
            yield (ClearControlBit(named(host), AccountControl.ACCOUNT_DISABLE),)
        case "LIST_EMPTY" | "NOT_LISTED":
            yield (AddDelegationTarget(named(host), spn),)
        case "KERBEROS_ONLY":
            yield (SetControlBit(named(host), AccountControl.TRUSTED_TO_AUTH_FOR_DELEGATION),)
        case "OTHER_DOMAIN":
            yield (AllowToAct(named(server), named(host)),)
        case "NO_SPN" | "OTHER_OWNER" | "DUPLICATE_SPN" | "OWNER_DISABLED":
            if not is_address(goal.library.unc_name):
                yield from _spn(chain, goal, server, spn)


def _spn(chain: Chain, goal: Goal, server: Principal, spn: str) -> Iterator[Remedy]:
    owners = chain.facts.directory.owners(goal.library.unc_name)
    if isinstance(owners, Missing):
        return
    name = goal.library.unc_name.lower()
    steps: list[Change] = []
    for owner in owners:
        if owner.sid == server.sid:
            if not owner.enabled:
                yield (ClearControlBit(named(owner), AccountControl.ACCOUNT_DISABLE),)
                return
            continue
        if name in (owner.dns_name, owner.name.lower().rstrip("$")):
            return  # it is that server's own name: the share must be known by another one
        steps += [
            RemoveSpn(named(owner), found)
            for found in owner.spns
            if found.lower() in (f"cifs/{name}", f"host/{name}")
        ]
    if all(owner.sid != server.sid for owner in owners):
        steps.append(RegisterSpn(named(server), spn))
    yield tuple(steps)


def _delegatable(chain: Chain, goal: Goal, code: str) -> Iterator[Remedy]:
    found = chain.facts.account(goal.host)
    if not isinstance(found, AccountFact):
        return
    account = found.principal
    if code in ("SENSITIVE", "PROTECTED_USER") and privileged(chain.facts, account):
        return  # an administrator is to be replaced by a service account, not made delegatable
    match code:
        case "DISABLED":
            yield (ClearControlBit(named(account), AccountControl.ACCOUNT_DISABLE),)
        case "EXPIRED":
            yield (RemoveExpiry(named(account)),)
        case "SENSITIVE":
            yield (ClearControlBit(named(account), AccountControl.NOT_DELEGATED),)
        case "PROTECTED_USER":
            protected = f"{sids.domain_of(account.sid)}-{sids.PROTECTED_USERS_RID}"
            yield from _leave(chain, account, protected)


def _leave(chain: Chain, member: Principal, group: str) -> Iterator[Remedy]:
    """Out of a group: of the group itself, or of the one through which it is reached."""
    directory = chain.facts.directory
    path = directory.groups_above(member.dn).get(group)
    whole = directory.principal(group)
    if path is None or whole is None:
        return
    through = directory.principal(path[-2]) if len(path) > 1 else member
    if through is not None:
        yield (RemoveMember(named(whole), named(through)),)


def _access(chain: Chain, goal: Goal, who: Principal, *, on_share: bool) -> Iterator[Remedy]:
    access, library = chain.access, goal.library
    ruling = (
        access.share_ruling(who, library)
        if on_share
        else access.file_ruling(who, library, goal.path)
    )
    if isinstance(ruling, Missing):
        return
    if ruling.entries:
        yield from _denied(chain, goal, who, ruling.entries[0], on_share=on_share)
        return
    for group in _groups_that_read(chain, goal, who, ruling):
        yield (AddMember(named(group), named(who)),)
    for trustee in _trustees(chain, goal, who):
        if on_share:
            yield (GrantOnShare(library.share, named(trustee), READ_EXECUTE),)
        else:
            yield _grant_on_file(chain, goal, trustee)


def _denied(
    chain: Chain, goal: Goal, who: Principal, entry: Ace, *, on_share: bool
) -> Iterator[Remedy]:
    """The refusing entry goes, unless leaving the refused group is enough."""
    sid = entry.sid or ""
    trustee = chain.facts.name_of(sid)
    share = goal.library.share
    removal: Change
    if on_share:
        removal = RemoveFromShare(share, entry, trustee)
    else:
        place, own = _origin(chain, goal, entry)
        removal = RemoveFromFile(share, place, own, trustee)
    leaving = list(_leave(chain, who, sid)) if is_own_group(chain.facts, sid) else []
    if any(sid in chain.facts.directory.groups_above(p.dn) for p in _peers(chain, who)):
        yield (removal,)
        yield from leaving
    else:
        yield from leaving
        yield (removal,)


def _origin(chain: Chain, goal: Goal, entry: Ace) -> tuple[str, Ace]:
    """Where an inherited entry stands as its folder's own; else the file itself."""
    if entry.inherited:
        for folder in above(goal.path):
            found = chain.facts.servers.item_descriptor(goal.library, folder)
            if isinstance(found, Missing):
                break
            for own in found.aces:
                same = (own.type, own.mask, own.sid) == (entry.type, entry.mask, entry.sid)
                if same and not own.inherited and own.flags & _HANDED_ON:
                    return folder, own
            if found.protected:
                break
    return goal.path, entry


def above(path: str) -> Iterator[str]:
    """The folders that a path lies in, the nearest first; `""` is the share's root."""
    while path:
        path = path.rpartition("\\")[0]
        yield path


def _groups_that_read(chain: Chain, goal: Goal, who: Principal, ruling: Ruling) -> list[Principal]:
    """Groups made for reading here, those first that others of its kind are direct members of."""
    directory = chain.facts.directory
    reading = {sid for sid in readers(ruling.descriptor) if is_own_group(chain.facts, sid)}
    peers = _peers(chain, who)
    direct: dict[str, int] = {}
    for peer in peers:
        for sid, path in directory.groups_above(peer.dn).items():
            direct[sid] = direct.get(sid, 0) + (len(path) == 1)
    ranked: list[tuple[int, bool, str, Principal]] = []
    for sid in {*direct, *reading}:
        group = directory.principal(sid)
        if group is None or not is_own_group(chain.facts, sid):
            continue
        held = {sid, *directory.groups_above(group.dn)}
        if not held & reading or _may_write(chain, goal, held) or not _takes(group, who):
            continue
        ranked.append((-direct.get(sid, 0), not group.group_type & GroupType.GLOBAL, sid, group))
    return [group for *_, group in sorted(ranked, key=lambda entry: entry[:3])]


def readers(descriptor: SecurityDescriptor) -> Iterator[str]:
    """Whom entries give Read that apply here without a condition."""
    for ace in descriptor.aces:
        plain = ace.allows and not ace.conditional and not ace.inherit_only
        if plain and ace.sid and map_generic(ace.mask) & READ == READ:
            yield ace.sid


def is_own_group(facts: Facts, sid: str) -> bool:
    """Whether it is a group of a domain that did not come with the domain."""
    if not sids.is_domain_account(sid) or sids.rid_of(sid) < FIRST_OWN_RID:
        return False
    principal = facts.directory.principal(sid)
    return principal is not None and "group" in principal.classes


def _takes(group: Principal, who: Principal) -> bool:
    """A global group takes members of its own domain alone."""
    return group.domain == who.domain or not group.group_type & GroupType.GLOBAL


def _may_write(chain: Chain, goal: Goal, held: set[str]) -> bool:
    """Whether these SIDs alone may do more than read, at the share and at the file."""
    servers = chain.facts.servers
    token = Token(frozenset(held))
    layers = (
        servers.share_descriptor(goal.library),
        servers.item_descriptor(goal.library, goal.path),
    )
    return all(isinstance(layer, SecurityDescriptor) and _writes(layer, token) for layer in layers)


def _writes(descriptor: SecurityDescriptor, token: Token) -> bool:
    return any(
        map_generic(ace.mask) & WRITE
        for ace in descriptor.aces
        if ace.allows and not ace.inherit_only and ace.sid in token.sids
    )


def _peers(chain: Chain, who: Principal) -> list[Principal]:
    """The other hosts for a host; for an account other accounts and the VMM servers."""
    facts = chain.facts
    if who.is_computer:
        found = [facts.host(host) for host in facts.scope.hyper_v_hosts]
    else:
        accounts = (found for _, found in facts.accounts())
        found = [one.principal if isinstance(one, AccountFact) else one for one in accounts]
        found += [facts.directory.computer(vmm.server) for vmm in facts.scope.vmm]
    return [p for p in found if isinstance(p, Principal) and p.sid != who.sid]


def _trustees(chain: Chain, goal: Goal, who: Principal) -> Iterator[Principal]:
    """A group of `who` that reads elsewhere in this library, else the account itself."""
    facts = chain.facts
    groups = facts.directory.groups(who)
    share = facts.servers.share_descriptor(goal.library)
    found = [d for d, _ in facts.servers.descriptors(goal.library)]
    known = [d for d in (share, *found) if isinstance(d, SecurityDescriptor)]
    if not isinstance(groups, Missing):
        reading = {sid for d in known for sid in readers(d) if sid in groups.all}
        for sid in sorted(reading):
            group = facts.directory.principal(sid)
            if group is not None and is_own_group(chain.facts, sid):
                yield group
    yield who


def _grant_on_file(chain: Chain, goal: Goal, trustee: Principal) -> Remedy:
    """On the highest folder that does not hand the right down; else on the file alone."""
    servers, place = chain.facts.servers, goal.path
    own = servers.item_descriptor(goal.library, place)
    for folder in above(goal.path):
        if isinstance(own, Missing) or own.protected:
            break
        own = servers.item_descriptor(goal.library, folder)
        if isinstance(own, Missing) or _hands_down(own, trustee.sid):
            break
        place = folder
    share = goal.library.share
    if place != goal.path:
        return (GrantOnFile(share, place, True, named(trustee), READ),)
    # Files with the same descriptor were moved or made alike; one after the other would do too.
    return tuple(
        GrantOnFile(share, path, False, named(trustee), READ) for path in _alike(chain, goal)
    )


def _hands_down(folder: SecurityDescriptor, sid: str) -> bool:
    return any(
        ace.allows and ace.sid == sid and ace.flags & AceFlag.OBJECT_INHERIT for ace in folder.aces
    )


def _alike(chain: Chain, goal: Goal) -> tuple[str, ...]:
    if not goal.whole_group:
        return (goal.path,)
    for group in chain.facts.servers.file_groups(goal.library):
        paths = tuple(item.path for item in group.items)
        if goal.path in paths:
            return paths
    return (goal.path,)
