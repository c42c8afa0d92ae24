"""OPS-02: the runbook says that a shared image is attached after the machine was made."""

from __future__ import annotations

from collections.abc import Iterator

from vmmaudit.assessment import Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import Case, Control, Origin, Outcome, Severity, World


def _cases(world: World) -> Iterator[Case]:
    outcome = Outcome(Verdict.MANUAL, "RUNBOOK")
    if world.facts.scope.hyper_v_hosts:
        yield Case(subjects.audit(), lambda: outcome)


OPS_02 = Control(
    id="OPS-02",
    version=1,
    severity=Severity.LOW,
    origin=Origin.SEED,
    references=("Microsoft Learn: VMM, Enable shared ISOs",),
    mapping=mapping.OPERATION,
    cases=_cases,
)
