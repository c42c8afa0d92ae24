"""Every notebook runs from top to bottom with its defaults, offline, and sums up the same."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from vmmaudit.report.data import data_folder

NOTEBOOKS = sorted(data_folder("notebooks").glob("*.ipynb"))


pytestmark = pytest.mark.skipif(find_spec("nbval") is None, reason="no nbval (make dev)")


def nbval(notebook: Path) -> subprocess.CompletedProcess[str]:
    (notebook.parent / "pytest.ini").write_text("[pytest]\n")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax",
         "--nbval-current-env", str(notebook)],
        cwd=notebook.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_with_its_defaults(path: Path, tmp_path: Path):
    done = nbval(Path(shutil.copy(path, tmp_path)))
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert f"{sum(cell['cell_type'] == 'code' for cell in cells)} passed" in done.stdout


def test_another_summary_is_seen(tmp_path: Path):
    (path,) = (path for path in NOTEBOOKS if path.stem == "diagnose")
    content = json.loads(path.read_text(encoding="utf-8"))
    for cell in content["cells"]:
        for output in cell.get("outputs", []):
            output["data"]["text/plain"] = [
                line.replace("DEL-01", "DEL-02") for line in output["data"]["text/plain"]
            ]
    copy = tmp_path / path.name
    copy.write_text(json.dumps(content), encoding="utf-8")
    done = nbval(copy)
    assert done.returncode == 1
    assert "diagnosis.summary" in done.stdout
    assert "DEL-02" in done.stdout
