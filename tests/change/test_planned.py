"""The folder of a planned change: scripts, request and documents, in both languages."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from pypdf import PdfReader

from tests import worlds
from tests.report.test_languages import FACTS, of_html, shape
from tests.simulate import scope_text, simulate, without
from tests.worlds import World
from vmmaudit import questions
from vmmaudit.audit import Audit, demo
from vmmaudit.change.changes import AddDelegationTarget, Named
from vmmaudit.change.plan import ListStep, Plan
from vmmaudit.change.scripts import literal, script
from vmmaudit.controls.texts import languages
from vmmaudit.display import Tone
from vmmaudit.errors import ScopeError, UsageError
from vmmaudit.evidence import Question
from vmmaudit.planned import ChangeProof, PlannedChange, open_change
from vmmaudit.report.change import build_request
from vmmaudit.report.document import Document
from vmmaudit.report.html import render_html
from vmmaudit.report.request import shortened
from vmmaudit.runner import execute
from vmmaudit.scope import parse

HOSTILE = (
    "'; Remove-Item C:\\ -Recurse #",
    "\u2019; calc.exe #",
    '$(calc) `n "x"',
    "a\nStop-Computer\n",
    "a\r\n'@\r\ncalc",
    "\u202eevil\u2066",
    "Müller & Söhne",
    "NUL\0byte",
    "#> calc <#",
    "@{x=1}; )",
    "\ud83d\ude00",
)


@pytest.fixture(scope="module")
def change() -> PlannedChange:
    return demo().plan()


def planned_for(world: World, *refused: Question) -> PlannedChange:
    evidence, scope = simulate(world)
    for question in refused:
        evidence = without(evidence, question)
    return replace(Audit("site", scope_text(world), scope, evidence).plan(), languages="en")


LISTING = questions.listing("library01.contoso.com", "MSSCVMMLibrary", "")


def test_a_share_that_could_not_be_listed_is_planned_for():
    """Delegation can be broken, and be mended, whatever is in the library."""
    world = worlds.conforming().with_host("HYPER03", any_protocol=False)
    change = planned_for(world, LISTING)
    assert [type(step).__name__ for step in change.plan.steps] == ["NumberStep", "RestartStep"]
    assert "Steps needed: 2. Pairs of host and share that become" in change.summary
    assert "Not ready even then, or not assessable: 1." in change.summary
    assert "Nothing" not in change.summary


def test_nothing_is_said_to_be_well_that_nobody_could_judge():
    change = planned_for(worlds.conforming(), LISTING)
    assert change.plan.steps == ()
    assert "Nothing is known that would have to be changed." in change.summary
    assert "cannot be assessed: 7." in change.summary
    cover = change.document("en").cover
    assert cover.tone is Tone.WARN


def test_where_all_is_well_nothing_needs_to_be_changed():
    change = planned_for(worlds.conforming())
    assert change.summary.startswith("Nothing needs to be changed. ")
    assert change.document("en").cover.tone is Tone.GOOD


def test_the_folder_holds_everything(change: PlannedChange, tmp_path: Path):
    pack = change.write(tmp_path, "de,en")
    assert pack is not None
    names = {path.name for path in pack.folder.iterdir()}
    assert names == {
        "plan.json",
        "change.ps1",
        "rollback.ps1",
        "manifest.json",
        *(f"change.{language}.{kind}" for language in ("de", "en") for kind in ("pdf", "docx")),
        *(
            f"change-{system}.{language}.{kind}"
            for system in ("servicenow", "jira")
            for language in ("de", "en")
            for kind in ("json", "csv")
        ),
    }


def test_equal_input_gives_equal_bytes(change: PlannedChange):
    assert demo().plan().files(("de",)) == change.files(("de",))


def test_the_pdf_carries_plan_and_scripts(change: PlannedChange):
    files = change.files(("de",))
    attached = PdfReader(io.BytesIO(files["change.de.pdf"])).attachments
    for name in ("plan.json", "change.ps1", "rollback.ps1"):
        assert attached[name][0] == files[name]


@pytest.mark.parametrize("language", languages())
def test_every_object_and_old_value_stands_in_the_document(change: PlannedChange, language: str):
    pdf = PdfReader(io.BytesIO(change.files((language,))[f"change.{language}.pdf"]))
    text = "".join("".join(page.extract_text().split()) for page in pdf.pages)
    text = text.replace("\u200b", "")
    for step in json.loads(change.files(())["plan.json"])["steps"]:
        assert "".join((step.get("name") or step.get("host") or step["place"]).split()) in text
        if step["kind"] == "list":
            assert all(value in text for value in step["before"])


SERVICENOW = {
    *("number", "type", "state", "short_description", "description", "category", "cmdb_ci"),
    *("business_service", "assignment_group", "assigned_to", "requested_by", "justification"),
    *("risk", "impact", "risk_impact_analysis", "implementation_plan", "backout_plan"),
    *("test_plan", "start_date", "end_date", "cab_required", "cab_recommendation", "approval"),
    *("close_code", "close_notes"),
}


def row_of(data: bytes) -> dict[str, str]:
    (row,) = csv.DictReader(io.StringIO(data.decode("utf-8-sig")))
    return row


@pytest.mark.parametrize("language", languages())
def test_the_request_has_the_fields_of_servicenow_and_jira(change: PlannedChange, language: str):
    files = change.files((language,))
    fields = json.loads(files[f"change-servicenow.{language}.json"])
    assert set(fields) == SERVICENOW | {"evidence_sha256"}
    assert set(row_of(files[f"change-servicenow.{language}.csv"])) == set(fields)
    assert len(fields["short_description"]) <= 160
    assert "HYPER03$" in fields["implementation_plan"]
    assert "-Add @{'msDS-AllowedToDelegateTo'='cifs/" in fields["implementation_plan"]
    assert "userAccountControl: 4096" in fields["backout_plan"]
    jira = json.loads(files[f"change-jira.{language}.json"])
    assert jira["Backout plan"] == fields["backout_plan"]
    assert set(row_of(files[f"change-jira.{language}.csv"])) == set(jira)


def recorded(audit: Audit) -> Audit:
    """With everything in the scope that people know of a change."""
    text = audit.scope_text + (
        "change:\n  number: CHG0031415\n  type: emergency\n  business_service: Virtualisierung\n"
        "  assignment_group: Windows-Betrieb\n  requested_by: Jana Müller\n"
        "  assigned_to: Peter Weiß\n  start: 2026-12-01 20:00\n  end: 2026-12-01T23:30:00\n"
        "  cab_required: false\n"
    ).replace("audit:\n", "audit:\n  time_zone: Europe/Berlin\n")
    scope = parse(text, "scope.yaml")
    zoned = scope.audit.model_copy(update={"time_zone": "Europe/Berlin"})
    return replace(audit, scope_text=text, scope=scope.model_copy(update={"audit": zoned}))


def test_what_people_know_of_the_change_comes_from_the_scope():
    planned = recorded(demo()).plan()
    files = planned.files(("de",))
    fields = json.loads(files["change-servicenow.de.json"])
    assert fields["number"] == "CHG0031415"
    assert (fields["type"], fields["cab_required"]) == ("emergency", "false")
    assert (fields["start_date"], fields["end_date"]) == (
        "2026-12-01 19:00:00",
        "2026-12-01 22:30:00",
    )
    pdf = PdfReader(io.BytesIO(files["change.de.pdf"]))
    text = " ".join(" ".join(page.extract_text() for page in pdf.pages).split())
    for said in ("CHG0031415", "Windows-Betrieb", "Notfalländerung", "20:00", "23:30"):
        assert said in text, said


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("start: 2026-12-02\n  end: 2026-12-01", "before it begins"),
        ("start: 2026-12-01T10:00Z\n  end: 2026-12-01T11:00", "offset"),
    ],
)
def test_a_window_that_cannot_be_is_refused(lines: str, problem: str):
    with pytest.raises(ScopeError, match=problem):
        parse(demo().scope_text + f"change:\n  {lines}\n", "scope.yaml")


def shown(document: Document) -> str:
    """All words of a document."""
    return of_html(render_html(document))


def test_no_word_of_the_other_language_stands_in_the_request(change: PlannedChange):
    german, english = (shown(change.document(language)) for language in ("de", "en"))
    for word in ("allow ", "deny ", "flags ", "local members", " none"):
        assert word not in german
    for word in ("Zulassen", "keine"):
        assert word not in english


def proof_of(audit: Audit) -> ChangeProof:
    mended = worlds.conforming()
    evidence, scope = simulate(mended)
    return ChangeProof(audit, Audit("demo", scope_text(mended), scope, evidence))


@pytest.mark.parametrize("fact", FACTS)
def test_both_languages_say_the_same(change: PlannedChange, fact: str):
    proof = proof_of(demo())
    for made in (change.document, proof.document):
        german, english = (Counter(FACTS[fact].findall(shown(made(it)))) for it in ("de", "en"))
        assert german == english
    assert shape(change.document("de")) == shape(change.document("en"))
    assert shape(proof.document("de")) == shape(proof.document("en"))


def test_the_proof_closes_the_record():
    proof = proof_of(demo())
    closing = json.loads(proof.files(("en",))["change-close.en.json"])
    assert closing["close_code"] in ("successful_issues", "unsuccessful")
    assert closing["close_notes"].count("\n") == 2
    assert row_of(proof.files(("en",))["change-close.en.csv"]) == closing


def test_without_a_plan_nothing_is_planned_or_unplanned():
    world = worlds.conforming()
    before, scope = simulate(world)
    after, _ = simulate(world.with_host("HYPER03", delegate_to=()))
    proof = ChangeProof(
        Audit("a", scope_text(world), scope, before), Audit("b", scope_text(world), scope, after)
    )
    assert [move.planned for move in proof.moves] == [None]
    assert list(proof.to_frame()["planned"]) == [None]
    assert "kein Plan" in shown(proof.document("de"))


def test_long_lists_say_what_they_leave_out(change: PlannedChange):
    request = change._request("de")
    (pair,) = set(request.wanted[:1])
    wanted = tuple((f"host{n}.contoso.com", pair.share) for n in range(250))
    readiness = tuple(replace(pair, host=host) for host, _ in wanted)
    many = replace(
        request,
        plan=replace(request.plan, wanted=wanted),
        before=replace(request.before, readiness=readiness),
    )
    assert shown(build_request(many)).count("und 50 weitere") == 2
    assert many.fields()["cmdb_ci"].count(";") == 249


def test_the_summary_field_breaks_between_words():
    text = "Wort " * 40
    assert len(shortened(text)) <= 160
    assert shortened(text).endswith("Wort…")
    assert shortened("kurz") == "kurz"


def test_only_the_hosts_that_were_asked_for():
    assert {host for host, _ in demo().plan(hosts=["HYPER03"]).plan.wanted} == (
        {"hyper03.contoso.com"}
    )
    with pytest.raises(UsageError):
        demo().plan(hosts=["HYPER99"])


def test_after_the_change_everything_is_ready(change: PlannedChange):
    assert {entry.ready.value for entry in change.after.readiness} == {"yes"}


def test_a_conforming_site_needs_nothing():
    evidence, scope = simulate(worlds.conforming())
    found = Audit("good", scope_text(worlds.conforming()), scope, evidence).plan()
    assert found.plan.steps == ()
    assert found.files(("en",))["change.en.pdf"].startswith(b"%PDF")


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_name_is_one_literal(text: str):
    shown = literal(text)
    if text.isprintable():
        inner = shown[1:-1]
        assert shown[0] == shown[-1] == "'"
        for quote in "'\u2018\u2019\u201a\u201b":
            assert quote not in inner.replace(quote * 2, "")
    else:
        assert shown.isascii()
        assert set(shown) <= set("(-join [char[]] @(0123456789abcdefx, ))")


def test_hostile_names_stay_in_data():
    """What stands between the data is the fixed code, whatever the directory says."""
    plain, evil = (
        script(
            "change",
            Plan(
                (
                    ListStep(
                        Named("S-1-5-21-1-2-3-4", name, f"CN={name}", "contoso.com"),
                        "msDS-AllowedToDelegateTo",
                        (name,),
                        (),
                        (),
                        (AddDelegationTarget(Named("S-1-5-21-1-2-3-4", name, "", ""), name),),
                    ),
                ),
                (),
                (),
                "0" * 64,
            ),
        ).decode("utf-8-sig")
        for name in ("x", "".join(HOSTILE))
    )
    cut = evil.replace(literal("".join(HOSTILE)), "'x'").replace(
        literal("CN=" + "".join(HOSTILE)), "'CN=x'"
    )
    assert cut == plain


def test_scripts_begin_with_a_byte_order_mark(change: PlannedChange):
    for data in change.scripts().values():
        assert data.startswith(b"\xef\xbb\xbf#Requires -Version 5.1\r\n")
        assert b"\n" not in data.replace(b"\r\n", b"")
        assert b"-Replace" not in data
        assert b"Restart-Computer" not in data


def test_the_notebook_plans_and_proves(tmp_path: Path):
    first = demo()
    mended = worlds.conforming()
    evidence, scope = simulate(mended)
    before = first.save(tmp_path / "a")
    after = Audit("demo", scope_text(mended), scope, evidence).save(tmp_path / "b")
    planned = execute("change", {"output": str(tmp_path / "plan")}, tmp_path)
    assert b"HYPER03$" in planned
    parameters = {
        "before": str(before.folder),
        "after": str(after.folder),
        "output": str(tmp_path / "proof"),
    }
    execute("change", parameters, tmp_path)
    (folder,) = (tmp_path / "proof").iterdir()
    moves = json.loads((folder / "moved.json").read_text())
    assert any(move["planned"] for move in moves)


def test_a_proof_says_what_nobody_planned():
    proof = open_change()
    assert isinstance(proof, PlannedChange)
    same = ChangeProof(demo(), demo())
    assert same.moves == ()
    assert replace(same).document("de").cover.headline
    assert same.to_frame().empty


def test_the_change_documents_carry_the_customers_brand(tmp_path: Path):
    given = demo()
    picture = tmp_path / "logo.png"
    from tests.report.test_branding import picture as red

    picture.write_bytes(red())
    branding = given.scope.branding.model_copy(
        update={
            "logo": str(picture),
            "sender": "Prüfstelle Nord",
            "document_id": "IR-{{year}}-{{digest}}",
            "classifications": {"internal": {"de": "NUR INTERN"}},
            "retention_years": 7,
            "templates": {"audit-html/style.css": ".ours { color: #012345 }\n"},
        }
    )
    audit = given.scope.audit.model_copy(update={"time_zone": "Europe/Berlin"})
    scope = given.scope.model_copy(update={"branding": branding, "audit": audit})
    planned = replace(given, scope=scope).plan()
    request = planned.document("de")
    proof = ChangeProof(planned.audit, planned.audit).document("de")
    for document, prefix in ((request, "CHG-IR-2026-"), (proof, "CHP-IR-2026-")):
        assert document.identifier.startswith(prefix)
        assert document.classification == "NUR INTERN"
        assert document.cover.logo == red()
        assert document.cover.sender == "Prüfstelle Nord"
        assert "7" in {name: found[0].text for name, found in document.cover.facts}["Aufbewahrung"]
        assert document.templates
