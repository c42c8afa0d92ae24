"""The guide: every link leads somewhere, every command and notebook it names is there."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.main import get_command

from tests.imports.test_vmm_lists import asked
from tests.simulate import scope_of, simulate
from tests.worlds import DOMAIN, conforming
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.cli import app
from vmmaudit.controls import CATALOGUE
from vmmaudit.evidence import Answer, Evidence, Gap, Reason, Row
from vmmaudit.judge import judge
from vmmaudit.scope import Host, Scope

ROOT = Path(__file__).parent.parent
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"])
GUIDE = sorted((ROOT / "docs/guide").rglob("*.md"))
LINK = re.compile(r"\]\(([^)\s]+)\)")
COMMAND = re.compile(r"(?:^    |`)vmmaudit ([a-z]+)", re.MULTILINE)
CONTROL = re.compile(r"\b(?!ABC)[A-Z]{3}-\d\d\b")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path):
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:", target):
            path = (page.parent / target.partition("#")[0]).resolve()
            assert path.exists(), f"{page}: {target}"


@pytest.mark.parametrize("page", [*GUIDE, ROOT / "README.md"], ids=lambda page: page.name)
def test_every_command_exists(page: Path):
    known = set(get_command(app).commands)  # type: ignore[attr-defined]
    assert set(COMMAND.findall(page.read_text(encoding="utf-8"))) <= known


@pytest.mark.parametrize("page", GUIDE, ids=lambda page: page.name)
def test_every_notebook_exists(page: Path):
    for name in re.findall(r"notebooks/(\w+)\.ipynb", page.read_text(encoding="utf-8")):
        assert (ROOT / "notebooks" / f"{name}.ipynb").exists()


@pytest.mark.parametrize("page", GUIDE, ids=lambda page: page.name)
def test_every_control_exists(page: Path):
    known = {control.id for control in CATALOGUE}
    assert set(CONTROL.findall(page.read_text(encoding="utf-8"))) <= known


def told_rights(page: Path) -> dict[str, set[str]]:
    """The queries that the table *per control* names for each control."""
    found: dict[str, set[str]] = {}
    for line in page.read_text(encoding="utf-8").splitlines():
        controls, _, rest = line.removeprefix("| ").partition(" | ")
        if CONTROL.fullmatch(controls.split(", ")[0]) and rest.count("|") == 2:
            for control in controls.split(", "):
                assert control not in found, control
                found[control] = set(re.findall(r"`([a-z.]+)`", rest))
    return found


def sites() -> Iterator[tuple[Evidence, Scope]]:
    """In at least one of them every control has something that it can judge."""
    yield simulate(conforming())
    scope = scope_of(conforming())
    first, second, *others = scope.hosts
    nodes = [h.model_copy(update={"cluster": f"cl01.{DOMAIN}"}) for h in (first, second)]
    esx = Host(name=f"esx01.{DOMAIN}", platform="esx")
    evidence, wider = simulate(
        conforming(), scope=scope_of(conforming(), hosts=(*nodes, *others, esx))
    )
    yield all_in_reach(evidence), wider
    yield all_in_reach(asked()), scope  # and what VMM says of itself


def all_in_reach(evidence: Evidence) -> Evidence:
    """What hosts and VMM servers would say if they reached everything."""
    reach = [question for question in evidence.gaps if question.kind == questions.REACH]
    assert reach
    rows = (Row("", {"open": (b"true",)}),)
    told = {question: Answer(rows, question.server, evidence.origin.moment) for question in reach}
    gaps = {question: gap for question, gap in evidence.gaps.items() if question not in told}
    return replace(evidence, answers={**evidence.answers, **told}, gaps=gaps)


def measured_rights() -> dict[str, set[str]]:
    """The queries without which a control that was assessed cannot be assessed."""
    found: dict[str, set[str]] = {}
    for evidence, scope in sites():
        before = {(j.control, j.subject.id): j.verdict for j in judge(evidence, scope).verdicts}
        open_before = {c for (c, _), verdict in before.items() if verdict is Verdict.NOT_ASSESSABLE}
        for control, _ in before:
            if control not in open_before:
                found.setdefault(control, set())
        for kind in {question.kind for question in evidence.answers}:
            kept = {q: answer for q, answer in evidence.answers.items() if q.kind != kind}
            refused = {q: Gap(Reason.ACCESS_DENIED, "") for q in evidence.answers if q.kind == kind}
            less = replace(evidence, answers=kept, gaps={**evidence.gaps, **refused})
            lost = {
                judgement.control
                for judgement in judge(less, scope).verdicts
                if judgement.verdict is Verdict.NOT_ASSESSABLE
            }
            for control in found.keys() & lost - open_before:
                found[control].add(kind)
    return found


@pytest.mark.parametrize("page", ["de/rechte.md", "en/rights.md"])
def test_the_rights_per_control_are_what_is_needed(page: str):
    told = told_rights(ROOT / "docs/guide" / page)
    assert set(told) == {control.id for control in CATALOGUE}
    assert told == measured_rights()


def test_it_can_be_built_without_a_warning_and_without_a_network(tmp_path: Path):
    pytest.importorskip("mkdocs")
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "-d", tmp_path],
        cwd=ROOT,
        check=True,
    )
    for page in (tmp_path / "guide").rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not re.search(r'<(?:script|link|img)[^>]+(?:src|href)="(?:https?:)?//', text), page


def test_both_languages_have_the_same_pages():
    german, english = (list((ROOT / "docs/guide" / name).iterdir()) for name in ("de", "en"))
    assert len(german) == len(english)
    for language in (german, english):
        index = next(page for page in language if page.name == "index.md")
        linked = set(LINK.findall(index.read_text(encoding="utf-8")))
        assert {page.name for page in language} - {"index.md"} <= linked
