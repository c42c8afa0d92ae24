"""A stand-in before a real Samba controller that sets the limits which Windows sets.

It ends TLS with the controller's own certificate, reads each LDAP message (RFC 4511) and hands it
on, changed: pages of at most `page` entries, at most `values` values of `member` at a time
(MS-ADTS 3.1.1.3.1.3.3), attributes that this account may not read left out. It can also break off,
or refuse for a while.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Self

from tests.lab.recipe import CONTROLLER, STATE

PAGED: Final = b"1.2.840.113556.1.4.319"
_RANGE: Final = re.compile(r"member;range=(\d+)-\*", re.IGNORECASE)
_SEARCH: Final = 0x63
_ENTRY: Final = 0x64
_DONE: Final = 0x65
ADDRESS: Final = "127.0.0.1"
PORT: Final = 636


@dataclass
class Limits:
    """What the controller lets through."""

    page: int = 1000
    values: int = 1500
    hidden: frozenset[str] = frozenset()
    cut_after: int | None = None
    busy: int = 0
    most_values: int = 0
    pages: int = 0
    searches: list[str] = field(default_factory=list)


class DirectoryStandIn:
    """Listens on this machine's port 636 while it is entered; see `redirected`."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._sockets: list[socket.socket] = []
        self._sent = 0

    def __enter__(self) -> Self:
        self._listener = socket.create_server((ADDRESS, PORT))
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._listener.close()  # the others once no thread reads from their numbers any more

    def _accept(self) -> None:
        ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ours.load_cert_chain(STATE / "tls/dc01.pem", STATE / "tls/dc01.key")
        theirs = ssl.create_default_context(cafile=str(STATE / "tls/ca.pem"))
        with contextlib.suppress(OSError):
            while True:
                plain, _ = self._listener.accept()
                with contextlib.suppress(OSError):
                    client = ours.wrap_socket(plain, server_side=True)
                    upstream = socket.create_connection((CONTROLLER.address, PORT))
                    server = theirs.wrap_socket(upstream, server_hostname=CONTROLLER.fqdn)
                    self._sockets += [client, server]
                    for source, target, change in (
                        (client, server, self._asked),
                        (server, client, self._told),
                    ):
                        threading.Thread(
                            target=self._pass, args=(source, target, change), daemon=True
                        ).start()

    def _pass(
        self, source: socket.socket, target: socket.socket, change: Callable[[bytes], bytes]
    ) -> None:
        try:
            while message := _message(source):
                target.sendall(change(message))
        except (OSError, EOFError):
            pass
        finally:
            for each in (source, target):
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def _asked(self, message: bytes) -> bytes:
        if _operation(message) != _SEARCH:
            return message
        (_, body), *_ = _parts(message)
        number, (tag, request), *controls = _parts(body)
        *fields, (list_tag, attributes) = _parts(request)
        wanted = [value.decode() for _, value in _parts(attributes)]
        self.limits.searches.append(fields[0][1].decode())
        kept = [self._limited(name) for name in wanted if name.lower() not in self.limits.hidden]
        listed = b"".join(_tlv(0x04, name.encode()) for name in kept or ["1.1"])
        request = b"".join(_tlv(*field) for field in fields) + _tlv(list_tag, listed)
        changed = [(kind, self._controls(value)) for kind, value in controls]
        return _tlv(0x30, b"".join(_tlv(*part) for part in (number, (tag, request), *changed)))

    def _controls(self, value: bytes) -> bytes:
        found = []
        for tag, control in _parts(value):
            parts = _parts(control)
            if parts[0][1] == PAGED:
                self.limits.pages += 1
                (_, inner), *_ = _parts(parts[-1][1])
                _, cookie = _parts(inner)
                size = self.limits.page.to_bytes(2, "big")
                inner = _tlv(0x30, _tlv(0x02, size) + _tlv(*cookie))
                parts[-1] = (0x04, inner)
            found.append(_tlv(tag, b"".join(_tlv(*part) for part in parts)))
        return b"".join(found)

    def _limited(self, name: str) -> str:
        """A range of `member` instead of all of it, as Windows tells it."""
        if name.lower() == "member":
            return f"member;range=0-{self.limits.values - 1}"
        found = _RANGE.fullmatch(name)
        if found:
            first = int(found[1])
            return f"member;range={first}-{first + self.limits.values - 1}"
        return name

    def _told(self, message: bytes) -> bytes:
        limits = self.limits
        if _operation(message) == _DONE and limits.busy:
            limits.busy -= 1
            (_, body), *_ = _parts(message)
            number, (tag, done), *_ = _parts(body)
            (kind, _), *rest = _parts(done)
            changed = b"".join(_tlv(*part) for part in ((kind, b"\x33"), *rest))  # 51, busy
            return _tlv(0x30, _tlv(*number) + _tlv(tag, changed))
        if _operation(message) == _ENTRY:
            (_, body), *_ = _parts(message)
            _, (_, attributes) = _parts(_parts(body)[1][1])
            for _, one in _parts(attributes):
                (_, name), (_, values) = _parts(one)
                if name.lower().startswith(b"member"):
                    limits.most_values = max(limits.most_values, len(_parts(values)))
            self._sent += 1
            if limits.cut_after is not None and self._sent > limits.cut_after:
                raise EOFError
        return message


def redirected(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """`socket.getaddrinfo` for whom the controller is this machine."""

    def getaddrinfo(host: Any, *args: Any, **options: Any) -> Any:
        return resolve(ADDRESS if host == CONTROLLER.fqdn else host, *args, **options)

    return getaddrinfo


def _operation(message: bytes) -> int:
    """The tag of the operation: after the sequence and the message's number."""
    at = 2 if message[1] < 0x80 else 2 + (message[1] & 0x7F)
    return message[at + 2 + message[at + 1]]


def _parts(data: bytes) -> list[tuple[int, bytes]]:
    """The elements of a value, each with its tag (X.690 8.1)."""
    found, at = [], 0
    while at < len(data):
        tag, length = data[at], data[at + 1]
        at += 2
        if length >= 0x80:
            count = length & 0x7F
            length = int.from_bytes(data[at : at + count], "big")
            at += count
        found.append((tag, data[at : at + length]))
        at += length
    return found


def _tlv(tag: int, value: bytes) -> bytes:
    return bytes((tag, 0x84)) + len(value).to_bytes(4, "big") + value


def _message(source: socket.socket) -> bytes:
    head = _exactly(source, 2)
    length = head[1]
    if length >= 0x80:
        more = _exactly(source, length & 0x7F)
        head, length = head + more, int.from_bytes(more, "big")
    return head + _exactly(source, length)


def _exactly(source: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = source.recv(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data
