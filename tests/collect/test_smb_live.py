"""A real Samba member asked for everything: what it says is what was put there."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests import worlds
from tests.lab import descriptors
from tests.lab.apply import apply
from tests.lab.directory import known_sids
from tests.lab.lab import Lab
from tests.worlds import ALLOW, DENY, FULL, READ, SHARE, Ace, Descriptor, Item
from vmmaudit import questions
from vmmaudit.collect.credentials import Vault
from vmmaudit.collect.smb import FileServer, messages
from vmmaudit.evidence import Answer, Gap, Question, Reason
from vmmaudit.scope import Domain
from vmmaudit.windows import file_information, samr, smb1, srvsvc
from vmmaudit.windows.sid import sid_from_bytes

pytestmark = pytest.mark.live

SERVER = "library01.contoso.com"
OTHER = "library02.contoso.com"
FOLDER_ACL = worlds.conforming().library("LIBRARY01").shares[0].items[0].descriptor
Ask = Callable[..., FileServer]
Change = Callable[[bytes, bytes], tuple[bytes, bytes]]


@pytest.fixture
def ask(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ask]:
    """Makes a file server that is asked as somebody; all of them are closed in the end."""
    made: list[FileServer] = []

    def make(who: str = "auditadmin", server: str = SERVER, **options: Any) -> FileServer:
        auth = options.pop("auth", {"secret": "ccache"})
        if who:
            monkeypatch.setenv("KRB5CCNAME", f"FILE:{lab.ccache(who)}")
        given = {"name": "contoso.com", "auth": auth, "transport": "ldaps"}
        domain = Domain.model_validate(given)
        made.append(FileServer(server, domain, Vault(), **options))
        return made[-1]

    yield make
    for server in made:
        server.close()


def value(reply: Answer | Gap, key: str) -> bytes:
    assert isinstance(reply, Answer), reply
    found = reply.rows[0].first(key)
    assert found is not None
    return found


def gap(reply: Answer | Gap, reason: Reason, *words: str) -> Gap:
    assert isinstance(reply, Gap), reply
    assert reply.reason is reason, reply
    assert reply.at is not None
    assert reply.text.endswith(".")
    for word in words:
        assert word in reply.text
    return reply


def names(reply: Answer | Gap) -> list[str]:
    assert isinstance(reply, Answer), reply
    return [
        entry.name
        for buffer in reply.rows[0].values["entries"]
        for entry in file_information.decode_entries(buffer)
        if entry.name not in (".", "..")
    ]


def packed(lab: Lab, of: Descriptor) -> bytes:
    sids = known_sids(lab)
    return descriptors.pack(of, lambda name: worlds.WELL_KNOWN.get(name) or sids[name])


# -- what is read -----------------------------------------------------------------------------


def test_the_server_itself(lab: Lab, ask: Ask):
    settings, clock = ask().answer([questions.smb_server(SERVER), questions.clock(SERVER)])
    assert value(settings, "dialect") == b"3.1.1"
    assert value(settings, "signing") in (b"enabled", b"required")
    assert len(value(settings, "guid")) == 36
    assert isinstance(settings, Answer)
    assert settings.source == SERVER
    told = srvsvc.decode_time(value(clock, "reply"))
    assert abs(told.elapsed - time.time()) < 5
    assert told.msecs == 0, "Samba does not tell; then nothing may be concluded"


def test_shares_and_their_descriptors(lab: Lab, ask: Ask):
    world = worlds.conforming()
    apply(lab, world)
    asked = [questions.shares(SERVER), questions.share(SERVER, SHARE)]
    listed, share = ask("auditor").answer(asked)
    found = {share.name: share for share in srvsvc.decode_shares(value(listed, "reply"))}
    assert found[SHARE].remark == world.library("LIBRARY01").shares[0].remark
    assert found["IPC$"].type & 0x80000000
    assert value(share, "level") == b"502"
    decoded = srvsvc.decode_share(value(share, "reply"), 502)
    assert decoded.descriptor == packed(lab, worlds.SHARE_ACL)
    assert decoded.path
    apply(lab, world.with_share("LIBRARY01", SHARE, descriptor=None))
    (share,) = ask("auditor").answer([questions.share(SERVER, SHARE)])
    assert value(share, "level") == b"502"
    apply(lab, world)


def test_a_share_that_is_missing(lab: Lab, ask: Ask):
    apply(lab, worlds.conforming())
    replies = ask().answer(
        [
            questions.share(SERVER, "nowhere"),
            questions.listing(SERVER, "nowhere", ""),
            questions.descriptor(SERVER, "nowhere", "x.iso"),
        ]
    )
    for reply in replies:
        gap(reply, Reason.NOT_FOUND, rf"\\{SERVER}\nowhere", "no such share")


def test_a_pipe_that_is_missing(lab: Lab, ask: Ask, monkeypatch: pytest.MonkeyPatch):
    nowhere = replace(samr.INTERFACE, pipe="nowhere")
    monkeypatch.setattr(samr, "INTERFACE", nowhere)
    (reply,) = ask().answer([questions.sam_domains(SERVER)])
    gap(reply, Reason.NOT_SUPPORTED, SERVER, "nowhere")


def test_another_interface_than_the_one_behind_the_pipe(
    lab: Lab, ask: Ask, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(samr, "INTERFACE", replace(srvsvc.INTERFACE, version=(9, 9)))
    (reply,) = ask().answer([questions.sam_domains(SERVER)])
    gap(reply, Reason.NOT_SUPPORTED, SERVER, "nca_s_unk_if")


def test_places_that_are_missing(lab: Lab, ask: Ask):
    apply(lab, worlds.conforming())
    folder, file, deep, no_folder, odd = ask().answer(
        [
            questions.listing(SERVER, SHARE, "nowhere"),
            questions.descriptor(SERVER, SHARE, "nowhere.iso"),
            questions.descriptor(SERVER, SHARE, r"nowhere\x.iso"),
            questions.listing(SERVER, SHARE, worlds.ISO),
            questions.descriptor(SERVER, SHARE, "a\ud800b"),
        ]
    )
    gap(folder, Reason.NOT_FOUND, rf"\\{SERVER}\{SHARE.lower()}\nowhere")
    gap(file, Reason.NOT_FOUND, "does not exist")
    gap(deep, Reason.NOT_FOUND, "above it")
    gap(no_folder, Reason.NOT_FOUND, "not a folder")
    assert isinstance(odd, Gap)


def random_world(count: int) -> tuple[worlds.World, dict[str, Descriptor]]:
    """A world with many files, each with a descriptor of its own; service.vmm may read them."""
    chance = random.Random(20261123)  # noqa: S311
    trustees = ["HYPER01", "GG_HyperV_Hosts", "Everyone", "OWNER RIGHTS", "CREATOR OWNER", "Orphan"]
    found = {}
    for number in range(count):
        aces = tuple(
            Ace(
                chance.choice(trustees),
                chance.choice((READ, FULL, 0x1, 0x120000)),
                chance.choice((ALLOW, ALLOW, DENY)),
                chance.choice((0, worlds.INHERITED, worlds.INHERIT_ONLY | worlds.BOTH)),
            )
            for _ in range(chance.randrange(6))
        )
        found[rf"Many\Datei_{number:04}_ä.iso"] = Descriptor(
            (Ace(r"BUILTIN\Administrators", FULL), *aces), protected=chance.random() < 0.5
        )
    good = worlds.conforming()
    share = good.library("LIBRARY01").shares[0]
    items = [Item(path, acl, size=1) for path, acl in found.items()]
    many = (*share.items, Item("Many", FOLDER_ACL), *items)
    return good.with_share("LIBRARY01", SHARE, items=many), found


def test_many_files_in_several_buffers(lab: Lab, ask: Ask):
    world, expected = random_world(1_500)
    apply(lab, world)
    server = ask()
    (listed,) = server.answer([questions.listing(SERVER, SHARE, "Many")])
    assert isinstance(listed, Answer)
    assert len(listed.rows[0].values["entries"]) > 2
    assert sorted(names(listed)) == sorted(path.partition("\\")[2] for path in expected)
    asked = [questions.descriptor(SERVER, SHARE, path) for path in expected]
    random.Random(1).shuffle(asked)  # noqa: S311
    replies = server.answer(asked)
    sids = known_sids(lab)
    for question, reply in zip(asked, replies, strict=True):
        path = question.detail[1]
        wanted = descriptors.pack(expected[path], lambda n: worlds.WELL_KNOWN.get(n) or sids[n])
        assert value(reply, "descriptor") == wanted, path


def test_null_and_empty_lists_arrive_as_they_are(lab: Lab, ask: Ask):
    for aces in (None, (Ace(r"BUILTIN\Administrators", READ),)):
        changed = Descriptor(aces)
        apply(
            lab,
            worlds.conforming().with_item("LIBRARY01", SHARE, worlds.ISO, descriptor=changed),
        )
        (reply,) = ask().answer([questions.descriptor(SERVER, SHARE, worlds.ISO)])
        assert value(reply, "descriptor") == packed(lab, changed)


def test_the_right_to_read_permissions_is_enough(lab: Lab, ask: Ask):
    only = Descriptor((Ace("service.vmm", messages.READ_CONTROL),))
    apply(lab, worlds.conforming().with_item("LIBRARY01", SHARE, worlds.ISO, descriptor=only))
    (reply,) = ask("service.vmm").answer([questions.descriptor(SERVER, SHARE, worlds.ISO)])
    assert value(reply, "descriptor") == packed(lab, only)


def test_a_folder_that_is_closed_costs_its_own_gap(lab: Lab, ask: Ask):
    good = worlds.conforming()
    closed = Descriptor((Ace("service.vmm", FULL, DENY), *(FOLDER_ACL.aces or ())))
    share = good.library("LIBRARY01").shares[0]
    paths = [f"Folder {number}" for number in range(30)]
    folders = [Item(p, closed if p.endswith(" 7") else FOLDER_ACL) for p in paths]
    apply(lab, good.with_share("LIBRARY01", SHARE, items=(*share.items, *folders)))
    asked = [
        question
        for path in paths
        for question in (
            questions.listing(SERVER, SHARE, path),
            questions.descriptor(SERVER, SHARE, path),
        )
    ]
    replies = ask("service.vmm").answer(asked)
    for question, reply in zip(asked, replies, strict=True):
        if question.detail[1] == "Folder 7":
            gap(reply, Reason.ACCESS_DENIED, rf"\\{SERVER}\{SHARE.lower()}\Folder 7")
        elif question.kind == questions.LIST:
            assert names(reply) == []
        else:
            assert value(reply, "descriptor") == packed(lab, FOLDER_ACL)


def test_a_share_that_is_closed(lab: Lab, ask: Ask):
    apply(lab, worlds.conforming())
    (reply,) = ask("auditor").answer([questions.listing(SERVER, SHARE, "")])
    gap(reply, Reason.ACCESS_DENIED, "permissions of the share")


def test_local_groups(lab: Lab, ask: Ask):
    world = worlds.conforming()
    library = world.library("LIBRARY01")
    readers = worlds.Alias("Leser für ISOs", ("HYPER01", "GG_HyperV_Hosts"))
    apply(lab, world.with_library("LIBRARY01", aliases=(*library.aliases, readers)))
    server = ask("auditor")
    (found,) = server.answer([questions.sam_domains(SERVER)])
    assert isinstance(found, Answer)
    domains = {row.name: sid_from_bytes(row.first("sid") or b"") for row in found.rows}
    assert domains.pop("Builtin") == "S-1-5-32"
    ((name, own),) = domains.items()
    assert name == "LIBRARY01"
    assert own.startswith("S-1-5-21-")
    builtin, local = server.answer([questions.aliases(SERVER, sid) for sid in ("S-1-5-32", own)])
    assert dict(samr.decode_aliases(value(builtin, "reply")))[544] == "Administrators"
    (rid,) = (r for r, n in samr.decode_aliases(value(local, "reply")) if n == readers.name)
    asked = [questions.members(SERVER, sid) for sid in ("S-1-5-32-544", f"{own}-{rid}")]
    administrators, members = server.answer(asked)
    assert f"{lab.sid}-512" in samr.decode_members(value(administrators, "reply"))
    expected = {lab.sid_of("HYPER01$"), lab.sid_of("GG_HyperV_Hosts")}
    assert set(samr.decode_members(value(members, "reply"))) == expected
    missing, elsewhere = server.answer(
        [questions.members(SERVER, "S-1-5-32-999"), questions.aliases(SERVER, "S-1-5-21-1-2-3")]
    )
    gap(missing, Reason.NOT_FOUND, "S-1-5-32-999")
    gap(elsewhere, Reason.NOT_FOUND, "no such account domain")
    apply(lab, world)


# -- logons -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("protocol", "user"),
    [
        ("negotiate", "auditor@CONTOSO.COM"),
        ("kerberos", "auditor@CONTOSO.COM"),
        ("simple", "auditor@CONTOSO.COM"),
        ("ntlm", r"CONTOSO\auditor"),
    ],
)
def test_logon_by_name_and_password(
    lab: Lab, ask: Ask, monkeypatch: pytest.MonkeyPatch, protocol: str, user: str
):
    monkeypatch.setenv("KRB5CCNAME", "FILE:/nonexistent/cache")
    monkeypatch.setenv("RIGHT", lab.password("auditor"))
    monkeypatch.setenv("WRONG", "wrong" + lab.password("auditor"))
    auth = {"protocol": protocol, "user": user, "secret": "env:RIGHT"}
    (reply,) = ask("", auth=auth).answer([questions.clock(SERVER)])
    assert isinstance(reply, Answer), reply
    server = ask("", auth={**auth, "secret": "env:WRONG"})
    begun = time.monotonic()
    for reply in server.answer([questions.clock(SERVER)] * 1_000):
        found = gap(reply, Reason.AUTHENTICATION_FAILED, SERVER, "password is wrong")
        assert lab.password("auditor") not in found.text
    assert time.monotonic() - begun < 5, "one logon, not a thousand: accounts lock"


def test_without_a_ticket(ask: Ask, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KRB5CCNAME", "FILE:/nonexistent/cache")
    for auth in ("ccache", "sso", {"protocol": "kerberos"}):
        (reply,) = ask("", auth=auth).answer([questions.smb_server(SERVER)])
        gap(reply, Reason.AUTHENTICATION_FAILED, SERVER, "kinit")


def test_negotiate_never_ends_in_ntlm(lab: Lab, ask: Ask, monkeypatch: pytest.MonkeyPatch):
    """By address there is no Kerberos; NTLM with this password would work."""
    monkeypatch.setenv("RIGHT", lab.password("auditor"))
    auth = {"user": "auditor@CONTOSO.COM", "secret": "env:RIGHT"}
    address = lab.machines["library01"].address
    (reply,) = ask("", address, auth=auth).answer([questions.smb_server(address)])
    gap(reply, Reason.NO_SERVICE_PRINCIPAL, "service principal name", address)
    ntlm = {**auth, "protocol": "ntlm"}
    (reply,) = ask("", address, auth=ntlm).answer([questions.smb_server(address)])
    assert isinstance(reply, Answer), reply


# -- servers that go away ---------------------------------------------------------------------


def test_a_server_that_is_down_and_comes_back(lab: Lab, ask: Ask):
    apply(lab, worlds.conforming())
    asked = [questions.listing(OTHER, SHARE, ""), questions.sam_domains(OTHER)]
    server = ask("service.vmm", OTHER)
    assert all(isinstance(reply, Answer) for reply in server.answer(asked))
    lab.stop("library02")
    lab.start("library02")
    replies = server.answer(asked)
    assert all(isinstance(reply, Answer) for reply in replies), "the session is opened again"
    lab.stop("library02")
    try:
        for reply in server.answer(asked):
            gap(reply, Reason.UNREACHABLE, OTHER, "445")
        for reply in ask("service.vmm", OTHER).answer(asked):
            gap(reply, Reason.UNREACHABLE, OTHER, "refuses connections")
    finally:
        lab.start("library02")


def test_a_server_that_stops_in_the_middle(lab: Lab, ask: Ask):
    apply(lab, worlds.conforming())
    server = ask("service.vmm", OTHER)
    asked = [questions.listing(OTHER, SHARE, "")] * 3_000
    stopper = threading.Timer(0.5, lab.stop, ["library02"])
    stopper.start()
    try:
        replies = server.answer(asked)
    finally:
        stopper.join()
        lab.start("library02")
    kinds = [isinstance(reply, Answer) for reply in replies]
    assert kinds == sorted(kinds, reverse=True), "answers first, then gaps only"
    assert len(replies) == len(asked)
    if not all(kinds):
        gap(replies[-1], Reason.UNREACHABLE, OTHER)


def test_close_interrupts_what_is_running(lab: Lab, ask: Ask):
    apply(lab, worlds.conforming())
    server = ask("service.vmm")
    server.answer([questions.smb_server(SERVER)])  # logged on before the clock runs
    stopper = threading.Timer(0.4, server.close)
    stopper.start()
    begun = time.monotonic()
    replies = server.answer([questions.listing(SERVER, SHARE, "")] * 20_000)
    stopper.join()
    assert time.monotonic() - begun < 5
    assert isinstance(replies[0], Answer)
    gap(replies[-1], Reason.INTERRUPTED)


def test_a_dfs_link_is_named_and_not_followed(lab: Lab, ask: Ask):
    apply(lab, worlds.conforming())
    machine = lab.machines["library02"]
    conf, link = machine.home / "etc/shares.conf", machine.home / "shares" / SHARE / "link"
    original = conf.read_text(encoding="utf-8")
    try:
        conf.write_text(f"{original}    msdfs root = yes\n", encoding="utf-8")
        link.symlink_to(rf"msdfs:{SERVER}\{SHARE}")
        lab.reload("library02")
        root, listed, described = ask("auditadmin", OTHER).answer(
            [
                questions.listing(OTHER, SHARE, ""),
                questions.listing(OTHER, SHARE, "link"),
                questions.descriptor(OTHER, SHARE, r"link\ISOs"),
            ]
        )
    finally:
        link.unlink()
        conf.write_text(original, encoding="utf-8")
        lab.reload("library02")
    assert isinstance(root, Answer)
    entries = {
        entry.name: entry
        for buffer in root.rows[0].values["entries"]
        for entry in file_information.decode_entries(buffer)
    }
    assert entries["link"].is_reparse_point
    gap(listed, Reason.NOT_SUPPORTED, "DFS", rf"\\{OTHER}")
    gap(described, Reason.NOT_SUPPORTED, "DFS", rf"\\{OTHER}")


@contextlib.contextmanager
def set_to(lab: Lab, setting: str) -> Iterator[None]:
    """The other library's Samba, restarted with this in its configuration."""
    conf = lab.machines["library02"].home / "etc/smb.conf"
    original = conf.read_text(encoding="utf-8")

    def restart(text: str) -> None:
        conf.write_text(text, encoding="utf-8")
        lab.stop("library02")
        lab.start("library02")

    restart(original.replace("[global]", f"[global]\n{setting}", 1))
    try:
        yield
    finally:
        restart(original)


