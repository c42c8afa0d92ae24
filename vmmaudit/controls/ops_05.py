"""OPS-05: the event logs of the hosts were looked through."""

from __future__ import annotations

from collections.abc import Iterator

from vmmaudit.assessment import Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import Case, Control, Origin, Outcome, Severity, World


def _cases(world: World) -> Iterator[Case]:
    outcome = Outcome(Verdict.MANUAL, "EVENT_LOGS")
    if world.facts.scope.hyper_v_hosts:
        yield Case(subjects.audit(), lambda: outcome)


OPS_05 = Control(
    id="OPS-05",
    version=1,
    severity=Severity.LOW,
    origin=Origin.VENDOR,
    references=("Windows event log: Microsoft-Windows-Hyper-V-VMMS-Admin",),
    mapping=mapping.OPERATION,
    cases=_cases,
)
