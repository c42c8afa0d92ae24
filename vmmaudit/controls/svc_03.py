"""SVC-03: the VMM agents are up to date."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from vmmaudit.assessment import Value, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import Case, Control, Origin, Outcome, Severity, World, given
from vmmaudit.facts.inventory import Inventory, told
from vmmaudit.scope import VmmServer

NAMED = 20


def _cases(world: World) -> Iterator[Case]:
    for vmm in world.facts.scope.vmm:
        found = world.facts.inventory(vmm, "Get-SCVMMManagedComputer")
        yield given(subjects.vmm(world.facts, vmm), found, partial(_check, vmm))


def _check(vmm: VmmServer, found: Inventory) -> Outcome:
    versions = {row.name: told(row, "AgentVersion") for row in found.rows}
    known = {name: version for name, version in versions.items() if version}
    values: dict[str, Value] = {"server": vmm.server, "count": len(known)}
    if len(known) < len(found.rows) or not known:
        return Outcome(Verdict.NOT_ASSESSABLE, "NO_VERSIONS", values, found.evidence)
    newest = max(known.values(), key=_parts)
    states = {row.name: (told(row, "AgentVersionState") + told(row, "State")) for row in found.rows}
    old = sorted(
        name
        for name, version in known.items()
        if _parts(version) < _parts(newest) or "upgrade" in states[name].replace(" ", "").lower()
    )
    values |= {"newest": newest, "old": tuple(old[:NAMED])}
    if old:
        return Outcome(Verdict.WARN, "OLD_AGENTS", values, found.evidence)
    return Outcome(Verdict.PASS, "", values, found.evidence)


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


SVC_03 = Control(
    id="SVC-03",
    version=1,
    severity=Severity.LOW,
    origin=Origin.VENDOR,
    references=("Microsoft Learn: Upgrade VMM",),
    mapping=mapping.OPERATION,
    cases=_cases,
)
