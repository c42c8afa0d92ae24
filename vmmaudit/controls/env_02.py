"""ENV-02: the domains of the hosts know constrained delegation with protocol transition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from vmmaudit.assessment import Value, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import Case, Control, Origin, Outcome, Severity, World, given
from vmmaudit.facts import DomainFact

LOWEST: Final = 2
VERSIONS: Final = {
    0: "Windows 2000",
    1: "Windows Server 2003 Interim",
    2: "Windows Server 2003",
    3: "Windows Server 2008",
    4: "Windows Server 2008 R2",
    5: "Windows Server 2012",
    6: "Windows Server 2012 R2",
    7: "Windows Server 2016",
    10: "Windows Server 2025",
}
"""msDS-Behavior-Version (MS-ADTS 6.1.4.3); 8 and 9 were never issued."""


def _cases(world: World) -> Iterator[Case]:
    scope = world.facts.scope
    hosts = scope.hyper_v_hosts
    for name in dict.fromkeys(scope.domain_of(host.name).name for host in hosts):
        yield given(subjects.domain(name), world.facts.directory.domain(name), _check)


def _check(domain: DomainFact) -> Outcome:
    values: dict[str, Value] = {"domain": domain.name, "level": domain.level}
    version = VERSIONS.get(domain.level)
    if version is None:
        return Outcome(Verdict.WARN, "UNKNOWN_LEVEL", values, domain.evidence)
    values["version"] = version
    if domain.level < LOWEST:
        return Outcome(Verdict.FAIL, "TOO_LOW", values, domain.evidence)
    return Outcome(Verdict.PASS, "", values, domain.evidence)


ENV_02 = Control(
    id="ENV-02",
    version=1,
    severity=Severity.CRITICAL,
    origin=Origin.SEED,
    references=(
        "MS-ADTS 6.1.4.3 (msDS-Behavior-Version)",
        "Microsoft Learn: Kerberos constrained delegation overview",
    ),
    mapping=mapping.OPERATION,
    cases=_cases,
)
