"""The folder of a planned change: scripts, request and documents, in both languages."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from pypdf import PdfReader

from tests import worlds
from tests.simulate import scope_text, simulate
from vmmaudit.audit import Audit, demo
from vmmaudit.change.changes import AddDelegationTarget, Named
from vmmaudit.change.plan import ListStep, Plan
from vmmaudit.change.scripts import literal, script
from vmmaudit.controls.texts import languages
from vmmaudit.errors import UsageError
from vmmaudit.planned import ChangeProof, PlannedChange, open_change
from vmmaudit.runner import execute

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
            f"change-request.{language}.{kind}"
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


@pytest.mark.parametrize("language", languages())
def test_the_request_has_the_fields_of_servicenow(change: PlannedChange, language: str):
    files = change.files((language,))
    fields = json.loads(files[f"change-request.{language}.json"])
    rows = list(
        csv.DictReader(io.StringIO(files[f"change-request.{language}.csv"].decode("utf-8-sig")))
    )
    assert [set(row) for row in rows] == [set(fields)]
    assert len(fields["short_description"]) <= 160
    assert "HYPER03$" in fields["implementation_plan"]
    assert "userAccountControl: 4096" in fields["backout_plan"]


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
