"""Servers that never come to an end: pages, entries, values, listings, folders, drips."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests import stubs, worlds
from tests.collect.test_ldap import EVERYTHING, Site, directory, page
from tests.collect.test_ldap_ber import entry
from tests.collect.test_ldap_client import done
from tests.collect.test_rpc import MadeUpPipe, response
from tests.collect.test_smb import status_error
from tests.simulate import MOMENT, SimulatedWire, scope_of
from tests.worlds import SHARE
from vmmaudit import questions
from vmmaudit.assessment import Ternary
from vmmaudit.collect import ldap, rpc
from vmmaudit.collect.gather import collect
from vmmaudit.collect.ldap import Client, Page
from vmmaudit.collect.smb import reading
from vmmaudit.collect.smb.connection import LateError
from vmmaudit.collect.wire import WireError
from vmmaudit.errors import FormatError
from vmmaudit.evidence import Answer, Gap, Question, Reason
from vmmaudit.judge import judge
from vmmaudit.windows import srvsvc
from vmmaudit.windows.status import NtStatus


class Endless:
    """A controller that always has another page: with entries, or with none and a new cookie."""

    def __init__(self, *, full: bool) -> None:
        self.full = full
        self.numbers = itertools.count(1)
        self.closed = False

    def search(self, *_: object) -> Page:
        number = next(self.numbers)
        found = page(*([f"CN={number}"] if self.full else []), cookie=str(number).encode())
        return Page(found.entries, 0, found.cookie, size=60)

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("limit", ["MOST_PAGES", "MOST_BYTES"])
def test_pages_without_end(monkeypatch: pytest.MonkeyPatch, full: bool, limit: str):
    monkeypatch.setattr(ldap, limit, 3000)
    client = Endless(full=full)
    gap = directory(Site(dc01=[client])).answer(EVERYTHING)
    assert isinstance(gap, Gap)
    assert (gap.reason, gap.text) == (
        Reason.MALFORMED_REPLY,
        "The answer of dc01.contoso.com does not end.",
    )
    assert client.closed
    assert next(client.numbers) <= 3002


def test_ranges_without_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ldap, "MOST_PAGES", 500)

    class Growing:
        def search(self, base, scope, query, wanted, cookie) -> Page:
            first = int(wanted[0].partition("=")[2].partition("-")[0]) if ";" in wanted[0] else 0
            values = tuple(str(n).encode() for n in range(first, first + 2))
            from vmmaudit.collect.ber import Entry

            name = f"member;range={first}-{first + 1}"
            return Page((Entry("CN=g", ((name, values),)),), 0, b"", 60)

        def close(self) -> None:
            pass

    gap = directory(Site(dc01=[Growing()])).answer(EVERYTHING)
    assert isinstance(gap, Gap)
    assert (gap.reason, "without end" in gap.text) == (Reason.MALFORMED_REPLY, True)


class Talking:
    """A controller whose side of the connection is a generator of bytes, each after a wait."""

    def __init__(self, said: Iterator[bytes], wait: float = 0) -> None:
        self.ours, self._theirs = socket.socketpair()
        self.ours.settimeout(10)
        self._said, self._wait = said, wait
        threading.Thread(target=self._talk, daemon=True).start()

    def _talk(self) -> None:
        try:
            for data in self._said:
                self._theirs.sendall(data)
                time.sleep(self._wait)
        except OSError:
            return

    def client(self) -> Client:
        server = SimpleNamespace(next_message_id=lambda: 1)
        connection = SimpleNamespace(socket=self.ours, server=server, unbind=self.ours.close)
        return Client(connection)

    def search(self) -> Page:
        try:
            return self.client().search("", "sub", "(cn=*)", ["cn"], b"")
        finally:
            self.ours.close()


def test_entries_without_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ldap, "MOST_BYTES", 100_000)
    said = itertools.repeat(entry(1, "CN=a", [("cn", [b"a"])]) * 50)
    with pytest.raises(ldap.ber.BerError, match="does not end"):
        Talking(said).search()


@pytest.mark.parametrize("piece", [1, 40], ids=["byte by byte", "entry by entry"])
def test_a_page_that_drips(monkeypatch: pytest.MonkeyPatch, piece: int):
    """Each piece comes long before the connection's own time is out."""
    monkeypatch.setattr(ldap, "SECONDS", 0.3)
    one = entry(1, "CN=a", [("cn", [b"a"])])
    whole = one * 1000 + done(1)
    said = (whole[at : at + piece] for at in range(0, len(whole), piece))
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        Talking(said, 0.01).search()
    assert time.monotonic() - began < 30


