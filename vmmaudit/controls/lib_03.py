"""LIB-03: the library holds ISO files, all of them can be found, and their names are sound."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

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
)
from vmmaudit.facts import Item, Tree
from vmmaudit.facts.servers import ISO
from vmmaudit.readiness.access import NAMED
from vmmaudit.readiness.delegation import is_address
from vmmaudit.scope import Library


def _cases(world: World) -> Iterator[Case]:
    for library in world.facts.scope.libraries:
        tree = world.facts.servers.tree(library)
        yield given(subjects.share(library), tree, partial(_check, library))


def _check(library: Library, tree: Tree) -> Outcome:
    """One verdict, the worst that is certain; what else was found stands in remarks."""
    isos = [item for item in tree.items if item.is_iso]
    values: dict[str, Value] = {"share": library.share, "count": len(isos)}
    remarks = [Remark("INVENTORY", values)]
    linked = tuple(item.path for item in tree.items if item.is_reparse_point)
    if linked:
        remarks.append(Remark("REPARSE_POINT", {**values, "paths": linked[:NAMED]}))
    found: list[tuple[str, dict[str, Value]]] = []
    if not isos and not tree.unlisted:
        found.append(("NO_ISO", values))
    blank = tuple(item.path for item in isos if _has_stray_blank(item))
    if blank:
        found.append(("BLANK", {**values, "files": blank[:NAMED]}))
    if is_address(library.unc_name):
        found.append(("IP_ADDRESS", values))
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


def _has_stray_blank(item: Item) -> bool:
    """A blank at either end of any part of the path, as people leave it when they retype names."""
    return any(part != part.strip() for part in item.path[: -len(ISO)].split("\\"))


LIB_03 = Control(
    id="LIB-03",
    version=1,
    severity=Severity.MEDIUM,
    origin=Origin.SEED,
    references=(
        "Microsoft Learn: VMM, Library files",
        "KB 2679685",
        "Microsoft Learn: Configuring Kerberos for IP addresses",
    ),
    cases=_cases,
)
