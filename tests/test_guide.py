"""The guide: every link leads somewhere, every command and notebook it names is there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from vmmaudit.cli import app
from vmmaudit.controls import CATALOGUE

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
