"""ACC-08: the accounts that VMM uses are neither over-privileged nor weakly protected."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Final

from vmmaudit.assessment import Remark, Value, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import (
    Case,
    Control,
    Origin,
    Outcome,
    Severity,
    World,
    given,
    not_assessable,
)
from vmmaudit.facts import AccountFact, AccountSource, Facts, Missing, Principal
from vmmaudit.readiness.account import privileged

DONT_EXPIRE_PASSWORD: Final = 0x0001_0000
USE_DES_KEY_ONLY: Final = 0x0020_0000
DONT_REQUIRE_PREAUTHENTICATION: Final = 0x0040_0000
"""userAccountControl (MS-ADTS 2.2.16)."""
AES: Final = 0x08 | 0x10 | 0x20
"""msDS-SupportedEncryptionTypes (MS-KILE 2.2.7): AES128, AES256, and AES256 session keys."""
OLD: Final = timedelta(days=365)
"""When a password that anybody may try to crack offline counts as old; our own choice."""


def _cases(world: World) -> Iterator[Case]:
    facts = world.facts
    accounts = dict(facts.accounts())
    for label, running in facts.service_accounts():
        # What the service itself says is surer than what the scope does.
        if label not in accounts or isinstance(running, AccountFact):
            accounts[label] = running
    for label, found in accounts.items():
        yield given(subjects.account(label, found), found, partial(_check, facts))


def _check(facts: Facts, found: AccountFact) -> Outcome:
    account = found.principal
    values: dict[str, Value] = {
        "account": account.shown,
        "identity": account.name,
        "domain": account.domain,
    }
    evidence: tuple[str, ...] = (account.evidence,)
    if account.is_computer:
        return Outcome(Verdict.NOT_APPLICABLE, "LOCAL_SYSTEM", values, evidence)
    if account.password_set:
        values["since"] = account.password_set.date().isoformat()
    weak = list(_weaknesses(facts, account))
    groups = facts.directory.groups(account)
    if isinstance(groups, Missing):
        if not weak:
            return not_assessable(groups)
        values["problem"] = groups.text
        remarks = [Remark(code, values) for code in [*weak[1:], "GROUPS_UNREAD"]]
        return Outcome(Verdict.WARN, weak[0], values, evidence, tuple(remarks))
    evidence += (groups.evidence,)
    values["groups"] = privileged(facts, account)
    remarks = list(_notes(account, values))
    if found.source is AccountSource.SPN_OWNER:
        remarks.append(Remark("SPN_ONLY", values))
    if values["groups"]:
        remarks += [Remark(code, values) for code in weak]
        # An account that only an SPN names may be the wrong one.
        certain = found.source is not AccountSource.SPN_OWNER
        verdict = Verdict.FAIL if certain else Verdict.WARN
        return Outcome(verdict, "PRIVILEGED", values, evidence, tuple(remarks))
    if weak:
        remarks += [Remark(code, values) for code in weak[1:]]
        return Outcome(Verdict.WARN, weak[0], values, evidence, tuple(remarks))
    if account.password_set is None and not account.is_managed:
        return Outcome(
            Verdict.NOT_ASSESSABLE, "PASSWORD_AGE_UNKNOWN", values, evidence, tuple(remarks)
        )
    return Outcome(Verdict.PASS, "", values, evidence, tuple(remarks))


def _weaknesses(facts: Facts, account: Principal) -> Iterator[str]:
    """What makes the account's key easier to get, the worst first."""
    if account.control & DONT_REQUIRE_PREAUTHENTICATION:
        yield "NO_PREAUTHENTICATION"
    explicit = account.encryption
    if account.control & USE_DES_KEY_ONLY or (explicit and not explicit & AES):
        yield "WEAK_ENCRYPTION"
    aged = account.password_set and facts.moment - account.password_set > OLD
    if account.spns and aged and not account.is_managed:
        yield "OLD_PASSWORD"


def _notes(account: Principal, values: dict[str, Value]) -> Iterator[Remark]:
    if account.is_managed:
        yield Remark("MANAGED", values)
    elif account.control & DONT_EXPIRE_PASSWORD:
        yield Remark("NEVER_EXPIRES", values)


ACC_08 = Control(
    id="ACC-08",
    version=1,
    severity=Severity.HIGH,
    origin=Origin.SECURITY,
    references=(
        "MS-ADTS 2.2.16 (userAccountControl)",
        "MS-KILE 2.2.7",
    ),
    mapping=mapping.ACCOUNTS,
    cases=_cases,
)