class Listing:
    """A session whose server answers each request for entries with the next of these."""

    def __init__(self, said: Iterator[bytes]) -> None:
        self.said = said
        self.asked = 0
        self.released = False

    def send(self, *_: object) -> list[str]:
        return ["next"]

    def receive(self, request: str) -> tuple[int, bytes]:
        if request == "create":
            return 0, bytes(100)
        self.asked += 1
        buffer = next(self.said, None)
        if buffer is None:
            raise status_error(NtStatus.NO_MORE_FILES)
        head = (9).to_bytes(2, "little") + (72).to_bytes(2, "little")
        return 0, head + len(buffer).to_bytes(4, "little") + buffer

    def release(self, *_: object) -> None:
        self.released = True


def listing(session: Listing):
    tree = SimpleNamespace(share_name=r"\\library01\ISOs")
    return reading.read_listing(session, tree, "deep", ["create", "list", "list"])  # type: ignore[arg-type]


def test_a_listing_to_its_end():
    buffers = [stubs.entries([(f"{n}.iso", 1)], MOMENT) for n in range(5)]
    session = Listing(iter(buffers))
    (row,) = listing(session)
    assert row.values["entries"] == tuple(buffers)
    assert session.released


@pytest.mark.parametrize("limit", ["_MOST_ROUNDS", "_MOST_LISTED"])
def test_a_listing_without_end(monkeypatch: pytest.MonkeyPatch, limit: str):
    monkeypatch.setattr(reading, limit, 5000)
    session = Listing(itertools.repeat(stubs.entries([("again.iso", 1)], MOMENT)))
    with pytest.raises(WireError, match="was not read to its end") as caught:
        listing(session)
    assert caught.value.reason is Reason.INCOMPLETE
    assert session.released
    assert session.asked < 10_010


def test_a_listing_of_nothing_without_end():
    session = Listing(itertools.repeat(b""))
    with pytest.raises(FormatError, match="no entry in it"):
        listing(session)
    assert session.asked == 2  # both had been sent
    assert session.released


class EndlessTree(SimulatedWire):
    """A library in which every folder holds folders, as a loop of links would look."""

    names: tuple[str, ...] = ("a", "b")
    asked = 0
    longest = 0
    at_once = 0

    def ask(self, asked):
        walked = [question for question in asked if question.kind == questions.LIST]
        self.at_once = max(self.at_once, len(walked))
        return super().ask(asked)

    def _one(self, question: Question) -> Answer | Gap:
        if question.kind == questions.LIST:
            self.asked += 1
            self.longest = max(self.longest, len(question.detail[1]))
            held = [(name, None) for name in self.names] + [("x.iso", 5)]
            return self._row(question, entries=stubs.entries(held, self.moment))
        return super()._one(question)


@pytest.mark.parametrize(
    ("names", "lists"), [(("a", "b"), 700), (("n" * 255,), 400)], ids=["wide", "deep"]
)
def test_folders_without_end(names: tuple[str, ...], lists: int):
    world = worlds.conforming()
    scope = scope_of(world)
    few = scope.thresholds.model_copy(update={"files_per_share": 1000})
    scope = scope.model_copy(update={"thresholds": few})
    wire = EndlessTree(world, {}, MOMENT)
    wire.names = names
    found = collect(scope, wire)
    assert wire.asked <= lists * len(scope.libraries)
    assert wire.longest <= 32_760
    assert wire.at_once <= 20
    judged = judge(found, scope)
    ready = {pair.ready for pair in judged.readiness if pair.share.endswith(SHARE)}
    assert Ternary.YES not in ready


def test_a_listing_that_drips(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reading, "SECONDS", 0.2)

    def slowly() -> Iterator[bytes]:
        while True:
            time.sleep(0.02)
            yield stubs.entries([("a.iso", 1)], MOMENT)

    session = Listing(slowly())
    with pytest.raises(LateError):
        listing(session)
    assert session.asked < 50


def test_a_call_whose_reply_drips(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rpc, "SECONDS", 0.2)

    class Dripping(MadeUpPipe):
        def read(self) -> bytes:
            time.sleep(0.02)
            return super().read()

    pipe = Dripping(lambda call, _, stub: response(call, bytes(4000)))
    client = rpc.Client(pipe, srvsvc.INTERFACE)
    pipe.piece = 1
    with pytest.raises(TimeoutError):
        client.call(1, b"")
