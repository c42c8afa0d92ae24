"""Starts JupyterLab on a copy of a notebook, and copies the notebooks for one's own use.

JupyterLab is started so that it asks nothing of the outside: no news, no look for updates, no
list of extensions. The settings of whoever runs it stay as they are.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any, Final

from vmmaudit.errors import UsageError
from vmmaudit.explore.extra import MissingExtraError
from vmmaudit.explore.language import check_language
from vmmaudit.report.data import data_folder
from vmmaudit.runner import check_parameters, notebook

_ANNOUNCEMENTS: Final = "@jupyterlab/apputils-extension:announcements"
_NOTIFICATION: Final = "@jupyterlab/apputils-extension:notification"


def copy_notebooks(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Every notebook and whether it was copied: what is there already is left as it is.

    Raises:
        UsageError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for source in sorted(data_folder("notebooks").glob("*.ipynb")):
            yield folder / source.name, _write_new(folder / source.name, _data(_content(source)))
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror or error}.") from error


def parameters(source: Path | None, scope: Path | None, language: str) -> dict[str, str]:
    """The notebook's parameters for what somebody named on the command line.

    Raises:
        UsageError: it is not there, or neither a pack, nor evidence, nor a scope.
    """
    check_language(language)
    found = {"scope": scope, "evidence": None}
    if source is not None:
        is_scope = source.suffix.lower() in (".yaml", ".yml")
        if is_scope and scope is not None:
            raise UsageError(f"{source} is a scope as well; name one of the two.")
        found["scope" if is_scope else "evidence"] = source
    for path in found.values():
        if path is not None and not path.exists():
            raise UsageError(f"{path} is not there; name a pack's folder or a scope file.")
    if found["evidence"] is not None and found["evidence"].is_file() and scope is None:
        raise UsageError(
            f"{source} is an evidence file without its pack; name its scope with --scope."
        )
    named = {key: _from_here(path) for key, path in found.items() if path is not None}
    return named | ({"language": language} if language else {})


def _from_here(path: Path) -> str:
    """A path as the notebook, which lies in the working folder, can use it."""
    whole = path.resolve()
    return (
        whole.relative_to(Path.cwd()).as_posix() if whole.is_relative_to(Path.cwd()) else str(whole)
    )


def own_copy(folder: Path, parameters: Mapping[str, str], name: str = "explore") -> Path:
    """A copy of a notebook in `folder` with these parameters set in its first cell.

    A copy with the same parameters is taken as it is, with whatever was added to it since; one
    with others stays, and the new copy is numbered.

    Raises:
        UsageError: a parameter is refused, or the folder cannot be written.
    """
    check_parameters(name, parameters)
    wanted: list[str] = []
    content = _content(notebook(name))
    for cell in content["cells"]:
        if "parameters" in cell["metadata"].get("tags", []):
            cell["source"] = [_set(line, parameters) for line in cell["source"]]
            wanted = cell["source"]
    data = _data(content)
    try:
        for number in count(1):
            path = folder / (f"{name}.ipynb" if number == 1 else f"{name}-{number}.ipynb")
            if _write_new(path, data) or _parameters(path) == "".join(wanted):
                return path
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror or error}.") from error
    raise AssertionError  # count() does not end


def _content(path: Path) -> dict[str, Any]:
    """A shipped notebook without the summary of the demo, which is there to be compared with."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return content


def _data(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, indent=1).encode() + b"\n"


def _set(line: str, parameters: Mapping[str, str]) -> str:
    """One line of the parameters' cell with its value."""
    found = re.match(r'(\w+)(: str = )"[^"]*"(.*)', line, re.DOTALL)
    if not found or found[1] not in parameters:
        return line
    # JSON's string is also Python's.
    value = json.dumps(parameters[found[1]], ensure_ascii=False)
    return f"{found[1]}{found[2]}{value}{found[3]}"


def _parameters(path: Path) -> str | None:
    """The parameters' cell of a notebook that somebody may have changed; None if it has none."""
    try:
        cells: list[Any] = json.loads(path.read_text(encoding="utf-8"))["cells"]
        tagged = [c for c in cells if "parameters" in c["metadata"].get("tags", [])]
        return "".join(tagged[0]["source"])
    except (ValueError, KeyError, IndexError, TypeError):
        return None


def _write_new(path: Path, data: bytes) -> bool:
    """Write a file that is not there; False, and nothing done, where it is."""
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        return False
    return True


def start(path: Path, *, browser: bool = True, port: int | None = None) -> int:
    """Run JupyterLab on a notebook until it is ended; its exit code.

    Raises:
        MissingExtraError: JupyterLab is not installed.
    """
    if find_spec("jupyterlab") is None:
        raise MissingExtraError("JupyterLab")
    with tempfile.TemporaryDirectory(prefix="vmmaudit-lab-") as settings:
        environment = os.environ | {"JUPYTER_CONFIG_PATH": _quiet(Path(settings))}
        process = subprocess.Popen(  # noqa: S603 - our own interpreter
            command(path, browser=browser, port=port), cwd=path.parent, env=environment
        )
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:  # JupyterLab got it too, and asks whether it is meant
                continue


def command(path: Path, *, browser: bool = True, port: int | None = None) -> list[str]:
    """What is run: the JupyterLab beside this interpreter."""
    return [
        sys.executable,
        "-m",
        "jupyterlab",
        path.name,
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
        *([] if browser else ["--no-browser"]),
        *([f"--port={port}"] if port else []),
    ]


def _quiet(folder: Path) -> str:
    """JUPYTER_CONFIG_PATH with a folder in front that turns the news off.

    The part that asks is disabled, and its setting says no: by the first alone it was seen to
    ask once in a while.
    """
    config = folder / "labconfig"
    config.mkdir()
    page = {"disabledExtensions": {_ANNOUNCEMENTS: True}}
    (config / "page_config.json").write_text(json.dumps(page), encoding="utf-8")
    settings = {_NOTIFICATION: {"fetchNews": "false", "checkForUpdates": False}}
    (config / "default_setting_overrides.json").write_text(json.dumps(settings), encoding="utf-8")
    before = os.environ.get("JUPYTER_CONFIG_PATH", "")
    return os.pathsep.join(part for part in (str(folder), before) if part)
