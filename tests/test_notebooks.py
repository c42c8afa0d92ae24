"""Notebooks are tables of contents: parameters, an import, calls, and nothing to decide."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
FORBIDDEN = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.For,
    ast.While,
    ast.If,
    ast.IfExp,
    ast.Try,
    ast.With,
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)


def cells(path: Path) -> list[dict]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def code(path: Path) -> list[tuple[list[str], ast.Module]]:
    return [
        (cell["metadata"].get("tags", []), ast.parse("".join(cell["source"])))
        for cell in cells(path)
        if cell["cell_type"] == "code"
    ]


def test_there_are_notebooks():
    assert {"audit", "diagnose"} <= {path.stem for path in NOTEBOOKS}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_cell_decides_anything(path: Path):
    for _, tree in code(path):
        found = [node for node in ast.walk(tree) if isinstance(node, FORBIDDEN)]
        assert not found
        assert len(tree.body) <= 5
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom | ast.Import):
                assert isinstance(node, ast.ImportFrom)
                assert str(node.module).startswith("vmmaudit")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_parameters_are_typed_and_commented(path: Path):
    tagged = [tree for tags, tree in code(path) if "parameters" in tags]
    assert len(tagged) == 1
    assert all(isinstance(node, ast.AnnAssign) for node in tagged[0].body)
    source = next(
        "".join(c["source"]) for c in cells(path) if "parameters" in c["metadata"].get("tags", [])
    )
    assert all(re.search(r"  # \w", line) for line in source.splitlines())


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_one_summary_is_kept_and_markdown_is_for_the_operator(path: Path):
    """Outputs are stripped, but for the cell that `pytest --nbval-lax` compares."""
    kept = []
    for cell in cells(path):
        if cell["cell_type"] == "markdown":
            assert cell["metadata"]["tags"] == ["operator"]
        elif "keep_output" in cell["metadata"].get("tags", []):
            kept.append(cell)
        else:
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
    (summary,) = kept
    assert "nbval-check-output" in summary["metadata"]["tags"]
    (output,) = summary["outputs"]
    assert re.search(r"\d", "".join(output["data"]["text/plain"]))


def test_what_executes_a_notebook_is_imported_before_threads_part(tmp_path: Path):
    """Two threads that import nbclient and nbconvert at once find modules half made."""
    program = f"""
import sys
from vmmaudit import audit, runner

def execute(*_):
    assert {{"papermill", "nbclient.client", "jupyter_client.manager"}} <= sys.modules.keys()
    return b"{{}}"

runner.execute = execute
audit.demo().write({str(tmp_path / "output")!r}, "de", notebook=True)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    assert list((tmp_path / "output").rglob("audit.ipynb"))
