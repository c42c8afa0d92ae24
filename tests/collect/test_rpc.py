"""Calls over a pipe that is made up: fragments, refusals, and servers that misbehave."""

import struct
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import stubs
from tests.windows.test_ndr_dcerpc import BIND_ACK, NO_SUCH_INTERFACE, NO_SUCH_OPERATION
from vmmaudit.collect import rpc
from vmmaudit.errors import FormatError
from vmmaudit.windows import dcerpc, samr, srvsvc

DOMAIN = "S-1-5-21-1-2-3"
HANDLE = bytes(range(20))


def response(call: int, stub: bytes, flags: int = 3) -> bytes:
    head = struct.pack("<BBBBIHHI", 5, 0, 2, flags, 0x10, 24 + len(stub), 0, call)
    return head + struct.pack("<IHH", len(stub), 0, 0) + stub


def fault(call: int, status: int) -> bytes:
    head = struct.pack("<BBBBIHHI", 5, 0, 3, 3, 0x10, 32, 0, call)
    return head + struct.pack("<IHHII", 0, 0, 0, status, 0)


class MadeUpPipe:
    """Binds, then hands out what the script gives for each request, in pieces of any size."""

    def __init__(
        self, script: Callable[[int, int, bytes], bytes], piece: int = 65_536, ack: bytes = BIND_ACK
    ) -> None:
        self.script = script
        self.piece = piece
        self.ack = ack
        self.waiting = b""
        self.written = b""
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written += data[24:]

    def transceive(self, data: bytes) -> bytes:
        if data[2] == 11:
            self.waiting = self.ack
        else:
            call, operation = struct.unpack_from("<I", data, 12)[0], data[22]
            stub, self.written = self.written + data[24:], b""
            self.waiting = self.script(call, operation, stub)
        return self.read()

    def read(self) -> bytes:
        part, self.waiting = self.waiting[: self.piece], self.waiting[self.piece :]
        return part

    def close(self) -> None:
        self.closed = True


def bound(
    script: Callable[[int, int, bytes], bytes], piece: int = 65_536
) -> tuple[rpc.Client, MadeUpPipe]:
    pipe = MadeUpPipe(script, piece)
    return rpc.Client(pipe, srvsvc.INTERFACE), pipe


@given(st.binary(max_size=400), st.integers(1, 60), st.integers(1, 50))
def test_a_reply_is_put_together(stub: bytes, piece: int, fragment: int):
    parts = [stub[i : i + fragment] for i in range(0, len(stub), fragment)] or [b""]

    def script(call: int, operation: int, _: bytes) -> bytes:
        assert operation == 15
        return b"".join(
            response(call, part, (i == 0) | (i == len(parts) - 1) << 1)
            for i, part in enumerate(parts)
        )

    client, _ = bound(script, piece)
    assert client.call(15, b"x") == stub
    assert client.call(15, b"y") == stub


def test_a_long_request_goes_out_in_fragments():
    seen = []

    def script(call: int, _: int, stub: bytes) -> bytes:
        seen.append(stub)
        return response(call, b"ok")

    client, _ = bound(script)
    long = bytes(10_000)
    assert client.call(16, long) == b"ok"
    assert seen == [long]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (lambda call: b"", "gives nothing more"),
        (lambda call: b"HTTP/1.1 400 Bad Request", "version 72.84"),
        (lambda call: response(call + 1, b""), "call 3 instead of 2"),
        (lambda call: response(call, b"", flags=2), "not the fragment that is due"),
        (lambda call: response(call, b"a", 1) * 2, "not the fragment that is due"),
        (lambda call: response(call, b"", flags=3)[:20], "gives nothing more"),
        (lambda call: BIND_ACK[:12] + struct.pack("<I", call) + BIND_ACK[16:], "not the fragment"),
    ],
)
def test_replies_that_are_none(answer: Callable[[int], bytes], problem: str):
    client, _ = bound(lambda call, _, stub: answer(call))
    with pytest.raises(FormatError, match=problem):
        client.call(1, b"")


@pytest.mark.parametrize("most", [b"", bytes(4000)])
def test_a_reply_that_never_ends(most: bytes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rpc, "MOST_BYTES", 100_000)
    monkeypatch.setattr(rpc, "_MOST_ROUNDS", 1_000)

    class Endless(MadeUpPipe):
        def read(self) -> bytes:
            return super().read() or response(2, most, 0)

    pipe = Endless(lambda call, _, stub: response(call, b"", 1))
    client = rpc.Client(pipe, srvsvc.INTERFACE)
    with pytest.raises(FormatError, match="does not end"):
        client.call(1, b"")


def test_a_refused_call_and_one_that_does_not_exist():
    client, _ = bound(lambda call, _, stub: fault(call, 5))
    with pytest.raises(rpc.FaultError) as caught:
        client.call(1, b"")
    assert caught.value.status == 5
    client, _ = bound(lambda call, _, stub: NO_SUCH_OPERATION)
    with pytest.raises(rpc.FaultError, match="0x1C010002"):
        client.call(1, b"")


@pytest.mark.parametrize("ack", [NO_SUCH_INTERFACE, fault(1, 5), BIND_ACK[:30], b"junk" * 10])
def test_a_refused_bind_gives_the_pipe_back(ack: bytes):
    pipe = MadeUpPipe(lambda call, _, stub: b"", ack=ack)
    with pytest.raises((rpc.FaultError, FormatError)):
        rpc.server_service(lambda name: pipe, "srv")
    assert pipe.closed


# -- the server service -----------------------------------------------------------------------


def shares(script: Callable[[int, int, bytes], bytes]) -> rpc.ServerService:
    return rpc.server_service(lambda name: MadeUpPipe(script), "srv")


