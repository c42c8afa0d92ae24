"""ACC-01: the VMM service runs as a domain account."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from vmmaudit import questions
from vmmaudit.assessment import Remark, Subject, SubjectKind, Value, Verdict
from vmmaudit.controls.control import Case, Control, Origin, Outcome, Severity, World, both, given
from vmmaudit.facts import Facts, Principal

UNNAMED: Final = "scvmm"
NO_DOMAIN: Final = (".", "nt authority", "nt-autorität", "nt service")
"""What stands before the name of an account that no domain has."""


def _cases(world: World) -> Iterator[Case]:
    facts = world.facts
    owners = facts.directory.vmm_owners()
    declared = {vmm.account.lower(): vmm.account for vmm in facts.scope.vmm if vmm.account}
    for label, name in declared.items():
        found = facts.directory.account(name)
        shown = found.shown if isinstance(found, Principal) else name
        if _is_local(facts, label):
            values: dict[str, Value] = {"account": name}
            local = partial(Outcome, Verdict.FAIL, "LOCAL_ACCOUNT", values)
            yield Case(_subject(label, name), local)
        else:
            known = both(found, owners)
            yield given(_subject(label, shown), known, lambda pair: _declared(facts, *pair))
    if not declared:
        yield given(_subject(UNNAMED, UNNAMED.upper()), owners, lambda one: _by_spn(facts, one))


def _declared(facts: Facts, account: Principal, owners: tuple[Principal, ...]) -> Outcome:
    """What the scope names, and whether the SPNs that VMM registers agree."""
    values: dict[str, Value] = {"account": account.shown, "owners": _shown(owners)}
    evidence = (account.evidence, *_asked(facts))
    if account.is_computer:
        return Outcome(Verdict.FAIL, "LOCAL_SYSTEM", values, evidence)
    remarks: tuple[Remark, ...] = (Remark("MANAGED", values),) if account.is_managed else ()
    if any(owner.sid == account.sid for owner in owners):
        indirect = Remark("INDIRECT", values)
        return Outcome(Verdict.PASS, "", values, evidence, (*remarks, indirect))
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
    version=1,
    severity=Severity.CRITICAL,
    origin=Origin.SEED,
    references=(
        "Microsoft Learn: VMM, Enable shared ISOs",
        "Microsoft Learn: Specify a service account for VMM",
        "Microsoft Learn: Plan a VMM installation",
    ),
    cases=_cases,
)
