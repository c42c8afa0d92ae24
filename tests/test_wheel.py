"""The wheel works without a checkout: notebooks, templates, texts and the demo travel in it."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def built(source: Path, folder: Path, **more: str) -> Path:
    """As `make wheel` builds it: by the hatchling that is locked, and without a network."""
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-build-isolation", "--no-deps"]
    subprocess.run(
        [*command, "-w", str(folder), str(source)],
        check=True,
        capture_output=True,
        env={**os.environ, **more},
    )
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(ROOT, tmp_path_factory.mktemp("wheel"))


def test_it_is_the_same_wherever_and_whenever_it_is_built(tmp_path: Path):
    """Two copies under other names, years apart, with other modes and in another time zone."""
    left_out = shutil.ignore_patterns(".git", ".venv", "output", "dist", "build", ".*_cache")
    made = []
    for name, moment, mode, zone in (
        ("a", 1_500_000_000, 0o644, "UTC"),
        ("another place", 1_700_000_001, 0o600, "Pacific/Auckland"),
    ):
        copy = Path(shutil.copytree(ROOT, tmp_path / name, ignore=left_out))
        for path in copy.rglob("*"):
            if path.is_file():
                path.chmod(mode)
            os.utime(path, (moment, moment))
        made.append(built(copy, tmp_path / f"{name}.out", TZ=zone).read_bytes())
    assert made[0] == made[1]


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