def test_the_share_falls_back_to_level_1():
    asked = []

    def script(call: int, _: int, stub: bytes) -> bytes:
        level = int.from_bytes(stub[-4:], "little")
        asked.append(level)
        if level in refused:
            return response(call, struct.pack("<IIII", level, 0, 0, refused[level]))
        return response(call, stubs.share_1("Library", ""))

    refused = {502: 5, 1501: 124}
    level, reply = shares(script).share("Library")
    assert level == 1
    assert asked == [502, 1501, 1]
    assert srvsvc.decode_share(reply, 1).name == "Library"


def test_another_refusal_of_the_share_is_no_reason_to_ask_again():
    asked = []

    def script(call: int, _: int, stub: bytes) -> bytes:
        asked.append(stub)
        return response(call, struct.pack("<IIII", 502, 0, 0, 2310))

    with pytest.raises(rpc.Win32Error, match="2310"):
        shares(script).share("Library")
    assert len(asked) == 1


def test_a_reply_without_a_status():
    with pytest.raises(FormatError, match="too short"):
        shares(lambda call, _, stub: response(call, b"")).time()


# -- the account database ---------------------------------------------------------------------


class Accounts:
    """A server that knows one domain with two aliases; remembers which handles are open."""

    def __init__(self, pages: int = 1, old: bool = False, refused: int = 0) -> None:
        self.pages = pages
        self.old = old
        self.refused = refused
        self.open: list[str] = []

    def __call__(self, call: int, operation: int, stub: bytes) -> bytes:
        return b"".join(self._reply(call, operation, stub))

    def _reply(self, call: int, operation: int, stub: bytes) -> Iterator[bytes]:
        if operation == samr.CONNECT5:
            if self.old:
                yield fault(call, 0x1C010002)
                return
            handle = bytes(20) if self.refused else HANDLE
            yield response(call, struct.pack("<IIII", 1, 1, 3, 0) + handle + self._status())
        elif operation in (samr.CONNECT2, samr.OPEN_DOMAIN):
            yield response(call, HANDLE + bytes(4))
        elif operation == samr.OPEN_ALIAS:
            rid = int.from_bytes(stub[24:28], "little")
            if rid == 999:
                yield response(call, bytes(20) + struct.pack("<I", 0xC0000151))
            else:
                self.open.append("alias")
                yield response(call, HANDLE + bytes(4))
        elif operation == samr.CLOSE_HANDLE:
            self.open.remove("alias")
            yield response(call, bytes(20) + bytes(4))
        elif operation == samr.ENUMERATE_DOMAINS:
            yield response(call, stubs.aliases([(0, "Builtin"), (1, "SRV")]))
        elif operation == samr.LOOKUP_DOMAIN:
            builtin = "Builtin".encode("utf-16-le") in stub
            sid = "S-1-5-32" if builtin else DOMAIN
            packed = stubs.members([sid])[16:]  # count and SID, as behind any pointer
            yield response(call, struct.pack("<I", 4) + packed)
        elif operation == samr.ENUMERATE_ALIASES:
            context = int.from_bytes(stub[20:24], "little") + 1
            page = bytearray(stubs.aliases([(1000 + context, f"Group {context}")]))
            page[0:4] = struct.pack("<I", context)
            if context != self.pages:
                page[-4:] = struct.pack("<I", 0x105)
            yield response(call, bytes(page))
        elif operation == samr.GET_MEMBERS:
            yield response(call, stubs.members(["S-1-5-11"]))

    def _status(self) -> bytes:
        return struct.pack("<I", self.refused)


def accounts(server: Accounts) -> rpc.Accounts:
    return rpc.accounts(lambda name: MadeUpPipe(server), "srv")


@pytest.mark.parametrize("old", [False, True])
def test_domains_aliases_and_members(old: bool):
    server = Accounts(old=old)
    found = accounts(server)
    assert found.domains() == [("Builtin", "S-1-5-32"), ("SRV", DOMAIN)]
    (reply,) = found.aliases("S-1-5-32")
    assert samr.decode_aliases(reply) == ((1001, "Group 1"),)
    assert samr.decode_members(found.members("S-1-5-32-544")) == ("S-1-5-11",)
    assert server.open == []


def test_aliases_in_several_replies():
    replies = accounts(Accounts(pages=3)).aliases(DOMAIN)
    assert [samr.decode_aliases(reply) for reply in replies] == [
        ((1001, "Group 1"),),
        ((1002, "Group 2"),),
        ((1003, "Group 3"),),
    ]


def test_aliases_without_an_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rpc, "_MOST_ROUNDS", 50)
    with pytest.raises(FormatError, match="does not end"):
        accounts(Accounts(pages=0)).aliases(DOMAIN)


def test_an_alias_that_is_missing():
    server = Accounts()
    with pytest.raises(rpc.NtError) as caught:
        accounts(server).members("S-1-5-32-999")
    assert caught.value.status == 0xC0000151


def test_a_server_that_keeps_its_accounts_to_administrators():
    pipe = MadeUpPipe(Accounts(refused=0xC0000022))
    with pytest.raises(rpc.NtError) as caught:
        rpc.accounts(lambda name: pipe, "srv")
    assert caught.value.status == 0xC0000022
    assert pipe.closed


def test_the_bind_of_each_interface_names_its_pipe():
    opened = []

    def opener(name: str) -> MadeUpPipe:
        opened.append(name)
        return MadeUpPipe(Accounts())

    rpc.accounts(opener, "srv")
    rpc.server_service(opener, "srv")
    assert opened == ["samr", "srvsvc"]
    assert dcerpc.LARGEST_FRAGMENT == 4280
