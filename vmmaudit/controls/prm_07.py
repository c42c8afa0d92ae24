"""PRM-07: hosts have no more than Read on a library."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from vmmaudit.assessment import Ternary, Value, Verdict
from vmmaudit.controls.control import (
    Case,
    Control,
    Origin,
    Outcome,
    Severity,
    World,
    both,
    given,
)
from vmmaudit.controls.prm_01 import hosts
from vmmaudit.facts import Missing, Principal, TokenFact
from vmmaudit.readiness.access import NAMED
from vmmaudit.scope import Library
from vmmaudit.windows.access import FULL, FileRight
from vmmaudit.windows.descriptor import SecurityDescriptor

_WRITING: Final = (
    FileRight.WRITE_DATA,
    FileRight.APPEND_DATA,
    FileRight.WRITE_EA,
    FileRight.DELETE_CHILD,
    FileRight.WRITE_ATTRIBUTES,
    FileRight.DELETE,
    FileRight.WRITE_DAC,
    FileRight.WRITE_OWNER,
)


def _cases(world: World) -> Iterator[Case]:
    for subject, host, library in hosts(world):
        token = host if isinstance(host, Missing) else world.chain.access.token(host, library)
        known = both(both(host, token), world.facts.servers.share_descriptor(library))
        yield given(
            subject,
            known,
            partial(_check, world, library),
        )


def _check(
    world: World,
    library: Library,
    known: tuple[tuple[Principal, TokenFact], SecurityDescriptor],
) -> Outcome:
    """What the share and NTFS layers grant together, folder by folder and file by file."""
    (host, token), share = known
    access, servers = world.chain.access, world.facts.servers
    tree = servers.tree(library)
    if isinstance(tree, Missing):
        return Outcome(
            Verdict.NOT_ASSESSABLE, tree.reason.value, {"problem": tree.text}, tree.evidence
        )
    values: dict[str, Value] = {"host": host.shown, "share": library.share}
    relevant = access.relevant(token.token, library)
    by_share = [bit for bit in _WRITING if access.check(share, relevant, bit).granted]
    rights: set[FileRight] = set()
    places: list[str] = []
    full: list[str] = []
    unread: list[Missing] = []
    for descriptor, paths in servers.descriptors(library):
        if isinstance(descriptor, Missing):
            unread.append(descriptor)
            continue
        here = {bit for bit in by_share if access.check(descriptor, relevant, bit).granted}
        rights |= here
        shown = [path or "\\" for path in paths[:NAMED]]
        places += shown if here else []
        both_full = access.check(share, relevant, FULL).granted
        if both_full and access.check(descriptor, relevant, FULL).granted:
            full += shown
    evidence = (*token.evidence, tree.evidence)
    if full:
        return Outcome(
            Verdict.FAIL, "FULL", {**values, "paths": tuple(sorted(full)[:NAMED])}, evidence
        )
    if rights:
        values["rights"] = tuple(str(bit.name) for bit in _WRITING if bit in rights)
        values["paths"] = tuple(sorted(places)[:NAMED])
        return Outcome(Verdict.WARN, "WRITES", values, evidence)
    if unread and by_share:
        return Outcome(
            Verdict.NOT_ASSESSABLE,
            unread[0].reason.value,
            {"problem": unread[0].text},
            unread[0].evidence,
        )
    link = access.share(host, library)
    if link.state is Ternary.UNKNOWN and token.doubt:
        doubt = token.doubt
        return Outcome(
            Verdict.NOT_ASSESSABLE, doubt.reason.value, {"problem": doubt.text}, doubt.evidence
        )
    return Outcome(Verdict.PASS, "", values, evidence)


PRM_07 = Control(
    id="PRM-07",
    version=1,
    severity=Severity.MEDIUM,
    origin=Origin.SEED,
    references=(
        "Microsoft Learn: VMM, Enable shared ISOs",
        "BSI IT-Grundschutz-Kompendium Edition 2023, APP.3.3.A15",
    ),
    cases=_cases,
)
