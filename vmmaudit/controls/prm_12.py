"""PRM-12: access control lists are whole: known trustees, usual order, entries at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
    both,
    given,
    not_assessable,
    unseen,
)
from vmmaudit.facts import Facts, Tree
from vmmaudit.readiness.access import NAMED
from vmmaudit.scope import Library
from vmmaudit.windows import sid as sids
from vmmaudit.windows.descriptor import Dacl, SecurityDescriptor

Described = Sequence[tuple[SecurityDescriptor, tuple[str, ...]]]


def _cases(world: World) -> Iterator[Case]:
    servers = world.facts.servers
    for library in world.facts.scope.libraries:
        known = both(servers.share_descriptor(library), servers.tree(library))
        yield given(subjects.share(library), known, partial(_check, world, library))


def _check(world: World, library: Library, known: tuple[SecurityDescriptor, Tree]) -> Outcome:
    facts, (share, tree) = world.facts, known
    found = [
        (descriptor, paths)
        for descriptor, paths in facts.servers.descriptors(library)
        if isinstance(descriptor, SecurityDescriptor)
    ]
    found.append((share, (library.share,)))
    values: dict[str, Value] = {"share": library.share}
    evidence = (tree.evidence,)
    if bare := _paths(found, lambda d: d.dacl in (Dacl.NULL, Dacl.ABSENT)):
        return Outcome(Verdict.FAIL, "NO_DACL", values | _named(bare), evidence)
    problems: list[tuple[str, dict[str, Value]]] = []
    if empty := _paths(found, lambda d: d.dacl is Dacl.EMPTY):
        problems.append(("EMPTY", _named(empty)))
    nameless = _nameless(facts, [descriptor for descriptor, _ in found])
    orphans = tuple(sid for sid in nameless if not facts.unresolved(sid))
    if orphans:
        problems.append(("ORPHANS", {"principals": orphans}))
    if odd := _paths(found, lambda d: not is_canonical(d)):
        problems.append(("ORDER", _named(odd)))
    remarks = [Remark(code, values | more) for code, more in problems[1:]]
    below = [(d, paths) for d, paths in found if "" not in paths and d is not share]
    if cut := _paths(below, lambda d: d.protected):
        remarks.append(Remark("PROTECTED", values | _named(cut)))
    if problems:
        code, more = problems[0]
        remarks += unseen(world, library)
        return Outcome(Verdict.WARN, code, values | more, evidence, tuple(remarks))
    unresolved = next(filter(None, map(facts.unresolved, nameless)), None)
    if missing := facts.servers.unseen(library) or unresolved:
        return not_assessable(missing)
    return Outcome(Verdict.PASS, "", values, evidence, tuple(remarks))


def is_canonical(descriptor: SecurityDescriptor) -> bool:
    """Explicit denials, explicit grants, then what is inherited (MS-DTYP 2.4.5).

    The inherited part is as the folders above had it, whose own order is judged there.
    """
    ranks = [2 if ace.inherited else 0 if ace.denies else 1 for ace in descriptor.aces]
    return ranks == sorted(ranks)


def _paths(found: Described, wrong: Callable[[SecurityDescriptor], bool]) -> list[str]:
    return sorted(path or "\\" for d, paths in found if wrong(d) for path in paths)


def _named(paths: list[str]) -> dict[str, Value]:
    return {"paths": tuple(paths[:NAMED]), "count": len(paths)}


def _nameless(facts: Facts, found: list[SecurityDescriptor]) -> list[str]:
    """SIDs of accounts for which nobody knows a name, or not any more."""
    named = {ace.sid for descriptor in found for ace in descriptor.aces if ace.sid}
    return [
        sid for sid in sorted(named) if sids.is_domain_account(sid) and facts.name_of(sid) == sid
    ]


PRM_12 = Control(
    id="PRM-12",
    version=1,
    severity=Severity.LOW,
    origin=Origin.SECURITY,
    references=("MS-DTYP 2.4.5", "MS-DTYP 2.5.3.2"),
    mapping=mapping.PERMISSIONS,
    cases=_cases,
)
