"""Servers in the controller's place that cannot prove who they are: no password, no ticket."""

from __future__ import annotations

import secrets
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.directory.conftest import CONTROLLER, SECRET, _redirected
from tests.directory.standin import USER, StandIn
from tests.directory.test_limits import EVERYBODY, ask, people
from tests.hostile.authority import DAY, Authority
from tests.worlds import DOMAIN
from vmmaudit.evidence import Answer, Gap, Reason
from vmmaudit.scope import Authentication, Domain


@dataclass
class Place:
    """Where a stand-in takes the controller's place."""

    authority: Authority
    password: str
    patch: pytest.MonkeyPatch

    def domain(self, transport: str = "ldaps") -> Domain:
        return Domain(
            name=DOMAIN,
            controllers=(CONTROLLER,),
            transport=transport,
            ca=self.authority.pem,
            auth=Authentication(user=USER, secret=f"env:{SECRET}", protocol="simple"),
        )

    @contextmanager
    def taken(self, certificate: Path, newest: ssl.TLSVersion | None = None) -> Iterator[StandIn]:
        server = StandIn(people(3), certificate, self.password)
        if newest:
            server._tls.set_ciphers("ALL:@SECLEVEL=0")
            server._tls.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            server._tls.maximum_version = newest
        with server, self.patch.context() as patch:
            patch.setattr(socket, "getaddrinfo", _redirected(socket.getaddrinfo, server.port))
            yield server


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    password = secrets.token_urlsafe(12)
    monkeypatch.setenv(SECRET, password)
    return Place(Authority(tmp_path), password, monkeypatch)


def test_the_right_certificate_is_taken(place: Place):
    with place.taken(place.authority.issue()) as server:
        (found,) = ask(place.domain(), EVERYBODY)
    assert isinstance(found, Answer)
    assert server.binds == [USER]


Issue = Callable[[Authority], Path]


@pytest.mark.parametrize(
    "issue",
    [
        pytest.param(lambda ca: ca.issue("dc02.contoso.com"), id="another host"),
        pytest.param(lambda ca: ca.issue("contoso.com.evil.example"), id="a longer name"),
        pytest.param(lambda ca: ca.issue("*.com"), id="a star over the domain"),
        pytest.param(lambda ca: ca.issue(valid=(-3 * DAY, -DAY)), id="expired"),
        pytest.param(lambda ca: ca.issue(valid=(DAY, 3 * DAY)), id="not yet valid"),
        pytest.param(lambda ca: ca.issue(by_itself=True), id="signed by itself"),
        pytest.param(lambda ca: Authority(ca.folder.parent).issue(), id="another authority"),
        pytest.param(
            lambda ca: ca.issue(usage=ExtendedKeyUsageOID.CLIENT_AUTH), id="for clients only"
        ),
    ],
)
def test_a_certificate_that_is_not_the_controllers(place: Place, issue: Issue):
    with place.taken(issue(place.authority)) as server:
        (found,) = ask(place.domain(), EVERYBODY)
    assert isinstance(found, Gap)
    assert found.reason is Reason.CERTIFICATE_UNTRUSTED
    assert CONTROLLER in found.text
    assert server.binds == []


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_an_old_protocol_is_not_spoken(place: Place, newest: ssl.TLSVersion):
    with place.taken(place.authority.issue(), newest) as server:
        (found,) = ask(place.domain(), EVERYBODY)
    assert isinstance(found, Gap)
    assert found.reason in (Reason.CERTIFICATE_UNTRUSTED, Reason.UNREACHABLE)
    assert server.binds == []


class InTheClear:
    """Refuses STARTTLS, or agrees and goes on in the clear; keeps what it hears."""

    def __init__(self, code: int, then: bytes) -> None:
        self.code, self.then, self.heard = code, then, b""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with self._listener.accept()[0] as connection:
            connection.settimeout(5)
            asked = connection.recv(4096)
            number = asked[asked.index(b"\x02") + 2 : asked.index(b"\x02") + 2 + asked[3]]
            self.heard += asked
            body = bytes((0x0A, 1, self.code)) + b"\x04\0\x04\0"
            inside = bytes((2, len(number))) + number + bytes((0x78, len(body))) + body
            connection.sendall(bytes((0x30, len(inside))) + inside + self.then)
            try:
                while more := connection.recv(4096):
                    self.heard += more
            except OSError:
                return

    def close(self) -> None:
        self._listener.close()


@pytest.mark.parametrize("code", [0, 1, 2, 52, 53, 80])
@pytest.mark.parametrize("then", [b"", b"\x30\x0c\x02\x01\x02\x61\x07\x0a\x01\x00\x04\x00\x04\x00"])
def test_starttls_that_does_not_come_is_not_gone_without(place: Place, code: int, then: bytes):
    """Also where a made-up success of the bind is sent along with the answer."""
    server = InTheClear(code, then)
    try:
        with place.patch.context() as patch:
            patch.setattr(socket, "getaddrinfo", _redirected(socket.getaddrinfo, server.port))
            (found,) = ask(place.domain("starttls"), EVERYBODY, seconds=2)
    finally:
        server.close()
    assert isinstance(found, Gap)
    assert b"1.3.6.1.4.1.1466.20037" in server.heard
    assert place.password.encode() not in server.heard
    assert USER.encode() not in server.heard
