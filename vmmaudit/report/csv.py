"""Every judgement as a row, for spreadsheets: none of its cells is a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from functools import cache
from typing import Final

from vmmaudit.assessment import Assessment, Judgement, Value
from vmmaudit.controls.texts import Texts
from vmmaudit.report.document import ControlInfo
from vmmaudit.report.escape import csv_cell
from vmmaudit.report.material import grade
from vmmaudit.report.prose import told

_COLUMNS: Final = (
    "control",
    "version",
    "title",
    "severity",
    "kind",
    "subject",
    "verdict",
    "grundschutz",
    "iso",
    "actual",
    "code",
    "evidence",
    "status",
    "until",
    "ticket",
)


def render_csv(assessment: Assessment, catalogue: Iterable[ControlInfo], texts: Texts) -> bytes:
    """UTF-8 with BOM, CRLF, and the delimiter that spreadsheets expect in this language."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(
        buffer, delimiter=texts.label("language", "csv_delimiter"), lineterminator="\r\n"
    )
    writer.writerow(texts.label("column", name) for name in _COLUMNS)
    severities = {info.id: info.severity for info in catalogue}
    cell = cache(csv_cell)  # nearly all of them stand in many rows
    for judgement in assessment.verdicts:
        severity = severities.get(judgement.control)
        writer.writerow(map(cell, _row(judgement, severity, texts)))
    return buffer.getvalue().encode("utf-8-sig")


def _row(judgement: Judgement, severity: str | None, texts: Texts) -> tuple[str, ...]:
    waiver = judgement.waiver
    values: dict[str, Value] = dict(judgement.values)
    return (
        judgement.control,
        str(judgement.version),
        texts.control(judgement.control).title,
        texts.label("severity", severity) if severity else "",
        texts.label("subject", judgement.subject.kind.value),
        judgement.subject.name,
        texts.label("verdict", judgement.verdict.value),
        texts.sentence("scheme", "grundschutz", judgement.verdict.value),
        grade(judgement.verdict, severity, texts),
        told(texts.finding(judgement.control, judgement.code), values, texts),
        judgement.code,
        " ".join(judgement.evidence),
        texts.label("status", "accepted") if waiver else "",
        waiver.until.isoformat() if waiver else "",
        waiver.ticket if waiver else "",
    )
