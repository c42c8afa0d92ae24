"""Exceptions: patterns, what is void and why, and lists kept in Excel or CSV."""

from dataclasses import replace
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

import pytest
import xlsxwriter
from openpyxl import load_workbook
from ruamel.yaml import YAML

from tests.simulate import scope_text, simulate
from tests.test_cli import Run
from tests.variants import GOOD
from vmmaudit import evidence as evidence_format
from vmmaudit.assessment import Verdict
from vmmaudit.audit import Audit, replayed
from vmmaudit.controls.texts import Texts
from vmmaudit.errors import ScopeError
from vmmaudit.judge import judge
from vmmaudit.scope import Waiver, parse
from vmmaudit.waivers import Void, merged, read_list, standings

BROKEN = GOOD.with_host("HYPER03", any_protocol=False)
EVIDENCE, SCOPE = simulate(BROKEN)
DAY = EVIDENCE.origin.moment.date()
LATER = DAY + timedelta(days=200)


def waiver(**changes) -> Waiver:
    given = {
        "control": "DEL-02",
        "reason": "known",
        "approver": "CISO",
        "until": LATER,
        **changes,
    }
    return Waiver(**given)


def judged(*waivers: Waiver):
    scope = SCOPE.model_copy(update={"waivers": waivers})
    return scope, judge(EVIDENCE, scope)


def waived(found) -> set[tuple[str, Verdict]]:
    return {(j.control, j.verdict) for j in found.verdicts if j.waiver}


@pytest.mark.parametrize(
    ("control", "subject"),
    [("DEL-02", "*"), ("DEL-*", "*hyper03*"), ("*", r"*CONTOSO\hyper03$*"), ("del-02", "*")],
)
def test_patterns_name_control_and_subject(control: str, subject: str):
    plain = judge(EVIDENCE, SCOPE)
    _, found = judged(waiver(control=control, subject=subject))
    assert ("DEL-02", Verdict.FAIL) in waived(found)
    # The verdict keeps its own value, whatever lies over it.
    assert [j.verdict for j in found.verdicts] == [j.verdict for j in plain.verdicts]
    assert found.readiness == plain.readiness
    assert not {v for _, v in waived(found)} & {Verdict.PASS, Verdict.NOT_APPLICABLE}


def test_another_subject_is_not_named():
    _, found = judged(waiver(subject="*hyper04*"))
    assert not waived(found)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"until": DAY - timedelta(days=1)}, (Void.EXPIRED,)),
        ({"approver": ""}, (Void.UNAPPROVED,)),
        ({"approver": "", "until": DAY - timedelta(days=1)}, (Void.EXPIRED, Void.UNAPPROVED)),
    ],
)
def test_a_void_one_counts_for_nothing_and_is_reported(changes, why):
    scope, found = judged(waiver(**changes))
    assert not waived(found)
    (standing,) = standings(scope, found.verdicts, DAY)
    assert standing.void == why
    assert standing.covered == 2


def test_the_last_day_is_valid_and_soon():
    scope, found = judged(waiver(until=DAY))
    (standing,) = standings(scope, found.verdicts, DAY)
    assert (standing.void, standing.soon, standing.covered) == ((), True, 2)
    scope, found = judged(waiver(until=DAY + timedelta(days=31)))
    assert not standings(scope, found.verdicts, DAY)[0].soon


def test_one_that_names_nothing_or_only_what_is_met():
    scope, found = judged(waiver(control="DEL-77"), waiver(control="ENV-02"), waiver())
    first, second, third = standings(scope, found.verdicts, DAY)
    assert (first.covered, first.met) == (0, 0)
    assert second.covered == 0
    assert second.met
    assert third.covered == 2


def sheet(path: Path, *rows) -> Path:
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet()
        day = book.add_format({"num_format": "dd.mm.yyyy"})
        for number, row in enumerate(rows, 1):  # the first row stays empty
            for column, cell in enumerate(row):
                if isinstance(cell, date):
                    page.write_datetime(number, column, cell, day)
                else:
                    page.write(number, column, cell)
    return path


GERMAN = (
    "Kontrolle", "Objekt", "Begründung", "Verantwortlich", "Genehmigt von", "Ticket", "Gültig bis"
)  # fmt: skip
ENTRY = ("DEL-02", "*hyper03*", "Altsystem, „bekannt“", "T. Häßler", "CISO", 31234, LATER)


