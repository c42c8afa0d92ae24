"""A script that administrators run themselves where the auditor gets no rights.

It only reads, says first what it will read, and writes JSON that `vmmaudit.imports` reads.
Not run on Windows by us: its syntax and every command in it are checked by tests.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

from vmmaudit.errors import UsageError
from vmmaudit.scope import Scope

SCRIPT: Final = "collect.ps1"
LIST: Final = "scope.txt"


def script() -> str:
    """The script as it is handed over."""
    return files(__name__).joinpath(SCRIPT).read_text(encoding="utf-8")


def listed(scope: Scope) -> str:
    """What the script shall read, a line each: `host …`, `library …`, `account …`."""
    accounts = {vmm.account for vmm in scope.vmm} | {host.run_as for host in scope.hosts}
    clusters = {host.cluster for host in scope.hosts if host.cluster}
    lines = [
        *(f"domain {domain.name}" for domain in scope.domains),
        *(f"vmm {vmm.server}" for vmm in scope.vmm),
        *(f"account {account}" for account in sorted(name for name in accounts if name)),
        *(f"host {host.name}" for host in scope.hyper_v_hosts),
        *(f"cluster {cluster}" for cluster in sorted(clusters)),
        *(f"library {library.share}" for library in scope.libraries),
    ]
    return "".join(f"{line}\r\n" for line in lines)


def write(destination: Path, scope: Scope | None = None) -> list[Path]:
    """Writes the script into a folder, and what it shall read where a scope is given.

    Raises:
        UsageError: a file is there already, or the folder cannot be written to.
    """
    # PowerShell 5.1 reads UTF-8 only with a mark; the script is ASCII, its list may not be.
    wanted = {SCRIPT: script().replace("\n", "\r\n").encode("ascii")}
    if scope is not None:
        wanted[LIST] = listed(scope).encode("utf-8-sig")
    for path in (destination / name for name in wanted):
        if path.exists():
            raise UsageError(f"{path} exists already and is not overwritten; name another folder.")
    try:
        destination.mkdir(parents=True, exist_ok=True)
        for name, content in wanted.items():
            (destination / name).write_bytes(content)
    except OSError as error:
        raise UsageError(
            f"{destination} cannot be written to: {error.strerror or error}."
        ) from error
    return [destination / name for name in wanted]
