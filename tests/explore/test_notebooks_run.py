"""Every notebook runs from top to bottom with its defaults, offline."""

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


@pytest.mark.skipif(find_spec("nbval") is None, reason="no nbval (make dev)")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_with_its_defaults(path: Path, tmp_path: Path):
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    copy = shutil.copy(path, tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax",
         "--nbval-current-env", str(copy)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert f"{sum(cell['cell_type'] == 'code' for cell in cells)} passed" in done.stdout
