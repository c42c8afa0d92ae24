"""The workbook's sheet of exceptions: every waiver of the scope and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from vmmaudit.controls.texts import Texts
from vmmaudit.display import Tone
from vmmaudit.report.sheets import Mark, Sheet, Value
from vmmaudit.waivers import Standing

_WIDTHS: Final = {
    "control": 12,
    "subject": 44,
    "status": 34,
    "count": 10,
    "reason": 50,
    "owner": 26,
    "approver": 26,
    "ticket": 16,
    "until": 12,
    "list_row": 26,
}


def excepted(found: Sequence[Standing], texts: Texts) -> Sheet:
    """One row per waiver, in the order of the scope."""
    heads = tuple(texts.label("column", name) for name in _WIDTHS)
    rows = tuple(_row(standing, texts) for standing in found)
    return Sheet("waivers", heads, tuple(_WIDTHS.values()), rows, 1)


def _row(standing: Standing, texts: Texts) -> tuple[Value, ...]:
    waiver = standing.waiver
    return (
        waiver.control,
        waiver.subject,
        state(standing, texts),
        standing.covered,
        waiver.reason,
        waiver.owner or None,
        waiver.approver or None,
        waiver.ticket or None,
        waiver.until,
        waiver.source or None,
    )


def state(standing: Standing, texts: Texts) -> Mark:
    """Valid, running out, void and why, or without anything to apply to."""
    if standing.void:
        why = "; ".join(texts.label("status", reason.value) for reason in standing.void)
        return Mark(Tone.BAD, why)
    if not standing.covered:
        return Mark(Tone.WARN, texts.label("status", "met" if standing.met else "unused"))
    if standing.soon:
        return Mark(Tone.WARN, texts.label("status", "soon"))
    return Mark(Tone.GOOD, texts.label("status", "valid"))
