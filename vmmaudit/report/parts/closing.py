"""The audited unit's response, signatures, and the annexes."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from vmmaudit.evidence import Reason
from vmmaudit.questions import SEARCH
from vmmaudit.report.document import (
    Block,
    Cell,
    Column,
    Facts,
    Section,
    Signature,
    SignOff,
    Table,
)
from vmmaudit.report.material import Material, cells, code, text, value
from vmmaudit.report.parts.asked import asked
from vmmaudit.report.parts.extracts import extracts
from vmmaudit.report.prose import rich
from vmmaudit.report.register import Entry
from vmmaudit.scope import Role

ATTACH_LIMIT: Final = 16 * 2**20
"""Bytes of attachments up to which a PDF carries the files themselves."""
_REGISTER: Final = 400
_GAPS: Final = 200
_PART: Final = 70
_BLANK_LINES: Final = 18


def response(material: Material) -> Section:
    """Lines for the audited unit."""
    return Section(
        "response",
        material.section("response"),
        material.texts.sentence("title", "response"),
        (
            material.paragraph("response", "intro"),
            Facts(tuple(("", ()) for _ in range(_BLANK_LINES))),
        ),
        page=True,
    )


def signoff(material: Material) -> Section:
    """The four signatures."""
    texts = material.texts
    people = []
    for role in Role:
        named = next((p for p in material.scope.people if p.role is role), None)
        people.append(
            Signature(
                role.value,
                texts.label("role", role.value),
                texts.label("duty", role.value),
                named.name if named else "",
                named.organisation if named else "",
            )
        )
    return Section(
        "signoff",
        material.section("signoff"),
        texts.sentence("title", "signoff"),
        (
            material.paragraph("signoff", "intro", digest=material.evidence.digest[:16]),
            SignOff(
                texts.label("signature", "name"),
                texts.label("signature", "place"),
                texts.label("signature", "signature"),
                tuple(people),
            ),
        ),
        page=True,
    )


def evidence(material: Material) -> Section:
    """The register; what the report cites comes first where there is too much to print."""
    texts = material.texts
    entries = material.evidence.entries
    cited = {item for judgement in material.assessment.verdicts for item in judgement.evidence}
    shown = entries
    if len(entries) > _REGISTER:
        shown = tuple(sorted(entries, key=lambda entry: entry.id not in cited)[:_REGISTER])
    table = Table(
        texts.sentence("title", "evidence"),
        (
            Column(texts.label("column", "evidence"), 1.6, "id"),
            Column(texts.label("column", "question"), 3.5, "id"),
            Column(texts.label("column", "source"), 1.9, "id"),
            Column(texts.label("column", "time"), 1.2),
            Column(texts.label("column", "digest"), 2.8, "id"),
        ),
        tuple(_entry(material, entry) for entry in shown),
        tuple(entry.id for entry in shown),
    )
    blocks: list[Block] = [
        material.paragraph("annex", "evidence"),
        material.paragraph("annex", "attached", limit=ATTACH_LIMIT // 2**20),
        Facts(((texts.sentence("annex", "full"), code(material.evidence.digest)),)),
        table,
    ]
    if len(shown) < len(entries):
        blocks.append(material.note("annex", "evidence_more", shown=len(shown), total=len(entries)))
    return _annex(material, "evidence", tuple(blocks))


def raw(material: Material) -> Section:
    """What the servers said where a finding rests on it."""
    return _annex(material, "extracts", extracts(material))


def queries(material: Material) -> Section:
    """What was sent, so that a reader can ask the same."""
    return _annex(material, "queries", asked(material))


def gaps(material: Material) -> Section:
    """What was asked and not answered."""
    texts = material.texts
    alike: defaultdict[tuple[str, Reason, str], list[str]] = defaultdict(list)
    for entry in material.evidence.gaps:
        if entry.reason:
            alike[entry.kind, entry.reason, entry.text].append(entry.server)
    if not alike:
        return _annex(material, "gaps", (material.paragraph("annex", "gaps_none"),))
    table = Table(
        texts.sentence("title", "gaps"),
        (
            Column(texts.label("column", "server"), 2.2, "id"),
            Column(texts.label("column", "kind"), 1.5, "id"),
            Column(texts.label("column", "gap"), 2.2),
            Column(texts.label("column", "values"), 3.6),
            Column(texts.label("column", "count"), 0.8, "number"),
        ),
        tuple(
            cells(
                material.several(servers, 6),
                code(kind),
                text(texts.reasons[reason]),
                value(said),
                text(texts.number(len(servers))),
            )
            for (kind, reason, said), servers in sorted(alike.items(), key=_place)[:_GAPS]
        ),
    )
    return _annex(material, "gaps", (material.paragraph("annex", "gaps"), table))


def _place(gap: tuple[tuple[str, Reason, str], list[str]]) -> tuple[list[str], str]:
    """By system, as a reader looks for it."""
    (kind, _, said), servers = gap
    return servers, kind + said


def glossary(material: Material) -> Section:
    """The words that have a fixed meaning here."""
    rows = tuple(
        (term, rich(meaning, {}, material.texts)) for term, meaning in material.texts.glossary
    )
    return _annex(material, "glossary", (Facts(rows),))


def abbreviations(material: Material) -> Section:
    """What the short forms stand for."""
    rows = tuple((short, text(full)) for short, full in material.texts.abbreviations)
    return _annex(material, "abbreviations", (Facts(rows),))


def _annex(material: Material, name: str, blocks: tuple[Block, ...]) -> Section:
    texts = material.texts
    number = f"{texts.label('layout', 'appendix')} {material.section(name)}"
    return Section(
        f"annex-{name}", number, texts.sentence("title", name), blocks, page=name == "evidence"
    )


def _entry(material: Material, entry: Entry) -> tuple[Cell, ...]:
    asked = (
        *code(entry.kind),
        *text(" "),
        *value(entry.server),
        *(run for part in _detail(entry) for run in (*text(" · "), *value(part))),
    )
    source = (
        value(entry.source) if entry.reason is None else text(material.texts.reasons[entry.reason])
    )
    if entry.by:
        source = (*source, *text(" "), *material.say("annex", "by", machine=entry.by.machine))
    if entry.taken:
        source = (*source, *text(" "), *material.say("annex", "taken"))
    time = entry.at.strftime("%Y-%m-%d %H:%M:%S") if entry.at else ""
    return cells(code(entry.id), asked, source, text(time), code(entry.digest))


def _detail(entry: Entry) -> list[str]:
    """What was asked, short enough to be read; the digest covers the whole of it."""
    parts = entry.detail[:-1] if entry.kind == SEARCH else entry.detail
    return [part if len(part) <= _PART else f"{part[:_PART]}…" for part in parts if part]
