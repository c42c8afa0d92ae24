"""NET-04: on ESX hosts an image is always copied, so sharing does not concern them."""

from __future__ import annotations

from collections.abc import Iterator

from vmmaudit.assessment import Subject, SubjectKind, Value, Verdict
from vmmaudit.controls import mapping
from vmmaudit.controls.control import Case, Control, Origin, Outcome, Severity, World


def _cases(world: World) -> Iterator[Case]:
    for host in world.facts.scope.hosts:
        if host.platform == "esx":
            subject = Subject(SubjectKind.HOST, host.name, host.name)
            values: dict[str, Value] = {"host": host.name}
            outcome = Outcome(Verdict.NOT_APPLICABLE, "ALWAYS_COPIED", values)
            yield Case(subject, lambda outcome=outcome: outcome)  # type: ignore[misc]


NET_04 = Control(
    id="NET-04",
    version=1,
    severity=Severity.INFO,
    origin=Origin.SEED,
    references=("Microsoft Learn: VMM ports and protocols",),
    mapping=mapping.NETWORK,
    cases=_cases,
)
