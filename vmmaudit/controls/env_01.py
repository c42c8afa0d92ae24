"""ENV-01: the installed version of VMM can share ISO images, and is still supported."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final

from vmmaudit import questions
from vmmaudit.assessment import Value, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import (
    Case,
    Control,
    Origin,
    Outcome,
    Severity,
    World,
    not_assessable,
)
from vmmaudit.facts import Facts, Missing
from vmmaudit.facts.inventory import Inventory, told
from vmmaudit.scope import VmmServer


@dataclass(frozen=True, slots=True)
class Product:
    """A product by the first version that belongs to it.

    `shares` is whether it can leave an image on its library; `until` the day by
    which any support had ended or will have, None where this catalogue knows none.
    """

    first: tuple[int, int, int]
    name: str
    shares: bool = True
    until: date | None = None


_2012: Final = date(2022, 7, 12)
PRODUCTS: Final = (
    Product((1, 0, 0), "VMM 2007", shares=False),
    Product((2, 0, 0), "VMM 2008", shares=False),
    Product((2, 0, 4271), "VMM 2008 R2", until=date(2020, 1, 14)),
    Product((3, 0, 0), "VMM 2012", until=_2012),
    Product((3, 1, 0), "VMM 2012 SP1", until=_2012),
    Product((3, 2, 0), "VMM 2012 R2", until=_2012),
    Product((4, 0, 0), "VMM 2016", until=date(2027, 1, 12)),
    Product((4, 1, 0), "VMM 1801/1807", until=date(2020, 1, 1)),
    Product((10, 19, 0), "VMM 2019", until=date(2029, 4, 10)),
    Product((10, 22, 0), "VMM 2022"),
    Product((10, 25, 0), "VMM 2025"),
    Product((10, 26, 0), ""),
)
"""2012 R2 is documented (update rollups of VMM), the rest is known from practice only, and so are
the days: this table never justifies more than a warning. The last entry is what is unknown."""
_VERSION: Final = re.compile(r"\s*(\d{1,5})\.(\d{1,5})(?:\.(\d{1,5}))?(?:\.\d+)*\s*", re.ASCII)


def _cases(world: World) -> Iterator[Case]:
    facts = world.facts
    for vmm in facts.scope.vmm:
        yield Case(subjects.vmm(facts, vmm), partial(_check, facts, vmm))


def _check(facts: Facts, vmm: VmmServer) -> Outcome:
    version, evidence = version_of(facts, vmm)
    if isinstance(version, Missing):
        return not_assessable(version)
    server = questions.vmm_server(facts.scope, vmm)
    values: dict[str, Value] = {"server": server, "version": version or ""}
    if version is None:
        return Outcome(Verdict.NOT_ASSESSABLE, "NO_VERSION", values, evidence)
    return _judged(facts, version, values, evidence)


def version_of(facts: Facts, vmm: VmmServer) -> tuple[str | Missing | None, tuple[str, ...]]:
    """The version as setup wrote it, else as VMM tells it itself, with its evidence."""
    server = questions.vmm_server(facts.scope, vmm)
    version = facts.services.version(server)
    if version is None or isinstance(version, Missing):
        by_itself = facts.inventory(vmm, "Get-SCVMMServer")
        if isinstance(by_itself, Inventory) and (found := _told(by_itself, server)):
            return found, by_itself.evidence
    return version, (questions.registry(server, *questions.VMM_VERSION).id,)


def number_of(version: str) -> tuple[int, int, int] | None:
    """The first three parts of a version; None where it is no number."""
    found = _VERSION.fullmatch(version)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def _told(found: Inventory, server: str) -> str:
    """What VMM says of itself; an export may tell of several servers."""
    forms = {server, server.split(".", maxsplit=1)[0]}
    named = [
        row
        for row in found.rows
        if forms & {told(row, key).lower() for key in ("vmm", "FullyQualifiedDomainName", "Name")}
    ]
    versions = {told(row, "ProductVersion") for row in named or found.rows}
    return versions.pop() if len(versions) == 1 else ""


def _judged(
    facts: Facts, version: str, values: dict[str, Value], evidence: tuple[str, ...]
) -> Outcome:
    number = number_of(version)
    if number is None:
        return Outcome(Verdict.NOT_ASSESSABLE, "UNREADABLE", values, evidence)
    product = next((p for p in reversed(PRODUCTS) if p.first <= number), None)
    if product is None or not product.name:
        return Outcome(Verdict.WARN, "UNKNOWN_VERSION", values, evidence)
    values["product"] = product.name
    if not product.shares:
        return Outcome(Verdict.WARN, "TOO_OLD", values, evidence)
    if product.until and product.until < facts.moment.date():
        return Outcome(Verdict.WARN, "OUT_OF_SUPPORT", values, evidence)
    return Outcome(Verdict.PASS, "", values, evidence)


ENV_01 = Control(
    id="ENV-01",
    version=1,
    severity=Severity.HIGH,
    origin=Origin.SEED,
    references=(
        "Microsoft Learn: VMM, Enable shared ISOs",
        "Microsoft Support: Determine the version of VMM and its update rollups",
    ),
    mapping=mapping.OPERATION,
    cases=_cases,
)
