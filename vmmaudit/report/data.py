"""Where the files beside the code are: in a checkout, or inside the installed package."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from vmmaudit.errors import AuditError

_PACKAGE: Final = Path(__file__).resolve().parent.parent


def data_folder(name: str) -> Path:
    """The folder `name` (`templates`, `notebooks`): the checkout's, else the wheel's.

    Raises:
        AuditError: it is in neither place, so the installation is damaged.
    """
    checkout, installed = _PACKAGE.parent / name, _PACKAGE / "_data" / name
    if checkout.is_dir() and (_PACKAGE.parent / "pyproject.toml").is_file():
        return checkout
    if installed.is_dir():
        return installed
    raise AuditError(
        f"The folder '{name}' is missing from this installation; install vmmaudit again."
    )


def font_folder() -> Path:
    """The shipped fonts, so that a document looks the same on every system."""
    return _PACKAGE / "_fonts"
