"""ENV-04: host and library server are in one domain, or in two that trust each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from vmmaudit import questions
from vmmaudit.assessment import Remark, Ternary, Value, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import (
    Case,
    Control,
    Origin,
    Outcome,
    Severity,
    World,
    both,
    by_link,
    given,
)
from vmmaudit.facts import Facts, Missing, Principal, Trust
from vmmaudit.readiness.delegation import resource_based

TWO_WAY: Final = 3
NON_TRANSITIVE: Final = 0x01
TRANSITIVE: Final = 0x08 | 0x20
"""trustAttributes (MS-ADTS 6.1.6.7.9): forest-transitive or within one forest."""
SELECTIVE: Final = 0x10
QUARANTINED: Final = 0x04
"""SID filtering: SIDs of other domains, and with them sIDHistory, do not cross."""


def _cases(world: World) -> Iterator[Case]:
    facts, seen = world.facts, set()
    for host in facts.scope.hyper_v_hosts:
        for library in facts.scope.libraries:
            subject = subjects.host_library(facts, host, library)
            if subject.id not in seen:
                seen.add(subject.id)
                pair = both(facts.host(host), facts.library(library))
                yield given(subject, pair, lambda known: _check(facts, *known))


def _check(facts: Facts, host: Principal, server: Principal) -> Outcome:
    values: dict[str, Value] = {
        "host": host.shown,
        "host_domain": host.domain,
        "identity": host.name,
        "server": server.shown,
        "server_domain": server.domain,
        "server_identity": server.name,
    }
    evidence: tuple[str, ...] = (host.evidence, server.evidence)
    if host.domain == server.domain:
        return Outcome(Verdict.PASS, "", values, evidence)
    evidence += tuple(questions.trusts(name).id for name in (host.domain, server.domain))
    trusted, by_server = (
        _two_way(facts, host.domain, server.domain),
        resource_based(facts, host, server),
    )
    if trusted is Ternary.NO:
        return Outcome(Verdict.FAIL, "NO_TWO_WAY_TRUST", values, evidence)
    if by_server.state is Ternary.NO:
        blocked = by_server.code == "RBCD_LIST_NOT_EMPTY"
        code = by_server.code if blocked else "OTHER_DOMAIN"
        return Outcome(Verdict.FAIL, code, values, (*evidence, *by_server.evidence))
    if by_server.state is Ternary.UNKNOWN:
        return by_link(by_server)
    if trusted is Ternary.UNKNOWN:
        return Outcome(Verdict.NOT_ASSESSABLE, "TRUST_UNKNOWN", values, evidence)
    remarks = [Remark("RBCD", values)]
    for bit, code in ((SELECTIVE, "SELECTIVE_AUTHENTICATION"), (QUARANTINED, "SID_FILTERING")):
        if _has(facts, host.domain, server.domain, bit):
            remarks.append(Remark(code, values))
    return Outcome(
        Verdict.PASS, "", values, (*evidence, *by_server.evidence), remarks=tuple(remarks)
    )


def _two_way(facts: Facts, first: str, second: str) -> Ternary:
    """A two-way trust between both, or a way of transitive ones; unread domains leave it open."""
    read: set[str] = set()
    ways: set[frozenset[str]] = set()
    for name, trust in _trusts(facts, read):
        if trust.direction == TWO_WAY:
            if {name, trust.partner} == {first, second}:
                return Ternary.YES
            if trust.attributes & TRANSITIVE and not trust.attributes & NON_TRANSITIVE:
                ways.add(frozenset({name, trust.partner}))
    reached = {first}
    while more := {name for way in ways if way & reached for name in way} - reached:
        reached |= more
    if second in reached:
        return Ternary.YES
    return Ternary.NO if reached <= read else Ternary.UNKNOWN


def _has(facts: Facts, first: str, second: str, bit: int) -> bool:
    return any(
        {name, trust.partner} == {first, second} and trust.attributes & bit
        for name, trust in _trusts(facts, set())
    )


def _trusts(facts: Facts, read: set[str]) -> Iterator[tuple[str, Trust]]:
    """Every trust of the scope's domains; `read` learns which of them told theirs."""
    for domain in facts.scope.domains:
        found = facts.directory.trusts(domain.name)
        if not isinstance(found, Missing):
            read.add(domain.name)
            yield from ((domain.name, trust) for trust in found)


ENV_04 = Control(
    id="ENV-04",
    version=1,
    severity=Severity.CRITICAL,
    origin=Origin.VENDOR,
    references=(
        "Microsoft Learn: Kerberos constrained delegation overview",
        "Microsoft Learn: VMM, Add a library server or library share",
        "MS-SFU 3.2.5.2.1",
        "MS-SFU 3.2.5.2.3",
    ),
    mapping=mapping.OPERATION,
    cases=_cases,
)
