"""Remote procedure calls over named pipes, and the few services that are called by them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Protocol

from vmmaudit.errors import FormatError
from vmmaudit.windows import dcerpc, samr, srvsvc
from vmmaudit.windows.dcerpc import BindAck, BindNak, Fault, Interface, Response
from vmmaudit.windows.ndr import return_code
from vmmaudit.windows.sid import domain_of, rid_of
from vmmaudit.windows.status import Fault as FaultStatus
from vmmaudit.windows.status import NtStatus, Win32

MOST_BYTES: Final = 64 * 1024 * 1024
"""A reply larger than this is not collected; ten thousand shares need three megabytes."""
_MOST_ROUNDS: Final = 10_000
SECONDS: Final = 600
"""One call at most, however steadily its reply drips."""


class Pipe(Protocol):
    """An open named pipe in message mode (MS-SMB2 3.2.4.20.1)."""

    def write(self, data: bytes) -> None:
        """Send one message that is not answered yet."""
        ...

    def transceive(self, data: bytes) -> bytes:
        """Send one message, and return what is there of the answer."""
        ...

    def read(self) -> bytes:
        """The next part of the answer."""
        ...

    def close(self) -> None:
        """Give the handle back."""
        ...


class FaultError(Exception):
    """The server refused a bind or a call; `status` is one of `status.Fault` or another."""

    def __init__(self, status: int) -> None:
        super().__init__(f"RPC fault 0x{status:08X}")
        self.status = status


class NtError(Exception):
    """A call ran and returned an NTSTATUS other than success."""

    def __init__(self, status: int) -> None:
        super().__init__(f"NTSTATUS 0x{status:08X}")
        self.status = status


class Win32Error(Exception):
    """A call ran and returned a Win32 or network management error."""

    def __init__(self, status: int) -> None:
        super().__init__(f"error {status}")
        self.status = status


class Client:
    """One interface, bound on a pipe of its own; calls go one after the other."""

    def __init__(self, pipe: Pipe, interface: Interface) -> None:
        """Bind.

        Raises:
            FaultError: the server does not offer the interface, or not to this account.
            FormatError: what came back is not RPC.
        """
        self._pipe = pipe
        self._call = 1
        self._largest = dcerpc.LARGEST_FRAGMENT
        self._unread = b""
        self._late = time.monotonic() + SECONDS
        answer = self._next(pipe.transceive(dcerpc.encode_bind(self._call, interface)))
        if isinstance(answer, BindNak) or (isinstance(answer, BindAck) and not answer.accepted):
            raise FaultError(FaultStatus.nca_s_unk_if)
        if isinstance(answer, Fault):
            raise FaultError(answer.status)
        if not isinstance(answer, BindAck):
            raise FormatError("bind_ack", 0, "another PDU in its place")
        self._largest = min(answer.largest, dcerpc.LARGEST_FRAGMENT)

    def call(self, operation: int, stub: bytes) -> bytes:
        """The stub of the reply, put together from its fragments.

        Raises:
            FaultError: the call was refused.
            FormatError: the reply is not RPC, belongs to another call, or is too large.
            TimeoutError: it drips.
        """
        self._call += 1
        self._late = time.monotonic() + SECONDS
        *first, last = dcerpc.encode_request(self._call, operation, stub, self._largest)
        for fragment in first:
            self._pipe.write(fragment)
        self._unread = b""
        received = self._pipe.transceive(last)
        reply = bytearray()
        for number in range(_MOST_ROUNDS):
            pdu = self._next(received)
            if pdu.call != self._call:
                raise FormatError("RPC header", 12, f"call {pdu.call} instead of {self._call}")
            if isinstance(pdu, Fault):
                raise FaultError(pdu.status)
            if not isinstance(pdu, Response) or pdu.first is not (number == 0):
                raise FormatError("response", 2, "not the fragment that is due")
            reply += pdu.stub
            if pdu.last:
                return bytes(reply)
            if len(reply) > MOST_BYTES:
                break
            received = b""
        raise FormatError("response", len(reply), "the reply does not end")

    def close(self) -> None:
        """Give the pipe back."""
        self._pipe.close()

    def _next(self, received: bytes) -> dcerpc.Pdu:
        """One PDU; a pipe may hand it out in pieces, or more than one of them at a time."""
        data = self._unread + received
        for _ in range(_MOST_ROUNDS):
            if len(data) >= dcerpc.HEADER:
                length = dcerpc.fragment_length(data)
                if len(data) >= length:
                    self._unread = data[length:]
                    return dcerpc.decode(data[:length])
            if time.monotonic() > self._late:
                raise TimeoutError
            part = self._pipe.read()
            if not part:
                raise FormatError("RPC header", len(data), "the pipe gives nothing more")
            data += part
        raise FormatError("RPC header", len(data), "the fragment does not end")


class ServerService:
    """The server service (MS-SRVS); replies stay as they came."""

    def __init__(self, client: Client, server: str) -> None:
        self._client = client
        self._server = server

    def shares(self) -> bytes:
        """NetrShareEnum at level 1."""
        return self._call(srvsvc.SHARE_ENUM, srvsvc.encode_share_enum(self._server))

    def share(self, name: str) -> tuple[int, bytes]:
        """Level and reply of NetrShareGetInfo: 502, else 1501, else 1, as rights allow.

        Raises:
            Win32Error: there is no such share, or even level 1 is refused.
        """
        for level in srvsvc.SECURED:
            try:
                return level, self._share(name, level)
            except Win32Error as error:
                if error.status not in (Win32.ERROR_ACCESS_DENIED, Win32.ERROR_INVALID_LEVEL):
                    raise
        return srvsvc.LEVEL_1, self._share(name, srvsvc.LEVEL_1)

    def time(self) -> bytes:
        """NetrRemoteTOD."""
        return self._call(srvsvc.REMOTE_TOD, srvsvc.encode_remote_tod(self._server))

    def close(self) -> None:
        """Give the pipe back."""
        self._client.close()

    def _share(self, name: str, level: int) -> bytes:
        stub = srvsvc.encode_share_get_info(self._server, name, level)
        return self._call(srvsvc.SHARE_GET_INFO, stub)

    def _call(self, operation: int, stub: bytes) -> bytes:
        reply = self._client.call(operation, stub)
        status = return_code(reply, "srvsvc reply")
        if status:
            raise Win32Error(status)
        return reply


class Accounts:
    """The account database (MS-SAMR) of a server, read-only; handles are kept until the end."""

    def __init__(self, client: Client, server: str) -> None:
        """Open the server object.

        Raises:
            NtError: it is closed to this account (RestrictRemoteSam).
        """
        self._client = client
        try:
            reply = self._call(samr.CONNECT5, samr.encode_connect5(server))
            self._server = samr.decode_connect5(reply)
        except FaultError as error:
            if error.status != FaultStatus.nca_s_op_rng_error:
                raise
            reply = self._call(samr.CONNECT2, samr.encode_connect2(server))
            self._server = samr.decode_handle(reply)
        self._domains: dict[str, bytes] = {}

    def domains(self) -> list[tuple[str, str]]:
        """Name and SID of each domain: BUILTIN and the server's own."""
        reply = self._call(samr.ENUMERATE_DOMAINS, samr.encode_enumerate_domains(self._server))
        found = []
        for _, name in samr.decode_names(reply)[1]:
            stub = samr.encode_lookup_domain(self._server, name)
            found.append((name, samr.decode_lookup_domain(self._call(samr.LOOKUP_DOMAIN, stub))))
        return found

    def aliases(self, domain_sid: str) -> list[bytes]:
        """Replies of SamrEnumerateAliasesInDomain, as many as it takes."""
        domain = self._domain(domain_sid)
        replies: list[bytes] = []
        context = 0
        while sum(map(len, replies)) <= MOST_BYTES and len(replies) <= _MOST_ROUNDS:
            stub = samr.encode_enumerate_aliases(domain, context)
            reply = self._client.call(samr.ENUMERATE_ALIASES, stub)
            status = return_code(reply, "SamrEnumerateAliasesInDomain")
            if status not in (NtStatus.SUCCESS, NtStatus.MORE_ENTRIES):
                raise NtError(status)
            replies.append(reply)
            if status == NtStatus.SUCCESS:
                return replies
            context, _ = samr.decode_names(reply)
        raise FormatError("SamrEnumerateAliasesInDomain", 0, "the enumeration does not end")

    def members(self, alias_sid: str) -> bytes:
        """Reply of SamrGetMembersInAlias."""
        domain = self._domain(domain_of(alias_sid))
        stub = samr.encode_open_alias(domain, rid_of(alias_sid))
        alias = samr.decode_handle(self._call(samr.OPEN_ALIAS, stub))
        try:
            return self._call(samr.GET_MEMBERS, samr.encode_get_members(alias))
        finally:
            self._call(samr.CLOSE_HANDLE, samr.encode_close(alias))

    def close(self) -> None:
        """Give the pipe back; the server frees the handles with it (MS-SAMR 3.1.3.1)."""
        self._client.close()

    def _domain(self, sid: str) -> bytes:
        if sid not in self._domains:
            reply = self._call(samr.OPEN_DOMAIN, samr.encode_open_domain(self._server, sid))
            self._domains[sid] = samr.decode_handle(reply)
        return self._domains[sid]

    def _call(self, operation: int, stub: bytes) -> bytes:
        reply = self._client.call(operation, stub)
        status = return_code(reply, "SAMR reply")
        if status:
            raise NtError(status)
        return reply


Opener = Callable[[str], Pipe]
"""Opens a pipe by name."""


def server_service(open_pipe: Opener, server: str) -> ServerService:
    """The server service of `server`."""
    return ServerService(bound(open_pipe, srvsvc.INTERFACE), server)


def accounts(open_pipe: Opener, server: str) -> Accounts:
    """The account database of `server`."""
    client = bound(open_pipe, samr.INTERFACE)
    try:
        return Accounts(client, server)
    except (FaultError, NtError, FormatError):
        client.close()
        raise


def bound(open_pipe: Opener, interface: Interface) -> Client:
    """An interface, bound on a pipe that is opened for it and given back if that fails."""
    pipe = open_pipe(interface.pipe)
    try:
        return Client(pipe, interface)
    except (FaultError, FormatError):
        pipe.close()
        raise
