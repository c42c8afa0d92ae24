"""A stand-in behind a named pipe of a real Samba server, over real SMB and real Kerberos.

smbd hands every named pipe on to a local socket (`ncalrpc/np/NAME`, librpc/idl/named_pipe_auth.idl)
together with the token of whoever opened it. Here that socket is taken over: some calls are
answered as Windows would answer them, by the caller's real group membership; all others go on to
Samba's own server.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from tests.windows.test_ndr_dcerpc import BIND_ACK
from vmmaudit.windows.sid import ADMINISTRATORS, sid_to_bytes

_REQUEST: Final = 0
_FIRST, _LAST = 1, 2
_ACCEPTED: Final = struct.pack(">I4s", 32, b"NPAM") + struct.pack(
    "<IIHH4xQI", 7, 7, 2, 0x5FF, 4096, 0
)
"""named_pipe_auth_rep level 7: a pipe of messages; the length does not count itself."""


class Refused(Exception):  # noqa: N818 - an answer, not an error
    """The call ends in an RPC fault with this status."""

    def __init__(self, status: int) -> None:
        super().__init__(hex(status))
        self.status = status


@dataclass(frozen=True)
class Caller:
    """Who opened the pipe; `token` is what smbd told of it."""

    token: bytes

    @property
    def is_administrator(self) -> bool:
        """Whether the token holds BUILTIN\\Administrators."""
        return sid_to_bytes(ADMINISTRATORS) in self.token


Answering = Callable[[int, bytes, Caller], bytes | None]
"""Operation, stub and caller to the stub of the reply; None leaves the call to Samba."""


@dataclass
class PipeStandIn:
    """Takes a pipe of a machine over while it is entered.

    Attributes:
        run: the machine's `/run/samba`, as seen from outside.
        name: of the pipe: `svcctl`, `srvsvc`, `samr`, `winreg`.
        alone: for whom every call is answered here; for others Samba's server is behind it.
        largest: bytes of stub in one fragment of a reply.
        calls: the operations that were answered here.
    """

    run: Path
    name: str
    answer: Answering
    alone: Callable[[Caller], bool] = lambda _: True
    largest: int = 4000
    calls: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    _sockets: list[socket.socket] = field(default_factory=list)

    @property
    def _place(self) -> Path:
        return self.run / "ncalrpc/np" / self.name

    @property
    def _kept(self) -> Path:
        return self._place.with_name(f".{self.name}.samba")

    def __enter__(self) -> Self:
        self._place.rename(self._kept)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self._place))
        self._place.chmod(0o777)
        listener.listen(16)
        self._sockets.append(listener)
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._place.unlink(missing_ok=True)
        self._kept.rename(self._place)
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        assert not self.problems, self.problems

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                self._sockets.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            length = _exactly(client, 4)
            request = length + _exactly(client, struct.unpack(">I", length)[0])
            caller = Caller(request)
            if self.alone(caller):
                client.sendall(_ACCEPTED)
                self._calls(client, None, caller)
                return
            samba = socket.socket(socket.AF_UNIX)
            samba.connect(str(self._kept))
            self._sockets.append(samba)
            samba.sendall(request)
            length = _exactly(samba, 4)
            client.sendall(length + _exactly(samba, struct.unpack(">I", length)[0]))
            threading.Thread(target=_copy, args=(samba, client), daemon=True).start()
            try:
                self._calls(client, samba, caller)
            finally:  # closing alone would not end it while the other thread waits for it
                with contextlib.suppress(OSError):
                    samba.shutdown(socket.SHUT_RDWR)
        except (OSError, EOFError):
            pass
        except Exception as error:
            self.problems.append(repr(error))
            raise
        finally:
            client.close()

    def _calls(self, client: socket.socket, samba: socket.socket | None, caller: Caller) -> None:
        """Requests one after the other; those in fragments are put together."""
        stub = b""
        while True:
            size = _exactly(client, 2)
            pdu = _exactly(client, struct.unpack("<H", size)[0])
            if pdu[2] != _REQUEST:
                if samba:
                    samba.sendall(size + pdu)
                else:
                    _send(client, BIND_ACK[:12] + pdu[12:16] + BIND_ACK[16:])
                continue
            call, operation = struct.unpack_from("<I", pdu, 12)[0], pdu[22] | pdu[23] << 8
            stub = b"" if pdu[3] & _FIRST else stub
            stub += pdu[24:]
            if not pdu[3] & _LAST:
                if samba:
                    samba.sendall(size + pdu)
                continue
            try:
                reply = self.answer(operation, stub, caller)
            except Refused as refused:
                self.calls.append(operation)
                _send(client, _fault(call, refused.status))
                continue
            if reply is None:
                assert samba, f"operation {operation} of {self.name}"
                samba.sendall(size + pdu)
                continue
            self.calls.append(operation)
            for fragment in _fragments(call, reply, self.largest):
                _send(client, fragment)


def _fragments(call: int, stub: bytes, largest: int) -> list[bytes]:
    parts = [stub[i : i + largest] for i in range(0, len(stub), largest)] or [b""]
    found = []
    for index, part in enumerate(parts):
        flags = (index == 0) | (index == len(parts) - 1) << 1
        head = struct.pack("<BBBBIHHI", 5, 0, 2, flags, 0x10, 24 + len(part), 0, call)
        found.append(head + struct.pack("<IHH", len(part), 0, 0) + part)
    return found


def _fault(call: int, status: int) -> bytes:
    head = struct.pack("<BBBBIHHI", 5, 0, 3, 3, 0x10, 32, 0, call)
    return head + struct.pack("<IHHII", 0, 0, 0, status, 0)


def _send(client: socket.socket, pdu: bytes) -> None:
    client.sendall(struct.pack("<H", len(pdu)) + pdu)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)


def _exactly(source: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = source.recv(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data
