"""Whether a server still speaks SMB 1: the one offer that is made, and the reply to it.

The offer names no dialect but SMB 1's own, so that whoever chooses it speaks SMB 1. A server that
knows no SMB 1 hangs up without a word (MS-SMB2 3.3.5.3.2), or says that nothing pleases it.
"""

from __future__ import annotations

import struct
from typing import Final

from vmmaudit.errors import FormatError

DIALECT: Final = b"NT LM 0.12"
LARGEST: Final = 65_535
"""Bytes of a reply: the counts in it reach no further (MS-CIFS 2.2.3)."""

_MAGIC: Final = b"\xffSMB"
_NEGOTIATE: Final = 0x72
_HEADER: Final = struct.Struct("<4sBIBHH8sHHHHH")  # MS-CIFS 2.2.3.1
_CASELESS_AND_CANONICAL: Final = 0x18
_REPLY: Final = 0x80
_FLAGS2: Final = 0xC801  # Unicode, NT status, extended security (MS-SMB 2.2.3.1), long names
_NOBODY: Final = 0xFFFF
_STRING: Final = b"\x02"  # MS-CIFS 2.2.4.52.1, BufferFormat
_NONE_OF_THEM: Final = 0xFFFF
_CORE: Final = 1
_NT_LAN_MANAGER: Final = 17
"""Words of parameters in either form of its reply (MS-CIFS 2.2.4.52.2, MS-SMB 2.2.4.5.2)."""


def encode_offer() -> bytes:
    """SMB_COM_NEGOTIATE (MS-CIFS 2.2.4.52.1) with the one dialect of SMB 1."""
    head = _HEADER.pack(
        *(_MAGIC, _NEGOTIATE, 0, _CASELESS_AND_CANONICAL, _FLAGS2, 0, bytes(8), 0),
        *(_NOBODY, 0, 0, 0),
    )
    data = _STRING + DIALECT + b"\0"
    return head + struct.pack("<BH", 0, len(data)) + data


def decode_reply(reply: bytes) -> bool:
    """Whether the server chose SMB 1.

    Raises:
        FormatError: the reply does not follow MS-CIFS 2.2.4.52.2, or refuses with a status.
    """
    words, data = _blocks(reply)
    _, command, status, flags, *_ = _HEADER.unpack_from(reply)
    if command != _NEGOTIATE or not flags & _REPLY:
        raise _error(4, "it is no reply to SMB_COM_NEGOTIATE")
    if status:
        raise _error(5, f"the server refused with status 0x{status:08X}")
    index = int.from_bytes(words[:2], "little")
    if len(words) == 2 * _CORE and index == _NONE_OF_THEM:
        return False
    if len(words) == 2 * _NT_LAN_MANAGER and index == 0 and data:
        return True
    raise _error(_HEADER.size, f"dialect {index} in {len(words) // 2} words was not offered")


def without_names(reply: bytes) -> bytes:
    """The same choice without what the server tells of itself: its names, its GUID, its domain.

    Raises:
        FormatError: it is no such reply.
    """
    words, data = _blocks(reply)
    return reply[: _HEADER.size + 1 + len(words)] + struct.pack("<H", len(data)) + bytes(len(data))


def _blocks(reply: bytes) -> tuple[bytes, bytes]:
    """The parameters and the data that follow the header (MS-CIFS 2.2.3.2, 2.2.3.3)."""
    if reply[:4] != _MAGIC:
        raise _error(0, "it is not of SMB 1")
    if len(reply) <= _HEADER.size:
        raise _error(len(reply), "the reply ends inside its header")
    start = _HEADER.size + 1
    end = start + 2 * reply[_HEADER.size]
    if len(reply) < end + 2:
        raise _error(len(reply), "the reply ends inside its parameters")
    data = reply[end + 2 :]
    if len(data) != int.from_bytes(reply[end : end + 2], "little"):
        raise _error(end, f"{len(data)} bytes of data do not fit their count")
    return reply[start:end], data


def _error(offset: int, problem: str) -> FormatError:
    return FormatError("SMB_COM_NEGOTIATE response", offset, problem)
