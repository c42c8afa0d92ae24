from __future__ import annotations

import io
import re
import time
import zipfile
from dataclasses import replace
from typing import Any

import openpyxl
import pytest

from tests.report import sample
from tests.report.conftest import make
from tests.report.test_rendering import hostile
from vmmaudit.assessment import Assessment, Verdict
from vmmaudit.report import xlsx
from vmmaudit.report.register import summarise
from vmmaudit.report.sheets import verdicts
from vmmaudit.report.xlsx import render_xlsx

GERMAN = [
    "Übersicht",
    "Bewertungen",
    "Matrix",
    "Host und SMB-Freigabe",
    "ISO-Dateien",
    "Nachweise",
    "Offene Abfragen",
]


def render(
    assessment: Assessment | None = None, language: str = "de", hosts: int = 7, **changes: Any
) -> bytes:
    given = assessment or sample.assessment(hosts)
    return render_xlsx(
        replace(make(language, hosts, assessment=given), **changes),
        given,
        verdicts(given, sample.CATALOGUE, sample.texts(language)),
        summarise(sample.evidence(hosts)),
        sample.texts(language),
    )


def opened(file: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(file))


def parts(file: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def cells(page: Any) -> list[list[Any]]:
    return [[cell.value for cell in row] for row in page.iter_rows()]


@pytest.fixture(scope="module")
def german_xlsx() -> bytes:
    return render()


def test_the_file_is_the_same_twice(german_xlsx: bytes) -> None:
    time.sleep(2.1)  # a zip archive counts time in steps of two seconds

    assert render() == german_xlsx


def test_the_sheets_and_how_they_are_set(german_xlsx: bytes) -> None:
    book = opened(german_xlsx)

    assert book.sheetnames == GERMAN
    assert book.active.title == "Übersicht"
    for page in book.worksheets[1:]:
        assert page.auto_filter.ref.startswith("A1:")
        assert page.freeze_panes in ("A2", "B2")
        assert page.print_title_rows == "$1:$1"
        assert all(dimension.width > 7 for dimension in page.column_dimensions.values())
    assert book.properties.title == sample.scope().audit.title
    assert book.properties.created == sample.MOMENT.replace(tzinfo=None)


def test_every_judgement_is_a_row(german_xlsx: bytes) -> None:
    head, *rows = cells(opened(german_xlsx)["Bewertungen"])
    verdicts = sample.assessment().verdicts

    assert head[:3] == ["Kontrolle", "Titel", "Schweregrad"]
    assert [row[0] for row in rows] == [item.control for item in verdicts]
    assert [row[4] for row in rows] == [item.subject.name for item in verdicts]
    assert {row[5] for row in rows} >= {"✓ erfüllt", "✗ nicht erfüllt", "? nicht prüfbar"}
    (waived,) = (row for row in rows if row[0] == "PRM-07")
    assert waived[head.index("Gültig bis")].date().isoformat() == "2026-12-31"
    assert waived[head.index("Status")] == "durch Ausnahme gedeckt"


def test_each_row_says_what_other_schemes_call_it(german_xlsx: bytes) -> None:
    head, *rows = cells(opened(german_xlsx)["Bewertungen"])
    said = {
        (row[head.index("Bewertung")], row[head.index("Schweregrad")]): (
            row[head.index("IT-Grundschutz-Check")],
            row[head.index("ISO-Audit")],
        )
        for row in rows
    }

    assert said["✗ nicht erfüllt", "kritisch"] == ("nein", "Hauptabweichung")
    assert said["✗ nicht erfüllt", "niedrig"] == ("nein", "Nebenabweichung")
    assert said["! Hinweis", "mittel"] == ("teilweise", "Verbesserungspotenzial")
    assert {v for (verdict, _), v in said.items() if verdict == "? nicht prüfbar"} == {
        ("unbearbeitet", "offener Punkt")
    }
    assert {v[1] for (verdict, _), v in said.items() if verdict == "✓ erfüllt"} == {"konform"}


def test_the_matrix_shows_what_the_document_shows(german_xlsx: bytes) -> None:
    page = opened(german_xlsx)["Matrix"]
    head, *rows = cells(page)

    assert head == ["Host", *sample.SHARES]
    assert rows[0] == ["hyper03.contoso.com", "✓", "✗"]
    assert page["C2"].fill.start_color.rgb == "FFFAE3E1"
    assert page["C2"].font.color.rgb == "FF9C1C1C"


def test_pairs_files_evidence_and_gaps(german_xlsx: bytes) -> None:
    book, evidence = opened(german_xlsx), summarise(sample.evidence())

    assert book["Host und SMB-Freigabe"].max_row == 1 + len(sample.assessment().readiness)
    assert cells(book["ISO-Dateien"])[1][1:7] == [
        *(sample.SHARES[0], r"ISOs\ws2025.iso", "✗ nein", 1, 0, "d" * 64),
    ]
    assert [row[7] for row in cells(book["Nachweise"])[1:]] == [e.digest for e in evidence.entries]
    assert book["Offene Abfragen"].max_row == 1 + len(evidence.gaps)


def test_the_summary_counts(german_xlsx: bytes) -> None:
    rows = {row[0]: row[1] for row in cells(opened(german_xlsx)["Übersicht"])}

    assert rows["✗ nicht erfüllt"] == sample.assessment().counts()[Verdict.FAIL]
    assert rows["✗ nicht bereit"] == 2
    assert rows["Prüfsumme der Nachweise (SHA-256)"] == sample.evidence().digest()
    assert rows["Bewertungen"] == len(sample.assessment().verdicts)


def test_both_languages_fit_into_a_workbook() -> None:
    for language in ("de", "en"):
        for name in opened(render(language=language)).sheetnames:
            assert len(name) <= 31
            assert not set(name) & set("[]:*?/\\'")


def test_nothing_from_a_directory_is_a_formula_or_a_link() -> None:
    file = render(hostile(), title="=1+1", author="=x" * 300)
    found = parts(file)

    assert not any("<f>" in text or "<f " in text for text in found.values())
    assert not any("TargetMode" in text for text in found.values())
    assert not any(re.search("[\0\x07\x1b\u202e\u2066]", text) for text in found.values())
    page = opened(file)["Bewertungen"]
    risky = [c for row in page.iter_rows() for c in row if str(c.value).startswith("=cmd")]
    assert risky
    assert all(cell.data_type == "s" and cell.quotePrefix for cell in risky)
    names = [str(row[4].value) for row in page.iter_rows()]
    assert "<script>alert(1)</script>" in names
    assert "nul␀bell␇esc␛[31m" in names
    assert "A" * 300 in names


@pytest.mark.parametrize("name", ["<r>&</r>", "<r><t>x</t></r>", "<r>", "<r></si></sst>"])
def test_what_xlsxwriter_takes_for_its_own_markup_is_a_text(name: str) -> None:
    base = sample.assessment()
    named = replace(base.verdicts[0], subject=replace(base.verdicts[0].subject, name=name))
    page = opened(render(replace(base, verdicts=(named,))))["Bewertungen"]

    assert page["E2"].value.strip() == name


def test_a_cell_holds_no_more_than_it_can() -> None:
    base = sample.assessment()
    long = replace(base.verdicts[0], subject=replace(base.verdicts[0].subject, name="x" * 40_000))
    page = opened(render(replace(base, verdicts=(long,))))["Bewertungen"]

    assert page["E2"].value == "x" * 32_766 + "…"


def test_too_many_rows_are_said_to_be_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "_ROWS", 5)
    page = opened(render())["Bewertungen"]

    assert page.max_row == 6
    assert page["A6"].value == (
        f"Ein Tabellenblatt fasst 4 Zeilen; es sind {len(sample.assessment().verdicts)}. "
        "Die vollständige Liste steht in den Dateien des Prüfpakets."
    )


def test_no_pair_at_all() -> None:
    book = opened(render(replace(sample.assessment(), readiness=(), shares=())))

    assert cells(book["Matrix"])[0] == ["Host"]
    assert book["ISO-Dateien"].max_row == 1


def test_two_thousand_hosts() -> None:
    book = opened(render(hosts=2_000))

    assert book["Host und SMB-Freigabe"].max_row == 4_001
