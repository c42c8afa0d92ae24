"""The workbook's sheet of changes: every verdict that moved, without a limit."""

from __future__ import annotations

from typing import Final

from vmmaudit.assessment import Assessment, Judgement
from vmmaudit.compare import Moved, compare, repeats
from vmmaudit.controls.texts import Texts
from vmmaudit.report.parts.changes import ORDER
from vmmaudit.report.sheets import Mark, Sheet, Value

_WIDTHS: Final = {
    "change": 28,
    "control": 10,
    "title": 44,
    "subject": 50,
    "before": 28,
    "after": 28,
    "repeated": 16,
    "requirement_changed": 22,
}


def changed(before: Assessment, after: Assessment, texts: Texts) -> Sheet:
    """One row per verdict that moved, and per finding that is found again unchanged."""
    found, again = compare(before, after), repeats(before, after)
    moved = sorted(found.moved, key=lambda m: ORDER.index(m.change))
    old = {(j.control, j.subject.id): j for j in before.verdicts}
    listed = {(m.judgement.control, m.judgement.subject.id) for m in moved}
    still = [
        (old[key], judgement)
        for judgement in after.verdicts
        if (key := (judgement.control, judgement.subject.id)) in again and key not in listed
    ]
    rows = [
        _row(texts, texts.label("change", m.change.value), m.before, m.after, _again(m, again))
        for m in moved
    ]
    unchanged = texts.label("change", "unchanged")
    rows += [_row(texts, unchanged, was, now, again=True) for was, now in still]
    heads = tuple(texts.label("column", name) for name in _WIDTHS)
    return Sheet("changes", heads, tuple(_WIDTHS.values()), tuple(rows), 1)


def _again(moved: Moved, again: frozenset[tuple[str, str]]) -> bool:
    return (moved.judgement.control, moved.judgement.subject.id) in again


def _row(
    texts: Texts, change: str, was: Judgement | None, now: Judgement | None, again: bool
) -> tuple[Value, ...]:
    judgement = now or was
    assert judgement is not None  # noqa: S101 - one of the two is always there
    known = texts.controls.get(judgement.control)
    versions = (was.version, now.version) if was and now else (0, 0)
    return (
        change,
        judgement.control,
        known.title if known else judgement.control,
        judgement.subject.name,
        _verdict(texts, was),
        _verdict(texts, now),
        texts.label("answer", "yes") if again else None,
        f"{versions[0]} → {versions[1]}" if versions[0] != versions[1] else None,
    )


def _verdict(texts: Texts, judgement: Judgement | None) -> Value:
    if judgement is None:
        return texts.label("change", "absent")
    words = texts.label("verdict", judgement.verdict.value)
    if judgement.waiver:
        words += f" · {texts.label('status', 'accepted')}"
    return Mark(judgement.verdict.tone, words)
