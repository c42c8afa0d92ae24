"""Whether an account is a local administrator of a machine, directly or through groups."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from vmmaudit import questions
from vmmaudit.assessment import Ternary, Value
from vmmaudit.facts import Facts, Missing, Principal
from vmmaudit.readiness.link import Link
from vmmaudit.windows import sid as sids

_EVERYBODY: Final = frozenset({sids.EVERYONE, sids.AUTHENTICATED_USERS})


def administrator(facts: Facts, principal: Principal, server: str) -> Link:
    r"""`principal` is in BUILTIN\Administrators of `server` (MS-SAMR 3.1.5.8.2, tokenGroups).

    A group of the machine cannot hold another one of it, so what is needed are its direct
    members and the transitive groups of the account.
    """
    members = facts.services.administrators(server)
    if isinstance(members, Missing):
        return Link.unknown(members)
    groups = facts.directory.groups(principal)
    if isinstance(groups, Missing):
        return Link.unknown(groups)
    evidence = (principal.evidence, groups.evidence, questions.administrators(server).id)
    values: dict[str, Value] = {"account": principal.shown, "server": server}
    if members & {principal.sid, *principal.sid_history}:
        return Link(Ternary.YES, "", values, evidence)
    same_domain = principal.domain == facts.scope.domain_of(server).name
    held = groups.all if same_domain else groups.global_and_universal
    if through := members & (held | _EVERYBODY):
        values["groups"] = tuple(facts.directory.name_of(sid) for sid in sorted(through))
        return Link(Ternary.YES, "NESTED", values, evidence)
    undecided = Link(Ternary.UNKNOWN, "", values, evidence)
    logon = sorted(sid for sid in members if not sids.is_domain_account(sid))
    if logon:
        values["groups"] = tuple(facts.directory.name_of(sid) for sid in logon)
        return replace(undecided, code="BY_LOGON")
    # A domain-local group of the machine's domain may hold an account of another domain.
    if not same_domain and members:
        values["groups"] = tuple(facts.directory.name_of(sid) for sid in sorted(members))
        return replace(undecided, code="OTHER_DOMAIN")
    return Link(Ternary.NO, "NOT_MEMBER", values, evidence)
