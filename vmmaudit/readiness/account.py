"""Whether the KDC delegates the account that VMM uses on a host (MS-SFU 3.2.5.1.2)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from vmmaudit import questions
from vmmaudit.assessment import Ternary, Value
from vmmaudit.facts import AccountFact, AccountSource, Facts, Groups, Missing, Principal
from vmmaudit.readiness.link import Link
from vmmaudit.scope import Host
from vmmaudit.windows.account_control import AccountControl
from vmmaudit.windows.sid import PROTECTED_USERS_RID, domain_of, is_builtin, rid_of

PRIVILEGED_RIDS: Final = frozenset({512, 518, 519})
"""Domain, Schema and Enterprise Admins."""
PRIVILEGED_BUILTIN_RIDS: Final = frozenset({544, 548, 549, 551})
"""Administrators; Account, Server and Backup Operators: as a domain controller sees them."""
PROTECTED_USERS_LEVEL: Final = 6
"""Members of Protected Users cannot be delegated from domain level 2012 R2 on."""


def delegatable(facts: Facts, host: Host) -> Link:
    """A(H) is an account the KDC delegates."""
    account = facts.account(host)
    if isinstance(account, Missing):
        return Link.unknown(account)
    links = usable(facts, account.principal), not_protected(facts, account.principal)
    for state in (Ternary.NO, Ternary.UNKNOWN):
        for link in links:
            if link.state is state:
                return doubted(account, link)
    return links[-1]


def doubted(account: AccountFact, link: Link) -> Link:
    """SPNs go stale: a fault of an account that only an SPN names is a doubt, not a finding."""
    if link.state is Ternary.NO and account.source is AccountSource.SPN_OWNER:
        return replace(link, state=Ternary.UNKNOWN)
    return link


def usable(facts: Facts, account: Principal) -> Link:
    """A domain account, enabled, not expired, not locked out."""
    values: dict[str, Value] = {"account": account.shown}
    evidence = (account.evidence,)
    if account.is_computer:
        return Link(Ternary.NO, "LOCAL_SYSTEM", values, evidence)
    if not account.enabled:
        return Link(Ternary.NO, "DISABLED", values, evidence)
    if account.expires and account.expires <= facts.moment:
        values["expired"] = account.expires.date().isoformat()
        return Link(Ternary.NO, "EXPIRED", values, evidence)
    if account.computed & AccountControl.LOCKOUT:
        return Link(Ternary.UNKNOWN, "LOCKED_OUT", values, evidence)
    return Link(Ternary.YES, "", values, evidence)


def not_protected(facts: Facts, account: Principal) -> Link:
    """Neither marked as sensitive nor in Protected Users nor under an authentication policy."""
    values: dict[str, Value] = {"account": account.shown}
    evidence: tuple[str, ...] = (account.evidence,)
    if account.control & AccountControl.NOT_DELEGATED:
        return Link(Ternary.NO, "SENSITIVE", values, evidence)
    groups = facts.directory.groups(account)
    if isinstance(groups, Missing):
        return Link.unknown(groups)
    evidence += (groups.evidence,)
    if _is_protected_user(account, groups):
        domain = facts.directory.domain(account.domain)
        if isinstance(domain, Missing):
            return Link.unknown(domain)
        evidence += domain.evidence
        if domain.level >= PROTECTED_USERS_LEVEL:
            return Link(Ternary.NO, "PROTECTED_USER", values, evidence)
        return Link(Ternary.YES, "PROTECTED_USER_INEFFECTIVE", values, evidence)
    if policy := facts.directory.policy_of(account):
        if policy != account.authentication_policy:
            evidence += (questions.silos(account.domain).id,)
        values["policy"] = policy
        return Link(Ternary.UNKNOWN, "AUTHENTICATION_POLICY", values, evidence)
    return Link(Ternary.YES, "", values, evidence)


def _is_protected_user(account: Principal, groups: Groups) -> bool:
    return f"{domain_of(account.sid)}-{PROTECTED_USERS_RID}" in groups.all


def privileged(facts: Facts, account: Principal) -> tuple[str, ...]:
    """The groups of an account that make it an administrator of its domain, by name.

    Such an account is to be replaced, never to be made delegatable (semantics 2, ACC-06): every
    host with protocol transition could then act as that administrator.
    """
    groups = facts.directory.groups(account)
    if isinstance(groups, Missing):
        return ()
    return tuple(
        facts.name_of(found)
        for found in sorted(groups.all)
        if rid_of(found) in (PRIVILEGED_BUILTIN_RIDS if is_builtin(found) else PRIVILEGED_RIDS)
    )
