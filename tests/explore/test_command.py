"""`vmmaudit explore` and `vmmaudit notebooks`: copies, parameters, and what is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import worlds
from tests.simulate import scope_text, simulate
from vmmaudit.audit import Audit
from vmmaudit.errors import UsageError
from vmmaudit.explore import explore, lab
from vmmaudit.explore.opening import Display
from vmmaudit.report.data import data_folder

NAMES = sorted(path.name for path in data_folder("notebooks").glob("*.ipynb"))


def parameters(path: Path) -> dict[str, str]:
    """What the parameters' cell assigns."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    (cell,) = [c for c in cells if "parameters" in c["metadata"].get("tags", [])]
    found: dict[str, str] = {}
    exec("".join(cell["source"]), {}, found)  # noqa: S102 - our own notebook
    return {key: value for key, value in found.items() if not key.startswith("__")}


def run(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "vmmaudit", *arguments],
        cwd=cwd, capture_output=True, text=True, check=False, env=os.environ | environment,
    )  # fmt: skip


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    world = worlds.conforming()
    evidence, scope = simulate(world)
    return Audit("site", scope_text(world), scope, evidence).save(tmp_path / "packs").folder


def test_notebooks_are_copied_and_never_overwritten(tmp_path: Path):
    done = run("notebooks", "mine", cwd=tmp_path)
    assert done.returncode == 0
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == NAMES
    for path in (tmp_path / "mine").iterdir():  # the demo's summary is nobody else's
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        assert not any(cell.get("outputs") for cell in cells)
    (tmp_path / "mine" / "audit.ipynb").write_text("mine")
    again = run("notebooks", "mine", cwd=tmp_path)
    assert (again.returncode, again.stdout) == (0, "")
    assert "left as it is" in again.stderr
    assert (tmp_path / "mine" / "audit.ipynb").read_text() == "mine"


def test_a_folder_that_is_a_file_is_one_sentence(tmp_path: Path):
    (tmp_path / "file").write_text("")
    done = run("notebooks", "file", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("vmmaudit: file cannot be written")
    assert done.stderr.count("\n") == 1


def test_the_copy_carries_its_parameters(tmp_path: Path):
    nasty = 'C:\\packs\\"x" # y\'s'
    path = lab.own_copy(tmp_path, {"evidence": nasty, "language": "de"})
    assert path.name == "explore.ipynb"
    assert parameters(path) == {"scope": "", "evidence": nasty, "language": "de"}
    source = path.read_text(encoding="utf-8")
    assert "# a pack's folder" in source


def test_ones_own_copy_is_taken_again_and_another_one_is_numbered(tmp_path: Path):
    first = lab.own_copy(tmp_path, {"language": "de"})
    content = json.loads(first.read_text(encoding="utf-8"))
    content["cells"].append({"cell_type": "markdown", "id": "x", "metadata": {}, "source": "mine"})
    first.write_text(json.dumps(content), encoding="utf-8")
    assert lab.own_copy(tmp_path, {"language": "de"}) == first
    assert "mine" in first.read_text(encoding="utf-8")
    second = lab.own_copy(tmp_path, {"language": "en"})
    assert second.name == "explore-2.ipynb"
    (tmp_path / "explore-3.ipynb").write_text("no notebook")
    assert lab.own_copy(tmp_path, {}).name == "explore-4.ipynb"


def test_an_unknown_parameter_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="no parameter"):
        lab.own_copy(tmp_path, {"colour": "blue"})


def test_a_pack_and_a_scope_are_told_apart(
    tmp_path: Path, pack: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    assert lab.parameters(pack, None, "") == {"evidence": pack.relative_to(tmp_path).as_posix()}
    scope = pack / "scope.yaml"
    assert list(lab.parameters(scope, None, "en")) == ["scope", "language"]
    assert list(lab.parameters(pack, scope, "")) == ["scope", "evidence"]
    assert lab.parameters(None, None, "") == {}
    monkeypatch.chdir(pack)
    assert lab.parameters(Path("../.."), None, "") == {"evidence": str(tmp_path)}


def test_what_cannot_be_explored_is_one_sentence(tmp_path: Path, pack: Path):
    evidence = next(pack.glob("evidence*"))
    scope = str(pack / "scope.yaml")
    for arguments, sentence in (
        (["nothing"], "nothing is not there"),
        ([str(evidence)], "evidence file without its pack"),
        ([scope, "--scope", scope], "is a scope as well"),
        (["--language", "fr"], "no texts in 'fr'"),
    ):
        done = run("explore", *arguments, cwd=tmp_path)
        assert done.returncode == 1, arguments
        assert sentence in done.stderr
        assert done.stderr.count("\n") == 1
    assert not list(tmp_path.glob("*.ipynb"))


def test_without_jupyterlab_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(lab, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'vmmaudit\[lab\]'"):
        lab.start(tmp_path / "explore.ipynb")


def test_jupyterlab_is_started_quietly_and_without_the_users_settings(tmp_path: Path):
    command = lab.command(tmp_path / "explore.ipynb", browser=False, port=4711)
    assert command[0] == sys.executable
    assert "--no-browser" in command
    assert "--port=4711" in command
    assert not any("token" in part or "password" in part for part in command)
    first = Path(lab._quiet(tmp_path).split(os.pathsep)[0])
    assert json.loads((first / "labconfig" / "page_config.json").read_text())["disabledExtensions"]
    (said,) = json.loads(
        (first / "labconfig" / "default_setting_overrides.json").read_text()
    ).values()
    assert said == {"fetchNews": "false", "checkForUpdates": False}


def test_a_pack_is_opened(pack: Path):
    site = explore(evidence=pack, language="de")
    assert site.texts.language == "de"
    assert len(site.hosts) == len(worlds.conforming().hosts)


def test_progress_is_shown_and_escaped():
    from vmmaudit.collect.gather import Progress

    shown = Display("de")
    shown._seen = {
        "a": Progress("<b>dc01</b>", 12, 0, done=True),
        "b": Progress("library01", 3, 2, done=False, problem="<script>"),
    }
    markup = shown.markup()
    assert "1 von 2 Zielen" in markup
    assert "3 Antworten, 2 Lücken" in markup
    assert "<b>dc01" not in markup
    assert "<script>" not in markup
