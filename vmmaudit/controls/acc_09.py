"""ACC-09: where VMM runs as Local System, the way to a service account is documented."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from vmmaudit import questions
from vmmaudit.assessment import Remark, Value, Verdict
from vmmaudit.controls import subjects
from vmmaudit.controls.control import (
    Case,
    Control,
    Origin,
    Outcome,
    Severity,
    World,
    given,
)
from vmmaudit.facts import AccountFact, AccountSource, Facts, ServiceFact
from vmmaudit.scope import VmmServer


def _cases(world: World) -> Iterator[Case]:
    facts = world.facts
    for vmm in facts.scope.vmm:
        subject = subjects.vmm(facts, vmm)
        service = facts.vmm_service(vmm)
        if isinstance(service, ServiceFact) and (
            service.acts_as_computer or service.is_local_account
        ):
            yield Case(subject, partial(_by_service, service))
        else:
            yield given(subject, facts.service_account(vmm), partial(_check, facts, vmm))


def _by_service(service: ServiceFact) -> Outcome:
    """The service itself tells that it has no account of a domain."""
    values: dict[str, Value] = {"account": service.account, "server": service.server}
    return Outcome(Verdict.MANUAL, "PROCEDURE", values, service.evidence)


def _check(facts: Facts, vmm: VmmServer, found: AccountFact) -> Outcome:
    values: dict[str, Value] = {
        "account": found.principal.shown,
        "server": questions.vmm_server(facts.scope, vmm),
    }
    evidence = (found.principal.evidence,)
    remarks: tuple[Remark, ...] = ()
    if found.source is not AccountSource.SERVICE:
        remarks = (Remark("INDIRECT", values),)
    if found.principal.is_computer:
        return Outcome(Verdict.MANUAL, "PROCEDURE", values, evidence, remarks)
    return Outcome(Verdict.NOT_APPLICABLE, "DOMAIN_ACCOUNT", values, evidence, remarks)


ACC_09 = Control(
    id="ACC-09",
    version=1,
    severity=Severity.MEDIUM,
    origin=Origin.SEED,
    references=(
        "Microsoft Learn: Specify a service account for VMM",
        "Microsoft Learn: Plan a VMM installation",
    ),
    cases=_cases,
)
