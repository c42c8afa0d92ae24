"""ACC-06: the account VMM uses on a host can be delegated."""

from __future__ import annotations

from collections.abc import Iterator

from vmmaudit.assessment import Ternary, Verdict
from vmmaudit.controls import subjects
from vmmaudit.controls.control import (
    Case,
    Control,
    Origin,
    Outcome,
    Severity,
    World,
    by_link,
    given,
)
from vmmaudit.facts import AccountFact
from vmmaudit.readiness.account import not_protected


def _cases(world: World) -> Iterator[Case]:
    for label, found in world.facts.accounts():
        subject = subjects.account(label, found)
        yield given(subject, found, lambda known: _check(world, known))


def _check(world: World, found: AccountFact) -> Outcome:
    link = not_protected(world.facts, found.principal)
    if link.state is Ternary.YES and link.code:
        return Outcome(Verdict.WARN, link.code, link.values, link.evidence)
    if link.state is Ternary.UNKNOWN and link.code == "AUTHENTICATION_POLICY":
        return Outcome(Verdict.MANUAL, link.code, link.values, link.evidence)
    return by_link(link)


ACC_06 = Control(
    id="ACC-06",
    version=1,
    severity=Severity.CRITICAL,
    origin=Origin.VENDOR,
    references=("MS-SFU 3.2.5.1.2", "S14", "S16"),
    cases=_cases,
)
