"""Networks and servers that fail in the middle: nothing hangs, nothing is made up, nothing lost."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests import worlds
from tests.lab.apply import apply
from tests.lab.lab import Lab
from tests.lab.recipe import CONTROLLER, MACHINES
from tests.live.collecting import lab_scope, log_on
from tests.standins.relay import Fault, Relay, redirected
from tests.worlds import DOMAIN, SHARE
from vmmaudit import questions
from vmmaudit.assessment import Ternary
from vmmaudit.collect.credentials import Vault
from vmmaudit.collect.gather import collect
from vmmaudit.collect.ldap import Directory
from vmmaudit.collect.live import Live
from vmmaudit.collect.smb.server import FileServer
from vmmaudit.evidence import Answer, Evidence, Gap, Question, Reason
from vmmaudit.judge import judge
from vmmaudit.scope import Authentication, Domain
from vmmaudit.windows.file_information import decode_entries

pytestmark = pytest.mark.live
WORLD = worlds.conforming()
FOLDER_ACL = WORLD.library("LIBRARY01").shares[0].items[0].descriptor
LIBRARY = f"library01.{DOMAIN}"
TICKET = Authentication(secret="ccache")
KNOWN = Domain(name=DOMAIN, auth=TICKET)
GUARD = 60
"""Seconds after which something hangs; nothing here waits for more than a few."""
ASKED = [
    questions.smb_server(LIBRARY),
    questions.shares(LIBRARY),
    questions.share(LIBRARY, SHARE),
    questions.sam_domains(LIBRARY),
    questions.listing(LIBRARY, SHARE, ""),
    questions.listing(LIBRARY, SHARE, "ISOs"),
    questions.descriptor(LIBRARY, SHARE, worlds.ISO),
]
SEARCHES = [
    questions.root_dse(DOMAIN),
    questions.domain_object(DOMAIN),
    questions.hyper_v_computers(DOMAIN),
    questions.vmm_spns(DOMAIN),
]
LOST = {Reason.UNREACHABLE, Reason.TIMEOUT, Reason.MALFORMED_REPLY, Reason.INCOMPLETE}
Behind = Callable[..., AbstractContextManager[Relay]]


@pytest.fixture
def behind(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Behind:
    """A server as it is reached through a bad network."""
    apply(lab, WORLD)
    log_on(lab, "auditadmin")
    addresses = {machine.fqdn: machine.address for machine in MACHINES.values()}

    @contextmanager
    def relayed(name: str, port: int, fault: Fault) -> Iterator[Relay]:
        with Relay(addresses[name], port, fault) as relay, monkeypatch.context() as patch:
            patch.setattr(socket, "getaddrinfo", redirected(socket.getaddrinfo, name))
            yield relay

    return relayed


def library(seconds: float = 3) -> list[Answer | Gap]:
    server = FileServer(LIBRARY, KNOWN, Vault(), connect_seconds=seconds, request_seconds=seconds)
    began = time.monotonic()
    try:
        return server.answer(ASKED)
    finally:
        server.close()
        assert time.monotonic() - began < GUARD


def searched(seconds: float = 3) -> list[Answer | Gap]:
    found = Directory(KNOWN, Vault(), seconds, seconds)
    began = time.monotonic()
    try:
        return [found.answer(question) for question in SEARCHES]
    finally:
        found.close()
        assert time.monotonic() - began < GUARD


def rows(replies: list[Answer | Gap]) -> list[object]:
    return [reply.rows if isinstance(reply, Answer) else reply for reply in replies]


CUTS = (0, 1, 3, 4, 67, 200, 300, 700, 1500, 2000, 2500, 3000, 3500, 4000, 5000, 6000)


@pytest.mark.parametrize("stall", [False, True], ids=["cut", "stalled"])
@pytest.mark.parametrize("after", CUTS)
def test_a_library_lost_once_at_any_byte_loses_nothing(behind: Behind, after: int, stall: bool):
    whole = rows(library())
    with behind(LIBRARY, 445, Fault(after=after, stall=stall, connections=1)) as relay:
        found = library(1.5)
    for asked, before, now in zip(ASKED, whole, rows(found), strict=True):
        if isinstance(now, Gap):  # the logon itself was lost: then this server was not reached
            assert now.reason in LOST, now
            assert relay.connections == 1
        elif asked.kind != questions.TIME:
            assert now == before


@pytest.mark.parametrize("stall", [False, True], ids=["cut", "stalled"])
@pytest.mark.parametrize("after", CUTS)
def test_a_controller_lost_once_at_any_byte_loses_nothing(behind: Behind, after: int, stall: bool):
    whole = rows(searched())
    with behind(CONTROLLER.fqdn, 389, Fault(after=after, stall=stall, connections=1)):
        found = searched(1.5)
    for before, now in zip(whole, rows(found), strict=True):
        if isinstance(now, Gap):
            assert now.reason in LOST | {Reason.AUTHENTICATION_FAILED}, now
        else:
            assert len(now) == len(before)  # type: ignore[arg-type]


@pytest.mark.parametrize("after", CUTS)
@pytest.mark.parametrize("garbage", [b"", bytes(64), b"\xff" * 64, b"\x00\xff\xff\xffSMB" * 9])
def test_a_library_that_is_always_lost_is_a_gap(behind: Behind, after: int, garbage: bytes):
    with behind(LIBRARY, 445, Fault(after=after, garbage=garbage)):
        found = library(1.5)
    whole = rows(library())
    for before, now in zip(whole, rows(found), strict=True):
        # What is no SMB is no signed reply either, and may be taken for that.
        expected = {*LOST, Reason.SIGNING_REQUIRED} if garbage else LOST
        assert now == before or (isinstance(now, Gap) and now.reason in expected), now


@pytest.mark.parametrize("after", CUTS)
@pytest.mark.parametrize("garbage", [bytes(64), b"\xff" * 64, b"\x30\x84\x7f\xff\xff\xff" * 9])
def test_a_controller_that_ends_in_garbage_is_a_gap(behind: Behind, after: int, garbage: bytes):
    with behind(CONTROLLER.fqdn, 389, Fault(after=after, garbage=garbage)):
        found = searched(1.5)
    for now in found:
        assert isinstance(now, Answer) or now.reason in LOST | {Reason.AUTHENTICATION_FAILED}, now


def test_two_seconds_of_delay_cost_time_and_nothing_else(behind: Behind):
    """Two seconds for each piece there and back; the time for one request is longer."""
    asked = [questions.smb_server(LIBRARY), questions.listing(LIBRARY, SHARE, "ISOs")]
    with behind(LIBRARY, 445, Fault(delay=1)):
        server = FileServer(LIBRARY, KNOWN, Vault(), connect_seconds=10, request_seconds=10)
        found = server.answer(asked)
        server.close()
    assert [type(reply) for reply in found] == [Answer, Answer], found
    with behind(CONTROLLER.fqdn, 389, Fault(delay=1)):
        directory = Directory(KNOWN, Vault(), 10, 10)
        reply = directory.answer(questions.root_dse(DOMAIN))
        directory.close()
    assert isinstance(reply, Answer), reply


def read() -> Evidence:
    scope = lab_scope(WORLD)
    wire = Live(scope.domains)
    try:
        return collect(scope, wire)
    finally:
        wire.close()


def gaps(found: Evidence, server: str) -> dict[Question, Gap]:
    return {q: g for q, g in found.gaps.items() if q.server == server}


def test_a_library_killed_in_mid_walk_costs_its_own_gaps(lab: Lab, behind: Behind):
    whole = read()
    with behind(LIBRARY, 445, Fault(after=4000, gone=True)):
        found = read()
    assert gaps(found, LIBRARY)
    assert {gap.reason for gap in gaps(found, LIBRARY).values()} <= {
        *LOST, Reason.NOT_SUPPORTED, Reason.NOT_ASKED
    }  # fmt: skip
    other = f"library02.{DOMAIN}"
    assert gaps(found, other).keys() == gaps(whole, other).keys()
    assert gaps(found, DOMAIN).keys() == gaps(whole, DOMAIN).keys()
    judged = judge(found, lab_scope(WORLD))
    ready = {p.share.split("\\")[2].lower(): set() for p in judged.readiness}
    for pair in judged.readiness:
        ready[pair.share.split("\\")[2].lower()].add(pair.ready)
    assert Ternary.YES not in ready[LIBRARY]
    assert ready[other] == {Ternary.YES}


def test_a_ticket_that_runs_out_in_mid_run(lab: Lab, tmp_path: Path):
    """The KDC of the lab gives no ticket that is of use and short, so an old one is put there."""
    apply(lab, WORLD)
    log_on(lab, "auditadmin")
    mine, old = tmp_path / "mine", tmp_path / "old"
    shutil.copy(lab.ccache("auditadmin"), mine)
    subprocess.run(
        ["kinit", "-c", old, "-l", "1s", f"auditadmin@{DOMAIN.upper()}"],
        input=lab.password("auditadmin"), text=True, check=True, capture_output=True,
    )  # fmt: skip
    os.environ["KRB5CCNAME"] = f"FILE:{mine}"
    wire = Live((KNOWN,))
    try:
        asked = [questions.smb_server(LIBRARY), questions.listing(LIBRARY, SHARE, "")]
        before = wire.ask([*asked, questions.root_dse(DOMAIN)])
        assert [type(reply) for reply in before] == [Answer] * 3, before
        time.sleep(2)
        shutil.copy(old, mine)
        other = f"library02.{DOMAIN}"
        replies = wire.ask([questions.smb_server(other), questions.listing(other, SHARE, "")])
        again = wire.ask([*asked, questions.domain_object(DOMAIN)])
    finally:
        wire.close()
        log_on(lab, "auditadmin")
    for reply in replies:
        assert isinstance(reply, Gap)
        assert (reply.reason, "expired" in reply.text) == (Reason.CREDENTIALS_EXPIRED, True)
    assert [type(reply) for reply in again] == [Answer] * 3, "who is logged on stays so"


LONG = "ä" * 100 + "x" * 50 + ".iso"
"""254 bytes as Samba stores it; Windows counts 255 characters."""
NAMES = (
    LONG,
    "n" * 251 + ".iso",
    "Prüfung ß €.iso",
    "\N{GRINNING FACE}\N{MUSICAL SYMBOL G CLEF}.iso",
    "  leading and trailing .iso",
    "a.ISO",
    "#%&{}$!'@+`=~[];,.iso",
    "e\u0301 combined.iso",
    "\u202egnp.iso",
)


def test_names_at_every_limit(lab: Lab):
    """Long names, deep folders, umlauts, pairs of surrogates, what looks like something else."""
    good = WORLD
    folders = [f"Ordner {level:02} " + "ü" * 30 for level in range(24)]
    deep = ["\\".join(folders[: level + 1]) for level in range(len(folders))]
    items = [worlds.Item(path, FOLDER_ACL) for path in deep]
    items += [worlds.Item(rf"{deep[-1]}\{name}", worlds.FILE_ACL, size=1) for name in NAMES]
    share = good.library("LIBRARY01").shares[0]
    world = good.with_share("LIBRARY01", SHARE, items=(*share.items, *items))
    apply(lab, world)
    log_on(lab, "auditadmin")
    try:
        found, scope = read(), lab_scope(world)
    finally:
        apply(lab, WORLD)
    assert not [q for q in found.gaps if q.kind in (questions.LIST, questions.DESCRIPTOR)]
    read_paths = {q.detail[1] for q in found.answers if q.kind == questions.DESCRIPTOR}
    assert {rf"{deep[-1]}\{name}" for name in NAMES} <= read_paths
    assert len(deep[-1]) > 900
    judged = judge(found, scope)
    assert {pair.ready for pair in judged.readiness} == {Ternary.YES}


COUNT = 100_000


def test_a_hundred_thousand_files_in_a_folder(lab: Lab):
    """All of them, and none twice."""
    share = WORLD.library("LIBRARY01").shares[0]
    items = (*share.items, worlds.Item("Viele", FOLDER_ACL))
    apply(lab, WORLD.with_share("LIBRARY01", SHARE, items=items))
    log_on(lab, "auditadmin")
    folder = MACHINES["library01"].home / "shares" / SHARE / "Viele"
    try:
        for number in range(COUNT):
            (folder / f"{number:06}.iso").touch()
        server = FileServer(LIBRARY, KNOWN, Vault())
        (reply,) = server.answer([questions.listing(LIBRARY, SHARE, "Viele")])
        server.close()
        assert isinstance(reply, Answer), reply
        listed = [
            entry.name
            for buffer in reply.rows[0].values["entries"]
            for entry in decode_entries(buffer)
            if entry.name not in (".", "..")
        ]
    finally:
        shutil.rmtree(folder)
        apply(lab, WORLD)
    assert len(listed) == COUNT
    assert set(listed) == {f"{number:06}.iso" for number in range(COUNT)}
