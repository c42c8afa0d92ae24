"""Facts × catalogue → verdicts, the matrix over them, and waivers laid on top.

The clock is the moment of reading: the same pack judged next year gives the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from vmmaudit.assessment import (
    Assessment,
    Judgement,
    Readiness,
    ShareContent,
    SharedFile,
    Ternary,
    Verdict,
)
from vmmaudit.controls import CATALOGUE
from vmmaudit.controls.control import Control, World
from vmmaudit.controls.subjects import broken_by
from vmmaudit.evidence import Evidence
from vmmaudit.facts import Facts, Missing, Principal, Tree, decode
from vmmaudit.readiness import Chain
from vmmaudit.scope import Library, Scope
from vmmaudit.waivers import granted


def judge(evidence: Evidence, scope: Scope, catalogue: Sequence[Control] = CATALOGUE) -> Assessment:
    """The assessment of one evidence file under one scope; the same input gives the same value."""
    return assess(decode(evidence, scope), catalogue)


def assess(facts: Facts, catalogue: Sequence[Control] = CATALOGUE) -> Assessment:
    """The assessment of decoded facts, or of facts as they would be after some changes."""
    evidence, scope = facts.evidence, facts.scope
    world = World(facts, Chain(facts))
    verdicts = tuple(_judgements(world, catalogue))
    return Assessment(
        tool=evidence.origin.tool,
        commit=evidence.origin.commit,
        catalogue=catalogue_digest(catalogue),
        moment=evidence.origin.moment,
        evidence=evidence.digest(),
        scope=scope.digest(),
        verdicts=tuple(_with_waiver(judgement, scope, facts) for judgement in verdicts),
        shares=tuple(_content(facts, library) for library in scope.libraries),
        readiness=tuple(_matrix(world, verdicts)),
    )


def catalogue_digest(catalogue: Sequence[Control] = CATALOGUE) -> str:
    """Short SHA-256 over ids and versions: which requirements were judged."""
    text = "\n".join(f"{control.id} v{control.version}" for control in catalogue)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _judgements(world: World, catalogue: Iterable[Control]) -> Iterator[Judgement]:
    for control in catalogue:
        for case in control.cases(world):
            outcome = case.outcome()
            yield Judgement(
                control=control.id,
                version=control.version,
                subject=case.subject,
                verdict=outcome.verdict,
                code=outcome.code,
                values=outcome.values,
                remarks=outcome.remarks,
                evidence=tuple(dict.fromkeys(outcome.evidence)),
            )


def _matrix(world: World, verdicts: Sequence[Judgement]) -> Iterator[Readiness]:
    failing = {
        (judgement.control, judgement.subject.id)
        for judgement in verdicts
        if judgement.verdict is Verdict.FAIL
    }
    scope = world.facts.scope
    for host in scope.hyper_v_hosts:
        for library in scope.libraries:
            entry = world.chain.readiness(host, library)
            if entry.ready is Ternary.NO:
                broken = broken_by(world.facts, host, library, failing)
                entry = replace(entry, broken=broken)
            yield entry


def _content(facts: Facts, library: Library) -> ShareContent:
    server = facts.library(library)
    tree = facts.servers.tree(library)
    files = []
    if isinstance(tree, Tree):
        for item in tree.items:
            if item.is_iso:
                descriptor = facts.servers.item_descriptor(library, item.path)
                digest = None if isinstance(descriptor, Missing) else descriptor.digest
                files.append(SharedFile(item.path, digest))
    name = server.shown if isinstance(server, Principal) else library.unc_name
    return ShareContent(name, library.share, tuple(files))


def _with_waiver(judgement: Judgement, scope: Scope, facts: Facts) -> Judgement:
    """The first valid waiver that covers it; an expired or approverless one is void."""
    found = granted(judgement, scope.waivers, facts.moment.date())
    return replace(judgement, waiver=found[0]) if found else judgement


def control_by_id(catalogue: Sequence[Control] = CATALOGUE) -> Mapping[str, Control]:
    """The catalogue by id."""
    return {control.id: control for control in catalogue}
