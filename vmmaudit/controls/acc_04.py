"""ACC-04: the account that VMM uses on a host is a local administrator there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from vmmaudit import questions
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
from vmmaudit.facts import AccountFact, AccountSource, Facts, Missing
from vmmaudit.readiness import Link
from vmmaudit.readiness.administrators import administrator
from vmmaudit.scope import Host


def _cases(world: World) -> Iterator[Case]:
    facts = world.facts
    for host in facts.scope.hosts:
        subject = subjects.host(facts, host)
        if host.platform != "hyper-v":
            esx = partial(Outcome, Verdict.NOT_APPLICABLE, "ESX", {"server": host.name})
            yield Case(subject, esx)
            continue
        yield given(subject, facts.account(host), partial(_check, facts, host))


def _check(facts: Facts, host: Host, found: AccountFact) -> Outcome:
    server = questions.host_server(facts.scope, host)
    if found.principal.is_computer:
        values = {"account": found.principal.shown, "server": server}
        return Outcome(Verdict.NOT_APPLICABLE, "LOCAL_SYSTEM", values, (found.principal.evidence,))
    link = administrator(facts, found.principal, server)
    remarks = [Remark("NESTED", link.values)] if link.code == "NESTED" else []
    if found.source is AccountSource.RUN_AS:
        remarks += _service_accounts(facts, found, server)
    return judged(found, link, *remarks)


def judged(found: AccountFact, link: Link, *remarks: Remark) -> Outcome:
    """A membership as a verdict: an account that only an SPN names may be the wrong one."""
    doubtful = found.source is AccountSource.SPN_OWNER
    if doubtful and link.state is not Ternary.UNKNOWN:
        remarks = (*remarks, Remark("SPN_ONLY", link.values))
    if doubtful and link.state is Ternary.NO:
        return Outcome(Verdict.WARN, link.code, link.values, link.evidence, remarks)
    return by_link(link, *remarks)


def _service_accounts(facts: Facts, found: AccountFact, server: str) -> list[Remark]:
    """Shielded machines need the service account even where a Run As account is used."""
    remarks = []
    seen = {found.principal.sid}
    for vmm in facts.scope.vmm:
        service = facts.service_account(vmm)
        if isinstance(service, Missing) or service.principal.sid in seen:
            continue
        seen.add(service.principal.sid)
        link = administrator(facts, service.principal, server)
        if link.state is Ternary.NO and not service.principal.is_computer:
            remarks.append(Remark("SERVICE_ACCOUNT_NOT_MEMBER", link.values))
    return remarks


ACC_04 = Control(
    id="ACC-04",
    version=1,
    severity=Severity.HIGH,
    origin=Origin.SEED,
    references=(
        "Microsoft Learn: Add Hyper-V hosts and clusters to the VMM fabric",
        "Microsoft Learn: Specify a service account for VMM",
    ),
    mapping=mapping.ACCOUNTS,
    cases=_cases,
)
