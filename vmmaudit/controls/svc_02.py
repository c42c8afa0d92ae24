"""SVC-02: the VMM agent runs as LocalSystem on VMM servers, library servers and hosts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from vmmaudit import questions
from vmmaudit.assessment import Subject, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import (
    Case,
    Control,
    Origin,
    Outcome,
    Severity,
    World,
)
from vmmaudit.controls.svc_01 import by_state, described, noted, of_service
from vmmaudit.facts import Facts, ServiceFact


def _cases(world: World) -> Iterator[Case]:
    facts = world.facts
    seen: set[str] = set()
    for server, subject in _machines(facts):
        if server not in seen:  # a machine has one agent, whatever its roles
            seen.add(server)
            yield of_service(subject, facts.services.agent(server), _check)
    for host in facts.scope.hosts:
        if host.platform != "hyper-v":
            esx = partial(Outcome, Verdict.NOT_APPLICABLE, "ESX", {"server": host.name})
            yield Case(subjects.host(facts, host), esx)


def _machines(facts: Facts) -> Iterator[tuple[str, Subject]]:
    """The machines that VMM manages, by their first role."""
    scope = facts.scope
    for vmm in scope.vmm:
        yield questions.vmm_server(scope, vmm), subjects.vmm(facts, vmm)
    for library in scope.libraries:
        yield questions.file_server(scope, library), subjects.library(facts, library)
    for host in scope.hyper_v_hosts:
        yield questions.host_server(scope, host), subjects.host(facts, host)


def _check(found: ServiceFact) -> Outcome:
    if not found.is_local_system:
        values = described(found)
        return Outcome(Verdict.FAIL, "OTHER_ACCOUNT", values, found.evidence, noted(found))
    return by_state(found)


SVC_02 = Control(
    id="SVC-02",
    version=1,
    severity=Severity.HIGH,
    origin=Origin.SEED,
    references=("MS-SCMR 2.2.15", "MS-SCMR 2.2.47", "Microsoft Learn: Set up the VMM library"),
    mapping=mapping.OPERATION,
    cases=_cases,
)
