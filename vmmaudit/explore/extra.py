"""The parts of the extra `[lab]`, imported where they are needed."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from vmmaudit.errors import UsageError

_INTERACTIVE: Final = ("ipywidgets", "itables", "anywidget")


class MissingExtraError(UsageError):
    """Something of the extra `[lab]` is not installed."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is not installed, which this needs; install it with: "
            "pip install 'vmmaudit[lab]'"
        )


def interactive() -> bool:
    """Whether tables and lists that react can be shown."""
    return all(find_spec(name) for name in _INTERACTIVE)


def parts(name: str) -> Any:
    """One of the modules.

    Raises:
        MissingExtraError: it is not installed.
    """
    if find_spec(name.partition(".")[0]) is None:
        raise MissingExtraError(name.partition(".")[0])
    return import_module(name)
