"""SVC-01: the VMM service runs, and is started with its server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Final

from vmmaudit.assessment import Remark, Subject, Value, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import (
    Case,
    Control,
    Origin,
    Outcome,
    Severity,
    World,
    not_assessable,
)
from vmmaudit.facts import Absence, Missing, ServiceFact, ServiceSource
from vmmaudit.windows.svcctl import Start, State

CHANGING: Final = (
    State.START_PENDING,
    State.STOP_PENDING,
    State.CONTINUE_PENDING,
    State.PAUSE_PENDING,
)
"""What may be something else a moment later."""


def _cases(world: World) -> Iterator[Case]:
    facts = world.facts
    for vmm in facts.scope.vmm:
        yield of_service(subjects.vmm(facts, vmm), facts.vmm_service(vmm), _check)


def _check(found: ServiceFact) -> Outcome:
    outcome = by_state(found)
    if outcome.verdict is not Verdict.PASS or found.start == Start.AUTOMATIC:
        return outcome
    # On a failover cluster the cluster starts it, so MANUAL has a sentence of its own.
    code = "MANUAL" if found.start == Start.MANUAL else "NOT_AUTOMATIC"
    return replace(outcome, verdict=Verdict.WARN, code=code)


def of_service(
    subject: Subject,
    found: ServiceFact | Absence | Missing,
    check: Callable[[ServiceFact], Outcome],
) -> Case:
    """A case that needs a service."""
    if isinstance(found, Missing):
        return Case(subject, partial(not_assessable, found))
    if isinstance(found, Absence):
        # Its names are known from practice, so that none is found is no proof.
        missing = Outcome(Verdict.WARN, "MISSING", {"server": found.server}, found.evidence)
        return Case(subject, lambda: missing)
    return Case(subject, partial(check, found))


def by_state(service: ServiceFact) -> Outcome:
    """Whether a service runs, as a verdict."""
    values = described(service)
    remarks = noted(service)
    if isinstance(service.state, Missing):
        unknown = not_assessable(service.state)
        return replace(unknown, values={**unknown.values, **values}, remarks=remarks)
    if service.state in CHANGING:
        return Outcome(Verdict.WARN, "CHANGING", values, service.evidence, remarks)
    if service.state != State.RUNNING:
        return Outcome(Verdict.FAIL, "STOPPED", values, service.evidence, remarks)
    return Outcome(Verdict.PASS, "", values, service.evidence, remarks)


def described(service: ServiceFact) -> dict[str, Value]:
    """What the sentences about a service say of it."""
    return {"service": service.name, "server": service.server, "account": service.account}


def noted(service: ServiceFact) -> tuple[Remark, ...]:
    """That only the second source told of it."""
    if service.source is ServiceSource.MANAGER:
        return ()
    return (Remark("FROM_REGISTRY", described(service)),)


SVC_01 = Control(
    id="SVC-01",
    version=1,
    severity=Severity.HIGH,
    origin=Origin.SEED,
    references=("MS-SCMR 2.2.15", "MS-SCMR 2.2.47"),
    mapping=mapping.OPERATION,
    cases=_cases,
)