@pytest.mark.parametrize(
    ("setting", "dialect"),
    [
        ("server max protocol = SMB2_02", b"2.0.2"),
        ("server max protocol = SMB3_00", b"3.0.0"),
        ("smb encrypt = required", b"3.1.1"),
        ("server signing = mandatory\nsmb2 max credits = 32", b"3.1.1"),
    ],
)
def test_old_strict_and_stingy_servers(lab: Lab, ask: Ask, setting: str, dialect: bytes):
    apply(lab, worlds.conforming())
    with set_to(lab, setting):
        settings, *replies = ask("auditadmin", OTHER).answer(
            [
                questions.smb_server(OTHER),
                questions.sam_domains(OTHER),
                *[questions.descriptor(OTHER, SHARE, "")] * 200,
                *[questions.listing(OTHER, SHARE, "")] * 50,
            ]
        )
    assert value(settings, "dialect") == dialect
    assert all(isinstance(reply, Answer) for reply in replies), replies
    required = b"required" if "mandatory" in setting else b"enabled"
    assert value(settings, "signing") == required


@pytest.mark.parametrize(
    ("setting", "speaks"),
    [
        ("", False),
        ("server min protocol = NT1", True),
        ("server min protocol = LANMAN1", True),
        ("server min protocol = SMB3_11", False),
        ("server min protocol = NT1\nserver max protocol = NT1", True),
    ],
)
def test_whether_it_speaks_smb_1(lab: Lab, ask: Ask, setting: str, speaks: bool):
    """Samba plays both, and says no in words; one that speaks nothing else is told all the same."""
    with set_to(lab, setting):
        legacy, settings = ask("auditor", OTHER).answer(
            [questions.legacy_smb(OTHER), questions.smb_server(OTHER)]
        )
    assert smb1.decode_reply(value(legacy, "reply")) is speaks
    assert isinstance(settings, Gap if "max" in setting else Answer)


