"""What moved between two audits, and how."""

import json
import re
import zipfile
from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader

from tests.random_worlds import random_world
from tests.simulate import simulate
from tests.test_cli import Run
from tests.variants import GOOD, LIB1, LIB2, pair
from vmmaudit import assessment as assessments
from vmmaudit import evidence as evidence_format
from vmmaudit import pack as packs
from vmmaudit.assessment import GrantedWaiver, Verdict
from vmmaudit.audit import Audit, assessed, demo, replayed
from vmmaudit.compare import Change, compare, repeats
from vmmaudit.controls.texts import Texts
from vmmaudit.errors import PackError
from vmmaudit.judge import judge
from vmmaudit.report.html import render_html

BASE = judge(*simulate(GOOD))
BROKEN = judge(*simulate(GOOD.with_host("HYPER03", any_protocol=False)))


def kinds(before, after) -> dict[tuple[str, str], Change]:
    return {
        (m.judgement.control, m.judgement.subject.id): m.change
        for m in compare(before, after).moved
    }


@pytest.mark.parametrize("seed", range(10))
def test_what_is_written_is_read_back(seed: int):
    found = judge(*simulate(random_world(seed)))
    assert assessments.loads(assessments.dumps(found), "a") == found


def test_nothing_moved():
    found = compare(BASE, BASE)
    assert (found.moved, found.ready, found.unchanged) == ((), (), len(BASE.verdicts))


def test_regressed_and_fixed():
    both = {("DEL-02", pair(3, LIB1)), ("DEL-02", pair(3, LIB2))}
    assert kinds(BASE, BROKEN) == dict.fromkeys(both, Change.REGRESSED)
    assert kinds(BROKEN, BASE) == dict.fromkeys(both, Change.FIXED)
    ready = compare(BROKEN, BASE).ready
    assert {(was.ready.value, now.ready.value) for was, now in ready} == {("no", "yes")}


@pytest.mark.parametrize(
    ("was", "now", "change"),
    [
        ("PASS", "FAIL", "regressed"),
        ("PASS", "WARN", "regressed"),
        ("WARN", "FAIL", "regressed"),
        ("NOT_APPLICABLE", "WARN", "regressed"),
        ("NOT_ASSESSABLE", "FAIL", "new"),
        ("MANUAL", "WARN", "new"),
        ("FAIL", "PASS", "fixed"),
        ("NOT_ASSESSABLE", "PASS", "fixed"),
        ("WARN", "NOT_APPLICABLE", "fixed"),
        ("FAIL", "WARN", "other"),
        ("PASS", "NOT_APPLICABLE", "other"),
        ("NOT_APPLICABLE", "PASS", "other"),
        ("FAIL", "NOT_ASSESSABLE", "newly-not-assessable"),
    ],
)
def test_each_move_has_its_name(was: str, now: str, change: str):
    first = BASE.verdicts[0]
    before, after = (
        replace(BASE, verdicts=(replace(first, verdict=Verdict(verdict)),))
        for verdict in (was, now)
    )
    assert list(kinds(before, after).values()) == [Change(change)]


def test_not_assessable_gone_and_new():
    silent = judge(*simulate(GOOD.with_library("LIBRARY02", reachable=False)))
    assert set(kinds(BASE, silent).values()) == {Change.NOT_ASSESSABLE}
    fewer = replace(GOOD, libraries=GOOD.libraries[:1])
    # Hosts may still delegate to the library that the scope no longer names.
    undeclared = {"SCP-01", "DEL-05"}
    gone = kinds(BASE, judge(*simulate(fewer)))
    assert {kind for key, kind in gone.items() if key[0] not in undeclared} == {Change.GONE}
    back = kinds(judge(*simulate(fewer)), BASE)
    assert {kind for key, kind in back.items() if key[0] in undeclared} == {Change.FIXED}
    assert {key[0] for key in back} <= {*undeclared, "LIB-04"}
    with_new = judge(*simulate(GOOD.with_host("HYPER03", any_protocol=False)))
    assert Change.NEW in kinds(judge(*simulate(fewer)), with_new).values()


def test_waivers_come_and_go():
    waiver = GrantedWaiver("known", "owner", "approver", "CHG1", date(2027, 1, 1))
    waived = replace(
        BROKEN,
        verdicts=tuple(
            replace(j, waiver=waiver) if j.verdict is Verdict.FAIL else j for j in BROKEN.verdicts
        ),
    )
    assert set(kinds(BROKEN, waived).values()) == {Change.WAIVED}
    assert set(kinds(waived, BROKEN).values()) == {Change.WAIVER_ENDED}
    assert set(kinds(waived, BASE).values()) == {Change.FIXED}


def test_a_requirement_that_changed_is_said():
    newer = replace(BASE, verdicts=tuple(replace(j, version=2) for j in BASE.verdicts[:1]))
    (moved,) = [m for m in compare(BASE, newer).moved if m.change is Change.REQUIREMENT]
    assert moved.requirement_changed


