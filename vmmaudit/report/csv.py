"""Every judgement as a row, for spreadsheets: none of its cells is a formula."""

from __future__ import annotations

import csv
import io
from typing import Final

from vmmaudit.assessment import Assessment, Judgement, Value
from vmmaudit.controls.texts import Texts
from vmmaudit.report.escape import csv_cell
from vmmaudit.report.prose import plain, rich

_COLUMNS: Final = (
    "control",
    "version",
    "title",
    "kind",
    "subject",
    "verdict",
    "actual",
    "code",
    "evidence",
    "status",
    "until",
    "ticket",
)


def render_csv(assessment: Assessment, texts: Texts) -> bytes:
    """UTF-8 with BOM, CRLF, and the delimiter that spreadsheets expect in this language."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(
        buffer, delimiter=texts.label("language", "csv_delimiter"), lineterminator="\r\n"
    )
    writer.writerow(texts.label("column", name) for name in _COLUMNS)
    for judgement in assessment.verdicts:
        writer.writerow(csv_cell(cell) for cell in _row(judgement, texts))
    return buffer.getvalue().encode("utf-8-sig")


def _row(judgement: Judgement, texts: Texts) -> tuple[str, ...]:
    waiver = judgement.waiver
    values: dict[str, Value] = dict(judgement.values)
    return (
        judgement.control,
        str(judgement.version),
        texts.control(judgement.control).title,
        texts.label("subject", judgement.subject.kind.value),
        judgement.subject.name,
        texts.label("verdict", judgement.verdict.value),
        plain(rich(texts.finding(judgement.control, judgement.code), values, texts)),
        judgement.code,
        " ".join(judgement.evidence),
        texts.label("status", "accepted") if waiver else "",
        waiver.until.isoformat() if waiver else "",
        waiver.ticket if waiver else "",
    )
