"""OPS-04: no job of the audited period failed for want of access to an image."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import Final

from vmmaudit.assessment import Value, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import Case, Control, Origin, Outcome, Severity, World, given
from vmmaudit.evidence import Row
from vmmaudit.facts import Facts
from vmmaudit.facts.inventory import Inventory, told
from vmmaudit.scope import VmmServer

NAMED: Final = 20
_CODES: Final = re.compile(r"\b(12700|13233)\b")
_IMAGE: Final = re.compile(r"\.iso\b|CD/DVD", re.IGNORECASE)
_DAY: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_GERMAN: Final = re.compile(r"(\d\d?)\.(\d\d?)\.(\d{4})")


def _cases(world: World) -> Iterator[Case]:
    for vmm in world.facts.scope.vmm:
        jobs = world.facts.inventory(vmm, "Get-SCJob")
        yield given(subjects.vmm(world.facts, vmm), jobs, partial(_check, world.facts, vmm))


def _check(facts: Facts, vmm: VmmServer, found: Inventory) -> Outcome:
    values: dict[str, Value] = {"server": vmm.server, "total": len(found.rows)}
    failed = [row for row in found.rows if _is_failure(row) and _is_in_period(facts, row)]
    if not failed:
        return Outcome(Verdict.PASS, "", values, found.evidence)
    values |= {
        "count": len(failed),
        "jobs": tuple(told(row, "Name") or row.name for row in failed[:NAMED]),
        "codes": tuple(sorted({code for row in failed for code in _CODES.findall(_text(row))})),
    }
    if any(_IMAGE.search(_text(row)) for row in failed):
        return Outcome(Verdict.FAIL, "IMAGE_REFUSED", values, found.evidence)
    return Outcome(Verdict.WARN, "FAILED_JOBS", values, found.evidence)


def _text(row: Row) -> str:
    names = ("ErrorInfo", "AdditionalMessages", "Description", "ErrorCode")
    return " ".join(told(row, name) for name in names)


def _is_failure(row: Row) -> bool:
    succeeded = told(row, "Status").lower() in ("succeeded", "completed", "abgeschlossen")
    return not succeeded and _CODES.search(_text(row)) is not None


def _is_in_period(facts: Facts, row: Row) -> bool:
    """A job without a readable time counts: leaving it out would hide it."""
    period, ended = facts.scope.audit.period, told(row, "EndTime") or told(row, "StartTime")
    if period is None:
        return True
    try:
        if found := _DAY.match(ended):
            day = date(*map(int, found.groups()))
        elif found := _GERMAN.match(ended):
            day = date(*map(int, reversed(found.groups())))
        else:
            return True
    except ValueError:
        return True
    return period.start <= day <= period.end


OPS_04 = Control(
    id="OPS-04",
    version=1,
    severity=Severity.HIGH,
    origin=Origin.VENDOR,
    references=("KB 2689989", "Microsoft Learn: Get-SCJob"),
    mapping=mapping.OPERATION,
    cases=_cases,
)
