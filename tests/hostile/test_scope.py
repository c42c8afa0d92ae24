"""Scopes that grow, refer to themselves, or would run something."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.hostile.limited import said
from vmmaudit import scope

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs its limits of memory")


def aliases(levels: int) -> str:
    """Each list holds the one before nine times (billion laughs in YAML)."""
    text = 'a0: &a0 ["lol"]\n'
    for level in range(1, levels):
        text += f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n"
    return "format: 1\n" + text


@pytest.mark.parametrize(
    "text",
    [
        aliases(12),
        "format: 1\naudit: &a\n  title: *a\n",
        "format: 1\nx: " + "[" * 100_000,
        "format: 1\nx: " + "{a: " * 100_000,
        "format: 1\n" + "x:\n" * 1 + "".join(" " * n + "a:\n" for n in range(1, 2000)),
        "format: 1\nx: !!python/object/apply:os.system [id]\n",
        "format: 1\naudit: !!binary AAAA\n",
        "format: 1\nx: " + "9" * 100_000,
        "format: 1e400\n",
        "format: 1\naudit: {title: " + "x" * 10_000_000 + "}\n",
        "format: 1\n? {a: b}\n: c\n",
        "format: 1\n? - a: b\n: c\n",
        "? [a, b]\n: c\nformat: 1\n",
        "format: 1\n<<: {a: b}\n",
    ],
    ids=lambda text: text[:40].replace("\n", " "),
)
def test_a_scope_that_grows(text: str):
    assert said(lambda: scope.parse(text, "scope.yaml")).startswith("scope.yaml")


def test_a_scope_runs_nothing(tmp_path: Path):
    mark = tmp_path / "mark"
    text = f'format: 1\nx: !!python/object/apply:os.system ["touch {mark}"]\n'
    assert said(lambda: scope.parse(text, "scope.yaml"))
    assert not mark.exists()
