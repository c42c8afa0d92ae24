"""Which commit it was: a checkout, a wheel and a source distribution know; nothing else guesses."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.test_wheel import ROOT, built
from vmmaudit import commit as commits

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="needs git")
HELD = ("vmmaudit", "notebooks", "templates", "pyproject.toml", "hatch_build.py")
ALSO = ("README.md", "LICENSE", ".gitignore")


def git(folder: Path, *words: str) -> str:
    """As on a machine of its own, whatever is configured on this one."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    told = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", *who, *words],
        cwd=folder,
        env={**environment, **told},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def committed(folder: Path) -> Path:
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "One", "--allow-empty")
    return folder


def copied(to: Path) -> Path:
    left_out = shutil.ignore_patterns("__pycache__", "commit.txt")
    for name in (*HELD, *ALSO):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, to / name, ignore=left_out)
        else:
            to.mkdir(exist_ok=True)
            shutil.copy(source, to / name)
    return to


def told(folder: Path) -> str:
    """What the package in `folder` says in a process that has not asked before."""
    found: str = runpy.run_path(str(folder / "vmmaudit/commit.py"))["commit"]()
    return found


def unpacked(wheel: Path, to: Path) -> Path:
    shutil.unpack_archive(wheel, to, "zip")
    return to


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return committed(copied(tmp_path / "checkout"))


def test_a_checkout_is_asked(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    head = git(checkout, "rev-parse", "HEAD")
    assert told(checkout) == head

    (checkout / "scope.yaml").write_text("mine")  # in nothing that is built
    assert told(checkout) == head
    new = checkout / "vmmaudit/controls/texts/de/NEW.toml"
    new.write_text("")
    assert told(checkout) == f"{head}-modified"
    new.unlink()
    readme = checkout / "pyproject.toml"
    readme.write_text(readme.read_text() + "\n")
    assert told(checkout) == f"{head}-modified"
    git(checkout, "commit", "-q", "-a", "-m", "Two")
    assert told(checkout) == git(checkout, "rev-parse", "HEAD") != head

    # A hook of somebody who also runs git, and a repository that they mean.
    other = committed(copied(checkout.parent / "other"))
    (other / "new").write_text("")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_TRACE", str(checkout.parent / "trace"))
    assert told(checkout) == git(checkout, "rev-parse", "HEAD")
    assert not (checkout.parent / "trace").exists()


def test_a_worktree_is_a_checkout(checkout: Path) -> None:
    git(checkout, "worktree", "add", "-q", "../beside")
    assert told(checkout.parent / "beside") == git(checkout, "rev-parse", "HEAD")


def test_before_the_first_commit_there_is_none(tmp_path: Path) -> None:
    git(copied(tmp_path / "new"), "init", "-q")
    assert told(tmp_path / "new") == ""


def test_no_other_repository_is_taken_for_ours(tmp_path: Path) -> None:
    outer = tmp_path / "customer"
    installed = outer / ".venv/site-packages"
    shutil.copytree(ROOT / "vmmaudit", installed / "vmmaudit")
    committed(outer)
    assert told(installed) == ""
    committed(installed)  # a folder of packages that somebody keeps under git
    assert told(installed) == ""
    (installed / "pyproject.toml").write_text('[project]\nname = "customer"\n')
    assert told(installed) == ""
    (installed / "pyproject.toml").write_text("[[[")
    assert told(installed) == ""
    # Ours, but what makes it a repository is broken, and there is another one around it.
    ours = copied(outer / "vendor")
    (ours / ".git").mkdir()
    assert told(ours) == ""


@pytest.mark.parametrize("what", ["exit 1", "echo; echo rubbish", "kill -9 $$", "exec sleep 600"])
def test_a_git_that_does_not_do_its_work(
    what: str, checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "bin/git"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\n{what}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}{os.pathsep}{os.environ['PATH']}")
    known = runpy.run_path(str(checkout / "vmmaudit/commit.py"))
    known["commit"].__wrapped__.__globals__["_SECONDS"] = 0.2
    assert known["commit"]() == ""


def test_no_program_of_the_current_folder_is_run(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("git", "git.exe"):
        (tmp_path / name).write_text("#!/bin/sh\ntouch was-run\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", os.pathsep.join(("", ".", "../" + tmp_path.name)))
    assert told(checkout) == ""
    assert not list(tmp_path.rglob("was-run"))


def test_a_file_that_is_no_commit_is_none(checkout: Path) -> None:
    for content in (b"", b"main\n", b"\xff", b"a" * 39, b"A" * 40, b"a" * 40 + b" <b>"):
        (checkout / "vmmaudit/commit.txt").write_bytes(content)
        assert told(checkout) == ""


def test_here_it_is_what_git_says() -> None:
    if not (ROOT / ".git").exists():
        assert commits.commit() == ""
    else:
        head = git(ROOT, "rev-parse", "HEAD")
        assert commits.commit().removesuffix(commits.MODIFIED) == head


def test_the_wheel_carries_it_and_is_the_same_wherever_it_is_built(
    checkout: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "another place"
    git(tmp_path, "clone", "-q", str(checkout), str(clone))
    wheels = [built(folder, tmp_path / f"{folder.name}.out") for folder in (checkout, clone)]
    assert wheels[0].read_bytes() == wheels[1].read_bytes()
    assert not (checkout / "vmmaudit/commit.txt").exists()

    site = unpacked(wheels[0], tmp_path / "site")
    head = git(checkout, "rev-parse", "HEAD")
    command = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); from vmmaudit.cli import main; main()"
    )
    found = subprocess.run(
        [sys.executable, "-c", command, str(site), "--version"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={"PATH": str(tmp_path), "PYTHONPATH": str(site)},
    )
    assert found.stdout.endswith(f" (commit {head})\n")

    (checkout / "vmmaudit/new.py").write_text("")
    changed = built(checkout, tmp_path / "changed")
    assert zipfile.ZipFile(changed).read("vmmaudit/commit.txt").decode() == f"{head}-modified\n"


def test_a_source_distribution_carries_it_too(checkout: Path, tmp_path: Path) -> None:
    """Also where whoever packages it keeps it in a repository of theirs."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, cwd=checkout)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path / "theirs", filter="data")
    (source,) = (tmp_path / "theirs").iterdir()
    committed(source)
    head = git(checkout, "rev-parse", "HEAD")
    assert told(source) == head
    wheel = built(source, tmp_path / "wheel")
    with zipfile.ZipFile(wheel) as packed_again:
        assert packed_again.read("vmmaudit/commit.txt").decode() == f"{head}\n"
        assert packed_again.namelist().count("vmmaudit/commit.txt") == 1


def test_an_installation_of_the_checkout_itself_asks_git(checkout: Path, tmp_path: Path) -> None:
    code = "import sys; from hatchling.build import build_editable; build_editable(sys.argv[1])"
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True, cwd=checkout
    )
    (wheel,) = tmp_path.glob("*.whl")
    assert "vmmaudit/commit.txt" not in zipfile.ZipFile(wheel).namelist()


def test_without_git_the_wheel_does_not_say(tmp_path: Path) -> None:
    wheel = built(copied(tmp_path / "source"), tmp_path / "out")
    site = unpacked(wheel, tmp_path / "site")
    assert not (site / "vmmaudit/commit.txt").exists()
    assert told(site) == ""
