"""NDR 2.0 transfer syntax (C706 chapter 14), as much of it as the five interfaces use.

Reading is strict: every length is checked against the buffer before anything is made of
it, so that a hostile server can cost an error and nothing else.
"""

from __future__ import annotations

import struct
from typing import Final

from vmmaudit.errors import FormatError
from vmmaudit.windows.sid import sid_from_bytes, sid_length, sid_to_bytes

MOST_ELEMENTS: Final = 1_000_000
"""No reply that is asked for here has more elements in one array."""


class Reader:
    """Reads a stub from front to back; alignment counts from its first byte."""

    def __init__(self, data: bytes, structure: str) -> None:
        self._data = data
        self._structure = structure
        self.offset = 0

    def error(self, problem: str) -> FormatError:
        """An error at the present position."""
        return FormatError(self._structure, self.offset, problem)

    def align(self, size: int) -> None:
        """Skip padding."""
        self.offset += -self.offset % size

    def take(self, count: int) -> bytes:
        """The next bytes as they are."""
        if count < 0 or self.offset + count > len(self._data):
            raise self.error(f"the reply ends inside {count} bytes")
        start = self.offset
        self.offset += count
        return self._data[start : self.offset]

    def u16(self) -> int:
        """An unsigned short."""
        self.align(2)
        return int.from_bytes(self.take(2), "little")

    def u32(self) -> int:
        """An unsigned long; also a pointer's referent id."""
        self.align(4)
        return int.from_bytes(self.take(4), "little")

    def i32(self) -> int:
        """A signed long."""
        value = self.u32()
        return value - 2**32 if value >= 2**31 else value

    def count(self, element_size: int) -> int:
        """A conformance or element count, refused where that many cannot follow."""
        value = self.u32()
        if value > MOST_ELEMENTS or value * element_size > len(self._data) - self.offset:
            raise self.error(f"a count of {value} does not fit the reply")
        return value

    def string(self) -> str:
        """A conformant varying string of 16-bit characters, without its NUL (C706 14.3.4.2)."""
        most = self.u32()
        first, actual = self.u32(), self.u32()
        if first or actual > most or actual * 2 > len(self._data) - self.offset:
            raise self.error(f"a string of {actual} characters does not fit the reply")
        text = self.take(actual * 2).decode("utf-16-le", "surrogatepass")
        return text.removesuffix("\0").encode("utf-8", "replace").decode()

    def blob(self) -> bytes:
        """A conformant array of bytes."""
        return self.take(self.count(1))

    def sid(self) -> str:
        """An RPC_SID (MS-DTYP 2.4.2.3): its conformance, then the SID."""
        count = self.u32()
        if count > 15 or len(self._data) < self.offset + 8 + 4 * count:
            raise self.error(f"a SID with {count} sub-authorities")
        sid = sid_from_bytes(self._data, self.offset)
        if sid_length(self._data, self.offset) != 8 + 4 * count:
            raise self.error("a SID whose counts differ")
        self.offset += 8 + 4 * count
        return sid


class Writer:
    """Packs a stub from front to back."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._referents = 0x00020000

    def align(self, size: int) -> Writer:
        """Add padding."""
        self._data += bytes(-len(self._data) % size)
        return self

    def raw(self, data: bytes) -> Writer:
        """Bytes as they are, such as a context handle."""
        self._data += data
        return self

    def u16(self, value: int) -> Writer:
        """An unsigned short."""
        self.align(2)._data += struct.pack("<H", value)
        return self

    def u32(self, value: int) -> Writer:
        """An unsigned long."""
        self.align(4)._data += struct.pack("<I", value)
        return self

    def pointer(self, *, present: bool = True) -> Writer:
        """A unique pointer's referent id, or NULL."""
        self._referents += 4
        return self.u32(self._referents if present else 0)

    def string(self, text: str) -> Writer:
        """A conformant varying string with its NUL."""
        data = (text + "\0").encode("utf-16-le", "surrogatepass")
        self.u32(len(data) // 2).u32(0).u32(len(data) // 2)
        return self.raw(data)

    def sid(self, sid: str) -> Writer:
        """An RPC_SID."""
        data = sid_to_bytes(sid)
        return self.u32(data[1]).raw(data)

    def done(self) -> bytes:
        """The stub."""
        return bytes(self._data)


def return_code(reply: bytes, structure: str) -> int:
    """The status at the end of a reply, which every call of these interfaces has."""
    if len(reply) < 4:
        raise FormatError(structure, 0, "the reply is too short to hold a status")
    return int.from_bytes(reply[-4:], "little")
