"""Runs a notebook with parameters, more strictly than papermill does by itself.

Unknown parameters are refused instead of warned about, a parameter that looks like a
secret is refused since papermill writes parameters into its output twice, and what ran
is returned in memory, without paths of this machine.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from vmmaudit.errors import AuditError, UsageError
from vmmaudit.report.data import data_folder

_SECRET_NAME: Final = re.compile(
    r"pass(word|wd|phrase)?|secret|token|credential|kennwort|key", re.IGNORECASE
)
_REFERENCE: Final = re.compile(r"(sso|ccache|prompt|env:\w+|keyring:[^/]+/.+)?")


def notebook(name: str) -> Path:
    """The shipped notebook of that name."""
    return data_folder("notebooks") / f"{name}.ipynb"


def check_parameters(name: str, parameters: Mapping[str, Any]) -> None:
    """Refuse what the notebook does not know, and anything that could be a secret.

    Raises:
        UsageError: names the parameter and what to do.
    """
    for key, value in parameters.items():
        if _SECRET_NAME.search(key) and not _REFERENCE.fullmatch(str(value)):
            raise UsageError(
                f"The parameter '{key}' looks like a secret. Parameters are written into the "
                "executed notebook; put a reference (sso, ccache, prompt, env:NAME or "
                "keyring:service/user) into the scope's auth.secret instead."
            )
    known = known_parameters(name)
    for key in parameters:
        if key not in known:
            raise UsageError(
                f"The notebook {name} has no parameter '{key}'; it has {', '.join(known)}."
            )


def known_parameters(name: str) -> list[str]:
    """The names that the cell tagged `parameters` assigns."""
    cells = json.loads(notebook(name).read_text(encoding="utf-8"))["cells"]
    tagged = [c for c in cells if "parameters" in c["metadata"].get("tags", [])]
    source = "".join(tagged[0]["source"]) if tagged else ""
    return re.findall(r"^(\w+)(?::[^=\n]+)?\s*=", source, re.MULTILINE)


def prepare() -> None:
    """Import what `execute` needs, before a thread executes while another imports.

    nbclient and nbconvert import each other's parts: two threads that do so at once find modules
    half made.
    """
    _papermill()
    importlib.import_module("nbclient.exceptions")


def execute(name: str, parameters: Mapping[str, Any], folder: Path) -> bytes:
    """The executed notebook; relative paths among its parameters are meant from `folder`.

    Raises:
        UsageError: a parameter is refused.
        AuditError: a cell failed; the sentence is that of the error in the cell.
    """
    check_parameters(name, parameters)
    papermill = _papermill()
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    target = folder / f"{name}.ipynb"
    try:
        papermill.execute_notebook(
            str(notebook(name)),
            str(target),
            parameters=dict(parameters),
            progress_bar=False,
            log_output=False,
            cwd=str(folder),
            kernel_name="python3",
            shutdown_kernel="immediate",
            extra_arguments=["--log-level=ERROR"],  # it warns of its own loopback connection
        )
    except PapermillExecutionError as error:
        raise AuditError(f"The notebook {name} failed: {error.ename}: {error.evalue}") from error
    except DeadKernelError as error:
        raise AuditError(f"The kernel of the notebook {name} died: {error}") from error
    return _without_traces(target.read_bytes())


def _papermill() -> Any:
    """Papermill without the 1.2 s that an optional format check of jsonschema costs at import."""
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    import papermill

    return papermill


def _without_traces(data: bytes) -> bytes:
    """Drop times, paths and the copy of the parameters; the injected cell stays readable."""
    value = json.loads(data)
    value["metadata"].pop("papermill", None)
    for cell in value["cells"]:
        for key in ("papermill", "execution", "ExecuteTime"):
            cell["metadata"].pop(key, None)
    return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"
