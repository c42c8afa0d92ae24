"""What moved is compared with the plan that was filed, which must follow from the pack before."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests import worlds
from tests.simulate import scope_text, simulate, without
from tests.worlds import World
from vmmaudit import questions
from vmmaudit.assessment import Ternary
from vmmaudit.audit import Audit, demo, open_audit
from vmmaudit.change.filed import filed
from vmmaudit.change.moved import unread
from vmmaudit.errors import PackError, UsageError
from vmmaudit.evidence import Evidence, Question
from vmmaudit.planned import PLAN, ChangeProof, open_change, proved


def broken() -> World:
    """Two hosts that want protocol transition."""
    world = worlds.conforming().with_host("HYPER02", any_protocol=False)
    return world.with_host("HYPER03", any_protocol=False)


def saved(world: World, folder: Path) -> Path:
    evidence, scope = simulate(world)
    return Audit("site", scope_text(world), scope, evidence).save(folder).folder


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pack before, a plan for HYPER03 alone, and packs after: as planned, and more."""
    folder = tmp_path_factory.mktemp("packs")
    before = saved(broken(), folder / "before")
    evidence, scope = simulate(broken())
    planned = Audit("site", scope_text(broken()), scope, evidence).plan(hosts=["HYPER03"])
    written = planned.write(folder / "plan", "en")
    assert written is not None
    mended = broken().with_host("HYPER03", any_protocol=True)
    return {
        "before": before,
        "plan": written.folder,
        "after": saved(mended, folder / "after"),
        "more": saved(mended.with_host("HYPER02", any_protocol=True), folder / "more"),
    }


def test_the_plan_for_one_host_is_kept_to(packs: dict[str, Path]):
    proof = proved(packs["before"], packs["after"], packs["plan"])
    assert [(move.place.split(",")[0], move.planned) for move in proof.moves] == [
        ("CN=HYPER03", True)
    ]
    assert proof.as_planned
    assert proof.not_made() == []
    assert proved(packs["before"], packs["after"], packs["plan"] / PLAN).as_planned


def test_without_it_every_host_would_have_been_meant(packs: dict[str, Path]):
    proof = open_change(packs["before"], packs["after"])
    assert isinstance(proof, ChangeProof)
    assert not proof.as_planned
    assert proof.not_made() == [
        "Set “Use any authentication protocol” in the delegation of CONTOSO\\HYPER02$."
    ]


@pytest.mark.parametrize(
    ("languages", "word", "head"), [("en,de", "Set “Use any", "No."), ("de", "setzen", "Nr.")]
)
def test_it_is_shown_in_the_language_that_was_asked_for(
    packs: dict[str, Path], languages: str, word: str, head: str
):
    planned = open_change(packs["before"], languages=languages)
    assert word in " ".join(planned.listing().iloc[:, -1])
    assert planned.listing().columns[0] == head
    proof = open_change(packs["before"], packs["after"], languages=languages)
    assert word in proof._repr_html_()
    assert proof.language == planned.language == languages[:2]
    with pytest.raises(UsageError, match="no texts in 'xx'"):
        open_change(packs["before"], languages="xx").language  # noqa: B018


def test_what_was_done_besides_is_told(packs: dict[str, Path]):
    proof = proved(packs["before"], packs["more"], packs["plan"])
    assert {(move.place.split(",")[0], move.planned) for move in proof.moves} == {
        ("CN=HYPER03", True),
        ("CN=HYPER02", False),
    }
    assert not proof.as_planned
    assert json.loads(proof.files(("en",))["change-close.en.json"])["close_code"] == (
        "successful_issues"
    )


def lacking(pack: Path, folder: Path, *questions: Question) -> Path:
    """The same pack, some of whose questions were refused."""
    whole = open_audit(evidence=pack)
    evidence = whole.evidence
    for question in questions:
        evidence = without(evidence, question)
    return replace(whole, evidence=evidence).save(folder).folder


