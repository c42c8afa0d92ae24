"""DEL-06: whom a library server itself lets delegate to it (resource-based delegation)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from vmmaudit.assessment import Remark, Value, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import Case, Control, Origin, Outcome, Severity, World, given
from vmmaudit.facts import Facts, Principal
from vmmaudit.windows import sid as sids

_CROWDS: Final = frozenset(
    {sids.EVERYONE, sids.AUTHENTICATED_USERS, sids.ANONYMOUS, sids.NETWORK, sids.USERS}
)
_CROWD_RIDS: Final = frozenset({sids.DOMAIN_USERS_RID, sids.DOMAIN_COMPUTERS_RID})


def _cases(world: World) -> Iterator[Case]:
    facts, seen = world.facts, set()
    for library in facts.scope.libraries:
        subject = subjects.library(facts, library)
        if subject.id not in seen:
            seen.add(subject.id)
            yield given(subject, facts.library(library), partial(_check, facts))


def _check(facts: Facts, server: Principal) -> Outcome:
    evidence = (server.evidence,)
    values: dict[str, Value] = {
        "server": server.shown,
        "identity": server.name,
        "domain": server.domain,
    }
    if server.allowed_to_act is None or not server.allowed_to_act.aces:
        return Outcome(Verdict.NOT_APPLICABLE, "NOT_USED", values, evidence)
    allowed = {ace.sid for ace in server.allowed_to_act.aces if ace.allows and ace.sid}
    hosts = {found.sid for h in facts.scope.hosts if isinstance(found := facts.host(h), Principal)}
    values["allowed"] = tuple(sorted(map(facts.name_of, allowed)))
    crowds = {one for one in allowed if one in _CROWDS or _is_crowd(one)}
    if crowds:
        values["principals"] = tuple(sorted(map(facts.name_of, crowds)))
        return Outcome(Verdict.FAIL, "CROWD", values, evidence)
    users = {one for one in allowed if _is_user(facts, one)}
    if users:
        values["principals"] = tuple(sorted(map(facts.name_of, users)))
        return Outcome(Verdict.FAIL, "USERS", values, evidence)
    others = {one for one in allowed - hosts if not _is_group_of_hosts(facts, one)}
    if others:
        values["principals"] = tuple(sorted(map(facts.name_of, others)))
        return Outcome(Verdict.WARN, "OTHERS", values, evidence)
    return Outcome(Verdict.PASS, "", values, evidence, (Remark("MODERN", values),))


def _is_crowd(sid: str) -> bool:
    return sids.is_domain_account(sid) and sids.rid_of(sid) in _CROWD_RIDS


def _is_user(facts: Facts, sid: str) -> bool:
    """Whether it is known to be the account of a person or a service, which no host is."""
    found = facts.directory.principal(sid)
    return found is not None and "user" in found.classes and "computer" not in found.classes


def _is_group_of_hosts(facts: Facts, sid: str) -> bool:
    """Whether it is a group whose members, as far as they were read, are hosts of the scope."""
    group = facts.directory.principal(sid)
    if group is None or "group" not in group.classes:
        return False
    hosts = {p.dn.lower() for h in facts.scope.hosts if isinstance(p := facts.host(h), Principal)}
    members = set(facts.directory.direct_members(sid))
    return bool(members) and members <= hosts


DEL_06 = Control(
    id="DEL-06",
    version=2,
    severity=Severity.HIGH,
    origin=Origin.SECURITY,
    references=("MS-SFU 3.2.5.2.3", "Microsoft Learn: Kerberos constrained delegation overview"),
    mapping=mapping.DELEGATION,
    cases=_cases,
)
