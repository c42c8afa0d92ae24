"""ACC-01: the VMM service runs as a domain account."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from vmmaudit import questions
from vmmaudit.assessment import Remark, Subject, SubjectKind, Value, Verdict
from vmmaudit.controls import mapping
from vmmaudit.controls.control import (
    Case,
    Control,
    Origin,
    Outcome,
    Severity,
    World,
    both,
    given,
    not_assessable,
)
from vmmaudit.controls.env_01 import number_of, version_of
from vmmaudit.evidence import Reason
from vmmaudit.facts import Facts, Missing, Principal, ServiceFact, ServiceSource
from vmmaudit.scope import VmmServer

MANAGED_FROM: Final = (10, 19, 0)
"""VMM 2019, the first that supports group managed service accounts."""
UNNAMED: Final = "scvmm"
NO_DOMAIN: Final = (".", "nt authority", "nt-autorität", "nt service")
"""What stands before the name of an account that no domain has."""


_WORST: Final = (Verdict.FAIL, Verdict.NOT_ASSESSABLE, Verdict.WARN, Verdict.PASS)


def _cases(world: World) -> Iterator[Case]:
    facts = world.facts
    declared: dict[str, str] = {}
    told: dict[str, list[ServiceFact]] = {}
    for vmm in facts.scope.vmm:
        label = (vmm.account or UNNAMED).lower()
        if vmm.account:
            declared.setdefault(label, vmm.account)
        service = facts.vmm_service(vmm)
        if isinstance(service, ServiceFact):
            told.setdefault(label, []).append(service)
    for label, name in declared.items():
        if label in told:
            yield _by_services(facts, label, name, told[label])
        else:
            yield _by_declaration(facts, label, name)
    if UNNAMED in told:
        yield _by_services(facts, UNNAMED, None, told[UNNAMED])
    elif not declared:
        owners = facts.directory.vmm_owners()
        yield given(_subject(UNNAMED, UNNAMED.upper()), owners, lambda one: _by_spn(facts, one))


def _by_services(facts: Facts, label: str, name: str | None, told: list[ServiceFact]) -> Case:
    """What the services themselves say; of several that share an account the worst counts."""
    found = facts.directory.account(name) if name else None
    shown = found.shown if isinstance(found, Principal) else name or label.upper()
    outcomes = [_by_service(facts, service, name, found) for service in told]
    worst = min(outcomes, key=lambda outcome: _WORST.index(outcome.verdict))
    silent = [
        Remark("UNREAD", {"server": vmm.server})
        for vmm in facts.scope.vmm
        if (vmm.account or UNNAMED).lower() == label and facts.vmm_service(vmm) not in told
    ]
    outcome = replace(worst, remarks=(*worst.remarks, *silent))
    return Case(_subject(label, shown), lambda: outcome)


def _by_service(
    facts: Facts,
    service: ServiceFact,
    name: str | None,
    declared: Principal | Missing | None,
) -> Outcome:
    """The account in the configuration of one service."""
    values: dict[str, Value] = {
        "account": service.account,
        "server": service.server,
        "service": service.name,
    }
    if service.acts_as_computer:
        return Outcome(Verdict.FAIL, "SERVICE_LOCAL_SYSTEM", values, service.evidence)
    if service.is_local_account:
        return Outcome(Verdict.FAIL, "SERVICE_LOCAL_ACCOUNT", values, service.evidence)
    account = facts.started_as(service)
    if isinstance(account, Missing):
        unknown = not_assessable(account)
        return replace(unknown, evidence=(*service.evidence, *unknown.evidence))
    evidence = (*service.evidence, account.evidence)
    values["account"] = account.shown
    if account.is_computer:
        return Outcome(Verdict.FAIL, "SERVICE_LOCAL_SYSTEM", values, evidence)
    remarks = _remarks(facts, service, account, values)
    if name and _differs(declared, account):
        values["declared"] = declared.shown if isinstance(declared, Principal) else name
        return Outcome(Verdict.WARN, "DECLARED_OTHERWISE", values, evidence, remarks)
    servers = [
        vmm for vmm in facts.scope.vmm if questions.vmm_server(facts.scope, vmm) == service.server
    ]
    return _met(facts, account, servers, Outcome(Verdict.PASS, "", values, evidence, remarks))


def _met(
    facts: Facts, account: Principal, servers: Iterable[VmmServer], outcome: Outcome
) -> Outcome:
    """Met, unless it is a managed account and a version of VMM that does not know these yet.

    Which product a version number is rests on practice, so it is a warning.
    """
    for vmm in servers if account.is_managed else ():
        version, asked = version_of(facts, vmm)
        number = number_of(version) if isinstance(version, str) else None
        if number is not None and number < MANAGED_FROM:
            server = questions.vmm_server(facts.scope, vmm)
            values = {**outcome.values, "server": server, "version": str(version)}
            evidence = (*outcome.evidence, *asked)
            return replace(
                outcome,
                verdict=Verdict.WARN,
                code="MANAGED_TOO_EARLY",
                values=values,
                evidence=evidence,
            )
    return outcome


def _differs(declared: Principal | Missing | None, account: Principal) -> bool:
    """Whether the scope names somebody else; a gap in its place says nothing about that."""
    if isinstance(declared, Missing):
        return declared.reason is Reason.NOT_IN_DIRECTORY
    return declared is not None and declared.sid != account.sid


def _remarks(
    facts: Facts, service: ServiceFact, account: Principal, values: Mapping[str, Value]
) -> tuple[Remark, ...]:
    source = "READ" if service.source is ServiceSource.MANAGER else "FROM_REGISTRY"
    remarks = [Remark(source, values)]
    if account.is_managed:
        remarks.append(Remark("MANAGED", values))
    owners = facts.directory.vmm_owners()
    registered = () if isinstance(owners, Missing) else owners
    if registered and account.sid not in {owner.sid for owner in registered}:
        remarks.append(Remark("SPN_STALE", {**values, "owners": _shown(registered)}))
    return tuple(remarks)


def _by_declaration(facts: Facts, label: str, name: str) -> Case:
    """What the scope says, where no service told."""
    found = facts.directory.account(name)
    shown = found.shown if isinstance(found, Principal) else name
    if _is_local(facts, label):
        values: dict[str, Value] = {"account": name}
        return Case(_subject(label, name), partial(Outcome, Verdict.FAIL, "LOCAL_ACCOUNT", values))
    known = both(found, facts.directory.vmm_owners())
    return given(_subject(label, shown), known, lambda pair: _declared(facts, label, *pair))


def _declared(
    facts: Facts, label: str, account: Principal, owners: tuple[Principal, ...]
) -> Outcome:
    """What the scope names, and whether the SPNs that VMM registers agree."""
    values: dict[str, Value] = {"account": account.shown, "owners": _shown(owners)}
    evidence = (account.evidence, *_asked(facts))
    if account.is_computer:
        return Outcome(Verdict.FAIL, "LOCAL_SYSTEM", values, evidence)
    remarks: tuple[Remark, ...] = (Remark("MANAGED", values),) if account.is_managed else ()
    if any(owner.sid == account.sid for owner in owners):
        met = Outcome(Verdict.PASS, "", values, evidence, (*remarks, Remark("INDIRECT", values)))
        servers = [vmm for vmm in facts.scope.vmm if (vmm.account or "").lower() == label]
        return _met(facts, account, servers, met)
    if owners:
        return Outcome(Verdict.WARN, "SPN_ELSEWHERE", values, evidence, remarks)
    return Outcome(Verdict.MANUAL, "CONFIRM", values, evidence, remarks)


def _by_spn(facts: Facts, owners: tuple[Principal, ...]) -> Outcome:
    """SPNs go stale: alone they never prove which account the service uses."""
    values: dict[str, Value] = {"owners": _shown(owners)}
    if len(owners) != 1:
        code = "SEVERAL_OWNERS" if owners else "NO_OWNER"
        return Outcome(Verdict.NOT_ASSESSABLE, code, values, _asked(facts))
    values["account"] = owners[0].shown
    code = "SPN_ON_COMPUTER" if owners[0].is_computer else "SPN_ONLY"
    return Outcome(Verdict.WARN, code, values, (owners[0].evidence, *_asked(facts)))


def _is_local(facts: Facts, label: str) -> bool:
    r"""`VMM01\name` is an account of the machine, unless a domain is called so."""
    prefix, backslash, _ = label.partition("\\")
    machines = {vmm.server.split(".")[0] for vmm in facts.scope.vmm}
    domains = {domain.name.split(".")[0] for domain in facts.scope.domains}
    return bool(backslash) and prefix in machines.union(NO_DOMAIN) - domains


def _subject(label: str, shown: str) -> Subject:
    return Subject(SubjectKind.ACCOUNT, label, shown)


def _shown(owners: tuple[Principal, ...]) -> tuple[str, ...]:
    return tuple(owner.shown for owner in owners)


def _asked(facts: Facts) -> tuple[str, ...]:
    return tuple(questions.vmm_spns(domain.name).id for domain in facts.scope.domains)


ACC_01 = Control(
    id="ACC-01",
    version=3,
    severity=Severity.CRITICAL,
    origin=Origin.SEED,
    references=(
        "Microsoft Learn: VMM, Enable shared ISOs",
        "Microsoft Learn: Specify a service account for VMM",
        "Microsoft Learn: Plan a VMM installation",
        "MS-SCMR 2.2.15",
    ),
    mapping=mapping.ACCOUNTS,
    cases=_cases,
)