def test_a_repeat_finding_is_called_one():
    found = demo()
    label = Texts.load("de").label("answer", "yes")
    said = re.compile(rf"Wiederholungsfeststellung</\w+>\s*<dd[^>]*>\s*(<\w+[^>]*>)?{label}")
    again = replace(found, previous=found.assessment)
    assert said.search(render_html(again.document("de")).decode())
    assert not said.search(render_html(found.document("de")).decode())


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    one = Audit("a", "", demo().scope, simulate(GOOD, scope=demo().scope)[0])
    scope = (Path(__file__).parent.parent / "vmmaudit/demo/scope.yaml").read_text(encoding="utf-8")
    before = replace(one, scope_text=scope).save(tmp_path, judged=True)
    after = demo().save(tmp_path, judged=True)
    run = Run(capsys, "diff", before.folder, after.folder)
    assert run.code == 0
    assert "regressed            DEL-02  PASS -> FAIL  CONTOSO\\HYPER03$" in run.out
    assert "verdicts moved" in run.err
    run = Run(capsys, "diff", before.folder, tmp_path / "missing")
    assert run.code == 1
    assert "missing" in run.err


def test_what_is_no_assessment_is_one_sentence(tmp_path: Path):
    path = tmp_path / "assessment.json"
    path.write_text('{"format": 1}')
    with pytest.raises(PackError, match="not an assessment"):
        assessed(path)
    path.write_text('{"format": 99}')
    with pytest.raises(PackError, match="newer vmmaudit"):
        assessed(path)


def earlier() -> Audit:
    """The demo, and before it the same site with one other mistake and all else well."""
    world = GOOD.with_host("HYPER03", any_protocol=False).with_host("HYPER01", any_protocol=False)
    return replace(demo(), previous=judge(*simulate(world, scope=demo().scope)))


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_report_lists_what_moved(language: str):
    audit, texts = earlier(), Texts.load(language)
    (section,) = [s for s in audit.document(language).sections if s.anchor == "changes"]
    assert section.title == texts.sentence("title", "changes")
    shown = {inner.anchor.removeprefix("changes-") for inner in section.sections}
    found = compare(audit.previous, audit.assessment)
    assert shown == {*(change.value for change in found.counts()), "readiness"}
    assert {"regressed", "fixed"} <= shown
    assert repeats(audit.previous, audit.assessment)
    page = render_html(audit.document(language)).decode()
    assert texts.label("status", "repeated") in page


def test_a_requirement_with_another_version_has_its_own_table():
    audit = earlier()
    older = replace(
        audit.previous,
        verdicts=tuple(
            replace(j, version=99) if j.control == "DEL-01" else j for j in audit.previous.verdicts
        ),
    )
    (section,) = [
        s for s in replace(audit, previous=older).document("de").sections if s.anchor == "changes"
    ]
    (table,) = [s for s in section.sections if s.anchor == "changes-requirements"]
    rows = table.blocks[1].rows
    assert next(cell.content[0].text for cell in rows[0]) == "DEL-01"


def test_all_formats_have_the_section(tmp_path: Path):
    audit = earlier()
    title = Texts.load("de").sentence("title", "changes")
    files = audit.files(["de"])
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(files["report.de.pdf"])).pages)
    assert title in " ".join(text.split())
    assert title in files["report.de.html"].decode()
    with zipfile.ZipFile(BytesIO(files["report.de.docx"])) as packed:
        assert title in packed.read("word/document.xml").decode()
    book = load_workbook(BytesIO(files["workbook.de.xlsx"]))
    rows = list(book["Veränderungen"].iter_rows(values_only=True))
    moved = compare(audit.previous, audit.assessment).moved
    again = repeats(audit.previous, audit.assessment)
    assert sum(row[6] == "ja" for row in rows) == len(again)
    assert len(rows) - 1 >= len(moved)


def test_a_rendered_pack_keeps_its_previous_audit(tmp_path: Path):
    audit = earlier()
    kept = packs.write(
        tmp_path,
        "a_1",
        {
            packs.EVIDENCE: evidence_format.dumps(audit.evidence),
            packs.SCOPE: audit.scope_text.encode(),
            "previous.json": assessments.dumps(audit.previous),
        },
        tool="t",
        moment=audit.evidence.origin.moment,
    )
    assert replayed(kept.folder).previous == audit.previous
    # A pack that was collected and never judged can be compared with.
    assert assessed(kept.folder) == audit.assessment


def test_an_assessment_without_later_keys_is_read():
    value = json.loads(assessments.dumps(BASE))
    for item in value["verdicts"]:
        for key in ("waiver", "remarks", "evidence"):
            del item[key]
    for item in value["readiness"]:
        del item["reason"]
    read = assessments.loads(json.dumps(value).encode(), "old")
    assert not compare(read, BASE).moved
