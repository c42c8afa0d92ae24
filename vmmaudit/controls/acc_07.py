"""ACC-07: the SPNs of VMM are registered once, in both forms, on the account that it runs as."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from vmmaudit import questions
from vmmaudit.assessment import Remark, Value, Verdict
from vmmaudit.controls import subjects
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
from vmmaudit.scope import VmmServer
from vmmaudit.windows import spn

SERVICE: Final = "scvmm"


def _cases(world: World) -> Iterator[Case]:
    facts = world.facts
    owners = facts.directory.vmm_owners()
    for vmm in facts.scope.vmm:

        def check(found: tuple[Principal, ...], of: VmmServer = vmm) -> Outcome:
            return _check(facts, of, found)

        yield given(subjects.vmm(facts, vmm), owners, check)


def _check(facts: Facts, vmm: VmmServer, owners: tuple[Principal, ...]) -> Outcome:
    server = questions.vmm_server(facts.scope, vmm)
    wanted = _wanted(facts, server)
    by_spn = {name: [o for o in owners if o.has_spn(f"{SERVICE}/{name}")] for name in wanted}
    evidence = tuple(questions.vmm_spns(domain.name).id for domain in facts.scope.domains)
    evidence += (questions.registry(server, *questions.VMM_OWN_SPNS).id,)
    values: dict[str, Value] = {
        "server": server,
        "spns": tuple(f"SCVMM/{name}" for name in wanted),
        "missing": tuple(f"SCVMM/{name}" for name, found in by_spn.items() if not found),
    }
    twice = {name: found for name, found in by_spn.items() if len(found) > 1}
    if twice:
        values["duplicates"] = tuple(f"SCVMM/{name}" for name in twice)
        values["owners"] = _shown(owner for found in twice.values() for owner in found)
        return Outcome(Verdict.FAIL, "DUPLICATE", values, evidence)
    account = facts.service_account(vmm)
    if not any(by_spn.values()):
        return Outcome(Verdict.WARN, "NONE", values, evidence)
    if isinstance(account, Missing):
        return not_assessable(account)
    return _on_account(values, evidence, by_spn, account)


def _on_account(
    values: dict[str, Value],
    evidence: tuple[str, ...],
    by_spn: dict[str, list[Principal]],
    account: AccountFact,
) -> Outcome:
    """Each SPN has one owner at most: is it the account, and is none missing?"""
    principal = account.principal
    values = {**values, "account": principal.shown}
    evidence += (principal.evidence,)
    remarks = (Remark("MANAGED", values),) if principal.is_managed else ()
    others = {
        name: owner
        for name, found in by_spn.items()
        for owner in found
        if owner.sid != principal.sid
    }
    if others:
        values["elsewhere"] = tuple(f"SCVMM/{name}" for name in others)
        values["owners"] = _shown(others.values())
        # What the scope says may be as outdated as an SPN; what the service says is certain.
        certain = account.source is AccountSource.SERVICE
        verdict, code = (Verdict.FAIL, "STALE") if certain else (Verdict.WARN, "ELSEWHERE")
        return Outcome(verdict, code, values, evidence, remarks)
    if values["missing"]:
        return Outcome(Verdict.WARN, "ONE_FORM", values, evidence, remarks)
    if account.source is AccountSource.SPN_OWNER:
        return Outcome(Verdict.NOT_ASSESSABLE, "ACCOUNT_UNKNOWN", values, evidence, remarks)
    return Outcome(Verdict.PASS, "", values, evidence, remarks)


def _wanted(facts: Facts, server: str) -> tuple[str, ...]:
    """Both forms of the names that VMM registers: as its setup wrote them, else the server's."""
    told = facts.services.own_spns(server)
    own = () if told is None or isinstance(told, Missing) else told
    named = [found.host for text in own if (found := spn.parse(text)) and found.service == SERVICE]
    full = [name for name in named if "." in name] or ([] if named else [server])
    known = {name.split(".", maxsplit=1)[0] for name in full}
    # A short name alone is completed by the domain of the server.
    suffix = facts.scope.domain_of(server).name
    full += [f"{name}.{suffix}" for name in named if "." not in name and name not in known]
    both = [form for name in full for form in (name.split(".", maxsplit=1)[0], name)]
    return tuple(dict.fromkeys(both))


def _shown(owners: Iterable[Principal]) -> tuple[str, ...]:
    return tuple(sorted({owner.shown for owner in owners}))


ACC_07 = Control(
    id="ACC-07",
    version=1,
    severity=Severity.MEDIUM,
    origin=Origin.VENDOR,
    references=("Microsoft Learn: Plan a VMM installation",),
    cases=_cases,
)
