"""What is run in a remote session of PowerShell (MS-PSRP): fixed texts that only read.

Nothing is put into a script; what varies is handed over as an argument. Each writes a line of
JSON per object, so that no object of the server's is rebuilt here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Final

from pypsrp.powershell import PowerShell, RunspacePool

from vmmaudit.collect.wire import WireError
from vmmaudit.evidence import Reason


def _script(name: str) -> str:
    return files(__package__).joinpath("powershell", f"{name}.ps1").read_text(encoding="utf-8")


LOCAL_GROUPS: Final = _script("local_groups")
"""The local groups with the SIDs of their members; those of deleted accounts too, unlike CIM."""

REACH: Final = _script("reach")
"""Whether a TCP port of another server opens from there."""

RIGHTS: Final = _script("rights")
"""Whether we are a local administrator there."""

VMM_OBJECTS: Final = _script("vmm_objects")
"""What a cmdlet of VMM returns: named properties alone, never an account object whole."""


def run(pool: RunspacePool, server: str, script: str, *arguments: Any) -> list[dict[str, Any]]:
    """The objects that a script wrote.

    Raises:
        WireError: it ended in an error, or wrote something else.
    """
    shell = PowerShell(pool)
    shell.add_script(script)
    for argument in arguments:
        shell.add_argument(argument)
    written = shell.invoke()
    if shell.had_errors or shell.streams.error:
        raise WireError(
            Reason.ACCESS_DENIED,
            f"PowerShell on {server} ended in an error; the account may lack a right there "
            "(a local administrator has it; for VMM, any of its roles).",
        )
    return [_object(server, line) for line in written]


def _object(server: str, line: object) -> dict[str, Any]:
    try:
        found = json.loads(line) if isinstance(line, str) else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise WireError(
            Reason.MALFORMED_REPLY, f"PowerShell on {server} wrote something else than it was told."
        )
    return found


def texts(found: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    """Those properties that are text; others no script of ours writes."""
    return [{k: v for k, v in each.items() if isinstance(v, str)} for each in found]
