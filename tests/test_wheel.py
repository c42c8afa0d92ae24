"""The wheel works without a checkout: notebooks, templates, texts and the demo travel in it."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "-w",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_everything_travels_in_it(wheel: Path):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "vmmaudit/demo/evidence.jsonl.gz",
        "vmmaudit/demo/scope.yaml",
        "vmmaudit/controls/texts/de/labels.toml",
        "vmmaudit/controls/texts/en/ENV-02.toml",
        "vmmaudit/_data/notebooks/audit.ipynb",
        "vmmaudit/py.typed",
    } <= names
    assert any(name.startswith("vmmaudit/_data/templates/audit-html/") for name in names)
    assert any(name.endswith(".ttf") for name in names)
    assert not [name for name in names if name.startswith(("tests/", "output/"))]


def test_the_demo_runs_from_it_alone(wheel: Path, tmp_path: Path):
    unpacked = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(unpacked)
    # Only the unpacked wheel: the checkout's own folder must not be found by import.
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); import vmmaudit; "
        "assert 'site' in vmmaudit.__file__, vmmaudit.__file__; "
        "from vmmaudit.cli import main; main()"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, str(unpacked), "audit", "--demo", "-o", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": str(unpacked)},
    )
    assert found.returncode == 3, found.stderr
    assert len(found.stdout.split()) == 4
