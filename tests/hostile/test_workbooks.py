"""Lists of waivers in workbooks that somebody made to do harm."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from vmmaudit import waivers
from vmmaudit.errors import ScopeError

SHEET = "xl/worksheets/sheet1.xml"


def workbook() -> dict[str, bytes]:
    """The parts of a good list."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ("control", "subject", "reason", "until"))
    sheet.write_row(1, 0, ("LIB-01", "*", "Umbau", "2030-01-01"))
    book.close()
    with zipfile.ZipFile(buffer) as parts:
        return {name: parts.read(name) for name in parts.namelist()}


def written(path: Path, parts: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in parts.items():
            book.writestr(name, content)
    return path


def test_a_good_list(tmp_path: Path):
    (found,) = waivers.read_list(written(tmp_path / "list.xlsx", workbook()))
    assert (found.control, found.source) == ("LIB-01", "list.xlsx, row 2")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'r="A2"', b'r="ZZZ99999999"'),
        (b'r="D2"', b'r="XFD1048576"'),
        (b"<v>0</v>", b"<v>99999999</v>"),
        (b"<v>0</v>", b"<v>-1</v>"),
        (b"</sheetData>", b""),
        (b"<sheetData>", b"<sheetData>" + b" " * 100_000_000),
    ],
    ids=["a cell nowhere", "the last cell", "no such text", "less than none", "cut", "a bomb"],
)
def test_a_list_made_to_do_harm(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], old: bytes, new: bytes
):
    parts = workbook()
    assert old in parts[SHEET]
    path = written(tmp_path / "list.xlsx", {**parts, SHEET: parts[SHEET].replace(old, new, 1)})
    said = ""
    try:
        waivers.read_list(path)
    except ScopeError as error:
        said = str(error)
    assert said == "" or said.startswith("list.xlsx")
    if new.startswith(b'r="'):
        assert "made to use up this machine's memory" in said
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("row", ["LIB-01;" + "x" * 200_000, '"' + "x" * 200_000])
def test_an_enormous_cell_of_a_table(tmp_path: Path, row: str):
    path = tmp_path / "list.csv"
    path.write_text(f"control;reason;until\n{row};2030-01-01\n")
    with pytest.raises(ScopeError, match=r"^list.csv, row \d+: field larger than"):
        waivers.read_list(path)