FILE = questions.descriptor("library01.contoso.com", "MSSCVMMLibrary", worlds.ISO)
UNC = rf"\\library01.contoso.com\msscvmmlibrary\{worlds.ISO}"


@pytest.mark.parametrize("refused", ["before", "after"])
def test_what_only_one_pack_tells_cannot_be_compared(
    packs: dict[str, Path], tmp_path: Path, refused: str
):
    """An entry may have been added where nobody could look."""
    both = {name: packs[name] for name in ("before", "after")}
    both[refused] = lacking(packs[refused], tmp_path, FILE)
    planned = proved(packs["before"], packs["after"], packs["plan"]).plan
    proof = replace(proved(**both), filed=planned, languages="en")
    assert proof.unread == ((UNC, "entries"), (UNC, "owner"))
    assert (proof.outcome, proof.as_planned) == (Ternary.UNKNOWN, False)
    assert "not everything could be compared: see section 4." in proof.summary
    assert "so that it cannot be assessed whether they moved: 2." in proof.summary
    assert json.loads(proof.files(("de",))["change-close.de.json"])["close_code"] == (
        "successful_issues"
    )
    (section,) = [found for found in proof.document("de").sections if found.number == "4"]
    assert section.title == "Nicht vergleichbar"


@pytest.mark.parametrize(
    ("way", "lost"),
    [
        (questions.listing("library01.contoso.com", "MSSCVMMLibrary", ""), UNC),
        (questions.listing("library01.contoso.com", "MSSCVMMLibrary", "ISOs"), UNC),
        (questions.sam_domains("library01.contoso.com"), r"library01.contoso.com\S-1-5-32-544"),
    ],
    ids=["share", "folder", "local groups"],
)
def test_what_was_not_even_asked_for_cannot_be_compared(
    packs: dict[str, Path], way: Question, lost: str
):
    """Files of a folder that could not be listed, members of groups that nobody could name."""
    before, after = (open_audit(evidence=packs[name]).evidence for name in ("before", "after"))
    less = without(after, way)
    behind = questions.DESCRIPTOR if way.kind == questions.LIST else questions.MEMBERS
    answers = {
        question: answer
        for question, answer in less.answers.items()
        if (question.server, question.kind) != (way.server, behind)
    }
    assert len(answers) < len(less.answers)
    places = {place for place, _ in unread(before, replace(less, answers=answers))}
    assert lost in places
    assert not any(place.startswith(r"\\library02") for place in places)


def test_what_is_gone_is_not_what_was_refused(packs: dict[str, Path]):
    """A file that the listing shows no more is not asked for, and nothing was refused."""
    before, after = (open_audit(evidence=packs[name]).evidence for name in ("before", "after"))
    answers = {q: answer for q, answer in after.answers.items() if q != FILE}
    assert unread(before, replace(after, answers=answers)) == ()


def computer(evidence: Evidence, host: str) -> list[Question]:
    """The questions that told what a host's account may delegate to, and how."""
    return [
        question
        for question, answer in evidence.answers.items()
        if question.kind == questions.SEARCH
        and any(row.name and row.name.startswith(f"CN={host},") for row in answer.rows)
    ]


def test_a_step_that_nobody_could_look_at_is_not_said_to_be_undone(
    packs: dict[str, Path], tmp_path: Path
):
    asked = computer(open_audit(evidence=packs["before"]).evidence, "HYPER03")
    dark = lacking(packs["before"], tmp_path, *asked)
    proof = proved(packs["before"], dark, packs["plan"])
    assert len(proof.missing) == 1
    assert proof.outcome is Ternary.UNKNOWN
    untouched = proved(packs["before"], packs["before"], packs["plan"])
    assert untouched.outcome is Ternary.NO
    notes = json.loads(untouched.files(("en",))["change-close.en.json"])
    assert notes["close_code"] == "unsuccessful"


