"""ACC-02: the account VMM uses on a host is a domain account in working order."""

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
from vmmaudit.readiness.account import doubted, usable
from vmmaudit.windows.account_control import AccountControl


def _cases(world: World) -> Iterator[Case]:
    for label, found in world.facts.accounts():
        subject = subjects.account(label, found)
        yield given(subject, found, lambda known: _check(world, known))


def _check(world: World, found: AccountFact) -> Outcome:
    account = found.principal
    link = usable(world.facts, account)
    link = replace(link, values={**link.values, "identity": account.name, "domain": account.domain})
    if doubted(found, link) != link:
        remark = Remark("SPN_ONLY", link.values)
        return Outcome(Verdict.WARN, link.code, link.values, link.evidence, (remark,))
    if link.code == "LOCKED_OUT":
        return Outcome(Verdict.WARN, link.code, link.values, link.evidence)
    expired = account.computed & AccountControl.PASSWORD_EXPIRED
    if link.state is Ternary.YES and expired:
        return Outcome(Verdict.WARN, "PASSWORD_EXPIRED", link.values, link.evidence)
    return by_link(link)


ACC_02 = Control(
    id="ACC-02",
    version=1,
    severity=Severity.CRITICAL,
    origin=Origin.SEED,
    references=(
        "Microsoft Learn: VMM, Enable shared ISOs",
        "MS-ADTS 2.2.16 (userAccountControl)",
        "MS-SFU 3.2.5.1.2",
    ),
    mapping=mapping.ACCOUNTS,
    cases=_cases,
)
