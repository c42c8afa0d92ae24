"""DEL-05: a host may delegate to nothing that sharing images or live migration does not need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final

from vmmaudit import questions
from vmmaudit.assessment import Value, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import Case, Control, Origin, Outcome, Severity, World, given
from vmmaudit.facts import Facts, Principal

_DANGEROUS: Final = frozenset({"cifs", "ldap", "host", "gc", "krbtgt"})
"""What whoever acts as an administrator towards a domain controller takes the domain with."""


def _cases(world: World) -> Iterator[Case]:
    facts = world.facts
    known, controllers = _known(facts), _controllers(facts)
    libraries = _names(library.unc_name for library in facts.scope.libraries)
    check = partial(_check, known, controllers, controllers - libraries)
    for host in facts.scope.hyper_v_hosts:
        yield given(subjects.host(facts, host), facts.host(host), check)


def _check(
    known: set[str], controllers: set[str], feared: set[str], computer: Principal
) -> Outcome:
    evidence = (computer.evidence,)
    others = [spn for spn in computer.delegates_to if _server(spn) not in known]
    taking = [
        spn
        for spn in computer.delegates_to
        if spn.partition("/")[0].lower() in _DANGEROUS and _server(spn) in feared
    ]
    values: dict[str, Value] = {
        "host": computer.shown,
        "identity": computer.name,
        "domain": computer.domain,
        "count": len(computer.delegates_to),
        "others": tuple(sorted(set(taking or others))),
    }
    if taking:
        return Outcome(Verdict.FAIL, "CONTROLLER", values, evidence)
    if others:
        return Outcome(Verdict.WARN, "SUPERFLUOUS", values, evidence)
    tier_zero = sorted({spn for spn in computer.delegates_to if _server(spn) in controllers})
    if tier_zero:
        values["others"] = tuple(tier_zero)
        return Outcome(Verdict.WARN, "LIBRARY_ON_CONTROLLER", values, evidence)
    return Outcome(Verdict.PASS, "", values, evidence)


def _server(spn: str) -> str:
    """The server of `class/server:port/name`, in lower case."""
    return spn.partition("/")[2].partition("/")[0].partition(":")[0].lower()


def _known(facts: Facts) -> set[str]:
    """Names of the library servers, and of the hosts, to which live migration delegates."""
    names = {library.unc_name for library in facts.scope.libraries}
    names |= {questions.computer_name(library) for library in facts.scope.libraries}
    names |= {host.name for host in facts.scope.hosts}
    names |= {host.cluster for host in facts.scope.hosts if host.cluster}
    return _names(names)


def _names(names: Iterable[str]) -> set[str]:
    """Full and short forms."""
    found = set(names)
    return found | {name.split(".", maxsplit=1)[0] for name in found}


def _controllers(facts: Facts) -> set[str]:
    found = {p for p in facts.directory.known() if p.is_domain_controller}
    return {p.dns_name for p in found} | {p.name.rstrip("$").lower() for p in found}


DEL_05 = Control(
    id="DEL-05",
    version=1,
    severity=Severity.MEDIUM,
    origin=Origin.SECURITY,
    references=("MS-SFU 3.2.5.2.1",),
    mapping=mapping.DELEGATION,
    cases=_cases,
)
