"""DOC-03: whoever audits does not review or approve the result."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from vmmaudit.assessment import Remark, Value, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import Case, Control, Origin, Outcome, Severity, World
from vmmaudit.scope import Role, Scope


def _cases(world: World) -> Iterator[Case]:
    yield Case(subjects.audit(), partial(_check, world.facts.scope))


def _check(scope: Scope) -> Outcome:
    auditors = _names(scope, Role.AUDITOR)
    others = _names(scope, Role.REVIEWER) | _names(scope, Role.APPROVER)
    values: dict[str, Value] = {
        "auditors": tuple(sorted(auditors)),
        "others": tuple(sorted(others)),
    }
    both = {name.casefold() for name in auditors} & {name.casefold() for name in others}
    if both:
        return Outcome(Verdict.FAIL, "SAME_PERSON", values)
    if not auditors or not others:
        return Outcome(Verdict.WARN, "NOT_NAMED", values)
    return Outcome(Verdict.PASS, "", values, (), (Remark("SIGNATURES", values),))


def _names(scope: Scope, role: Role) -> set[str]:
    return {" ".join(person.name.split()) for person in scope.people if person.role is role}


DOC_03 = Control(
    id="DOC-03",
    version=1,
    severity=Severity.MEDIUM,
    origin=Origin.SECURITY,
    references=("BSI Grundschutz++ TEST.4.1.3",),
    mapping=mapping.DOCUMENTS,
    cases=_cases,
)
