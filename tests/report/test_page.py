"""A sheet written as a whole is, byte for byte, the one that xlsxwriter writes cell by cell."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, datetime
from typing import Any

import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from vmmaudit.report.page import Cell, Page, Row
from vmmaudit.report.xlsx import _days

STYLES = ({"bold": True}, {"text_wrap": True, "num_format": "0"}, {"num_format": "yyyy-mm-dd"})
XML_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
)
CONTENT = (
    XML_TEXT.filter(bool)
    | st.sampled_from(["<&>\"'", " x ", "_x0041_", "=1+1", "<r>x</r>"])
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x + 0.0)  # -0.0 is 0.0
)
CELLS = st.none() | st.tuples(CONTENT, st.integers(0, len(STYLES) - 1))
ROWS = st.lists(
    st.tuples(st.sampled_from([15.5, 32.0, 29.0]), st.lists(CELLS, max_size=30)), max_size=40
)


def written(rows: list[tuple[float, list[Any]]], kind: Any) -> dict[str, str]:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False})
    book.set_properties({"created": datetime(2026, 10, 1, tzinfo=UTC)})
    formats = [book.add_format(style) for style in STYLES]
    page = book.add_worksheet("a", kind)
    page.set_default_row(15.5)
    if kind is Page:
        page.write_rows(
            Row(height, [cell and Cell(cell[0], formats[cell[1]]) for cell in cells])
            for height, cells in rows
        )
    else:
        for row, (height, cells) in enumerate(rows):
            page.set_row(row, height)
            for column, cell in enumerate(cells):
                if cell is None:
                    continue
                write = page.write_string if isinstance(cell[0], str) else page.write_number
                write(row, column, cell[0], formats[cell[1]])
    book.close()
    with zipfile.ZipFile(buffer) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def compared(file: dict[str, str]) -> dict[str, str]:
    """Without what is optional (spans, dimension), and empty rows written one way."""
    sheet = file["xl/worksheets/sheet1.xml"]
    sheet = re.sub(r' spans="[^"]*"', "", sheet)
    sheet = re.sub(r"<row ([^>]*)/>", r"<row \1></row>", sheet)
    return {**file, "xl/worksheets/sheet1.xml": re.sub(r"<dimension [^>]*/>", "", sheet)}


@settings(max_examples=300)
@given(ROWS)
def test_it_is_what_xlsxwriter_writes(rows: list[tuple[float, list[Any]]]) -> None:
    assert compared(written(rows, Page)) == compared(written(rows, None))


def test_its_dimension_is_that_of_its_cells() -> None:
    rows = [(15.5, [("a", 0), None, (2, 1)]), (15.5, [("b", 0)])]

    ours, theirs = written(rows, Page), written(rows, None)

    assert '<dimension ref="A1:C2"/>' in ours["xl/worksheets/sheet1.xml"]
    assert '<dimension ref="A1:C2"/>' in theirs["xl/worksheets/sheet1.xml"]


def test_days_are_counted_as_xlsxwriter_does() -> None:
    with xlsxwriter.Workbook(io.BytesIO()) as book:
        convert = book.add_worksheet()._convert_date_time
        for text in ("1900-03-01", "2026-10-01T06:07:08", "9999-12-31"):
            moment = datetime.fromisoformat(text)
            assert _days(moment.replace(tzinfo=UTC)) == convert(moment)
