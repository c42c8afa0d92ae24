"""Facts as they would be after some changes: *what if*, without touching anything.

The evidence stays what it is; what is decoded from it is changed on the way. So every
control and every link judges the changed site with the code that judges the real one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from vmmaudit import questions
from vmmaudit.change.changes import (
    AddDelegationTarget,
    AddMember,
    AllowToAct,
    Change,
    ClearControlBit,
    GrantOnFile,
    GrantOnShare,
    RegisterSpn,
    RemoveExpiry,
    RemoveFromFile,
    RemoveFromShare,
    RemoveMember,
    RemoveSpn,
    Restart,
    SetControlBit,
)
from vmmaudit.change.entries import granted, handed_down, handed_down_without, without
from vmmaudit.facts import (
    Boot,
    Directory,
    Facts,
    FileGroup,
    Groups,
    Membership,
    Missing,
    Principal,
    Servers,
)
from vmmaudit.scope import Library
from vmmaudit.windows import replication
from vmmaudit.windows.account_control import GroupType
from vmmaudit.windows.descriptor import AceFlag, SecurityDescriptor

MAY_ACT = 0x000F_01FF
"""What Set-ADComputer -PrincipalsAllowedToDelegateToAccount writes into an entry."""
_WIDE = GroupType.GLOBAL | GroupType.UNIVERSAL
_ON_ACCOUNT = (
    AddDelegationTarget,
    SetControlBit,
    ClearControlBit,
    RemoveExpiry,
    AllowToAct,
    RegisterSpn,
    RemoveSpn,
)
C = TypeVar("C")


def changed(facts: Facts, changes: Sequence[Change]) -> Facts:
    """The facts after `changes`; the host tickets that they make stale are stale."""
    evidence, scope = facts.evidence, facts.scope
    directory = _Directory(facts, changes)
    return Facts(evidence, scope, directory, _Servers(facts, changes))


def _of(changes: Sequence[Change], kind: type[C]) -> Iterator[C]:
    return (change for change in changes if isinstance(change, kind))


def _edge(change: AddMember | RemoveMember) -> Membership:
    return Membership(change.member.dn, change.group.sid, change.group.dn)


class _Directory(Directory):
    """The directory after the changes; nothing is decoded a second time."""

    def __init__(self, facts: Facts, changes: Sequence[Change]) -> None:
        super().__init__(facts.evidence, facts.scope)
        self._moment = facts.moment
        self._changes = changes
        self._memberships = [c for c in changes if isinstance(c, (AddMember, RemoveMember))]
        self._joined = [_edge(c) for c in _of(changes, AddMember)]
        self._left = [_edge(c) for c in _of(changes, RemoveMember)]
        self._before = facts.directory
        self.domain = facts.directory.domain

    def _computer(self, name: str) -> Principal | Missing:
        return self._now(self._before.computer(name))

    def _account(self, name: str) -> Principal | Missing:
        return self._now(self._before.account(name))

    def vmm_owners(self) -> tuple[Principal, ...] | Missing:
        """Who owns SPNs of the class SCVMM."""
        found = self._before.vmm_owners()
        return found if isinstance(found, Missing) else tuple(map(self._changed, found))

    def principal(self, sid: str) -> Principal | None:
        """Who has this SID, as far as anything was read of them."""
        found = self._before.principal(sid)
        return found and self._changed(found)

    def known(self) -> tuple[Principal, ...]:
        """Everybody of whom anything was read."""
        return tuple(map(self._changed, self._before.known()))

    def groups_above(
        self, *dns: str, joined: Sequence[Membership] = (), left: Sequence[Membership] = ()
    ) -> Mapping[str, tuple[str, ...]]:
        """The groups reached after the changes."""
        return self._before.groups_above(
            *dns, joined=[*self._joined, *joined], left=[*self._left, *left]
        )

    def _registered(self, name: str) -> dict[str, Principal] | Missing:
        before = self._before.registered(name)
        if isinstance(before, Missing):
            return before
        found = {sid: self._changed(principal) for sid, principal in before.items()}
        for change in _of(self._changes, RegisterSpn):
            account = self.principal(change.account.sid)
            if account and change.spn.partition("/")[2].lower() == name.lower():
                found[account.sid] = account
        return found

    def _now(self, found: Principal | Missing) -> Principal | Missing:
        return found if isinstance(found, Missing) else self._changed(found)

    def _changed(self, principal: Principal) -> Principal:
        for change in self._changes:
            if isinstance(change, _ON_ACCOUNT) and change.account.sid == principal.sid:
                principal = self._one_change(principal, change)
        if principal.is_computer and self._is_regrouped(principal):
            # Its tickets show other groups: for a restart that counts as its own change.
            principal = self._stamped(principal, replication.ALLOWED_TO_DELEGATE_TO)
        return principal

    def _is_regrouped(self, principal: Principal) -> bool:
        if not self._memberships:
            return False
        held = {principal.sid, *self._before.groups_above(principal.dn)}
        return any(change.member.sid in held for change in self._memberships)

    def _one_change(self, principal: Principal, change: Change) -> Principal:
        match change:
            case AddDelegationTarget(spn=spn):
                listed = (*principal.delegates_to, spn)
                return self._stamped(
                    replace(principal, delegates_to=listed), replication.ALLOWED_TO_DELEGATE_TO
                )
            case SetControlBit(bit=bit):
                return self._stamped(
                    replace(principal, control=principal.control | bit),
                    replication.USER_ACCOUNT_CONTROL,
                )
            case ClearControlBit(bit=bit):
                return self._stamped(
                    replace(principal, control=principal.control & ~bit),
                    replication.USER_ACCOUNT_CONTROL,
                )
            case RemoveExpiry():
                return replace(principal, expires=None)
            case AllowToAct(caller=caller):
                allowed = granted(principal.allowed_to_act, caller.sid, MAY_ACT)
                return replace(principal, allowed_to_act=allowed)
            case RegisterSpn(spn=spn):
                return replace(principal, spns=(*principal.spns, spn))
            case RemoveSpn(spn=spn):
                left = tuple(kept for kept in principal.spns if kept.lower() != spn.lower())
                return replace(principal, spns=left)
        return principal

    def _stamped(self, principal: Principal, attribute: int) -> Principal:
        return replace(principal, changed={**principal.changed, attribute: self._moment})

    def _groups(self, principal: Principal) -> Groups | Missing:
        found = self._before.groups(principal)
        if isinstance(found, Missing) or not self._memberships:
            return found
        before = self._before.groups_above(principal.dn)
        # Held on a way that `member` does not show: the primary group, and what it is in.
        elsewhere = [
            group.dn for sid in found.all - set(before) if (group := self._before.principal(sid))
        ]
        after = self._before.groups_above(
            principal.dn, *elsewhere, joined=self._joined, left=self._left
        )
        held = (found.all - (set(before) - set(after))) | (set(after) - set(before))
        return Groups(
            frozenset(held),
            frozenset(sid for sid in held if self._is_wide(sid, found)),
            found.evidence,
        )

    def _is_wide(self, sid: str, found: Groups) -> bool:
        if sid in found.all:
            return sid in found.global_and_universal
        group = self._before.principal(sid)
        return group is not None and bool(group.group_type & _WIDE)


class _Servers(Servers):
    """The servers after the changes; what no change touches is taken as it was decoded."""

    def __init__(self, facts: Facts, changes: Sequence[Change]) -> None:
        super().__init__(facts.evidence, facts.scope)
        self._before = facts.servers
        self._of_shares = [c for c in changes if isinstance(c, (GrantOnShare, RemoveFromShare))]
        self._of_files = [c for c in changes if isinstance(c, (GrantOnFile, RemoveFromFile))]
        self._restarts = {
            questions.qualified(facts.scope, change.host) for change in _of(changes, Restart)
        }
        margin = facts.scope.thresholds.replication_margin_minutes
        self._restarted_at = facts.moment + timedelta(minutes=margin)
        self.share = self._before.share
        self.tree = self._before.tree
        self.local_groups = self._before.local_groups

    def _is_touched(self, library: Library) -> bool:
        return any(change.share == library.share for change in (*self._of_shares, *self._of_files))

    def _named_sids(self, library: Library) -> frozenset[str]:
        touched = self._is_touched(library)
        return super()._named_sids(library) if touched else self._before.named_sids(library)

    def _file_groups(self, library: Library) -> tuple[FileGroup, ...]:
        touched = self._is_touched(library)
        return super()._file_groups(library) if touched else self._before.file_groups(library)

    def _descriptors(
        self, library: Library
    ) -> tuple[tuple[SecurityDescriptor | Missing, tuple[str, ...]], ...]:
        touched = self._is_touched(library)
        return super()._descriptors(library) if touched else self._before.descriptors(library)

    def share_descriptor(self, library: Library) -> SecurityDescriptor | Missing:
        """The share's own descriptor after the changes."""
        found = self._before.share_descriptor(library)
        for change in self._of_shares:
            if isinstance(found, Missing):
                break
            if change.share == library.share:
                found = (
                    granted(found, change.trustee.sid, change.mask)
                    if isinstance(change, GrantOnShare)
                    else without(found, change.entry)
                )
        return found

    def _item_descriptor(self, library: Library, path: str) -> SecurityDescriptor | Missing:
        found = self._before.item_descriptor(library, path)
        for change in self._of_files:
            if isinstance(found, Missing):
                break
            if change.share != library.share:
                continue
            if change.path == path:
                found = self._at(change, found)
            elif self._inherits(library, path, change.path):
                found = self._below(change, found, self._is_folder(library, path))
        return found

    def _at(
        self, change: GrantOnFile | RemoveFromFile, found: SecurityDescriptor
    ) -> SecurityDescriptor:
        if isinstance(change, RemoveFromFile):
            return without(found, change.entry)
        flags = AceFlag.OBJECT_INHERIT | AceFlag.CONTAINER_INHERIT if change.is_folder else 0
        return granted(found, change.trustee.sid, change.mask, flags)

    def _below(
        self, change: GrantOnFile | RemoveFromFile, found: SecurityDescriptor, is_folder: bool
    ) -> SecurityDescriptor:
        if isinstance(change, RemoveFromFile):
            return handed_down_without(found, change.entry)
        return handed_down(found, change.trustee.sid, change.mask, is_folder=is_folder)

    def _inherits(self, library: Library, path: str, folder: str) -> bool:
        """Whether what is set on `folder` arrives at `path`: nothing between cuts it off."""
        while path != folder:
            if not path:
                return False
            own = self._before.item_descriptor(library, path)
            if isinstance(own, Missing) or own.protected:
                return False
            path = path.rpartition("\\")[0]
        return True

    def _is_folder(self, library: Library, path: str) -> bool:
        tree = self.tree(library)
        return not isinstance(tree, Missing) and any(
            item.is_folder for item in tree.items if item.path == path
        )

    def _boot(self, server: str) -> Boot | Missing:
        found = self._before.boot(server)
        if server not in self._restarts:
            return found
        evidence = "" if isinstance(found, Missing) else found.evidence
        return Boot(self._restarted_at, True, evidence)
