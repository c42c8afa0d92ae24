"""OPS-06: the runbook says how a trace is taken."""

from __future__ import annotations

from collections.abc import Iterator

from vmmaudit.assessment import Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import Case, Control, Origin, Outcome, Severity, World


def _cases(world: World) -> Iterator[Case]:
    outcome = Outcome(Verdict.MANUAL, "TRACES")
    if world.facts.scope.hyper_v_hosts:
        yield Case(subjects.audit(), lambda: outcome)


OPS_06 = Control(
    id="OPS-06",
    version=1,
    severity=Severity.LOW,
    origin=Origin.SEED,
    references=("KB 2913445", "KB 970066"),
    mapping=mapping.OPERATION,
    cases=_cases,
)
