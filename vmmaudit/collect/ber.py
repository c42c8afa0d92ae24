"""LDAP messages of a search, read strictly from bytes that anybody may have sent (RFC 4511).

Definite lengths only (5.1), every element inside the one that holds it, and nothing left
over. ldap3's own reading decodes each value twice and asks its settings 258 times an entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MOST: Final = 64 * 1024 * 1024
"""The largest message that is accepted; an entry of Active Directory stays far below it."""
PAGED: Final = b"1.2.840.113556.1.4.319"
"""Control of RFC 2696."""
DISCONNECTION: Final = b"1.3.6.1.4.1.1466.20036"
"""Notice of Disconnection (RFC 4511 4.4.1)."""

_BOOLEAN: Final = 0x01
_INTEGER: Final = 0x02
_OCTETS: Final = 0x04
_ENUMERATED: Final = 0x0A
_SEQUENCE: Final = 0x30
_SET: Final = 0x31
_ENTRY: Final = 0x64
_DONE: Final = 0x65
_REFERENCE: Final = 0x73
_EXTENDED: Final = 0x78
_CONTROLS: Final = 0xA0
_REFERRAL: Final = 0xA3
_RESPONSE_NAME: Final = 0x8A
_RESPONSE_VALUE: Final = 0x8B
_LONGER: Final = "an element is longer than what holds it"


class BerError(ValueError):
    """These bytes are not what RFC 4511 allows here."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One object: its DN, and its attributes as the server spelt and ordered them."""

    dn: str
    attributes: tuple[tuple[str, tuple[bytes, ...]], ...]


@dataclass(frozen=True, slots=True)
class Done:
    """The end of a search: its result, and the cookie if the server sent the paging control."""

    code: int
    diagnostic: str
    cookie: bytes | None


@dataclass(frozen=True, slots=True)
class Notice:
    """An extended response: unasked for, it is the server's farewell."""

    name: bytes


@dataclass(frozen=True, slots=True)
class Reference:
    """A pointer to another server; it is not followed, so nothing of it is kept."""


def size(data: bytes, at: int) -> int | None:
    """Length of the message that begins at `at`; None where too little is there to tell."""
    if len(data) - at < 2:
        return None
    if data[at] != _SEQUENCE:
        raise BerError(f"a message begins with {data[at]:#04x}")
    count = data[at + 1] & 0x7F if data[at + 1] & 0x80 else 0
    if len(data) - at < 2 + count:
        # At most four octets of length are accepted, so waiting for more of them is no use.
        if count > 4:
            raise BerError("a length of more than 4 octets")
        return None
    length = _length(data, at, MOST + at)
    return length[1] - at


def message(data: bytes, at: int, end: int) -> tuple[int, Entry | Done | Reference | Notice]:
    """The message in `data[at:end]`: its number and what it says."""
    at, stop = _expect(data, at, end, _SEQUENCE)
    if stop != end:
        raise BerError("bytes after the message")
    number, at = _number(data, at, end, _INTEGER)
    tag, start, stop = _head(data, at, end)
    cookie = _paging(data, stop, end) if stop < end else None
    if tag == _ENTRY:
        return number, _entry(data, start, stop)
    if tag == _DONE:
        return number, _done(data, start, stop, cookie)
    if tag == _REFERENCE:
        return number, Reference()
    if tag == _EXTENDED:
        return number, _notice(data, start, stop)
    raise BerError(f"an operation {tag:#04x} in reply to a search")


