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
from vmmaudit.readiness.access import NAMED
from vmmaudit.scope import Library


def _cases(world: World) -> Iterator[Case]:
    for library in world.facts.scope.libraries:
        tree = world.facts.servers.tree(library)
        yield given(subjects.share(library), tree, partial(_check, library))


def _check(library: Library, tree: Tree) -> Outcome:
    isos = [item for item in tree.items if item.is_iso]
    blank = tuple(item.path for item in isos if _has_stray_blank(item))
    linked = tuple(item.path for item in tree.items if item.is_reparse_point)
    values: dict[str, Value] = {"share": library.share, "count": len(isos)}
    remarks = [Remark("INVENTORY", values)]
    if linked:
        remarks.append(Remark("REPARSE_POINT", {**values, "paths": linked[:NAMED]}))
    if tree.unlisted:
        paths = tuple(path for path, _ in tree.unlisted[:NAMED])
        missing = tree.unlisted[0][1]
        return Outcome(
            Verdict.NOT_ASSESSABLE,
            "UNLISTED",
            {**values, "paths": paths, "problem": missing.text},
            missing.evidence,
            tuple(remarks),
        )
    if not isos:
        return Outcome(Verdict.WARN, "NO_ISO", values, (tree.evidence,), tuple(remarks))
    if blank:
        values["files"] = blank[:NAMED]
        return Outcome(Verdict.WARN, "BLANK", values, (tree.evidence,), tuple(remarks))
    return Outcome(Verdict.PASS, "", values, (tree.evidence,), tuple(remarks))


def _has_stray_blank(item: Item) -> bool:
    """A blank at either end of any part of the path, as people leave it when they retype names."""
    return any(part != part.strip() for part in item.path.removesuffix(".iso").split("\\"))


LIB_03 = Control(
    id="LIB-03",
    version=1,
    severity=Severity.MEDIUM,
    origin=Origin.SEED,
    references=("Microsoft Learn: VMM, Library files", "KB 2679685"),
    cases=_cases,
)