def test_it_takes_no_account_to_know_whether_it_speaks_smb_1(ask: Ask):
    auth = {"user": "nobody@contoso.com", "secret": "env:NOT_SET"}
    legacy, settings = ask("", SERVER, auth=auth).answer(
        [questions.legacy_smb(SERVER), questions.smb_server(SERVER)]
    )
    assert not smb1.decode_reply(value(legacy, "reply"))
    assert isinstance(settings, Gap)


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_server_whose_credits_are_used_up_at_once(lab: Lab, ask: Ask, most: int):
    """A file takes three; a call over a pipe takes one after the other."""
    apply(lab, worlds.conforming())
    files = [
        *[questions.descriptor(OTHER, SHARE, "")] * 20,
        *[questions.listing(OTHER, SHARE, "")] * 20,
    ]
    calls = [questions.sam_domains(OTHER), questions.shares(OTHER)]
    with set_to(lab, f"smb2 max credits = {most}"):
        began = time.monotonic()
        replies = ask("auditadmin", OTHER, request_seconds=5).answer([*files, *calls])
        assert time.monotonic() - began < 60
    assert all(isinstance(reply, Answer) for reply in replies[-len(calls) :]), replies
    for reply in replies[: len(files)]:
        if most < 3:
            gap(reply, Reason.INCOMPLETE, "SMB credits", OTHER)
        else:
            assert isinstance(reply, Answer), reply


