"""LDAP messages as a server writes them, and what it reads of a request (RFC 4511)."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Attribute = tuple[str, list[bytes]]
_ALL_BITS = "1.2.840.113556.1.4.803"


def element(tag: int, content: bytes) -> bytes:
    """One BER element with a definite length."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    count = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(count))) + count + content


def number(value: int, tag: int = 0x02) -> bytes:
    """An INTEGER or ENUMERATED."""
    return element(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def text(value: str, tag: int = 0x04) -> bytes:
    """An OCTET STRING."""
    return element(tag, value.encode())


def message(identity: int, operation: bytes, controls: bytes = b"") -> bytes:
    """An LDAPMessage."""
    return element(0x30, number(identity) + operation + controls)


def entry(identity: int, dn: str, attributes: Sequence[Attribute]) -> bytes:
    """A SearchResultEntry."""
    packed = b"".join(
        element(0x30, text(name) + element(0x31, b"".join(element(0x04, v) for v in values)))
        for name, values in attributes
    )
    return message(identity, element(0x64, text(dn) + element(0x30, packed)))


def reference(identity: int, url: str) -> bytes:
    """A SearchResultReference."""
    return message(identity, element(0x73, text(url)))


def bound(identity: int, code: int, diagnostic: str) -> bytes:
    """A BindResponse."""
    return message(identity, element(0x61, number(code, 0x0A) + text("") + text(diagnostic)))


def done(identity: int, code: int, cookie: bytes | None, referral: str = "") -> bytes:
    """A SearchResultDone, with the paging control (RFC 2696) where one was asked for."""
    result = number(code, 0x0A) + text("") + text("")
    if referral:
        result += element(0xA3, text(referral))
    controls = b""
    if cookie is not None:
        value = element(0x30, number(0) + element(0x04, cookie))
        control = element(0x30, text("1.2.840.113556.1.4.319") + element(0x04, value))
        controls = element(0xA0, control)
    return message(identity, element(0x65, result), controls)


@dataclass(frozen=True)
class Filter:
    """A filter (4.5.1.7): its tag, and its content or its parts."""

    tag: int
    content: bytes
    parts: tuple[Filter, ...] = ()


@dataclass(frozen=True)
class Request:
    """A request; `name` is the base of a search or who binds, `password` only of a simple bind."""

    number: int
    tag: int
    name: str = ""
    password: bytes | None = None
    scope: int = 0
    filter: Filter | None = None
    wanted: tuple[str, ...] = ()
    controls: Mapping[str, bytes] = field(default_factory=dict)


BIND, SEARCH = 0x60, 0x63
_AND, _OR, _EQUAL, _PARTS, _PRESENT, _RULE = 0xA0, 0xA1, 0xA3, 0xA4, 0x87, 0xA9


def elements(data: bytes) -> list[tuple[int, bytes]]:
    """The elements that stand one after the other: tag and content."""
    found, at = [], 0
    while at < len(data):
        tag, length, start = data[at], data[at + 1], at + 2
        if length >= 0x80:
            count = length & 0x7F
            length, start = int.from_bytes(data[start : start + count], "big"), start + count
        assert start + length <= len(data), "an element is longer than what holds it"
        found.append((tag, data[start : start + length]))
        at = start + length
    return found


def request(data: bytes) -> Request:
    """What a client asks (pyasn1 with ldap3's specification fails at a nested filter)."""
    ((_, content),) = elements(data)
    (_, identity), (tag, operation), *rest = elements(content)
    number_ = int.from_bytes(identity, "big")
    controls = {}
    for _, control in elements(rest[0][1]) if rest else ():
        (_, oid), *more = elements(control)
        controls[oid.decode()] = more[-1][1] if more and more[-1][0] == 0x04 else b""
    if tag == BIND:
        _, (_, name), (kind, secret) = elements(operation)
        return Request(number_, tag, name.decode(), secret if kind == 0x80 else None)
    if tag != SEARCH:
        return Request(number_, tag)
    (_, base), (_, scope), _, _, _, _, query, (_, wanted) = elements(operation)
    names = tuple(name.decode() for _, name in elements(wanted))
    return Request(number_, tag, base.decode(), None, scope[0], _filter(*query), names, controls)


def _filter(tag: int, content: bytes) -> Filter:
    if tag in (_AND, _OR):
        return Filter(tag, content, tuple(_filter(*part) for part in elements(content)))
    return Filter(tag, content)


def paging(value: bytes) -> tuple[int, bytes]:
    """Size and cookie of a paging control."""
    ((_, content),) = elements(value)
    (_, size), (_, cookie) = elements(content)
    return int.from_bytes(size, "big"), cookie


def read(source: socket.socket) -> bytes:
    """One whole message.

    Raises:
        EOFError: the client is gone.
    """
    head = _exactly(source, 2)
    length = head[1]
    if length >= 0x80:
        more = _exactly(source, length & 0x7F)
        head, length = head + more, int.from_bytes(more, "big")
    return head + _exactly(source, length)


def _exactly(source: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        part = source.recv(count - len(data))
        if not part:
            raise EOFError
        data += part
    return bytes(data)


def equals(query: Filter, name: bytes) -> frozenset[bytes] | None:
    """The values of a filter that asks for some values of one attribute, else None."""
    parts = query.parts if query.tag == _OR else (query,)
    if any(part.tag != _EQUAL for part in parts):
        return None
    told = [elements(part.content) for part in parts]
    if any(kind.lower() != name for (_, kind), _ in told):
        return None
    return frozenset(value for _, (_, value) in told)


def fits(values: Mapping[str, Sequence[bytes]], query: Filter) -> bool:
    """Whether an entry matches, as far as the questions use filters."""
    if query.parts:
        every = all if query.tag == _AND else any
        return every(fits(values, part) for part in query.parts)
    held = {name.lower(): found for name, found in values.items()}
    if query.tag == _PRESENT:
        name = query.content.decode().lower()
        return name == "objectclass" or bool(held.get(name))
    if query.tag == _RULE:
        told = dict(elements(query.content))
        assert told[0x81].decode() == _ALL_BITS
        bits = int(told[0x83])
        return any(int(value) & bits == bits for value in held.get(told[0x82].decode().lower(), ()))
    (_, kind), (_, wanted) = elements(query.content)
    known = [value.lower() for value in held.get(kind.decode().lower(), ())]
    if query.tag == _EQUAL:
        return wanted.lower() in known
    assert query.tag == _PARTS, query
    ((place, start),) = elements(wanted)
    assert place == 0x80, "only the beginning of a value is looked for"
    return any(value.startswith(start.lower()) for value in known)
