"""ACC-03: the service account is a local administrator of the VMM server."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from vmmaudit import questions
from vmmaudit.assessment import Remark, Value, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.acc_04 import judged
from vmmaudit.controls.control import Case, Control, Origin, Outcome, Severity, World, given
from vmmaudit.facts import AccountFact, AccountSource, Facts, ServiceFact
from vmmaudit.readiness.administrators import administrator
from vmmaudit.scope import VmmServer


def _cases(world: World) -> Iterator[Case]:
    facts = world.facts
    for vmm in facts.scope.vmm:
        found = facts.service_account(vmm)
        yield given(subjects.vmm(facts, vmm), found, partial(_check, facts, vmm))


def _check(facts: Facts, vmm: VmmServer, found: AccountFact) -> Outcome:
    server = questions.vmm_server(facts.scope, vmm)
    if found.principal.is_computer:
        values = {"account": found.principal.shown, "server": server}
        evidence = (found.principal.evidence, *facts.vmm_service(vmm).evidence)
        return Outcome(Verdict.NOT_APPLICABLE, "LOCAL_SYSTEM", values, evidence)
    link = administrator(facts, found.principal, server)
    remarks = (Remark("NESTED", link.values),) if link.code == "NESTED" else ()
    return judged(found, link, *remarks, _service_right(facts, vmm, found))


def _service_right(facts: Facts, vmm: VmmServer, found: AccountFact) -> Remark:
    """The right to log on as a service, which nothing here reads.

    A service that runs was logged on as its account, and that took the right.
    """
    values: dict[str, Value] = {"account": found.principal.shown, "server": vmm.server}
    service = facts.vmm_service(vmm)
    runs = isinstance(service, ServiceFact) and service.running is True
    used = runs and found.source is AccountSource.SERVICE
    return Remark("SERVICE_RIGHT_USED" if used else "SERVICE_RIGHT_UNREAD", values)


ACC_03 = Control(
    id="ACC-03",
    version=1,
    severity=Severity.HIGH,
    origin=Origin.SEED,
    references=(
        "Microsoft Learn: Specify a service account for VMM",
        "Microsoft Learn: Plan a VMM installation",
    ),
    mapping=mapping.ACCOUNTS,
    cases=_cases,
)