# -- somebody in between ----------------------------------------------------------------------


def forwarding(client: socket.socket, upstream: socket.socket, change: Change) -> None:
    """Hand packets on both ways; `change` sees each reply to QUERY_INFO or QUERY_DIRECTORY."""

    def exactly(source: socket.socket, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = source.recv(count - len(data))
            if not part:
                raise ConnectionResetError
            data += part
        return data

    def run(source: socket.socket, target: socket.socket, replies: bool) -> None:
        with contextlib.suppress(OSError):
            while True:
                head = exactly(source, 4)
                body = exactly(source, int.from_bytes(head, "big"))
                if replies and body[12] == 5 and int.from_bytes(body[20:24], "little"):
                    head, body = change(head, body)  # a compound that begins with CREATE
                target.sendall(head + body)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    for job in ((client, upstream, False), (upstream, client, True)):
        threading.Thread(target=run, args=job, daemon=True).start()


def flipped(head: bytes, body: bytes) -> tuple[bytes, bytes]:
    """One bit of the second reply, in its data."""
    place = int.from_bytes(body[20:24], "little") + 64 + 40
    return head, body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]


def unsigned(head: bytes, body: bytes) -> tuple[bytes, bytes]:
    """The same, and no reply is marked as signed any more."""
    changed, start = bytearray(flipped(head, body)[1]), 0
    while True:
        changed[start + 16] &= ~0x08
        changed[start + 48 : start + 64] = bytes(16)
        step = int.from_bytes(changed[start + 20 : start + 24], "little")
        if not step:
            return head, bytes(changed)
        start += step


