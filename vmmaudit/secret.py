"""A secret in memory: it shows itself only where it is asked for by name."""

from __future__ import annotations

from typing import NoReturn


class Secret:
    """A password, a passphrase or a PIN."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("A secret is not written anywhere.")