def test_the_command_line_says_what_could_not_be_compared(packs: dict[str, Path], tmp_path: Path):
    after = lacking(packs["after"], tmp_path, FILE)
    done = diff(packs["before"], after, "--plan", packs["plan"])
    assert done.returncode == 4
    assert f"not comparable       {UNC}: entries" in done.stdout
    assert "as planned, as far as it can be compared" in done.stderr
    alone = diff(packs["before"], after)
    assert "1 value moved, 2 cannot be compared" in alone.stderr


def test_a_plan_of_another_pack_is_refused(packs: dict[str, Path]):
    with pytest.raises(UsageError, match="made from other evidence"):
        proved(packs["after"], packs["more"], packs["plan"])


def test_a_plan_that_was_edited_is_refused(packs: dict[str, Path], tmp_path: Path):
    plan = json.loads((packs["plan"] / PLAN).read_text(encoding="utf-8"))
    plan["steps"][0]["after"] |= 0x80000
    edited = tmp_path / PLAN
    edited.write_text(json.dumps(plan), encoding="utf-8")
    with pytest.raises(UsageError, match="other steps than follow"):
        proved(packs["before"], packs["after"], edited)
    folder = packs["plan"]
    kept = (folder / PLAN).read_bytes()
    try:
        (folder / PLAN).write_bytes(edited.read_bytes())
        with pytest.raises(PackError):
            proved(packs["before"], packs["after"], folder)
    finally:
        (folder / PLAN).write_bytes(kept)


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{", b'{"format": 1}', b"[" * 100_000, b'{"format": 2, "wanted": []}', b"\xff"],
)
def test_what_is_no_plan_is_one_sentence(data: bytes):
    with pytest.raises(UsageError, match="is no plan of this version"):
        filed(demo().facts, data, "plan.json")


def test_every_plan_follows_from_its_evidence():
    planned = demo().plan()
    data = planned.files(())[PLAN]
    assert filed(demo().facts, data, PLAN).steps == planned.plan.steps


def test_a_plan_alone_is_nothing_to_compare():
    with pytest.raises(UsageError, match="name the one after the change"):
        open_change(plan="somewhere")


def diff(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "vmmaudit", "diff", *map(str, arguments)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_command_prints_what_moved(packs: dict[str, Path], tmp_path: Path):
    done = diff(packs["before"], packs["after"])
    assert done.returncode == 0
    value = "value                CN=HYPER03,CN=Computers,DC=contoso,DC=com: userAccountControl: "
    assert f"{value}4096 -> 16781312\n" in done.stdout
    assert done.stderr.endswith("1 value moved\n")
    done = diff(packs["before"], packs["after"], "--plan", packs["plan"], "-o", tmp_path)
    assert done.returncode == 0
    assert f"{value}4096 -> 16781312  (planned)\n" in done.stdout
    assert "all as planned, and nothing else" in done.stderr
    (written,) = tmp_path.iterdir()
    assert {"moved.json", "change-proof.de.pdf", "change-close.de.csv"} <= {
        path.name for path in written.iterdir()
    }


def test_the_command_says_by_its_exit_what_was_not_planned(packs: dict[str, Path]):
    done = diff(packs["before"], packs["more"], "--plan", packs["plan"])
    assert done.returncode == 3
    assert "(NOT planned)" in done.stdout
    assert "NOT as planned" in done.stderr
    done = diff(packs["before"], packs["before"], "--plan", packs["plan"])
    assert done.returncode == 3
    assert "not to be seen       Set “Use any authentication protocol”" in done.stdout


def test_assessments_alone_show_no_values(packs: dict[str, Path], tmp_path: Path):
    made = tmp_path / "assessment.json"
    from vmmaudit import assessment as assessments

    made.write_bytes(assessments.dumps(demo().assessment))
    assert diff(made, made).returncode == 0
    done = diff(made, made, "--plan", packs["plan"])
    assert (done.returncode, done.stderr.count("\n")) == (1, 2)
    assert "name two packs' folders" in done.stderr