def shortened(head: bytes, body: bytes) -> tuple[bytes, bytes]:
    return (70).to_bytes(4, "big"), body[:70]


def endless(_: bytes, body: bytes) -> tuple[bytes, bytes]:
    return b"\0\xff\xff\xff", body


def enormous(_: bytes, body: bytes) -> tuple[bytes, bytes]:
    return b"\xff\xff\xff\xff", body


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (flipped, Reason.SIGNING_REQUIRED),
        (unsigned, Reason.SIGNING_REQUIRED),
        (shortened, Reason.SIGNING_REQUIRED),
        (enormous, Reason.MALFORMED_REPLY),
        (endless, Reason.TIMEOUT),
    ],
)
def test_changed_replies_are_not_believed(
    lab: Lab, ask: Ask, monkeypatch: pytest.MonkeyPatch, change: Change, reason: Reason
):
    apply(lab, worlds.conforming())
    connect = socket.create_connection
    opened: list[socket.socket] = []

    def through_us(address: tuple[str, int], *rest: Any, **more: Any) -> socket.socket:
        upstream = connect(address, *rest, **more)
        upstream.settimeout(None)
        ours, theirs = socket.socketpair()
        opened.extend((upstream, theirs))
        forwarding(theirs, upstream, change)
        return ours

    monkeypatch.setattr("smbprotocol.transport.socket.create_connection", through_us)
    asked = [
        questions.smb_server(SERVER),
        questions.clock(SERVER),
        questions.descriptor(SERVER, SHARE, worlds.ISO),
        questions.listing(SERVER, SHARE, ""),
    ]
    server = ask(request_seconds=0.5)
    settings, clock, descriptor, listed = server.answer(asked)
    assert isinstance(settings, Answer)
    assert isinstance(clock, Answer)
    gap(descriptor, reason, SERVER)
    gap(listed, reason, SERVER)
    server.close()
    for end in opened:
        end.close()


