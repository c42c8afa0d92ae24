"""PRM-11: image files have the permissions of the folder they lie in."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

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
    not_assessable,
    unseen,
)
from vmmaudit.facts import FileGroup, Missing, Tree
from vmmaudit.readiness.access import NAMED
from vmmaudit.scope import Library
from vmmaudit.windows.descriptor import AceFlag, Dacl, SecurityDescriptor

Entry = tuple[int, int, str | None]


def _cases(world: World) -> Iterator[Case]:
    for library in world.facts.scope.libraries:
        tree = world.facts.servers.tree(library)
        yield given(subjects.share(library), tree, partial(_check, world, library))


def _check(world: World, library: Library, tree: Tree) -> Outcome:
    groups = world.facts.servers.file_groups(library)
    total = sum(len(group.items) for group in groups)
    values: dict[str, Value] = {"share": library.share, "total": total}
    evidence = (tree.evidence,)
    layers = [layer for group in groups for layer in (group.descriptor, group.parent)]
    unread = [layer for layer in layers if isinstance(layer, Missing)]
    unread += [missing for _, missing in tree.unlisted]
    if not total and not unread:
        return Outcome(Verdict.NOT_APPLICABLE, "NO_ISO", values, evidence)
    other = sorted(item.path for group in groups if _differs(group) for item in group.items)
    if other:
        values |= {"files": tuple(other[:NAMED]), "count": len(other)}
        remarks = unseen(world, library)
        return Outcome(Verdict.WARN, "OTHER_THAN_FOLDER", values, evidence, remarks)
    if unread:
        return not_assessable(unread[0])
    return Outcome(Verdict.PASS, "", values, evidence)


def _differs(group: FileGroup) -> bool:
    """Whether what a file inherited is not what its folder hands down today."""
    own, folder = group.descriptor, group.parent
    if isinstance(own, Missing) or isinstance(folder, Missing):
        return False
    if own.protected or own.dacl is not Dacl.ENTRIES:
        return True
    return _inherited(own) != _handed_down(folder)


def _inherited(descriptor: SecurityDescriptor) -> set[Entry]:
    return {(ace.type, ace.mask, ace.sid) for ace in descriptor.aces if ace.inherited}


def _handed_down(folder: SecurityDescriptor) -> set[Entry]:
    return {
        (ace.type, ace.mask, ace.sid)
        for ace in folder.aces
        if ace.flags & AceFlag.OBJECT_INHERIT and ace.sid not in ("S-1-3-0", "S-1-3-1")
    }


PRM_11 = Control(
    id="PRM-11",
    version=1,
    severity=Severity.LOW,
    origin=Origin.VENDOR,
    references=("MS-DTYP 2.5.3.4.1",),
    mapping=mapping.PERMISSIONS,
    cases=_cases,
)
