"""ACC-06: the account VMM uses on a host can be delegated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from vmmaudit.assessment import Remark, Ternary, Verdict
from vmmaudit.controls import mapping, subjects
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
from vmmaudit.readiness.account import doubted, not_protected, privileged


def _cases(world: World) -> Iterator[Case]:
    for label, found in world.facts.accounts():
        subject = subjects.account(label, found)
        yield given(subject, found, lambda known: _check(world, known))


def _check(world: World, found: AccountFact) -> Outcome:
    account = found.principal
    link = not_protected(world.facts, account)
    values = {**link.values, "identity": account.name, "domain": account.domain}
    if account.is_computer:
        return Outcome(Verdict.NOT_APPLICABLE, "LOCAL_SYSTEM", values, link.evidence)
    if groups := privileged(world.facts, account):
        values["groups"] = groups
        if link.state is Ternary.NO:
            link = replace(link, code=f"{link.code}_PRIVILEGED")
    link = replace(link, values=values)
    if doubted(found, link) != link:
        remark = Remark("SPN_ONLY", values)
        return Outcome(Verdict.WARN, link.code, values, link.evidence, (remark,))
    if link.state is Ternary.YES and link.code:
        return Outcome(Verdict.WARN, link.code, values, link.evidence)
    if link.code == "AUTHENTICATION_POLICY":
        return Outcome(Verdict.MANUAL, link.code, values, link.evidence)
    if link.state is Ternary.YES and groups:
        return by_link(link, Remark("PRIVILEGED", values))
    return by_link(link)


ACC_06 = Control(
    id="ACC-06",
    version=1,
    severity=Severity.CRITICAL,
    origin=Origin.VENDOR,
    references=(
        "MS-SFU 3.2.5.1.2",
        "Microsoft Learn: Protected Users security group",
    ),
    mapping=mapping.DELEGATED,
    cases=_cases,
)
