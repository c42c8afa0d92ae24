"""A certificate authority of the test's own, and a way to a stand-in by the controller's name."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.directory.standin import USER, Behaviour, Object, StandIn
from tests.lab.certificates import write_certificates
from tests.worlds import DOMAIN
from vmmaudit.scope import Authentication, Domain

CONTROLLER = f"dc01.{DOMAIN}"
SECRET = "STANDIN_PASSWORD"


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ca.pem and the controller's certificate and key in one file."""
    place = tmp_path_factory.mktemp("tls") / "tls"
    write_certificates(place)
    (place / "both.pem").write_bytes(
        (place / "dc01.pem").read_bytes() + (place / "dc01.key").read_bytes()
    )
    return place


@dataclass
class Site:
    """Starts stand-ins; every controller's name leads to the one that runs."""

    authority: Path
    password: str
    patch: pytest.MonkeyPatch

    @contextmanager
    def controller(
        self, entries: list[Object], behaviour: Behaviour | None = None, ca: str = "ca.pem"
    ) -> Iterator[tuple[StandIn, Domain]]:
        """A running stand-in and the domain that leads to it."""
        server = StandIn(entries, self.authority / "both.pem", self.password, behaviour)
        with server, self.patch.context() as patch:
            patch.setattr(socket, "getaddrinfo", _redirected(socket.getaddrinfo, server.port))
            yield server, self.domain(ca)

    def domain(self, ca: str = "ca.pem") -> Domain:
        """The domain, read over LDAPS with a simple bind."""
        return Domain(
            name=DOMAIN,
            controllers=(CONTROLLER,),
            transport="ldaps",
            ca=str(self.authority / ca),
            auth=Authentication(user=USER, secret=f"env:{SECRET}", protocol="simple"),
        )


@pytest.fixture
def site(authority: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Where a test starts its controllers."""
    password = secrets.token_urlsafe(12)
    monkeypatch.setenv(SECRET, password)
    return Site(authority, password, monkeypatch)


def _redirected(resolve: Callable[..., Any], port: int) -> Callable[..., Any]:
    """`socket.getaddrinfo` for whom dc01 is the stand-in and any other name has no address."""

    def getaddrinfo(host: Any, asked: Any = None, *args: Any, **options: Any) -> Any:
        if host != CONTROLLER:
            raise socket.gaierror(f"unexpected name {host}")
        return resolve("127.0.0.1", port if asked else None, *args, **options)

    return getaddrinfo
