"""What was accepted, by whom and until when; what is void and why; what names nothing."""

from __future__ import annotations

from collections.abc import Sequence

from vmmaudit.display import Tone
from vmmaudit.report.document import (
    Bullets,
    Cell,
    Column,
    Section,
    Table,
)
from vmmaudit.report.material import Material, cells, text, value
from vmmaudit.waivers import Standing, standings


def waivers(material: Material) -> Section:
    """The exceptions of the scope, as of the time of collection."""
    texts = material.texts
    head = ("waivers", material.section("waivers"), texts.sentence("title", "waivers"))
    day = material.assessment.moment.date()
    found = standings(material.scope, material.assessment.verdicts, day)
    if not found:
        return Section(*head, (material.paragraph("waivers", "none"),), (_prepared(material),))
    parts = {
        "valid": [s for s in found if not s.void and s.covered],
        "void": [s for s in found if s.void],
        "unused": [s for s in found if not s.void and not s.covered],
    }
    soon = sum(s.soon for s in found)
    intro = [material.paragraph("waivers", "intro")]
    intro.append(
        material.paragraph(
            "waivers", "counts", **{name: len(items) for name, items in parts.items()}, soon=soon
        )
    )
    return Section(
        *head,
        tuple(intro),
        (
            *(_part(material, name, items) for name, items in parts.items() if items),
            _prepared(material),
        ),
    )


def _prepared(material: Material) -> Section:
    """Justifications for the conflicts that every auditor of this procedure meets."""
    names = ("any_protocol", "protected_users", "ntlm", "full_control", "sharing")
    return Section(
        "justifications",
        "",
        material.texts.sentence("justification", "title"),
        (
            material.paragraph("justification", "intro"),
            Bullets(tuple(material.say("justification", name) for name in names)),
        ),
    )


def _part(material: Material, name: str, found: Sequence[Standing]) -> Section:
    texts = material.texts
    title = texts.sentence("waivers", f"{name}_title")
    table = Table(
        title,
        (
            Column(texts.label("column", "control"), 1.2, "id"),
            Column(texts.label("column", "subject"), 1.7, "id"),
            Column(texts.label("column", "reason"), 3),
            Column(texts.label("column", "approver"), 1.9),
            Column(texts.label("column", "ticket"), 1.4, "id"),
            Column(texts.label("column", "until"), 1.4),
            Column(texts.label("column", "status"), 1.9),
        ),
        tuple(_row(material, standing) for standing in found),
    )
    return Section(
        f"waivers-{name}", "", title, (material.paragraph("waivers", f"{name}_intro"), table)
    )


def _row(material: Material, standing: Standing) -> tuple[Cell, ...]:
    waiver = standing.waiver
    owner = f" ({waiver.owner})" if waiver.owner else ""
    reason = text(waiver.reason + owner)
    if waiver.source:
        reason += (*text(" · "), *value(waiver.source))
    return cells(
        text(waiver.control),
        value(waiver.subject),
        reason,
        text(waiver.approver),
        value(waiver.ticket),
        text(material.texts.day(waiver.until)),
        _state(material, standing),
    )


def _state(material: Material, standing: Standing) -> Cell:
    texts = material.texts
    if standing.void:
        why = "; ".join(texts.label("status", reason.value) for reason in standing.void)
        return Cell(material.say("waivers", "void", why=why, count=standing.covered), Tone.BAD)
    if not standing.covered:
        name = "met" if standing.met else "unused"
        return Cell(text(texts.label("status", name)), Tone.WARN)
    status = texts.label("status", "soon" if standing.soon else "valid")
    said = material.say("waivers", "covers", status=status, count=standing.covered)
    return Cell(said, Tone.WARN if standing.soon else None)
