"""OPS-03: somebody has seen an image mounted without a copy."""

from __future__ import annotations

from collections.abc import Iterator

from vmmaudit.assessment import Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import Case, Control, Origin, Outcome, Severity, World


def _cases(world: World) -> Iterator[Case]:
    outcome = Outcome(Verdict.MANUAL, "FUNCTIONAL_TEST")
    if world.facts.scope.hyper_v_hosts:
        yield Case(subjects.audit(), lambda: outcome)


OPS_03 = Control(
    id="OPS-03",
    version=1,
    severity=Severity.HIGH,
    origin=Origin.SEED,
    references=("Microsoft Learn: Set-SCVirtualDVDDrive",),
    mapping=mapping.OPERATION,
    cases=_cases,
)
