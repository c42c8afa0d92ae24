"""A server in a library's place that wants in: it gains no password, no hash and no belief."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests import worlds
from tests.lab.apply import apply
from tests.lab.lab import Lab
from tests.live.collecting import log_on
from tests.standins.listener import Listener
from tests.standins.pipe import Caller, PipeStandIn, _exactly, _send
from tests.standins.relay import ADDRESS, redirected
from tests.windows.test_ndr_dcerpc import BIND_ACK
from tests.worlds import DOMAIN, SHARE
from vmmaudit import questions
from vmmaudit.collect.credentials import Vault
from vmmaudit.collect.smb.server import FileServer
from vmmaudit.evidence import Answer, Gap, Reason
from vmmaudit.scope import Authentication, Domain

pytestmark = pytest.mark.live
LIBRARY = f"library01.{DOMAIN}"
KNOWN = Domain(name=DOMAIN, auth=Authentication(secret="ccache"))
ASKED = [
    questions.smb_server(LIBRARY),
    questions.shares(LIBRARY),
    questions.listing(LIBRARY, SHARE, ""),
    questions.descriptor(LIBRARY, SHARE, worlds.ISO),
]
NTLM_ONLY = bytes.fromhex("601c06062b0601050502a0123010a00e300c060a2b06010401823702020a")
"""NegTokenInit (RFC 4178 4.2.1) that offers NTLMSSP and nothing else."""
GUEST, NULL = 1, 2
SUCCESS, MORE = 0, 0xC0000016
NEGOTIATE, SESSION_SETUP = 0, 1


@dataclass
class Impostor(Listener):
    """Speaks just enough of SMB 2 (MS-SMB2 2.2.4, 2.2.6) to be logged on to.

    Attributes:
        mode: what it says of signing: 0 knows none, 1 has it, 3 demands it.
        flags: whom it says the client is: 1 a guest, 2 nobody.
        status: how the logon ends; `challenge` asks for NTLM's answer instead.
    """

    mode: int = 1
    flags: int = 0
    dialect: int = 0x0302
    token: bytes = b""
    challenge: bool = False
    heard: bytearray = field(default_factory=bytearray)
    commands: list[int] = field(default_factory=list)

    address = (ADDRESS, 445)

    def serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, struct.error), connection:
            while head := connection.recv(4, socket.MSG_WAITALL):
                data = connection.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)
                self.heard += data
                command, number = struct.unpack_from("<H", data, 12)[0], data[24:32]
                self.commands.append(command)
                status, body = self._said(command)
                header = struct.pack(
                    "<4sHHIHHII8sIIQ16s", b"\xfeSMB", 64, 1, status, command, 100, 1, 0, number,
                    0, 1, 7 if command else 0, bytes(16),
                )  # fmt: skip
                connection.sendall((len(header) + len(body)).to_bytes(4, "big") + header + body)

    def _said(self, command: int) -> tuple[int, bytes]:
        if command == NEGOTIATE:
            body = struct.pack(
                "<HHHH16sIIIIQQHHI", 65, self.mode, self.dialect, 0, bytes(16), 0, 65536, 65536,
                65536, 0, 0, 128, len(self.token), 0,
            )  # fmt: skip
            return SUCCESS, body + self.token
        if command == SESSION_SETUP:
            token = _challenge() if self.challenge else b""
            status = MORE if self.challenge else SUCCESS
            return status, struct.pack("<HHHH", 9, self.flags, 72, len(token)) + token
        return SUCCESS, struct.pack("<HBBIII", 16, 1, 0, 0, 0, 0)  # a tree, or anything


def _challenge() -> bytes:
    """What a real NTLM server says to somebody who began with NTLM."""
    return struct.pack("<8sIHHII8s8sHHI", b"NTLMSSP\0", 2, 0, 0, 56, 0xE2898215, b"12345678",
                               bytes(8), 0, 0, 56)  # fmt: skip


CASES = [
    Impostor(mode=0),
    Impostor(flags=GUEST),
    Impostor(flags=NULL),
    Impostor(mode=0, flags=GUEST),
    Impostor(token=NTLM_ONLY),
    Impostor(token=NTLM_ONLY, challenge=True),
    Impostor(challenge=True),
    Impostor(dialect=0x0202, flags=GUEST),
    Impostor(dialect=0x0210, mode=0),
]


@pytest.mark.parametrize("case", CASES, ids=repr)
@pytest.mark.parametrize("password", [False, True], ids=["ticket", "password"])
def test_an_impostor_gains_nothing(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, case: Impostor, password: bool
):
    """A ticket for the library's name is all that it is given, and that is of no use to it."""
    apply(lab, worlds.conforming())
    log_on(lab, "auditadmin")
    secret = lab.password("auditadmin")
    auth: dict[str, Any] = {"secret": "ccache"}
    if password:
        monkeypatch.setenv("LAB_PASSWORD", secret)
        auth = {"user": f"auditadmin@{DOMAIN.upper()}", "secret": "env:LAB_PASSWORD"}
    known = Domain(name=DOMAIN, auth=Authentication.model_validate(auth))
    began = time.monotonic()
    fresh = replace(case, heard=bytearray(), commands=[])
    with fresh as impostor, monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", redirected(socket.getaddrinfo, LIBRARY))
        server = FileServer(LIBRARY, known, Vault(), connect_seconds=2, request_seconds=2)
        replies = server.answer(ASKED)
        server.close()
    assert all(isinstance(reply, Gap) for reply in replies), replies
    heard = bytes(impostor.heard)
    assert impostor.commands == [NEGOTIATE, SESSION_SETUP], "it never proved who it is"
    for wanted in (b"NTLMSSP", secret.encode(), secret.encode("utf-16-le")):
        assert wanted not in heard
    assert time.monotonic() - began < 60


