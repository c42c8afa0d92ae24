"""DEL-07: the host's computer account is in use, and its keys are good."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Final

from vmmaudit.assessment import Remark, Value, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import (
    Case,
    Control,
    Origin,
    Outcome,
    Severity,
    World,
    given,
    not_assessable,
)
from vmmaudit.facts import Facts, Missing, Principal
from vmmaudit.windows.sid import PROTECTED_USERS_RID, domain_of

OLD_PASSWORD: Final = timedelta(days=60)
"""A machine changes its password every 30 days."""
STALE: Final = timedelta(days=45)
"""lastLogonTimestamp is up to 14 days late (MS-ADA1 2.351)."""
AES: Final = 0x18


def _cases(world: World) -> Iterator[Case]:
    facts = world.facts
    for host in facts.scope.hyper_v_hosts:
        yield given(subjects.host(facts, host), facts.host(host), partial(_check, facts))


def _check(facts: Facts, computer: Principal) -> Outcome:
    evidence: tuple[str, ...] = (computer.evidence,)
    values: dict[str, Value] = {
        "host": computer.shown,
        "identity": computer.name,
        "domain": computer.domain,
    }
    if not computer.enabled:
        return Outcome(Verdict.FAIL, "DISABLED", values, evidence)
    groups = facts.directory.groups(computer)
    if isinstance(groups, Missing):
        return not_assessable(groups)
    evidence += (groups.evidence,)
    if f"{domain_of(computer.sid)}-{PROTECTED_USERS_RID}" in groups.all:
        return Outcome(Verdict.FAIL, "PROTECTED_USER", values, evidence)
    codes = list(_doubts(facts, computer, values))
    remarks = [Remark(code, values) for code in codes[1:]]
    if policy := facts.directory.policy_of(computer):
        remarks.append(Remark("AUTHENTICATION_POLICY", {**values, "policy": policy}))
    if codes:
        return Outcome(Verdict.WARN, codes[0], values, evidence, tuple(remarks))
    if computer.password_set is None:
        code = "PASSWORD_AGE_UNKNOWN"
        return Outcome(Verdict.NOT_ASSESSABLE, code, values, evidence, tuple(remarks))
    return Outcome(Verdict.PASS, "", values, evidence, tuple(remarks))


def _doubts(facts: Facts, computer: Principal, values: dict[str, Value]) -> Iterator[str]:
    logon, changed = computer.last_logon, computer.password_set
    if logon is not None and facts.moment - logon > STALE:
        values["logon"] = logon.date().isoformat()
        yield "STALE"
    if changed is not None and facts.moment - changed > OLD_PASSWORD:
        values["changed"] = changed.date().isoformat()
        yield "OLD_PASSWORD"
    if computer.encryption and not computer.encryption & AES:
        yield "NO_AES"


DEL_07 = Control(
    id="DEL-07",
    version=1,
    severity=Severity.MEDIUM,
    origin=Origin.SECURITY,
    references=("Microsoft Learn: Protected Users security group", "MS-ADA1 2.351"),
    mapping=mapping.DELEGATION,
    cases=_cases,
)
