"""What is said, printed, asked and returned."""

from __future__ import annotations

import sys
from enum import IntEnum
from pathlib import Path

from vmmaudit.errors import UsageError
from vmmaudit.progress import harmless


class Exit(IntEnum):
    """What the process returns."""

    OK = 0
    USAGE = 1
    NO_DOMAIN = 2
    FAILURES = 3
    NOT_ASSESSABLE = 4
    INTERNAL = 5
    VERIFICATION = 6
    INTERRUPTED = 130


def prompt(question: str) -> str:
    """Ask for a secret, which is not shown."""
    import getpass

    return getpass.getpass(question)


def write_file(path: Path, data: bytes) -> None:
    """Write one file, whole or not at all."""
    from vmmaudit import pack

    try:
        pack.write_file(path, data)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}.") from error


def tell(text: str) -> None:
    """Results go to standard output."""
    sys.stdout.write(harmless(text) + "\n")


def say(text: str) -> None:
    """Everything else goes to standard error."""
    sys.stderr.write(harmless(text) + "\n")