def test_an_excel_list_with_german_heads(tmp_path: Path):
    path = sheet(tmp_path / "w.xlsx", GERMAN, ENTRY, ("DEL-*", "", "x", "", "", "", "31.12.2027"))
    one, two = read_list(path)
    assert one.ticket == "31234"
    assert (one.until, one.owner, one.source) == (LATER, "T. Häßler", "w.xlsx, row 3")
    assert (two.subject, two.approver, two.until) == ("*", "", date(2027, 12, 31))


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_a_csv_list_with_english_heads(tmp_path: Path, delimiter: str):
    path = tmp_path / "w.csv"
    rows = [("Control", "Subject", "Reason", "Until", "Approver")]
    rows += [("DEL-02", "*", '"two\nlines"', "2027-12-31", "CISO")]
    path.write_text("\n".join(delimiter.join(row) for row in rows), encoding="utf-8-sig")
    (found,) = read_list(path)
    assert (found.reason, found.until) == ("two\nlines", date(2027, 12, 31))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "w.csv is empty"),
        ("Control;Reason\nA;b\n", "w.csv, row 1: there is no column 'until'"),
        ("Control;Kontrolle;Reason;Until\n", "row 1: two columns"),
        ("Control;Reason;Until\nDEL-02;x;soon\n", "w.csv, row 2: 'soon' is not a day"),
        ("Control;Reason;Until\n\nDEL-02;;2027-01-01\n", "w.csv, row 3: the column reason"),
        ("Control;Reason;Until\nDEL-02;x;31.02.2027\n", "row 2: '2027-02-31' is not a day"),
    ],
)
def test_mistakes_name_file_and_row(tmp_path: Path, text: str, message: str):
    (tmp_path / "w.csv").write_text(text)
    with pytest.raises(ScopeError) as caught:
        read_list(tmp_path / "w.csv")
    assert message in str(caught.value)


def test_what_is_no_list(tmp_path: Path):
    with pytest.raises(ScopeError, match="cannot be read"):
        read_list(tmp_path / "none.xlsx")
    (tmp_path / "w.xlsx").write_bytes(b"PK no workbook")
    with pytest.raises(ScopeError, match=r"w\.xlsx cannot be read as a workbook"):
        read_list(tmp_path / "w.xlsx")
    (tmp_path / "w.docx").write_bytes(b"")
    with pytest.raises(ScopeError, match="neither"):
        read_list(tmp_path / "w.docx")
    (tmp_path / "l.csv").write_bytes("Kontrolle;Begr\xfcndung".encode("latin-1"))
    with pytest.raises(ScopeError, match="UTF-8"):
        read_list(tmp_path / "l.csv")


def test_the_list_becomes_part_of_the_pack(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = tmp_path / "given"
    folder.mkdir()
    sheet(folder / "w.xlsx", GERMAN, ENTRY)
    (folder / "site.yaml").write_text(
        "waivers_file: w.xlsx  # kept by the ISMS team\n" + scope_text(BROKEN), encoding="utf-8"
    )
    (folder / "e.jsonl.gz").write_bytes(evidence_format.dumps(EVIDENCE))
    found = replayed(folder / "e.jsonl.gz", folder / "site.yaml")
    kept = found.save(tmp_path, judged=True).folder
    (folder / "w.xlsx").unlink()
    again = replayed(kept)
    assert again.assessment == found.assessment
    assert ("DEL-02", Verdict.FAIL) in waived(again.assessment)
    assert "w.xlsx, row 3" in again.scope_text
    assert again.scope.waivers[0].source == "w.xlsx, row 3"
    run = Run(capsys, "judge", folder / "e.jsonl.gz", "--scope", folder / "site.yaml")
    assert run.code == 1
    assert "w.xlsx cannot be read" in run.err


def test_merging_keeps_what_is_there(tmp_path: Path):
    (tmp_path / "w.csv").write_text("Control;Reason;Until\nDEL-02;x;2027-01-01\n")
    own = {"control": "ENV-02", "reason": "ours", "until": "2027-01-01"}
    text = scope_text(GOOD) + f"\nwaivers:\n- {own}\nwaivers_file: w.csv\n"
    found = parse(merged(text, "s", tmp_path), "s")
    assert [w.control for w in found.waivers] == ["ENV-02", "DEL-02"]
    assert not found.waivers_file
    assert YAML().load(merged(text, "s", tmp_path))["format"] == 1


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_report_lists_all_three(language: str):
    texts = Texts.load(language)
    scope, _ = judged(
        waiver(until=DAY + timedelta(days=9), source="w.xlsx, row 7"),
        waiver(approver=""),
        waiver(control="DEL-77"),
    )
    audit = Audit("a", scope_text(BROKEN), scope, EVIDENCE)
    (section,) = [s for s in audit.document(language).sections if s.anchor == "waivers"]
    assert [s.anchor for s in section.sections] == [
        "waivers-valid",
        "waivers-void",
        "waivers-unused",
        "justifications",
    ]
    page = audit.document(language)._repr_html_()
    for label in ("soon", "unapproved", "unused"):
        assert texts.label("status", label) in page
    assert "w.xlsx, row 7" in page
    book = load_workbook(BytesIO(audit.files([language])[f"workbook.{language}.xlsx"]))
    rows = list(book[texts.label("sheet", "waivers")].iter_rows(min_row=2, values_only=True))
    assert [row[3] for row in rows] == [2, 2, 0]
    assert [str(row[2])[0] for row in rows] == ["!", "✗", "!"]
    assert rows[0][9] == "w.xlsx, row 7"
    assert replace(audit, name="b").assessment.counts()[Verdict.FAIL]
