"""DOC-02: changes in the audited period have their change records."""

from __future__ import annotations

from collections.abc import Iterator

from vmmaudit.assessment import Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import Case, Control, Origin, Outcome, Severity, World


def _cases(world: World) -> Iterator[Case]:
    outcome = Outcome(Verdict.MANUAL, "CHANGE_RECORDS")
    if world.facts.scope.hyper_v_hosts:
        yield Case(subjects.audit(), lambda: outcome)


DOC_02 = Control(
    id="DOC-02",
    version=1,
    severity=Severity.MEDIUM,
    origin=Origin.SECURITY,
    references=(),
    mapping=mapping.CHANGES,
    cases=_cases,
)
