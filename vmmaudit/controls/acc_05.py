"""ACC-05: the service account is used for VMM and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from vmmaudit import questions
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
from vmmaudit.facts import AccountFact, AccountSource, Facts, Missing, Principal, ServiceFact
from vmmaudit.readiness.account import privileged
from vmmaudit.windows import spn

VMM_CLASS: Final = "scvmm"
OF_ITSELF: Final = ("host", "restrictedkrbhost")
"""What a managed account may carry without anybody having installed a service."""


def _cases(world: World) -> Iterator[Case]:
    for label, found in world.facts.service_accounts():
        yield given(subjects.account(label, found), found, partial(_check, world.facts))


def _check(facts: Facts, found: AccountFact) -> Outcome:
    account = found.principal
    values: dict[str, Value] = {"account": account.shown}
    if account.is_computer:
        return Outcome(Verdict.NOT_APPLICABLE, "LOCAL_SYSTEM", values, (account.evidence,))
    services = list(_services(facts, account))
    evidence = (account.evidence, *(asked for one in services for asked in one.evidence))
    values["services"] = tuple(f"{one.name} ({one.server})" for one in services)
    values["spns"] = _foreign(account)
    values["others"] = _other_servers(facts, account)
    groups = facts.directory.groups(account)
    contrary = ["OTHER_SERVICES"] if services else []
    contrary += ["OTHER_SPNS"] if values["spns"] else []
    if isinstance(groups, Missing):
        if not contrary:
            return not_assessable(groups)
    else:
        evidence += (groups.evidence,)
        values["groups"] = privileged(facts, account)
        contrary += ["PRIVILEGED"] if values["groups"] else []
    remarks = [Remark(code, values) for code in contrary[1:]]
    if values["others"]:
        remarks.append(Remark("OTHER_VMM", values))
    if found.source is AccountSource.SPN_OWNER:
        remarks.append(Remark("SPN_ONLY", values))
    if not contrary:
        return Outcome(Verdict.MANUAL, "CONFIRM", values, evidence, tuple(remarks))
    # SPNs go stale and a group is only a hint; what a service is set up with is a fact.
    certain = bool(services) and found.source is not AccountSource.SPN_OWNER
    verdict = Verdict.FAIL if certain else Verdict.WARN
    return Outcome(verdict, contrary[0], values, evidence, tuple(remarks))


def _services(facts: Facts, account: Principal) -> Iterator[ServiceFact]:
    """The agents of VMM that run as the account; they belong to the machine (SVC-02)."""
    scope = facts.scope
    servers = [questions.vmm_server(scope, vmm) for vmm in scope.vmm]
    servers += [questions.host_server(scope, host) for host in scope.hyper_v_hosts]
    servers += [questions.file_server(scope, library) for library in scope.libraries]
    for server in dict.fromkeys(servers):
        agent = facts.services.agent(server)
        if isinstance(agent, ServiceFact) and not agent.is_local_account:
            known = facts.started_as(agent)
            named = agent.account.lower() == account.shown.lower()
            if named or (isinstance(known, Principal) and known.sid == account.sid):
                yield agent


def _foreign(account: Principal) -> tuple[str, ...]:
    """The SPNs of other services than VMM."""
    ignored = {VMM_CLASS, *(OF_ITSELF if account.is_managed else ())}
    return tuple(
        text for text in sorted(account.spns) if text.lower().partition("/")[0] not in ignored
    )


def _other_servers(facts: Facts, account: Principal) -> tuple[str, ...]:
    """The SPNs of VMM servers that the scope does not name."""
    known: set[str] = set()
    for vmm in facts.scope.vmm:
        server = questions.vmm_server(facts.scope, vmm)
        known |= {server, server.split(".", maxsplit=1)[0]}
        own = facts.services.own_spns(server)
        if isinstance(own, tuple):
            known |= {found.host for text in own if (found := spn.parse(text))}
    return tuple(
        text
        for text in sorted(account.spns)
        if (found := spn.parse(text)) and found.service == VMM_CLASS and found.host not in known
    )


ACC_05 = Control(
    id="ACC-05",
    version=1,
    severity=Severity.MEDIUM,
    origin=Origin.SEED,
    references=("Microsoft Learn: Specify a service account for VMM",),
    mapping=mapping.ACCOUNTS,
    cases=_cases,
)