def fragment(call: int, stub: bytes, flags: int, length: int | None = None) -> bytes:
    size = 24 + len(stub) if length is None else length
    head = struct.pack("<BBBBIHHI", 5, 0, 2, flags, 0x10, size, 0, call)
    return head + struct.pack("<IHH", len(stub), 0, 0) + stub


SAID: dict[str, Callable[[int], Iterable[bytes]]] = {
    "garbage": lambda call: [b"\xff" * 200],
    "zeros": lambda call: [bytes(200)],
    "a huge length": lambda call: [fragment(call, bytes(40), 3, 65_535)],
    "a length of nothing": lambda call: [fragment(call, bytes(40), 3, 0)],
    "a huge count": lambda call: [fragment(call, b"\xff" * 400 + bytes(4), 3)],
    "half a fragment": lambda call: [fragment(call, bytes(400), 3)[:100]],
    "somebody else's call": lambda call: [fragment(call + 7, bytes(40), 3)],
    "an empty reply": lambda call: [fragment(call, b"", 3)],
    "success and nothing else": lambda call: [fragment(call, bytes(4), 3)],
    "no last fragment": lambda call: [fragment(call, b"", 1), *[fragment(call, b"", 0)] * 20_000],
    "silence": lambda call: [],
}


class HostilePipe(PipeStandIn):
    """Binds as it should, and then says what it likes."""

    said: Callable[[int], Iterable[bytes]] = SAID["garbage"]

    def _calls(self, client: socket.socket, samba: socket.socket | None, caller: Caller) -> None:
        del samba, caller
        while True:
            pdu = _exactly(client, struct.unpack("<H", _exactly(client, 2))[0])
            call = struct.unpack_from("<I", pdu, 12)[0]
            if pdu[2]:
                _send(client, BIND_ACK[:12] + pdu[12:16] + BIND_ACK[16:])
                continue
            for message in self.said(call):
                _send(client, message)


@pytest.mark.parametrize("name", ["srvsvc", "samr"])
@pytest.mark.parametrize("said", SAID)
def test_a_service_that_lies_costs_its_own_gaps(lab: Lab, name: str, said: str):
    """Behind real SMB: what has nothing to do with that pipe is answered all the same."""
    apply(lab, worlds.conforming())
    log_on(lab, "auditadmin")
    run = lab.machines["library01"].home / "run"
    server = FileServer(LIBRARY, KNOWN, Vault(), connect_seconds=2, request_seconds=2)
    by_pipe = {
        "srvsvc": [questions.shares(LIBRARY), questions.share(LIBRARY, SHARE)],
        "samr": [questions.sam_domains(LIBRARY)],
    }[name]
    others = [questions.listing(LIBRARY, SHARE, ""), questions.descriptor(LIBRARY, SHARE, "")]
    began = time.monotonic()
    standin = HostilePipe(run, name, lambda *_: None)
    standin.said = SAID[said]
    with standin:
        found = server.answer([*others, *by_pipe])
        server.close()
    assert [type(reply) for reply in found[:2]] == [Answer, Answer], found
    for question, reply in zip(by_pipe, found[2:], strict=True):
        if isinstance(reply, Answer):  # it was well-formed as a call: facts find it out
            assert said in ("success and nothing else", "a huge count")
            continue
        assert reply.reason in {
            Reason.MALFORMED_REPLY, Reason.TIMEOUT, Reason.UNREACHABLE, Reason.NOT_SUPPORTED
        }, (question, reply)  # fmt: skip
    assert time.monotonic() - began < 60
