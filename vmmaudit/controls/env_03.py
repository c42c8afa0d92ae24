"""ENV-03: whether the domain controllers know resource-based delegation, for information."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from vmmaudit.assessment import Remark, Value, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import Case, Control, Origin, Outcome, Severity, World, given
from vmmaudit.facts.replicas import Controller

CAPABLE: Final = (6, 2)
"""Windows Server 2012."""


def _cases(world: World) -> Iterator[Case]:
    facts = world.facts
    scope = facts.scope
    servers = [host.name for host in scope.hyper_v_hosts]
    for name in dict.fromkeys(scope.domain_of(server).name for server in servers):
        yield given(subjects.domain(name), facts.controllers(name), partial(_check, name))


def _check(domain: str, controllers: tuple[Controller, ...]) -> Outcome:
    capable = [one for one in controllers if one.version and one.version >= CAPABLE]
    older = [one for one in controllers if one.version and one.version < CAPABLE]
    unknown = [one for one in controllers if one.version is None]
    values: dict[str, Value] = {
        "domain": domain,
        "capable": tuple(_shown(one) for one in capable),
        "older": tuple(_shown(one) for one in older),
        "unknown": tuple(_shown(one) for one in unknown),
    }
    evidence = tuple(dict.fromkeys(one.evidence for one in controllers))
    remarks = [
        Remark(code, values) for code, some in (("OLDER", older), ("UNKNOWN", unknown)) if some
    ]
    if len(controllers) > 1:
        remarks.append(Remark("PATCHES", values))
    if capable:
        return Outcome(Verdict.PASS, "", values, evidence, tuple(remarks))
    if unknown:
        return Outcome(Verdict.NOT_ASSESSABLE, "NOT_WINDOWS", values, evidence, tuple(remarks))
    return Outcome(Verdict.WARN, "NONE_CAPABLE", values, evidence)


def _shown(controller: Controller) -> str:
    return f"{controller.name} ({controller.system})" if controller.system else controller.name


ENV_03 = Control(
    id="ENV-03",
    version=1,
    severity=Severity.INFO,
    origin=Origin.VENDOR,
    references=("Microsoft Learn: Kerberos constrained delegation overview",),
    mapping=mapping.OPERATION,
    cases=_cases,
)