# -- nothing is written -----------------------------------------------------------------------

EVERYTHING = [
    questions.smb_server(SERVER),
    questions.shares(SERVER),
    questions.share(SERVER, SHARE),
    questions.share(SERVER, "nowhere"),
    questions.clock(SERVER),
    questions.sam_domains(SERVER),
    questions.aliases(SERVER, "S-1-5-32"),
    questions.members(SERVER, "S-1-5-32-544"),
    questions.listing(SERVER, SHARE, ""),
    questions.listing(SERVER, SHARE, "ISOs"),
    questions.descriptor(SERVER, SHARE, ""),
    questions.descriptor(SERVER, SHARE, worlds.ISO),
]


def test_every_request_only_reads(lab: Lab, ask: Ask, monkeypatch: pytest.MonkeyPatch):
    from smbprotocol.connection import Commands
    from smbprotocol.open import SMB2CreateRequest

    from vmmaudit.collect.smb.connection import StrictConnection

    apply(lab, worlds.conforming())
    sent: list[Any] = []
    send = StrictConnection._send

    def recording(self: StrictConnection, messages: list[Any], *rest: Any, **more: Any) -> Any:
        sent.extend((message.COMMAND, message.pack()) for message in messages)
        return send(self, messages, *rest, **more)

    monkeypatch.setattr(StrictConnection, "_send", recording)
    server = ask()
    server.answer(EVERYTHING)
    server.close()
    assert {command for command, _ in sent} <= {
        Commands.SMB2_NEGOTIATE,
        Commands.SMB2_SESSION_SETUP,
        Commands.SMB2_LOGOFF,
        Commands.SMB2_TREE_CONNECT,
        Commands.SMB2_TREE_DISCONNECT,
        Commands.SMB2_ECHO,
        Commands.SMB2_CREATE,
        Commands.SMB2_CLOSE,
        Commands.SMB2_QUERY_INFO,
        Commands.SMB2_QUERY_DIRECTORY,
        Commands.SMB2_IOCTL,
        Commands.SMB2_READ,
    }
    opened = 0
    for command, data in sent:
        if command != Commands.SMB2_CREATE:
            continue
        create = SMB2CreateRequest()
        create.unpack(data)
        access = create["desired_access"].get_value()
        if create["buffer_path"].get_value().decode("utf-16-le") in ("srvsvc", "samr"):
            assert access == messages.READ_DATA_AND_WRITE_DATA
        else:
            opened += 1
            assert access & ~0x00120081 == 0
        assert create["create_disposition"].get_value() == 1
        assert create["create_options"].get_value() & ~0x00200001 == 0
    assert opened == 4


