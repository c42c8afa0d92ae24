"""The exact command for each change, for those who make it by hand and not with `change.ps1`.

Each adds or takes away one thing and replaces nothing. Where no cmdlet does exactly that (one
entry out of a list of permissions), the command is the step of `change.ps1` that does.
"""

from __future__ import annotations

from collections.abc import Iterator

from vmmaudit.change.agdlp import Group, Proposal
from vmmaudit.change.changes import (
    AddDelegationTarget,
    AddMember,
    Change,
    ClearControlBit,
    GrantOnFile,
    GrantOnShare,
    Named,
    RegisterSpn,
    RemoveExpiry,
    RemoveMember,
    RemoveSpn,
    Restart,
    SetControlBit,
)
from vmmaudit.change.plan import DELEGATES_TO, SPN, EntryStep, Plan, Step
from vmmaudit.change.scripts import literal
from vmmaudit.windows.access import READ, READ_EXECUTE
from vmmaudit.windows.account_control import AccountControl

_SWITCHES = {
    (
        SetControlBit,
        AccountControl.TRUSTED_TO_AUTH_FOR_DELEGATION,
    ): "-TrustedToAuthForDelegation $true",
    (ClearControlBit, AccountControl.NOT_DELEGATED): "-AccountNotDelegated $false",
}


def commands(plan: Plan) -> Iterator[tuple[int, str]]:
    """The number of a step and a command of it; a restart has none."""
    for number, step in enumerate(plan.steps, 1):
        found = [_command(step, change) for change in step.changes]
        if None in found:
            yield number, rf".\change.ps1 -Apply -Only {number}"
        else:
            yield from ((number, command) for command in found if command)


def grouping(proposal: Proposal) -> Iterator[str]:
    """PowerShell that makes the groups and lets them read; the old entries stay."""
    local, share = proposal.local, proposal.share.rpartition("\\")[2]
    for joining in proposal.joining:
        group = joining.group
        if not group.exists:
            yield _new(group, "Global")
        for member in joining.missing:
            yield _join(group, member.dn)
    if not local.exists:
        yield _new(local, "DomainLocal")
    for joining in proposal.joining:
        if not joining.group.exists:
            yield _join(local, joining.group.name)
    if not local.exists:
        yield (
            f"Grant-SmbShareAccess -CimSession {literal(proposal.server)} -Name {literal(share)} "
            f"-AccountName {literal(local.shown)} -AccessRight Read -Force"
        )
        rights = literal(f"{local.shown}:(OI)(CI)(R)")
        yield f"icacls {literal(proposal.share)} /grant {rights}"


def _new(group: Group, scope: str) -> str:
    return (
        f"New-ADGroup -Name {literal(group.name)} -GroupScope {scope} -GroupCategory Security "
        f"-Server {literal(group.domain)}"
    )


def _join(group: Group, member: str) -> str:
    return (
        f"Add-ADGroupMember -Identity {literal(group.name)} -Members {literal(member)} "
        f"-Server {literal(group.domain)}"
    )


def _command(step: Step, change: Change) -> str | None:
    """One line of PowerShell; None where only the script does exactly this."""
    match change:
        case AddDelegationTarget(account=account, spn=spn):
            return _listed(account, "Add", DELEGATES_TO, spn)
        case RegisterSpn(account=account, spn=spn):
            return _listed(account, "Add", SPN, spn)
        case RemoveSpn(account=account, spn=spn):
            return _listed(account, "Remove", SPN, spn)
        case SetControlBit(account=account, bit=bit) | ClearControlBit(account=account, bit=bit):
            if isinstance(change, ClearControlBit) and bit == AccountControl.ACCOUNT_DISABLE:
                return f"Enable-ADAccount {_at(account)}"
            switch = _SWITCHES.get((type(change), AccountControl(bit)))
            return f"Set-ADAccountControl {_at(account)} {switch}" if switch else None
        case RemoveExpiry(account=account):
            return f"Clear-ADAccountExpiration {_at(account)}"
        case AddMember(group=group, member=member):
            return f"Set-ADObject {_at(group)} -Add @{{'member'={literal(member.dn)}}}"
        case RemoveMember(group=group, member=member):
            return f"Set-ADObject {_at(group)} -Remove @{{'member'={literal(member.dn)}}}"
        case GrantOnShare(trustee=trustee, mask=mask) if isinstance(step, EntryStep):
            server, share = literal(step.server), literal(step.place.rpartition("\\")[2])
            whom = literal(trustee.shown)
            command = (
                f"Grant-SmbShareAccess -CimSession {server} -Name {share} -AccountName {whom} "
                "-AccessRight Read -Force"
            )
            return command if mask == READ_EXECUTE else None
        case GrantOnFile(is_folder=is_folder, trustee=trustee, mask=mask) if isinstance(
            step, EntryStep
        ):
            rights = "(OI)(CI)(R)" if is_folder else "(R)"
            whom = literal(f"*{trustee.sid}:{rights}")
            return f"icacls {literal(step.place)} /grant {whom}" if mask == READ else None
        case Restart():
            return ""
    return None


def _listed(account: Named, way: str, attribute: str, value: str) -> str:
    return f"Set-ADObject {_at(account)} -{way} @{{'{attribute}'={literal(value)}}}"


def _at(account: Named) -> str:
    return f"-Identity {literal(account.dn)} -Server {literal(account.domain)}"
