"""What moved since the previous audit, and which findings are found again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from vmmaudit.assessment import Judgement, Readiness, Ternary, Verdict
from vmmaudit.compare import Change, Comparison, Moved
from vmmaudit.display import Tone
from vmmaudit.report.document import (
    Block,
    Cell,
    Column,
    Rich,
    Section,
    Table,
)
from vmmaudit.report.material import Material, cells, code, link, text, value

ORDER: Final = (
    Change.REGRESSED,
    Change.NEW,
    Change.WAIVER_ENDED,
    Change.NOT_ASSESSABLE,
    Change.FIXED,
    Change.WAIVED,
    Change.OTHER,
    Change.REQUIREMENT,
    Change.GONE,
)
"""The worst first."""
_TONES: Final = {
    Change.REGRESSED: Tone.BAD,
    Change.NEW: Tone.BAD,
    Change.WAIVER_ENDED: Tone.WARN,
    Change.NOT_ASSESSABLE: Tone.UNKNOWN,
    Change.FIXED: Tone.GOOD,
}
_SHOWN: Final = 60
_STATES: Final = {Ternary.YES: "good", Ternary.NO: "bad", Ternary.UNKNOWN: "unknown"}


def changes(material: Material) -> Section:
    """Verdict by verdict and pair by pair; one sentence where there is nothing to compare."""
    texts = material.texts
    head = ("changes", material.section("changes"), texts.sentence("title", "changes"))
    found, previous = material.comparison, material.previous
    if found is None or previous is None:
        return Section(*head, (material.paragraph("changes", "none"),))
    intro: list[Block] = [
        material.paragraph(
            "changes",
            "intro",
            moment=texts.moment(previous.moment),
            digest=previous.evidence[:16],
        ),
        _overview(material, found),
        material.paragraph(
            "changes", "count", repeated=len(material.repeats), unchanged=found.unchanged
        ),
    ]
    if previous.scope != material.assessment.scope:
        intro.append(material.note("changes", "scope"))
    parts = [_list(material, change, found.of(change)) for change in ORDER if found.of(change)]
    if found.ready:
        parts.append(_readiness(material, found.ready))
    if found.requirements:
        parts.append(_requirements(material, found.requirements))
    return Section(*head, tuple(intro), tuple(parts), page=True)


def title(material: Material, control: str) -> str:
    """A control's title; its id where the catalogue has it no longer."""
    known = material.texts.controls.get(control)
    return known.title if known else control


def said(material: Material, judgement: Judgement | None) -> Cell | Rich:
    """A verdict and whether a waiver lies over it, or that there is none."""
    texts = material.texts
    if judgement is None:
        return text(texts.label("change", "absent"))
    badge = material.verdict(judgement.verdict)
    if judgement.waiver is None:
        return badge
    name = "accepted"
    return Cell((*badge.content, *text(f" · {texts.label('status', name)}")), badge.tone)


def _overview(material: Material, found: Comparison) -> Table:
    texts, counts = material.texts, found.counts()
    return Table(
        texts.sentence("changes", "overview"),
        (
            Column(texts.label("column", "change"), 2.4),
            Column(texts.label("column", "meaning"), 5),
            Column(texts.label("column", "count"), 0.8, "number"),
        ),
        tuple(
            cells(
                Cell(
                    text(texts.label("change", change.value)),
                    _TONES.get(change, Tone.NONE) if counts[change] else None,
                    marked=False,
                ),
                material.say("changes", "meaning", change.value),
                text(texts.number(counts[change])),
            )
            for change in ORDER
        ),
    )


def _list(material: Material, change: Change, moved: Sequence[Moved]) -> Section:
    texts = material.texts
    name = texts.label("change", change.value)
    table = Table(
        name,
        (
            Column(texts.label("column", "control"), 1.2, "id"),
            Column(texts.label("column", "title"), 3),
            Column(texts.label("column", "object"), 2.4, "id"),
            Column(texts.label("column", "before"), 1.7),
            Column(texts.label("column", "after"), 1.7),
        ),
        tuple(
            cells(
                link(m.judgement.control, f"c-{m.judgement.control}"),
                _titled(material, m),
                value(m.judgement.subject.name),
                said(material, m.before),
                said(material, m.after),
            )
            for m in moved[:_SHOWN]
        ),
    )
    blocks: tuple[Block, ...] = (table,)
    if len(moved) > _SHOWN:
        blocks += (material.note("changes", "more", shown=_SHOWN, total=len(moved)),)
    return Section(f"changes-{change.value}", "", name, blocks)


def _titled(material: Material, moved: Moved) -> Rich:
    words = text(title(material, moved.judgement.control))
    after = moved.after
    if after is not None:
        number = material.numbers.get((after.control, after.verdict, after.code))
        if number:
            words += (*text(" → "), *link(number, number))
    return words


def _readiness(material: Material, pairs: Sequence[tuple[Readiness, Readiness]]) -> Section:
    texts = material.texts
    table = Table(
        texts.sentence("changes", "readiness"),
        (
            Column(texts.label("column", "host"), 2.4, "id"),
            Column(texts.label("column", "share"), 2.6, "id"),
            Column(texts.label("column", "before"), 2.2),
            Column(texts.label("column", "after"), 2.2),
        ),
        tuple(
            cells(value(now.host), value(now.share), _state(material, was), _state(material, now))
            for was, now in pairs[:_SHOWN]
        ),
    )
    blocks: tuple[Block, ...] = (table,)
    if len(pairs) > _SHOWN:
        blocks += (material.note("changes", "more", shown=_SHOWN, total=len(pairs)),)
    return Section("changes-readiness", "", texts.sentence("changes", "readiness"), blocks)


def _state(material: Material, pair: Readiness) -> Cell:
    texts = material.texts
    words = text(texts.label("ternary", pair.ready.value))
    if pair.broken:
        words += text(" · ") + code(pair.broken[0])
    return Cell(words, Tone(_STATES[pair.ready]))


def _requirements(material: Material, found: dict[str, tuple[int, int]]) -> Section:
    texts = material.texts
    table = Table(
        texts.sentence("changes", "requirements"),
        (
            Column(texts.label("column", "control"), 1.2, "id"),
            Column(texts.label("column", "title"), 5),
            Column(texts.label("column", "before"), 1, "number"),
            Column(texts.label("column", "after"), 1, "number"),
        ),
        tuple(
            cells(
                code(control),
                text(title(material, control)),
                text(texts.number(was)),
                text(texts.number(now)),
            )
            for control, (was, now) in sorted(found.items())
        ),
    )
    return Section(
        "changes-requirements",
        "",
        texts.sentence("changes", "requirements"),
        (material.paragraph("changes", "requirements_why"), table),
    )


def repeated(material: Material, members: Sequence[Judgement]) -> bool:
    """Whether one of them was a finding in the previous audit already."""
    return any(
        (member.control, member.subject.id) in material.repeats
        for member in members
        if member.verdict in (Verdict.FAIL, Verdict.WARN)
    )