def test_handles_are_given_back(lab: Lab, ask: Ask):
    def sessions() -> set[str]:
        shown = lab.run("library01", ["smbstatus", "--processes"]).stdout.splitlines()
        return {line.split()[0] for line in shown if "auditadmin" in line}

    apply(lab, worlds.conforming())
    before = sessions()
    server = ask()
    server.answer(EVERYTHING)
    assert sessions() - before
    assert "ISOs" not in lab.run("library01", ["smbstatus", "--locks"]).stdout
    server.close()
    end = time.monotonic() + 5
    while sessions() - before and time.monotonic() < end:
        time.sleep(0.05)
    assert not sessions() - before


def test_replies_keep_the_order_of_questions(lab: Lab, ask: Ask):
    apply(lab, worlds.conforming())
    asked: list[Question] = EVERYTHING * 5
    random.Random(5).shuffle(asked)  # noqa: S311
    for question, reply in zip(asked, ask(window=3).answer(asked), strict=True):
        if question == questions.share(SERVER, "nowhere"):
            assert isinstance(reply, Gap)
            continue
        assert isinstance(reply, Answer), (question, reply)
        keys = {key for row in reply.rows for key in row.values}
        expected = {
            questions.SERVER: {"dialect", "signing", "guid"},
            questions.SHARE: {"level", "reply"},
            questions.SAM_DOMAIN: {"sid"},
            questions.LIST: {"entries"},
            questions.DESCRIPTOR: {"descriptor"},
        }
        assert keys == expected.get(question.kind, {"reply"})
