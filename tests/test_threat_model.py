"""Every defence of the threat model, and every fault, is shown by a test that exists."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

PAGES = {Path("docs/threat-model.md"): 35, Path("docs/faults.md"): 20}
"""Pages whose tables name tests, and how many rows they have at least."""
NAMED = sorted(
    {
        found
        for page in PAGES
        for found in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page.read_text(encoding="utf-8"))
    }
)


@cache
def functions(path: str) -> set[str]:
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_every_defence_has_its_test(path: str, name: str):
    assert name in functions(path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_row_names_one(page: Path):
    rows = [line for line in page.read_text(encoding="utf-8").splitlines() if line[:2] == "| "]
    rows = [row for row in rows if not row.endswith("| shown by |")]
    assert len(rows) >= PAGES[page]
    assert [row for row in rows if "::test_" not in row] == []