def _length(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Where the content of the element at `at` begins and ends (X.690 8.1.3, definite forms)."""
    start = at + 2
    if start > end:
        raise BerError("an element is cut off")
    length = data[at + 1]
    if length & 0x80:
        count = length & 0x7F
        if not 1 <= count <= 4:
            raise BerError("a length that is indefinite or of more than 4 octets")
        if start + count > end:
            raise BerError("an element is cut off")
        length = int.from_bytes(data[start : start + count], "big")
        start += count
    stop = start + length
    if stop > end:
        raise BerError(_LONGER)
    return start, stop


def _head(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    start, stop = _length(data, at, end)
    return data[at], start, stop


def _expect(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    start = at + 2
    # Nearly every element is short; this saves a call for each of them.
    if start <= end and data[at] == tag and data[at + 1] < 0x80:
        stop = start + data[at + 1]
        if stop <= end:
            return start, stop
    start, stop = _length(data, at, end)
    if data[at] != tag:
        raise BerError(f"{data[at]:#04x} where {tag:#04x} belongs")
    return start, stop


def _number(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    start, stop = _expect(data, at, end, tag)
    if not 1 <= stop - start <= 4:
        raise BerError("a number of no or too many octets")
    return int.from_bytes(data[start:stop], "big", signed=True), stop


def _entry(data: bytes, at: int, end: int) -> Entry:
    start, at = _expect(data, at, end, _OCTETS)
    # A DN is UTF-8; a byte that is not stays visible instead of costing the whole search.
    dn = data[start:at].decode("utf-8", "backslashreplace")
    at, stop = _expect(data, at, end, _SEQUENCE)
    if stop != end:
        raise BerError("bytes after the attributes of an entry")
    attributes = []
    while at < end:
        at, stop = _expect(data, at, end, _SEQUENCE)
        start, at = _expect(data, at, stop, _OCTETS)
        name = data[start:at]
        if not name.isascii():
            raise BerError("the name of an attribute is not ASCII")
        at, values_end = _expect(data, at, stop, _SET)
        if values_end != stop:
            raise BerError("bytes after the values of an attribute")
        values = []
        while at < stop:
            # What `_expect` does, without the call: most of what comes is short values.
            start = at + 2
            if start > stop or data[at] != _OCTETS or (length := data[at + 1]) > 0x7F:
                start, at = _expect(data, at, stop, _OCTETS)
            elif (at := start + length) > stop:
                raise BerError(_LONGER)
            values.append(data[start:at])
        attributes.append((name.decode("ascii"), tuple(values)))
    return Entry(dn, tuple(attributes))


def _result(data: bytes, at: int, end: int) -> tuple[int, bytes, int]:
    """Code and diagnostic of an LDAPResult (4.1.9), and where its referral would begin."""
    code, at = _number(data, at, end, _ENUMERATED)
    _, at = _expect(data, at, end, _OCTETS)
    start, at = _expect(data, at, end, _OCTETS)
    return code, data[start:at], at


def _done(data: bytes, at: int, end: int, cookie: bytes | None) -> Done:
    code, diagnostic, at = _result(data, at, end)
    if at < end:
        _, at = _expect(data, at, end, _REFERRAL)
    if at != end:
        raise BerError("bytes after the result of a search")
    return Done(code, diagnostic.decode("utf-8", "backslashreplace"), cookie)


def _notice(data: bytes, at: int, end: int) -> Notice:
    *_, at = _result(data, at, end)
    name = b""
    while at < end:
        tag, start, at = _head(data, at, end)
        if tag == _RESPONSE_NAME:
            name = data[start:at]
        elif tag not in (_REFERRAL, _RESPONSE_VALUE):
            raise BerError(f"{tag:#04x} in an extended response")
    return Notice(name)


def _paging(data: bytes, at: int, end: int) -> bytes | None:
    """The cookie of the paging control, where that is among the controls (4.1.11)."""
    at, stop = _expect(data, at, end, _CONTROLS)
    if stop != end:
        raise BerError("bytes after the controls")
    cookie: bytes | None = None
    while at < end:
        at, stop = _expect(data, at, end, _SEQUENCE)
        start, at = _expect(data, at, stop, _OCTETS)
        oid = data[start:at]
        if at < stop and data[at] == _BOOLEAN:  # criticality
            _, at = _expect(data, at, stop, _BOOLEAN)
        start, at = _expect(data, at, stop, _OCTETS) if at < stop else (stop, stop)
        if at != stop:
            raise BerError("bytes after the value of a control")
        if oid == PAGED:
            start, inner = _expect(data, start, stop, _SEQUENCE)
            _, start = _number(data, start, inner, _INTEGER)
            start, last = _expect(data, start, inner, _OCTETS)
            if not last == inner == stop:
                raise BerError("bytes after the cookie")
            cookie = data[start:last]
    return cookie
