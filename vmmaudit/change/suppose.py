r"""Changes by the names people use, for *what if* by hand.

suppose = Suppose(facts)
suppose.member("HYPER07", "GG_HyperV_Hosts")
suppose.delegation("HYPER07", r"\\library01.contoso.com\MSSCVMMLibrary")
suppose.restarted("HYPER07")
"""

from __future__ import annotations

from typing import Final

from vmmaudit.change.changes import (
    AddDelegationTarget,
    AddMember,
    GrantOnFile,
    GrantOnShare,
    Named,
    RegisterSpn,
    RemoveMember,
    Restart,
    SetControlBit,
)
from vmmaudit.change.find import find_host, find_place
from vmmaudit.errors import UsageError
from vmmaudit.facts import Facts, Principal, Tree
from vmmaudit.windows.access import READ, READ_EXECUTE
from vmmaudit.windows.account_control import AccountControl

_ANY_PROTOCOL: Final = AccountControl.TRUSTED_TO_AUTH_FOR_DELEGATION


class Suppose:
    """Makes changes for `Audit.what_if`; nothing is touched."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def delegation(self, host: str, library: str) -> AddDelegationTarget:
        r"""The host may delegate to the server of a library share (`\\name\share`) or a name."""
        name = library.lstrip("\\").split("\\")[0].lower()
        return AddDelegationTarget(self._named(host), f"cifs/{name}")

    def any_protocol(self, host: str) -> SetControlBit:
        """The host's delegation is set to *use any authentication protocol*."""
        return SetControlBit(self._named(host), _ANY_PROTOCOL)

    def spn(self, account: str, spn: str) -> RegisterSpn:
        """The SPN is registered on the account."""
        return RegisterSpn(self._named(account), spn)

    def member(self, member: str, group: str) -> AddMember:
        """The account or group is a member of the group."""
        return AddMember(self._named(group), self._named(member))

    def no_member(self, member: str, group: str) -> RemoveMember:
        """The account or group is not a direct member of the group."""
        return RemoveMember(self._named(group), self._named(member))

    def share_read(self, trustee: str, share: str) -> GrantOnShare:
        """The trustee has Read at the share."""
        library, _ = find_place(self._facts, share)
        return GrantOnShare(library.share, self._named(trustee), READ_EXECUTE)

    def file_read(self, trustee: str, unc: str) -> GrantOnFile:
        """The trustee has Read on the file, or on the folder and what is below it."""
        library, path = find_place(self._facts, unc)
        tree = self._facts.servers.tree(library)
        items = tree.items if isinstance(tree, Tree) else ()
        is_folder = not path or any(item.is_folder for item in items if item.path == path)
        return GrantOnFile(library.share, path, is_folder, self._named(trustee), READ)

    def restarted(self, host: str) -> Restart:
        """The host was restarted after all changes."""
        return Restart(find_host(self._facts, host).name)

    def _named(self, name: str) -> Named:
        r"""Somebody of the directory by `NETBIOS\name`, name or SID.

        Raises:
            UsageError: nobody or several that were read are called so.
        """
        wanted = name.lower().rstrip("$")
        short = wanted.split(".")[0] if "\\" not in wanted else wanted
        found = {
            principal.sid: principal
            for principal in self._facts.directory.known()
            if wanted in _names(principal) or (principal.is_computer and short in _names(principal))
        }
        if len(found) != 1:
            what = "nobody" if not found else " and ".join(p.shown for p in found.values())
            raise UsageError(f"'{name}' is {what} in what was read of the directory.")
        (one,) = found.values()
        return Named(one.sid, one.shown, one.dn, one.domain)


def _names(principal: Principal) -> set[str]:
    shown = principal.shown.lower().rstrip("$")
    return {principal.sid.lower(), shown, shown.rpartition("\\")[2], principal.dns_name}
