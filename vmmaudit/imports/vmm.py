"""What of an export VMM itself has told, and which cmdlet returned it."""

from __future__ import annotations

from typing import Final

from vmmaudit.imports.record import Record

_COLUMNS: Final = {
    "get-scvirtualdvddrive": ("ISOLinked",),
    "get-scjob": ("CmdletName",),
    "get-sciso": ("SharePath",),
    "get-sclibraryshare": ("LibraryServer", "Path"),
    "get-scvmmmanagedcomputer": ("RoleString",),
    "get-scvmhost": ("VirtualizationPlatform",),
    "get-scvmmserver": ("ProductVersion",),
    "get-scvmhostcluster": ("Nodes", "ID"),
    "get-scrunasaccount": ("UserName", "Domain", "Enabled"),
}
_TYPES: Final = {
    "virtualdvddrive": "get-scvirtualdvddrive",
    "task": "get-scjob",
    "iso": "get-sciso",
    "libraryshare": "get-sclibraryshare",
    "vmmmanagedcomputer": "get-scvmmmanagedcomputer",
    "serverconnection": "get-scvmmserver",
    "host": "get-scvmhost",
    "hostcluster": "get-scvmhostcluster",
    "runasaccount": "get-scrunasaccount",
}


def cmdlet_of(record: Record) -> str | None:
    """Which cmdlet of VMM returns such an object, in lower case: by its type, else its columns."""
    for kind in record.kinds:
        name = kind.rpartition(".")[2].lower()
        if "virtualmachinemanager" in kind.lower() and name in _TYPES:
            return _TYPES[name]
    return next((cmdlet for cmdlet, only in _COLUMNS.items() if record.has(*only)), None)
