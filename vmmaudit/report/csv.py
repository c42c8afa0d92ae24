"""Every judgement as a row, for spreadsheets: none of its cells is a formula."""

from __future__ import annotations

import csv
import io
from datetime import date
from functools import cache
from operator import itemgetter
from typing import Final

from vmmaudit.controls.texts import Texts
from vmmaudit.report.escape import csv_cell
from vmmaudit.report.sheets import Mark, Sheet, Value

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


def render_csv(verdicts: Sheet, texts: Texts) -> bytes:
    """UTF-8 with BOM, CRLF, and the delimiter that spreadsheets expect in this language."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(
        buffer, delimiter=texts.label("language", "csv_delimiter"), lineterminator="\r\n"
    )
    heads = [texts.label("column", name) for name in _COLUMNS]
    writer.writerow(heads)
    chosen = itemgetter(*map(verdicts.heads.index, heads))
    cell = cache(_cell)  # nearly all of them stand in many rows
    for row in verdicts.rows:
        writer.writerow(map(cell, chosen(row)))
    return buffer.getvalue().encode("utf-8-sig")


def _cell(value: Value) -> str:
    match value:
        case Mark():
            return csv_cell(value.text)
        case date():
            return value.isoformat()
    return csv_cell(str(value)) if value is not None else ""
