"""STAND-IN for a Windows domain controller: LDAPS, simple bind, and the limits that Samba lacks.

It is no Windows. What it does is written after MS-ADTS (sections named below) and RFC 4511, not
after a recording. It answers from a list of entries, so a made-up world is a directory too.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from tests.directory import wire

PAGED: Final = "1.2.840.113556.1.4.319"
SD_FLAGS: Final = "1.2.840.113556.1.4.801"
KNOWN_CONTROLS: Final = frozenset({PAGED, SD_FLAGS})
SACL: Final = 0x08
USER: Final = "auditor@contoso.com"
SUCCESS, OPERATIONS_ERROR, TIME_LIMIT, SIZE_LIMIT = 0, 1, 3, 4
REFERRAL, ADMIN_LIMIT, UNKNOWN_CONTROL = 10, 11, 12
NO_SUCH_OBJECT, INVALID_CREDENTIALS, BUSY, UNAVAILABLE, UNWILLING = 32, 49, 51, 52, 53
PLAIN_USER: Final = frozenset(
    {"tokengroups", "tokengroupsglobalanduniversal", "msds-replattributemetadata"}
)
"""What a user may lack who is not in Windows Authorization Access Group (MS-ADTS 3.1.1.4.5.19)."""
HARDENED: Final = PLAIN_USER | {
    "accountexpires",
    "msds-allowedtoactonbehalfofotheridentity",
    "msds-user-account-control-computed",
    "pwdlastset",
    "replpropertymetadata",
    "useraccountcontrol",
}
"""And where Pre-Windows 2000 Compatible Access is empty: the set User-Account-Restrictions."""
_ON_REQUEST: Final = frozenset({"tokengroups", "tokengroupsglobalanduniversal"})


@dataclass
class Object:
    """An entry; its attributes as the schema spells them."""

    dn: str
    values: dict[str, list[bytes]] = field(default_factory=dict)


@dataclass
class Behaviour:
    """What it lets through, and when it fails; `fail` maps the page's number (from 1) to a code.

    `hidden` are attributes in lower case. `between` is called after each page that has a
    successor. `cut` closes the connection in the middle of the page of that number, `stall`
    waits that many seconds before the end of a page.
    """

    page: int = 1000
    values: int = 1500
    hidden: frozenset[str] = frozenset()
    refuse_token_groups: bool = False
    fail: dict[int, int] = field(default_factory=dict)
    fail_ranges: dict[int, int] = field(default_factory=dict)
    cut: int = 0
    stall: float = 0
    shuffle: bool = False
    referrals: tuple[str, ...] = ()
    elsewhere: dict[str, str] = field(default_factory=dict)
    between: Callable[[], None] | None = None
    after_search: Callable[[], None] | None = None


class StandIn:
    """Listens on 127.0.0.1 while it is entered; `port` is any that is free."""

    def __init__(
        self,
        entries: Sequence[Object] | Callable[[], Sequence[Object]],
        certificate: Path,
        password: str,
        behaviour: Behaviour | None = None,
    ) -> None:
        self.entries: list[Object] = list(entries() if callable(entries) else entries)
        self.behaviour = behaviour or Behaviour()
        self.binds: list[str] = []
        self.searches: list[tuple[str, tuple[str, ...]]] = []
        self.page_sizes: list[int] = []
        self.most_entries = self.most_values = self.connections = 0
        self.password = password.encode()
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate)
        self._sockets: list[socket.socket] = []
        self._pages = itertools.count(1)
        self._ranges = itertools.count(1)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        # Each is closed by the thread that reads from it: a number that was free again would be
        # the next test's connection.
        for each in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with contextlib.suppress(OSError), self._listener:
            while True:
                plain, _ = self._listener.accept()
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError), plain:
            tls = self._tls.wrap_socket(plain, server_side=True)
            self._sockets.append(tls)
            self.connections += 1
            with tls:
                _Session(self, tls).run()


class _Session:
    """One connection: its bind, its searches, and the cookies that are good on it alone."""

    def __init__(self, server: StandIn, connection: ssl.SSLSocket) -> None:
        self._server, self._socket = server, connection
        self._bound = False
        self._cookies: dict[bytes, tuple[Any, list[str]]] = {}

    def run(self) -> None:
        while True:
            request = wire.request(wire.read(self._socket))
            if request.tag == wire.BIND:
                self._socket.sendall(self._bind(request))
            elif request.tag == wire.SEARCH:
                self._search(request)
            else:
                return

    def _bind(self, request: wire.Request) -> bytes:
        self._server.binds.append(request.name)
        self._bound = request.name == USER and request.password == self._server.password
        code, text = (SUCCESS, "") if self._bound else (INVALID_CREDENTIALS, "data 52e")
        return wire.bound(request.number, code, text)

    def _search(self, request: wire.Request) -> None:
        number, controls = request.number, request.controls
        code, found, cookie, more = self._answer(request)
        is_page = PAGED in controls
        page = next(self._server._pages) if is_page else 0
        behaviour = self._server.behaviour
        code = behaviour.fail.get(page, code) if code == SUCCESS else code
        if code not in (SUCCESS, SIZE_LIMIT):
            found, cookie = found[: len(found) // 2], b""  # what had been found by then
        sent = b"".join(wire.entry(number, dn, attributes) for dn, attributes in found)
        if page and page == behaviour.cut:
            self._socket.sendall(sent[: len(sent) * 2 // 3])
            raise EOFError
        sent += b"".join(wire.reference(number, url) for url in behaviour.referrals)
        self._socket.sendall(sent)
        if behaviour.stall:
            time.sleep(behaviour.stall)
        if behaviour.after_search:
            behaviour.after_search()
        if cookie and behaviour.between:
            behaviour.between()
        self._server.most_entries = max(self._server.most_entries, len(found))
        self._socket.sendall(wire.done(number, code, cookie if is_page else None, more))

    def _answer(
        self, request: wire.Request
    ) -> tuple[int, list[tuple[str, list[wire.Attribute]]], bytes, str]:
        base, scope, wanted = request.name, request.scope, request.wanted
        query, controls = request.filter, request.controls
        assert query is not None
        behaviour = self._server.behaviour
        self._server.searches.append((base, wanted))
        if base and not self._bound:
            return OPERATIONS_ERROR, [], b"", ""  # MS-ADTS 3.1.1.3.1.1.1: no anonymous search
        if set(controls) - KNOWN_CONTROLS:
            return UNKNOWN_CONTROL, [], b"", ""
        for context, url in behaviour.elsewhere.items():
            if base.lower().endswith(context.lower()):
                return REFERRAL, [], b"", url
        token_groups = {name.lower() for name in wanted} & _ON_REQUEST
        if token_groups and (scope != 0 or behaviour.refuse_token_groups):
            return UNWILLING, [], b"", ""
        asks_range = any(";range=" in name and not name.endswith("=0-*") for name in wanted)
        if asks_range and (code := behaviour.fail_ranges.get(next(self._server._ranges))):
            return code, [], b"", ""
        key = (base.lower(), scope, query, wanted)
        entries = {entry.dn: entry for entry in list(self._server.entries)}
        if base and scope == 0 and base.lower() not in {dn.lower() for dn in entries}:
            return NO_SUCH_OBJECT, [], b"", ""
        asked, given = wire.paging(controls[PAGED]) if PAGED in controls else (0, b"")
        if given:
            if given not in self._cookies or self._cookies[given][0] != key:
                return UNWILLING, [], b"", ""
            names = self._cookies.pop(given)[1]
        else:
            sids = wire.equals(query, b"objectsid")  # asked for by the hundred: not one by one
            names = [
                dn
                for dn, entry in entries.items()
                if _inside(dn, base, scope)
                and (
                    wire.fits(entry.values, query)
                    if sids is None
                    else not sids.isdisjoint(entry.values.get("objectSid", ()))
                )
            ]
            if behaviour.shuffle:
                secrets.SystemRandom().shuffle(names)
        limit = min(asked, behaviour.page) if PAGED in controls else behaviour.page
        if PAGED in controls:
            self._server.page_sizes.append(asked)
        here, rest = names[:limit], names[limit:]
        flags = controls[SD_FLAGS][-1] if SD_FLAGS in controls else 0x0F
        # One that was deleted since the first page is not there any more, without a word.
        found = [
            (entries[dn].dn, self._readable(entries[dn], wanted, flags))
            for dn in here
            if dn in entries
        ]
        if rest and PAGED in controls:
            cookie = secrets.token_bytes(16)
            self._cookies[cookie] = (key, rest)
            return SUCCESS, found, cookie, ""
        return (SIZE_LIMIT if rest else SUCCESS), found, b"", ""

    def _readable(self, entry: Object, wanted: Sequence[str], flags: int) -> list[wire.Attribute]:
        behaviour = self._server.behaviour
        known = {name.lower(): (name, values) for name, values in entry.values.items()}
        found: list[wire.Attribute] = []
        for asked in wanted:
            plain, _, option = asked.partition(";range=")
            low = plain.lower()
            if low in behaviour.hidden or low not in known:
                continue
            if low == "ntsecuritydescriptor" and flags & SACL:
                continue  # without SeSecurityPrivilege (MS-ADTS 3.1.1.4.4)
            name, values = known[low]
            found.append(self._range(name, values, option) if values else (name, []))
        return [(name, values) for name, values in found if values or ";range=" in name]

    def _range(self, name: str, values: list[bytes], option: str) -> wire.Attribute:
        """MS-ADTS 3.1.1.3.1.3.3: never more than so many values at once."""
        most = self._server.behaviour.values
        if not option and len(values) <= most:
            self._server.most_values = max(self._server.most_values, len(values))
            return name, values
        asked = re.fullmatch(r"(\d+)-(\d+|\*)", option or "0-*")
        assert asked, option
        first = int(asked[1])
        last = first + most - 1 if asked[2] == "*" else min(int(asked[2]), first + most - 1)
        part = values[first : last + 1]
        self._server.most_values = max(self._server.most_values, len(part))
        end = "*" if last + 1 >= len(values) else str(last)
        return f"{name};range={first}-{end}", part


def _inside(dn: str, base: str, scope: int) -> bool:
    low, root = dn.lower(), base.lower()
    if scope == 0:
        return low == root
    if scope == 1:
        return low.partition(",")[2] == root
    return bool(low) and (low == root or low.endswith("," + root))
