"""Two controllers of which one dies, refers elsewhere or lies: the other takes over."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.directory import standin
from tests.directory.conftest import SECRET
from tests.directory.standin import USER, Behaviour, StandIn
from tests.directory.test_limits import EVERYBODY, ask, people
from tests.hostile.authority import Authority
from tests.worlds import DOMAIN
from vmmaudit.evidence import Answer, Gap, Reason
from vmmaudit.scope import Authentication, Domain

NAMES = (f"dc01.{DOMAIN}", f"dc02.{DOMAIN}")


class Pair:
    """Starts both; each is reached by its name."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.authority, self.patch = Authority(folder), patch
        self.password = secrets.token_urlsafe(12)
        patch.setenv(SECRET, self.password)

    @contextmanager
    def running(self, *behaviours: Behaviour) -> Iterator[tuple[list[StandIn], Domain]]:
        with ExitStack() as stack:
            servers = [
                stack.enter_context(
                    StandIn(people(), self.authority.issue(name), self.password, behaviour)
                )
                for name, behaviour in zip(NAMES, behaviours, strict=True)
            ]
            ports = dict(zip(NAMES, (server.port for server in servers), strict=True))
            resolve = socket.getaddrinfo

            def getaddrinfo(host, port=None, *args, **options):
                return resolve("127.0.0.1", ports[host] if port else None, *args, **options)

            patch = stack.enter_context(self.patch.context())
            patch.setattr(socket, "getaddrinfo", getaddrinfo)
            yield (
                servers,
                Domain(
                    name=DOMAIN,
                    controllers=NAMES,
                    transport="ldaps",
                    ca=self.authority.pem,
                    auth=Authentication(user=USER, secret=f"env:{SECRET}", protocol="simple"),
                ),
            )


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pair:
    return Pair(tmp_path, monkeypatch)


def dies(server: StandIn) -> None:
    """As a machine that is switched off in the middle of a page."""
    server.__exit__()
    raise EOFError


@pytest.mark.parametrize("page", [1, 2, 3])
def test_one_is_killed_in_mid_page_and_the_other_tells_it_all(pair: Pair, page: int):
    first = Behaviour()
    with pair.running(first, Behaviour()) as (servers, domain):
        told = iter(range(1, 100))

        def after_search() -> None:
            if next(told) == page:
                dies(servers[0])

        first.after_search = after_search
        (found,) = ask(domain, EVERYBODY)
    assert isinstance(found, Answer), found
    assert found.source == NAMES[1]
    assert [row.name for row in found.rows] == [entry.dn for entry in people()], "none twice"


def test_both_are_killed(pair: Pair):
    with pair.running(Behaviour(), Behaviour()) as (servers, domain):
        for server in servers:
            server.behaviour.after_search = lambda server=server: dies(server)
        (found,) = ask(domain, EVERYBODY, seconds=2)
    assert isinstance(found, Gap)
    assert found.reason is Reason.UNREACHABLE


def test_one_that_falls_silent_is_left_for_the_other(pair: Pair):
    with pair.running(Behaviour(stall=5), Behaviour()) as (_, domain):
        (found,) = ask(domain, EVERYBODY, seconds=1)
    assert isinstance(found, Answer)
    assert found.source == NAMES[1]


@pytest.mark.parametrize("code", [standin.BUSY, standin.UNAVAILABLE, standin.OPERATIONS_ERROR])
def test_one_that_refuses_is_a_gap_and_never_half_an_answer(pair: Pair, code: int):
    with pair.running(Behaviour(fail={2: code}), Behaviour()) as (_, domain):
        (found,) = ask(domain, EVERYBODY)
    assert isinstance(found, Gap)
    assert found.reason in (Reason.UNREACHABLE, Reason.MALFORMED_REPLY)
