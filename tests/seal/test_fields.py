from __future__ import annotations

import io
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pikepdf
import pytest

from vmmaudit.scope import Role
from vmmaudit.seal.fields import MARK, prepare
from vmmaudit.seal.stamp import moment_lines, stamp


@pytest.mark.parametrize(
    ("language", "heading", "labels"),
    [
        (
            "de",
            "Unterschriften und Dokumentfreigabe",
            [
                "Durchführung",
                "Prüfung (Vier-Augen-Prinzip)",
                "Dokumentfreigabe",
                "Kenntnisnahme der geprüften Stelle",
            ],
        ),
        ("en", "Signatures and approval", None),
    ],
)
def test_the_unsigned_report_has_four_fields(
    written: Path, language: str, heading: str, labels: list[str] | None
) -> None:
    path = written / f"report.{language}.pdf"
    with pikepdf.open(path) as document:
        fields = list(document.Root.AcroForm.Fields)
        assert [str(field.T) for field in fields] == list(Role)
        shown = [str(field.TU) for field in fields]
        assert labels is None or shown == labels
        assert len(set(shown)) == 4
        places = [[float(number) for number in field.Rect] for field in fields]
        assert all(right - left > 100 and high - low > 30 for left, low, right, high in places)
        assert [low for _, low, _, _ in places] == sorted((p[1] for p in places), reverse=True)
        number = next(
            index
            for index, page in enumerate(document.pages, 1)
            if page.obj.objgen == fields[0].P.objgen
        )
    text = subprocess.run(
        ["pdftotext", "-f", str(number), "-l", str(number), str(path), "-"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert heading in text
    assert MARK.encode() not in path.read_bytes()


def test_preparing_is_repeatable(written: Path) -> None:
    """A report without marks stays as it is, so a prepared one is not prepared again."""
    data = (written / "report.de.pdf").read_bytes()
    assert prepare(data) == data
    marked = pikepdf.new()
    marked.add_blank_page()
    written_to = io.BytesIO()
    marked.save(written_to)
    assert prepare(written_to.getvalue()) == written_to.getvalue()


@pytest.mark.parametrize(
    "name",
    ['#panic("x")', "$x$ *bold* @ref <label>", 'a"b\\c', "日本語の名前", "x" * 300, "Ω ß Łuczak"],
)
def test_a_stamp_shows_any_name_and_runs_none(name: str) -> None:
    pdf = stamp(150, 34, name, moment_lines(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "CA"))
    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert len(document.pages) == 1
        assert [float(number) for number in document.pages[0].mediabox] == [0, 0, 150, 34]
