"""An offer of SMB 1 to a server: one message, nobody logs on, and the connection ends there."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import Final

from vmmaudit.collect.smb import connection
from vmmaudit.collect.smb.connection import LateError
from vmmaudit.errors import FormatError
from vmmaudit.windows import smb1

_FRAME: Final = 4  # MS-SMB2 2.1: a zero, and the length in three bytes


def reached(server: str, seconds: float) -> socket.socket:
    """A connection to the server's port of SMB.

    Raises:
        OSError: there is none.
        UnicodeError: the name cannot be one.
    """
    return socket.create_connection((server, connection.PORT), timeout=seconds)


def offered(stream: socket.socket, seconds: float) -> bytes:
    """The reply to an offer of SMB 1, or nothing where the server hung up without a word.

    Raises:
        LateError: it came not in time.
        FormatError: it is none.
        OSError: the connection broke otherwise.
    """
    late = time.monotonic() + seconds
    offer = smb1.encode_offer()
    with contextlib.suppress(ConnectionError):  # it may have spoken before it hung up
        stream.sendall(len(offer).to_bytes(_FRAME, "big") + offer)
    head = _received(stream, _FRAME, late)
    if not head:
        return b""
    length = int.from_bytes(head, "big")
    if len(head) < _FRAME or length > smb1.LARGEST:
        raise FormatError("SMB frame", 0, f"{head.hex()} begins no reply to what was offered")
    reply = _received(stream, length, late)
    smb1.decode_reply(reply)
    return reply


def _received(stream: socket.socket, count: int, late: float) -> bytes:
    """So many bytes, or what had come when the server hung up."""
    data = bytearray()
    while len(data) < count:
        left = late - time.monotonic()
        if left <= 0:
            raise LateError
        stream.settimeout(left)
        try:
            piece = stream.recv(count - len(data))
        except TimeoutError:
            raise LateError from None
        except ConnectionError:
            break
        if not piece:
            break
        data += piece
    return bytes(data)
