"""OPS-01: which virtual drives hold a shared image, and so depend on the library server."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from vmmaudit.assessment import Remark, Value, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import Case, Control, Origin, Outcome, Severity, World, given
from vmmaudit.evidence import Row
from vmmaudit.facts.inventory import Inventory, flag, told
from vmmaudit.scope import VmmServer

NAMED = 20


def _cases(world: World) -> Iterator[Case]:
    for vmm in world.facts.scope.vmm:
        drives = world.facts.inventory(vmm, "Get-SCVirtualDVDDrive")
        yield given(subjects.vmm(world.facts, vmm), drives, partial(_check, vmm))


def _check(vmm: VmmServer, found: Inventory) -> Outcome:
    linked = [row for row in found.rows if flag(row, "ISOLinked")]
    copied = [row for row in found.rows if told(row, "ISO") and not flag(row, "ISOLinked")]
    values: dict[str, Value] = {
        "server": vmm.server,
        "count": len(linked),
        "copied": len(copied),
        "machines": tuple(dict.fromkeys(map(_machine, linked)))[:NAMED],
    }
    remarks = (Remark("DEPENDENCY", values),) if linked else ()
    return Outcome(Verdict.PASS, "", values, found.evidence, remarks)


def _machine(row: Row) -> str:
    return told(row, "VMName") or told(row, "VM") or row.name


OPS_01 = Control(
    id="OPS-01",
    version=1,
    severity=Severity.INFO,
    origin=Origin.VENDOR,
    references=("Microsoft Learn: Get-SCVirtualDVDDrive",),
    mapping=mapping.OPERATION,
    cases=_cases,
)
