"""SMB2 headers (MS-SMB2 2.2.1.2) as the library's connection uses them, at a tenth of the cost.

The library makes an object of each field of each header, which is most of what a message costs.
These have the same names and bytes, and `swapped` lets the library's own code use them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from types import FunctionType
from typing import Any, Final

SIZE: Final = 64
_MAGIC: Final = b"\xfeSMB"


class Number:
    """A field, as far as it is asked for anything."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def get_value(self) -> Any:
        """What is in it."""
        return self.value

    def has_flag(self, flag: int) -> bool:
        """Whether all bits of `flag` are set."""
        return bool(self.value & flag == flag)

    def set_flag(self, flag: int) -> None:
        """Set the bits of `flag`."""
        self.value |= flag

    def __str__(self) -> str:
        return str(self.value)


class _Header:
    __slots__ = ("_fields",)
    _FORM: struct.Struct
    _NAMES: tuple[str, ...]
    _NEW: dict[str, Any]

    def __init__(self) -> None:
        self._fields = {name: Number(value) for name, value in self._NEW.items()}

    def __getitem__(self, name: str) -> Number:
        return self._fields[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._fields[name].value = value or self._NEW[name]

    def pack(self) -> bytes:
        """The bytes, data included."""
        *head, data = [field.value for field in self._fields.values()]
        return self._FORM.pack(_MAGIC, SIZE, *head) + bytes(data)

    def unpack(self, data: bytes) -> None:
        """Take the fields from bytes.

        Raises:
            struct.error: they are too few.
            ValueError: they are no such header.
        """
        magic, size, *head = self._FORM.unpack_from(data)
        if magic != _MAGIC or size != SIZE:
            raise ValueError("not a header of SMB2")
        self._fields = dict(zip(self._NAMES, map(Number, (*head, data[SIZE:])), strict=True))


def _defaults(names: tuple[str, ...]) -> dict[str, Any]:
    return dict.fromkeys(names, 0) | {"signature": bytes(16), "data": b""}


class RequestHeader(_Header):
    """What is sent."""

    __slots__ = ()
    _FORM = struct.Struct("<4sHHHHHHIIQIIQ16s")
    _NAMES = (
        *("credit_charge", "channel_sequence", "reserved", "command", "credit_request", "flags"),
        *("next_command", "message_id", "process_id", "tree_id", "session_id"),
        *("signature", "data"),
    )
    _NEW = _defaults(_NAMES)


class ResponseHeader(_Header):
    """What comes back."""

    __slots__ = ()
    _FORM = struct.Struct("<4sHHIHHIIQIIQ16s")
    _NAMES = (
        *("credit_charge", "status", "command", "credit_response", "flags", "next_command"),
        *("message_id", "reserved", "tree_id", "session_id", "signature", "data"),
    )
    _NEW = _defaults(_NAMES)


def swapped(function: Callable[..., Any]) -> Any:
    """A method of the library that finds these headers under the names of its own."""
    assert isinstance(function, FunctionType)  # noqa: S101 - smbprotocol is pinned, and this tested
    names = {"SMB2HeaderRequest": RequestHeader, "SMB2HeaderResponse": ResponseHeader}
    known = {**function.__globals__, **names}
    copy = FunctionType(function.__code__, known, function.__name__, function.__defaults__)
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy
