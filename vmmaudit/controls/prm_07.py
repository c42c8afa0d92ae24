"""PRM-07: hosts have no more than Read on a library."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Final

from vmmaudit.assessment import Ternary, Value, Verdict
from vmmaudit.controls import mapping
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
from vmmaudit.controls.prm_01 import hosts
from vmmaudit.facts import Missing, Principal, TokenFact
from vmmaudit.readiness import Access
from vmmaudit.readiness.access import NAMED
from vmmaudit.scope import Library
from vmmaudit.windows.access import FULL, FileRight, Token
from vmmaudit.windows.descriptor import SecurityDescriptor

WRITING: Final = (
    FileRight.WRITE_DATA,
    FileRight.APPEND_DATA,
    FileRight.WRITE_EA,
    FileRight.DELETE_CHILD,
    FileRight.WRITE_ATTRIBUTES,
    FileRight.DELETE,
    FileRight.WRITE_DAC,
    FileRight.WRITE_OWNER,
)
"""What goes beyond Read, right by right."""


@dataclass(frozen=True, slots=True)
class _Beyond:
    """What a token has beyond Read on a library, and where."""

    rights: frozenset[FileRight]
    places: tuple[str, ...]
    full: tuple[str, ...]
    undecided: bool


def _cases(world: World) -> Iterator[Case]:
    beyond = cache(partial(_beyond, world))  # hosts with equal tokens are computed once
    for subject, host, library in hosts(world):
        token = host if isinstance(host, Missing) else world.chain.access.token(host, library)
        known = both(both(host, token), world.facts.servers.share_descriptor(library))
        yield given(subject, known, partial(_check, world, library, beyond))


def _check(
    world: World,
    library: Library,
    beyond: Callable[[Library, SecurityDescriptor, Token], _Beyond],
    known: tuple[tuple[Principal, TokenFact], SecurityDescriptor],
) -> Outcome:
    """What the share and NTFS layers grant together, descriptor by descriptor."""
    (host, token), share = known
    access = world.chain.access
    values: dict[str, Value] = {"host": host.shown, "share": library.share}
    relevant = access.relevant(token.token, library)
    tree = world.facts.servers.tree(library)
    evidence = (*token.evidence, *access.share(host, library).evidence)
    if all(access.check(share, relevant, right).granted is False for right in WRITING):
        return Outcome(Verdict.PASS, "", values, evidence)
    if isinstance(tree, Missing):
        return not_assessable(tree)
    evidence = (*evidence, tree.evidence)
    found = beyond(library, share, relevant)
    if found.full:
        values["paths"] = found.full
        return Outcome(Verdict.FAIL, "FULL", values, evidence)
    if found.rights:
        values["rights"] = tuple(str(right.name) for right in WRITING if right in found.rights)
        values["paths"] = found.places
        return Outcome(Verdict.WARN, "WRITES", values, evidence, unseen(world, library))
    if missing := world.facts.servers.unseen(library):
        return not_assessable(missing)
    if found.undecided and token.doubt and relevant.possible:
        return not_assessable(token.doubt)
    if found.undecided:
        return Outcome(Verdict.NOT_ASSESSABLE, "UNDECIDABLE", values, evidence)
    return Outcome(Verdict.PASS, "", values, evidence)


def _beyond(world: World, library: Library, share: SecurityDescriptor, token: Token) -> _Beyond:
    access = world.chain.access
    rights: set[FileRight] = set()
    places: list[str] = []
    full: list[str] = []
    undecided = False
    for descriptor, paths in world.facts.servers.descriptors(library):
        if isinstance(descriptor, Missing):
            continue
        found = {right: effective(access, share, descriptor, token, right) for right in WRITING}
        here = {right for right, state in found.items() if state is Ternary.YES}
        shown = [path or "\\" for path in paths[:NAMED]]
        rights |= here
        places += shown if here else []
        if effective(access, share, descriptor, token, FULL) is Ternary.YES:
            full += shown
        undecided |= Ternary.UNKNOWN in found.values()
    return _Beyond(
        frozenset(rights), tuple(sorted(places)[:NAMED]), tuple(sorted(full)[:NAMED]), undecided
    )


def effective(
    access: Access, share: SecurityDescriptor, item: SecurityDescriptor, token: Token, wanted: int
) -> Ternary:
    """Whether both layers grant it."""
    layers = (access.check(share, token, wanted), access.check(item, token, wanted))
    return Ternary.all([Ternary.of(layer.granted) for layer in layers])


PRM_07 = Control(
    id="PRM-07",
    version=1,
    severity=Severity.MEDIUM,
    origin=Origin.SEED,
    references=("Microsoft Learn: VMM, Enable shared ISOs",),
    mapping=mapping.PERMISSIONS,
    cases=_cases,
)
