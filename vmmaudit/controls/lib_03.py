"""LIB-03: the library holds ISO files, all of them can be found, and their names are sound."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from vmmaudit.assessment import Remark, Value, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import (
    Case,
    Control,
    Origin,
    Outcome,
    Severity,
    World,
    given,
)
from vmmaudit.facts import Facts, Item, Missing, Tree
from vmmaudit.facts.inventory import Inventory, told
from vmmaudit.facts.servers import ISO
from vmmaudit.readiness.access import NAMED
from vmmaudit.readiness.delegation import is_address
from vmmaudit.scope import Library
from vmmaudit.windows.file_information import ELSEWHERE, ENCRYPTED


def _cases(world: World) -> Iterator[Case]:
    for library in world.facts.scope.libraries:
        tree = world.facts.servers.tree(library)
        yield given(subjects.share(library), tree, partial(_check, world.facts, library))


def _check(facts: Facts, library: Library, tree: Tree) -> Outcome:
    """One verdict, the worst that is certain; what else was found stands in remarks."""
    isos = [item for item in tree.items if item.is_iso]
    values: dict[str, Value] = {"share": library.share, "count": len(isos)}
    remarks = [Remark("UNSEEN", values)]
    linked = tuple(item.path for item in tree.items if item.is_reparse_point)
    if linked:
        remarks.append(Remark("REPARSE_POINT", {**values, "paths": linked[:NAMED]}))
    found: list[tuple[str, dict[str, Value]]] = []
    if not isos and not tree.unlisted:
        found.append(("NO_ISO", values))
    blank = tuple(item.path for item in isos if _has_stray_blank(item))
    if blank:
        found.append(("BLANK", {**values, "files": blank[:NAMED]}))
    for code, bits in (("ENCRYPTED", ENCRYPTED), ("ELSEWHERE", ELSEWHERE)):
        marked = tuple(item.path for item in isos if item.attributes & bits)
        if marked:
            found.append((code, {**values, "files": marked[:NAMED]}))
    if is_address(library.unc_name):
        found.append(("IP_ADDRESS", values))
    listed, differing = _catalogued(facts, library, tree)
    found += [(code, {**values, **more}) for code, more in differing]
    if not listed:
        remarks.insert(0, Remark("INVENTORY", values))
    if tree.unlisted:
        missing = tree.unlisted[0][1]
        paths = tuple(path for path, _ in tree.unlisted[:NAMED])
        unlisted: dict[str, Value] = {**values, "paths": paths, "problem": missing.text}
        if not found:
            return Outcome(
                Verdict.NOT_ASSESSABLE, "UNLISTED", unlisted, missing.evidence, tuple(remarks)
            )
        found.append(("UNLISTED", unlisted))
    remarks += [Remark(code, also) for code, also in found[1:]]
    if found:
        code, first = found[0]
        return Outcome(Verdict.WARN, code, first, (tree.evidence,), tuple(remarks))
    return Outcome(Verdict.PASS, "", values, (tree.evidence,), tuple(remarks))


def _catalogued(
    facts: Facts, library: Library, tree: Tree
) -> tuple[bool, list[tuple[str, dict[str, Value]]]]:
    """Whether VMM's own list was read, and how it differs from what lies on the share."""
    lists = [facts.inventory(vmm, "Get-SCISO") for vmm in facts.scope.vmm]
    if not lists or any(isinstance(found, Missing) for found in lists):
        return False, []
    prefix = library.share.lower() + "\\"
    told_paths = (
        told(row, "SharePath").lower()
        for found in lists
        if isinstance(found, Inventory)
        for row in found.rows
    )
    known = {path.removeprefix(prefix) for path in told_paths if path.startswith(prefix)}
    there = {item.path.lower(): item.path for item in tree.items if item.is_iso}
    found: list[tuple[str, dict[str, Value]]] = []
    if lacking := sorted(there[path] for path in there.keys() - known):
        found.append(("NOT_CATALOGUED", {"files": tuple(lacking[:NAMED])}))
    gone = sorted(known - there.keys())
    if gone and not tree.unlisted:
        found.append(("GONE", {"files": tuple(gone[:NAMED])}))
    return True, found


def _has_stray_blank(item: Item) -> bool:
    """A blank at either end of any part of the path, as people leave it when they retype names."""
    return any(part != part.strip() for part in item.path[: -len(ISO)].split("\\"))


LIB_03 = Control(
    id="LIB-03",
    version=2,
    severity=Severity.MEDIUM,
    origin=Origin.SEED,
    references=(
        "Microsoft Learn: VMM, Library files",
        "KB 2679685",
        "Microsoft Learn: Configuring Kerberos for IP addresses",
    ),
    mapping=mapping.STRUCTURE,
    cases=_cases,
)
