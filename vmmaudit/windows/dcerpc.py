"""DCE/RPC connection-oriented PDUs (C706 chapter 12.6, MS-RPCE 2.2.2), without security.

Calls run over a named pipe of a signed SMB session, so the PDUs carry no verifier of their
own; one that does was not asked for and is refused.
"""

from __future__ import annotations

import struct
import uuid
from dataclasses import dataclass
from typing import Final, TypeAlias

from vmmaudit.errors import FormatError

HEADER: Final = 16
LARGEST_FRAGMENT: Final = 4280
"""Offered in both directions; Windows offers the same."""

_HEADER: Final = struct.Struct("<BBBB4sHHI")
_LITTLE_ENDIAN: Final = b"\x10\x00\x00\x00"  # integers little-endian, ASCII, IEEE (C706 14.1)
_FIRST, _LAST = 0x01, 0x02
_REQUEST, _RESPONSE, _FAULT = 0, 2, 3
_BIND, _BIND_ACK, _BIND_NAK = 11, 12, 13
_NDR: Final = ("8a885d04-1ceb-11c9-9fe8-08002b104860", 2, 0)
_ACCEPTED: Final = 0


@dataclass(frozen=True, slots=True)
class Interface:
    """What is bound to: the pipe it is behind, its UUID and its version."""

    pipe: str
    uuid: str
    version: tuple[int, int]


@dataclass(frozen=True, slots=True)
class BindAck:
    """The server's answer to a bind; `result` 0 is acceptance (C706 12.6.3.1)."""

    call: int
    result: int
    reason: int
    largest: int

    @property
    def accepted(self) -> bool:
        """Whether calls may follow."""
        return self.result == _ACCEPTED


@dataclass(frozen=True, slots=True)
class BindNak:
    """The server refused to bind at all."""

    call: int
    reason: int


@dataclass(frozen=True, slots=True)
class Response:
    """One fragment of a reply."""

    call: int
    stub: bytes
    first: bool
    last: bool


@dataclass(frozen=True, slots=True)
class Fault:
    """The call was refused before or while it ran; names are in `status.FAULTS`."""

    call: int
    status: int


Pdu: TypeAlias = BindAck | BindNak | Response | Fault


def encode_bind(call: int, interface: Interface) -> bytes:
    """A bind of one presentation context to one interface with NDR 2.0 (C706 12.6.4.3)."""
    body = struct.pack("<HHIBxxxHBx", LARGEST_FRAGMENT, LARGEST_FRAGMENT, 0, 1, 0, 1)
    body += _syntax(interface.uuid, *interface.version) + _syntax(*_NDR)
    return _pdu(_BIND, _FIRST | _LAST, call, body)


def encode_request(
    call: int, operation: int, stub: bytes, largest: int = LARGEST_FRAGMENT
) -> list[bytes]:
    """A request in as many fragments as the server's limit needs (C706 12.6.4.9)."""
    room = largest - HEADER - 8
    parts = [stub[start : start + room] for start in range(0, len(stub), room)] or [b""]
    fragments = []
    for index, part in enumerate(parts):
        flags = (_FIRST if index == 0 else 0) | (_LAST if index == len(parts) - 1 else 0)
        # The hint tells the whole rest, so that the server can allocate once.
        hint = sum(len(rest) for rest in parts[index:])
        body = struct.pack("<IHH", hint, 0, operation) + part
        fragments.append(_pdu(_REQUEST, flags, call, body))
    return fragments


def fragment_length(data: bytes) -> int:
    """How many bytes the PDU at the start of `data` has.

    Raises:
        FormatError: not a PDU of this protocol version and byte order.
    """
    if len(data) < HEADER:
        raise FormatError("RPC header", 0, "the reply ends inside it")
    major, minor, _, _, order, length, verifier, _ = _HEADER.unpack_from(data)
    if (major, minor) not in ((5, 0), (5, 1)):
        raise FormatError("RPC header", 0, f"version {major}.{minor} instead of 5.0")
    if order[0] != _LITTLE_ENDIAN[0]:
        raise FormatError("RPC header", 4, "not little-endian")
    if length < HEADER:
        raise FormatError("RPC header", 8, f"a fragment of {length} bytes")
    if verifier:
        raise FormatError("RPC header", 10, "a security verifier that was not asked for")
    return int(length)


def decode(data: bytes) -> Pdu:
    """The PDU that `data` is, no more and no less.

    Raises:
        FormatError: it is not one, or not one that a server sends.
    """
    if fragment_length(data) != len(data):
        raise FormatError("RPC header", 8, f"{len(data)} bytes do not match the length")
    kind, flags, call = data[2], data[3], int.from_bytes(data[12:16], "little")
    if kind == _RESPONSE:
        _need(data, 24, "response")
        return Response(call, data[24:], bool(flags & _FIRST), bool(flags & _LAST))
    if kind == _FAULT:
        _need(data, 28, "fault")
        return Fault(call, int.from_bytes(data[24:28], "little"))
    if kind == _BIND_NAK:
        _need(data, 18, "bind_nak")
        return BindNak(call, int.from_bytes(data[16:18], "little"))
    if kind == _BIND_ACK:
        return _bind_ack(data, call)
    raise FormatError("RPC header", 2, f"PDU type {kind} in the place of a reply")


def _bind_ack(data: bytes, call: int) -> BindAck:
    _need(data, 26, "bind_ack")
    largest = int.from_bytes(data[18:20], "little")
    if largest < HEADER + 8 + 8:
        raise FormatError("bind_ack", 18, f"fragments of {largest} bytes")
    # A port name follows whose length includes its NUL, then padding to four.
    results = 26 + int.from_bytes(data[24:26], "little")
    results += -results % 4
    _need(data, results + 8, "bind_ack")
    if data[results] < 1:
        raise FormatError("bind_ack", results, "no result in it")
    result, reason = struct.unpack_from("<HH", data, results + 4)
    return BindAck(call, result, reason, largest)


def _need(data: bytes, length: int, structure: str) -> None:
    if len(data) < length:
        raise FormatError(structure, len(data), "the PDU ends inside it")


def _pdu(kind: int, flags: int, call: int, body: bytes) -> bytes:
    return _HEADER.pack(5, 0, kind, flags, _LITTLE_ENDIAN, HEADER + len(body), 0, call) + body


def _syntax(identifier: str, major: int, minor: int) -> bytes:
    return uuid.UUID(identifier).bytes_le + struct.pack("<HH", major, minor)
