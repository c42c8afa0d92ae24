"""The remote registry (MS-RRP): single values, read and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from vmmaudit.errors import FormatError
from vmmaudit.windows.dcerpc import Interface
from vmmaudit.windows.ndr import Reader, Writer

INTERFACE: Final = Interface("winreg", "338cd001-2244-31f1-aaaa-900038001003", (1, 0))
OPEN_LOCAL_MACHINE: Final = 2
CLOSE_KEY: Final = 5
OPEN_KEY: Final = 15
QUERY_VALUE: Final = 17
HANDLE: Final = 20
"""Bytes of a context handle (C706 14.2.16.6)."""
LARGEST_VALUE: Final = 64 * 1024
"""No value that is asked for here comes near it."""

QUERY: Final = 0x0001  # KEY_QUERY_VALUE, 2.2.3


class Kind(IntEnum):
    """Types of values (3.1.1.5) that are understood here."""

    SZ = 1
    EXPAND_SZ = 2
    DWORD = 4
    MULTI_SZ = 7


@dataclass(frozen=True, slots=True)
class RegistryValue:
    """A value as stored; `kind` is one of `Kind`, or a number that is none."""

    kind: int
    data: bytes

    def texts(self) -> tuple[str, ...]:
        """REG_SZ, REG_EXPAND_SZ or REG_MULTI_SZ as texts, without their NULs.

        Raises:
            FormatError: the value is no text.
        """
        if self.kind not in (Kind.SZ, Kind.EXPAND_SZ, Kind.MULTI_SZ) or len(self.data) % 2:
            raise FormatError("registry value", 0, f"type {self.kind} instead of text")
        whole = self.data.decode("utf-16-le", "replace")
        if self.kind == Kind.MULTI_SZ:
            return tuple(part for part in whole.split("\0") if part)
        return (whole.partition("\0")[0],)

    def number(self) -> int:
        """REG_DWORD.

        Raises:
            FormatError: the value is no number.
        """
        if self.kind != Kind.DWORD or len(self.data) != 4:
            raise FormatError("registry value", 0, f"type {self.kind} instead of a number")
        return int.from_bytes(self.data, "little")


def encode_open_local_machine() -> bytes:
    """OpenLocalMachine (3.1.5.3); the server name is of no effect."""
    return Writer().pointer(present=False).u32(QUERY).done()


def encode_open_key(root: bytes, path: str) -> bytes:
    """BaseRegOpenKey (3.1.5.15)."""
    return _text(Writer().raw(root), path).u32(0).u32(QUERY).done()


def encode_query_value(key: bytes, name: str, room: int = LARGEST_VALUE) -> bytes:
    """BaseRegQueryValue (3.1.5.17); the buffer sent along is empty, `room` what may come back."""
    writer = _text(Writer().raw(key), name)
    writer.pointer().u32(0)  # lpType
    writer.pointer().u32(room).u32(0).u32(0)  # lpData: size_is, offset, length_is
    return writer.pointer().u32(room).pointer().u32(0).done()


def encode_close(handle: bytes) -> bytes:
    """BaseRegCloseKey (3.1.5.6)."""
    return handle


def decode_handle(reply: bytes) -> bytes:
    """The handle that a reply begins with."""
    return Reader(reply, "RPC_HKEY").take(HANDLE)


def decode_value(reply: bytes) -> RegistryValue:
    """The value of a BaseRegQueryValue reply.

    Raises:
        FormatError: the reply does not follow MS-RRP 3.1.5.17.
    """
    reader = Reader(reply, "BaseRegQueryValue")
    if not reader.u32():
        raise reader.error("there is no type in it")
    kind = reader.u32()
    data = b""
    if reader.u32():
        most, first, actual = reader.u32(), reader.u32(), reader.u32()
        if first or actual > most:
            raise reader.error(f"{actual} bytes of {most}")
        data = reader.take(actual)
    size = reader.u32() and reader.u32()
    length = reader.u32() and reader.u32()
    if length != len(data) or size < length:
        raise reader.error(f"{len(data)} bytes in the place of {length}")
    return RegistryValue(kind, data)


def _text(writer: Writer, text: str) -> Writer:
    """RRP_UNICODE_STRING (2.2.4): its lengths in bytes count the NUL."""
    data = (text + "\0").encode("utf-16-le", "surrogatepass")
    writer.u16(len(data)).u16(len(data)).pointer()
    return writer.u32(len(data) // 2).u32(0).u32(len(data) // 2).raw(data)
