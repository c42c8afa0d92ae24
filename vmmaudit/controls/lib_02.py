"""LIB-02: the library has the recommended folders."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from vmmaudit.assessment import Value, Verdict
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
from vmmaudit.facts import Tree
from vmmaudit.scope import Library

RECOMMENDED: Final = ("ISOs", "Scripts", "VHDs")


def _cases(world: World) -> Iterator[Case]:
    for library in world.facts.scope.libraries:
        tree = world.facts.servers.tree(library)
        yield given(subjects.share(library), tree, partial(_check, library))


def _check(library: Library, tree: Tree) -> Outcome:
    present = {item.name.lower() for item in tree.items if item.is_folder and not item.parent}
    missing = tuple(name for name in RECOMMENDED if name.lower() not in present)
    values: dict[str, Value] = {"share": library.share}
    if missing:
        return Outcome(Verdict.WARN, "MISSING", {**values, "folders": missing}, (tree.evidence,))
    return Outcome(Verdict.PASS, "", values, (tree.evidence,))


LIB_02 = Control(
    id="LIB-02",
    version=1,
    severity=Severity.LOW,
    origin=Origin.SEED,
    references=("Procedure for VMM 2008 R2 (2009), section VMM Library",),
    mapping=mapping.STRUCTURE,
    cases=_cases,
)
