"""DEL-03: neither a host nor a library server nor the account may delegate without limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from vmmaudit.assessment import Remark, Value, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import Case, Control, Origin, Outcome, Severity, World, given
from vmmaudit.facts import AccountFact, Principal
from vmmaudit.windows.account_control import AccountControl

UNLIMITED: Final = AccountControl.TRUSTED_FOR_DELEGATION
CONTROLLER: Final = AccountControl.SERVER_TRUST | AccountControl.PARTIAL_SECRETS


def _cases(world: World) -> Iterator[Case]:
    facts, seen = world.facts, set()
    for host in facts.scope.hyper_v_hosts:
        subject = subjects.host(facts, host)
        seen.add(subject.id)
        yield given(subject, facts.host(host), _computer)
    for library in facts.scope.libraries:
        subject = subjects.library(facts, library)
        if subject.id not in seen:
            seen.add(subject.id)
            yield given(subject, facts.library(library), _computer)
    for label, found in facts.accounts():
        yield given(subjects.account(label, found), found, _account)


def _computer(computer: Principal) -> Outcome:
    values, evidence = _values(computer), (computer.evidence,)
    if computer.control & CONTROLLER:
        return Outcome(Verdict.NOT_APPLICABLE, "DOMAIN_CONTROLLER", values, evidence)
    if not computer.control & UNLIMITED:
        return Outcome(Verdict.PASS, "", values, evidence)
    if not computer.enabled:
        return Outcome(Verdict.WARN, "UNCONSTRAINED_DISABLED", values, evidence)
    return Outcome(Verdict.FAIL, "UNCONSTRAINED", values, evidence)


def _account(found: AccountFact) -> Outcome:
    account = found.principal
    values, evidence = _values(account), (account.evidence,)
    remarks: tuple[Remark, ...] = ()
    if account.delegates_to:
        values["listed"] = account.delegates_to
        remarks = (Remark("ACCOUNT_LIST", values),)
    if account.control & UNLIMITED:
        return Outcome(Verdict.WARN, "ACCOUNT_UNCONSTRAINED", values, evidence, remarks)
    if account.delegates_to:
        return Outcome(Verdict.WARN, "ACCOUNT_LIST", values, evidence)
    return Outcome(Verdict.PASS, "", values, evidence)


def _values(of: Principal) -> dict[str, Value]:
    return {"name": of.shown, "identity": of.name, "domain": of.domain}


DEL_03 = Control(
    id="DEL-03",
    version=1,
    severity=Severity.CRITICAL,
    origin=Origin.SECURITY,
    references=(
        "MS-ADTS 2.2.16 (userAccountControl)",
        "Microsoft Learn: Kerberos constrained delegation overview",
    ),
    mapping=mapping.DELEGATION,
    cases=_cases,
)
