r"""File servers over SMB 2 and 3: settings, shares, folders and descriptors, all read-only.

Requests go out raw and several at a time. Nothing is ever asked for but rights to read;
only named pipes are also written to, since that is how a remote procedure is called.
"""

from __future__ import annotations

import logging
import socket
import struct
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from smbprotocol.connection import Commands, Connection, Request, SecurityMode
from smbprotocol.exceptions import (
    SMBAuthenticationError,
    SMBConnectionClosed,
    SMBException,
    SMBResponseException,
)
from smbprotocol.file_info import FileInformationClass
from smbprotocol.header import Smb2Flags
from smbprotocol.ioctl import CtlCode, IOCTLFlags, SMB2IOCTLRequest
from smbprotocol.open import (
    SMB2CloseRequest,
    SMB2CreateRequest,
    SMB2QueryDirectoryRequest,
    SMB2QueryInfoRequest,
    SMB2ReadRequest,
    SMB2WriteRequest,
)
from smbprotocol.session import Session as LibrarySession
from smbprotocol.transport import Tcp
from smbprotocol.tree import TreeConnect

from vmmaudit import questions
from vmmaudit.collect import failures, machine, rpc
from vmmaudit.collect.credentials import Credentials, Vault
from vmmaudit.collect.wire import WireError
from vmmaudit.errors import FormatError
from vmmaudit.evidence import Answer, Gap, Question, Reason, Row
from vmmaudit.scope import Domain
from vmmaudit.windows import srvsvc, status
from vmmaudit.windows.sid import sid_to_bytes
from vmmaudit.windows.status import NtStatus, Win32

PORT: Final = 445
READ_CONTROL: Final = 0x00020000
FILE_LIST_DIRECTORY: Final = 0x00000001
FILE_READ_ATTRIBUTES: Final = 0x00000080
SYNCHRONIZE: Final = 0x00100000
READ_DATA_AND_WRITE_DATA: Final = 0x00000003
"""Access to a named pipe, MS-SMB2 2.2.13.1.1; never asked for on a file."""

_DESCRIPTOR_ACCESS: Final = READ_CONTROL
"""As Windows' own GetFileSecurity: who may read the attributes too is not asked."""
_LIST_ACCESS: Final = FILE_LIST_DIRECTORY | FILE_READ_ATTRIBUTES | SYNCHRONIZE
_OPEN_EXISTING: Final = 1  # MS-SMB2 2.2.13, CreateDisposition FILE_OPEN
_DIRECTORY_FILE: Final = 0x00000001
_OPEN_REPARSE_POINT: Final = 0x00200000
_SHARE_ALL: Final = 7
_IMPERSONATION: Final = 2
_SAME_FILE: Final = b"\xff" * 16  # the file of the compound's first request, 3.2.4.1.4
_OWNER_GROUP_DACL: Final = 7
_INFO_SECURITY: Final = 3
_BUFFER: Final = 65_536  # one credit
_CREDITS: Final = 500
_CREDITS_OF_ONE: Final = 4  # a compound of three, and a message to close what it opened
_SECONDS_TO_CLOSE: Final = 2
_MOST_LISTED: Final = 256 * 1024 * 1024
"""More than a million entries in one folder is not a library."""

for _noisy in ("smbprotocol", "spnego"):
    # They log user names and tokens, and tracebacks of what is a gap here.
    logging.getLogger(_noisy).addHandler(logging.NullHandler())
    logging.getLogger(_noisy).propagate = False

_LOST: Final = (
    NtStatus.USER_SESSION_DELETED,
    NtStatus.NETWORK_SESSION_EXPIRED,
    NtStatus.NETWORK_NAME_DELETED,
    NtStatus.CONNECTION_DISCONNECTED,
    NtStatus.CONNECTION_RESET,
)
"""The session or the tree is gone; a new one may work."""
_LIBRARY: Final = (
    *failures.SECURITY_ERRORS,
    SMBException,
    OSError,
    ValueError,
    LookupError,
    struct.error,
)
"""What smbprotocol, pyspnego and krb5 raise, also over bytes that are not what they expect."""
_REMOTE: Final = (rpc.FaultError, rpc.NtError, rpc.Win32Error)
_ONE_QUESTION: Final = (SMBResponseException, FormatError, WireError, *_REMOTE)
"""What costs one question its answer, and nothing else."""

_BY_PIPE: Final = (
    questions.SHARES,
    questions.SHARE,
    questions.TIME,
    questions.SAM_DOMAIN,
    questions.ALIASES,
    questions.MEMBERS,
    questions.SERVICE,
    questions.REGISTRY,
    questions.LOCAL_NAMES,
)
_REGISTRY_STARTS: Final = 3
_SECONDS_TO_START: Final = 1.0
"""RemoteRegistry is started by the first who asks for it, and is there for the next."""

Reply: TypeAlias = Answer | Gap
_Rows: TypeAlias = tuple[Row, ...]


class LostError(Exception):
    """The session can no longer be used; what was in flight is to be asked again."""


class LateError(LostError):
    """No reply in time."""


class UnsignedError(LostError):
    """A reply that is not signed as agreed: somebody may be changing them."""


class GarbledError(LostError):
    """Bytes that are not SMB."""


class _Transport(Tcp):  # type: ignore[misc]
    """The library's socket, which does not set gigabytes aside because a server says so."""

    def _recv(self, length: int, timeout: float) -> Any:
        if length > Tcp.MAX_SIZE:  # MS-SMB2 2.1: the length has three bytes
            raise GarbledError
        return super()._recv(length, timeout)


class _Connection(Connection):  # type: ignore[misc]
    """smbprotocol's connection, made strict: every reply is signed and none is waited for forever.

    The library lets a reply without a signature pass, follows symbolic links and waits
    without an end for a server that says "pending".
    """

    def __init__(self, server: str, seconds: float) -> None:
        super().__init__(uuid.uuid4(), server, PORT, require_signing=True)
        self.seconds = seconds

    @property
    def transport(self) -> _Transport | None:
        """The socket; the library makes it in `connect`, and it is exchanged for ours."""
        return self._transport

    @transport.setter
    def transport(self, made: Any) -> None:
        self._transport = made and _Transport(made.server, made.port, made.timeout)

    def receive(
        self,
        request: Request,
        wait: bool = True,
        timeout: float | None = None,
        resolve_symlinks: bool = False,
    ) -> Any:
        """The header of the reply to `request`, its body in `data`."""
        end = time.monotonic() + (timeout or self.seconds)
        while True:
            self._check_worker_running()
            if not request.response_event.wait(max(end - time.monotonic(), 0)):
                raise LateError
            with request.response_event_lock:
                self._check_worker_running()
                response = request.response
                if response["status"].get_value() == NtStatus.PENDING:
                    request.response_event.clear()
                    continue
            self.outstanding_requests.pop(request.message["message_id"].get_value(), None)
            if response["status"].get_value() != NtStatus.SUCCESS:
                raise SMBResponseException(response)
            return response

    def verify_signature(self, header: Any, session_id: int, force: bool = False) -> None:
        """Refuse what is not signed (MS-SMB2 3.2.5.1.3)."""
        session = self.session_table.get(session_id)
        exempt = (
            header["command"].get_value() == Commands.SMB2_SESSION_SETUP
            or header["message_id"].get_value() == 0xFFFFFFFFFFFFFFFF
            # A server that has forgotten the session has no key to sign with any more.
            or header["status"].get_value() in (NtStatus.PENDING, *_LOST)
        )
        if session is not None and not exempt:
            signed = header["flags"].has_flag(Smb2Flags.SMB2_FLAGS_SIGNED)
            if session.encrypt_data or not signed:
                raise UnsignedError
        try:
            super().verify_signature(header, session_id, force)
        except SMBException:
            raise UnsignedError from None

    def _check_worker_running(self) -> None:
        """As the library does, but whatever ended the receiving thread is one of ours."""
        if isinstance(self._t_exc, SMBException | LostError | None):
            super()._check_worker_running()
            return
        self.disconnect(False)
        raise GarbledError

    @property
    def credits(self) -> int:
        """How many messages may still be sent before replies come."""
        with self.sequence_lock:
            return int(self.sequence_window["high"] - self.sequence_window["low"])


class Session:
    """One logon to one server, its trees and its pipes."""

    def __init__(
        self, server: str, credentials: Credentials, connect_seconds: float, seconds: float
    ) -> None:
        self.connection = _Connection(server, seconds)
        self._server = server
        self._trees: dict[str, TreeConnect | SMBResponseException] = {}
        try:
            self.connection.connect(timeout=connect_seconds)
            self._session = LibrarySession(
                self.connection,
                credentials.user,
                credentials.password,
                require_encryption=False,
                # A simple bind is a thing of LDAP; the same user and password do for Kerberos.
                auth_protocol="ntlm" if credentials.protocol == "ntlm" else "kerberos",
            )
            self._session.connect()
            self.refill()
        except BaseException:
            self.hang_up()
            raise

    def refill(self) -> None:
        """Ask for credits, of which the library by itself asks for no more than it spends."""
        self.connection.echo(
            sid=self._session.session_id, timeout=self.connection.seconds, credit_request=_CREDITS
        )

    def tree(self, share: str) -> TreeConnect:
        """The connection to a share; a refusal is remembered, so it is asked for once."""
        known = self._trees.get(share)
        if known is None:
            tree = TreeConnect(self._session, rf"\\{self._server}\{share}")
            try:
                tree.connect()
                # Else paths would be taken as those of a DFS namespace, which is not walked.
                tree.is_dfs_share = False
                known = tree
            except SMBResponseException as error:
                known = error
            self._trees[share] = known
        if isinstance(known, SMBResponseException):
            raise known
        return known

    def send(self, tree: TreeConnect, *messages: Any) -> list[Request]:
        """Send messages that all concern the file which the first one opens."""
        sent: list[Request] = self.connection.send_compound(
            list(messages), self._session.session_id, tree.tree_connect_id, related=True
        )
        return sent

    def receive(self, request: Request, *accepted: int) -> tuple[int, bytes]:
        """Status and body of the reply; a status other than success must be accepted."""
        try:
            response = self.connection.receive(request)
        except SMBResponseException as error:
            if error.status not in accepted:
                raise
            response = error.header
        return int(response["status"].get_value()), bytes(response["data"].get_value())

    def exchange(self, tree: TreeConnect, message: Any, *accepted: int) -> tuple[int, bytes]:
        """Send one message and wait for its reply."""
        sent = self.connection.send(message, self._session.session_id, tree.tree_connect_id)
        return self.receive(sent, *accepted)

    def release(self, tree: TreeConnect, handle: bytes) -> None:
        """Close a file; a server that does not know it has closed it already."""
        try:
            self.exchange(tree, _close(handle))
        except SMBResponseException:
            return

    def open_pipe(self, name: str) -> _Pipe:
        """Open a named pipe."""
        tree = self.tree("IPC$")
        request = _create(name, READ_DATA_AND_WRITE_DATA, 0)
        code, reply = self.exchange(tree, request, NtStatus.OBJECT_NAME_NOT_FOUND)
        if code == NtStatus.OBJECT_NAME_NOT_FOUND:
            raise WireError(
                Reason.NOT_SUPPORTED,
                f"{self._server} has no pipe {name}; the service behind it does not run there.",
            )
        return _Pipe(self, tree, _handle(reply))

    def close(self) -> None:
        """Log off and hang up; never raises."""
        self.connection.seconds = _SECONDS_TO_CLOSE
        try:
            self._session.disconnect()
        except (LostError, *_LIBRARY):
            pass
        self.hang_up()

    def hang_up(self) -> None:
        """End the connection without a word; never raises."""
        try:
            if self.connection.transport is not None:
                self.connection.disconnect(close=False)
        except (LostError, *_LIBRARY):
            pass


class _Pipe:
    """Implements `rpc.Pipe`."""

    def __init__(self, session: Session, tree: TreeConnect, handle: bytes) -> None:
        self._session = session
        self._tree = tree
        self._handle = handle

    def write(self, data: bytes) -> None:
        request = SMB2WriteRequest()
        request["length"] = len(data)
        request["file_id"] = self._handle
        request["buffer"] = data
        self._session.exchange(self._tree, request)

    def transceive(self, data: bytes) -> bytes:
        request = SMB2IOCTLRequest()
        request["ctl_code"] = CtlCode.FSCTL_PIPE_TRANSCEIVE
        request["file_id"] = self._handle
        request["buffer"] = data
        request["max_output_response"] = _BUFFER
        request["flags"] = IOCTLFlags.SMB2_0_IOCTL_IS_FSCTL
        _, reply = self._session.exchange(self._tree, request, NtStatus.BUFFER_OVERFLOW)
        return _cut(reply, "SMB2 IOCTL response", "<32xII")

    def read(self) -> bytes:
        request = SMB2ReadRequest()
        request["length"] = _BUFFER
        request["file_id"] = self._handle
        _, reply = self._session.exchange(self._tree, request, NtStatus.BUFFER_OVERFLOW)
        return _cut(reply, "SMB2 READ response", "<2xBxI")

    def close(self) -> None:
        self._session.release(self._tree, self._handle)


class FileServer:
    """Answers every question about one server but those of LDAP and CIM.

    Raises nothing: what fails is a `Gap`. A server that cannot be reached or logged on to is
    asked once; a session that ends is opened again while that brings answers.
    """

    def __init__(
        self,
        name: str,
        domain: Domain,
        vault: Vault,
        *,
        connect_seconds: float = 10,
        request_seconds: float = 60,
        window: int = 20,
    ) -> None:
        self._name = name
        self._domain = domain
        self._vault = vault
        self._times = (connect_seconds, request_seconds)
        self._window = window
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._session: Session | None = None
        self._services: dict[Callable[[rpc.Opener, str], Any], Any] = {}
        self._failure: WireError | None = None
        self._fruitless = 0

    def answer(self, asked: Sequence[Question]) -> list[Reply]:
        """One reply per question, in their order."""
        replies: dict[int, Reply] = {}
        suspect: int | None = None
        with self._lock:
            while waiting := [item for item in enumerate(asked) if item[0] not in replies]:
                known = len(replies)
                first = waiting[0][0]
                try:
                    session = self._connected()
                    # After a loss the next question goes alone, so that the right one is blamed.
                    self._ask(session, waiting[:1] if first == suspect else waiting, replies)
                    continue
                except WireError as error:
                    replies |= {index: _gap(error) for index, _ in waiting}
                    continue
                except (LostError, *_LIBRARY) as error:
                    self._forget()
                    lost = _explained(error, self._name)
                if len(replies) > known:
                    self._fruitless = 0
                first = next(index for index, _ in waiting if index not in replies)
                if first != suspect:
                    suspect = first
                    continue
                replies[first] = _gap(lost)
                self._fruitless += 1
                if self._fruitless > 1:  # it is not the questions, it is the server
                    self._failure = lost
        return [replies[index] for index in range(len(asked))]

    def close(self) -> None:
        """Log off; never raises, and ends what another thread is waiting for."""
        self._closed.set()
        session = self._session
        if session is None:
            return
        if self._lock.acquire(blocking=False):
            try:
                session.close()
            finally:
                self._lock.release()
        else:
            session.hang_up()
        self._session = None

    # -- sessions ---------------------------------------------------------------------

    def _connected(self) -> Session:
        """The session, opened if need be; a failure to open it is final."""
        if self._closed.is_set():
            raise WireError(
                Reason.INTERRUPTED, f"The run was interrupted before {self._name} answered this."
            )
        if self._failure is not None:
            raise WireError(self._failure.reason, self._failure.sentence)
        if self._session is None:
            try:
                credentials = self._vault.credentials(self._domain.auth, self._domain.name)
                with self._vault.trying(self._domain.auth):
                    session = self._opened(credentials)
            except WireError as error:
                self._failure = error
                raise
            self._session = session
            if self._closed.is_set():  # while it was being opened
                self._forget()
                return self._connected()
        return self._session

    def _opened(self, credentials: Credentials) -> Session:
        try:
            return Session(self._name, credentials, *self._times)
        except (LostError, ImportError, *_LIBRARY) as error:
            raise _explained(error, self._name) from error

    def _forget(self) -> None:
        session, self._session = self._session, None
        self._services.clear()
        if session is not None:
            session.hang_up()

    # -- questions --------------------------------------------------------------------

    def _ask(
        self, session: Session, waiting: Iterable[tuple[int, Question]], replies: dict[int, Reply]
    ) -> None:
        """Ask with several requests on their way; replies are taken in the order of questions."""
        flying: deque[tuple[int, Question, Callable[[], _Rows]]] = deque()
        for index, question in waiting:
            while flying and (
                len(flying) >= self._window or session.connection.credits < _CREDITS_OF_ONE
            ):
                self._land(flying, replies)
            if session.connection.credits < _CREDITS_OF_ONE:
                session.refill()
            try:
                flying.append((index, question, self._start(session, question)))
            except _ONE_QUESTION as error:
                replies[index] = self._gap(question, error)
        while flying:
            self._land(flying, replies)

    def _land(
        self,
        flying: deque[tuple[int, Question, Callable[[], _Rows]]],
        replies: dict[int, Reply],
    ) -> None:
        index, question, finish = flying.popleft()
        try:
            rows = finish()
        except _ONE_QUESTION as error:
            replies[index] = self._gap(question, error)
        else:
            replies[index] = Answer(rows, self._name, _now())

    def _start(self, session: Session, question: Question) -> Callable[[], _Rows]:
        """Send what can be sent at once; what is returned waits for the reply."""
        if question.kind not in (questions.DESCRIPTOR, questions.LIST):
            return lambda: tuple(self._other(session, question))
        share, path = question.detail
        try:
            tree = session.tree(share)
        except SMBResponseException as error:
            if error.status in _LOST:
                raise
            raise _of_status(
                rf"\\{self._name}\{share} could not be opened", _BY_SHARE, error.status
            ) from error
        if question.kind == questions.DESCRIPTOR:
            sent = session.send(tree, *_descriptor_requests(path))
            return lambda: _descriptor(session, tree, sent)
        sent = session.send(tree, *_list_requests(path))
        return lambda: _list(session, tree, path, sent)

    def _other(self, session: Session, question: Question) -> Iterable[Row]:
        """Questions that wait for each of their replies."""
        match question.kind, question.detail:
            case questions.SERVER, ():
                return [_negotiated(session.connection)]
            case questions.SHARES, ():
                return [_row(reply=self._shares(session).shares())]
            case questions.SHARE, (name,):
                level, reply = self._shares(session).share(name)
                if level == srvsvc.LEVEL_1:
                    refused = Reason.ACCESS_DENIED.value.encode()
                    return [_row(level=b"1", reply=reply, refused=refused)]
                return [_row(level=b"502", reply=reply)]
            case questions.TIME, ():
                return [_row(reply=self._shares(session).time())]
            case questions.SAM_DOMAIN, ():
                found = self._accounts(session).domains()
                return [Row(name, {"sid": (sid_to_bytes(sid),)}) for name, sid in found]
            case questions.ALIASES, (sid,):
                return [Row("", {"reply": tuple(self._accounts(session).aliases(sid))})]
            case questions.MEMBERS, (sid,):
                return [_row(reply=self._accounts(session).members(sid))]
            case questions.SERVICE, (name,):
                return _service_rows(self._service(session, machine.services).service(name))
            case questions.REGISTRY, (key, name):
                value = self._service(session, _patient_registry).value(key, name)
                return [] if value is None else [_row(reply=value)]
            case questions.LOCAL_NAMES, sids:
                operation, reply = self._service(session, machine.names).lookup(sids)
                return [_row(operation=str(operation).encode(), reply=reply)]
        raise WireError(
            Reason.NOT_SUPPORTED, f"{question.kind} is not something to ask a file server."
        )

    def _shares(self, session: Session) -> rpc.ServerService:
        service: rpc.ServerService = self._service(session, rpc.server_service)
        return service

    def _accounts(self, session: Session) -> rpc.Accounts:
        service: rpc.Accounts = self._service(session, rpc.accounts)
        return service

    def _service(self, session: Session, bind: Callable[[rpc.Opener, str], Any]) -> Any:
        """A service, bound once in a session; a refusal is remembered as well."""
        known = self._services.get(bind)
        if known is None:
            try:
                known = bind(session.open_pipe, self._name)
            except _ONE_QUESTION as error:
                known = error
            self._services[bind] = known
        if isinstance(known, Exception):
            raise known
        return known

    def _end_services(self) -> None:
        services, self._services = list(self._services.values()), {}
        for service in services:
            if not isinstance(service, Exception):
                service.close()

    def _gap(self, question: Question, error: Exception) -> Gap:
        """The gap that a failure of this one question leaves; the loss of a session is none."""
        if isinstance(error, SMBResponseException) and error.status in _LOST:
            raise error
        if question.kind in _BY_PIPE and not isinstance(error, (*_REMOTE, WireError)):
            self._end_services()  # a pipe that broke may work when opened again
        return _gap(_explained(error, self._name, question))


# -- messages (MS-SMB2 2.2) -------------------------------------------------------------------


def _create(path: str, access: int, options: int) -> Any:
    """Open what exists; this is the only place where a right is asked for."""
    request = SMB2CreateRequest()
    request["impersonation_level"] = _IMPERSONATION
    request["desired_access"] = access
    request["share_access"] = _SHARE_ALL
    request["create_disposition"] = _OPEN_EXISTING
    request["create_options"] = options
    # The library counts this padding byte as MS-SMB2 2.2.13 wants it for the root.
    request["buffer_path"] = path.encode("utf-16-le", "surrogatepass") or b"\0\0"
    return request


def _close(handle: bytes) -> Any:
    request = SMB2CloseRequest()
    request["file_id"] = handle
    return request


class _Packed:
    """A message that is the same every time, packed once: packing is what costs most here."""

    def __init__(self, message: Any) -> None:
        self.COMMAND = message.COMMAND
        self._data = message.pack()

    def __len__(self) -> int:
        return len(self._data)

    def pack(self) -> bytes:
        """The bytes."""
        return bytes(self._data)


def _query_descriptor() -> Any:
    request = SMB2QueryInfoRequest()
    request["info_type"] = _INFO_SECURITY
    request["output_buffer_length"] = _BUFFER
    request["additional_information"] = _OWNER_GROUP_DACL
    request["file_id"] = _SAME_FILE
    return request


_QUERY_DESCRIPTOR: Final = _Packed(_query_descriptor())
_CLOSE_SAME: Final = _Packed(_close(_SAME_FILE))


def _descriptor_requests(path: str) -> tuple[Any, Any, Any]:
    # What a link leads to has an answer of its own; the root may be a mounted volume.
    options = _OPEN_REPARSE_POINT if path else 0
    return _create(path, _DESCRIPTOR_ACCESS, options), _QUERY_DESCRIPTOR, _CLOSE_SAME


def _list_requests(path: str) -> tuple[Any, Any, Any]:
    """Twice, since the second is where most folders end."""
    create = _create(path, _LIST_ACCESS, _DIRECTORY_FILE)
    return create, _query_directory(_SAME_FILE), _query_directory(_SAME_FILE)


def _query_directory(handle: bytes) -> Any:
    request = SMB2QueryDirectoryRequest()
    request["file_information_class"] = FileInformationClass.FILE_ID_BOTH_DIRECTORY_INFORMATION
    request["file_id"] = handle
    request["output_buffer_length"] = _BUFFER
    request["buffer"] = "*".encode("utf-16-le")
    return request


def _handle(reply: bytes) -> bytes:
    """The file id of a CREATE response (2.2.14)."""
    if len(reply) < 80:
        raise FormatError("SMB2 CREATE response", len(reply), "the reply ends inside it")
    return reply[64:80]


def _cut(reply: bytes, structure: str, form: str) -> bytes:
    """The buffer of a response; `form` says where offset and length of it stand."""
    if len(reply) < struct.calcsize(form):
        raise FormatError(structure, len(reply), "the reply ends inside it")
    offset, length = struct.unpack_from(form, reply)
    start = offset - 64  # offsets count from the header
    if length and (start < struct.calcsize(form) or start + length > len(reply)):
        raise FormatError(structure, 0, f"{length} bytes at {offset} do not fit the reply")
    return reply[start : start + length] if length else b""


def _received(session: Session, sent: Iterable[Request]) -> list[bytes | SMBResponseException]:
    """The replies to one compound, refusals among them."""
    replies: list[bytes | SMBResponseException] = []
    for request in sent:
        try:
            replies.append(session.receive(request)[1])
        except SMBResponseException as error:
            replies.append(error)
    return replies


def _descriptor(session: Session, tree: TreeConnect, sent: Iterable[Request]) -> _Rows:
    created, queried, closed = _received(session, sent)
    if isinstance(created, SMBResponseException):
        raise created
    if isinstance(closed, SMBResponseException):
        session.release(tree, _handle(created))
    if isinstance(queried, SMBResponseException):
        raise queried
    return (_row(descriptor=_cut(queried, "SMB2 QUERY_INFO response", "<2xHI")),)


def _list(session: Session, tree: TreeConnect, path: str, sent: Iterable[Request]) -> _Rows:
    created, *queried = _received(session, sent)
    if isinstance(created, SMBResponseException):
        raise created
    handle = _handle(created)
    buffers: list[bytes] = []
    try:
        while True:
            for reply in queried:
                if isinstance(reply, SMBResponseException):
                    if reply.status in (NtStatus.NO_MORE_FILES, NtStatus.NO_SUCH_FILE):
                        return (Row("", {"entries": tuple(buffers)}),)
                    raise reply
                buffers.append(_cut(reply, "SMB2 QUERY_DIRECTORY response", "<2xHI"))
            if sum(map(len, buffers)) > _MOST_LISTED:
                raise WireError(
                    Reason.INCOMPLETE,
                    f"{tree.share_name}\\{path} holds more than a million entries and was not "
                    "read to its end; take the folder out of the library.",
                )
            queried = _received(session, session.send(tree, _query_directory(handle)))
    finally:
        session.release(tree, handle)


def _negotiated(connection: Connection) -> Row:
    """What server and client agreed on (2.2.4)."""
    mode = int(connection.server_security_mode)
    if mode & SecurityMode.SMB2_NEGOTIATE_SIGNING_REQUIRED:
        signing = b"required"
    else:
        signing = b"enabled" if mode & SecurityMode.SMB2_NEGOTIATE_SIGNING_ENABLED else b"disabled"
    dialect = int(connection.dialect)
    parts = [dialect >> 8, dialect >> 4 & 15, dialect & 15]
    guid = uuid.UUID(bytes_le=connection.server_guid.bytes)
    return _row(
        dialect=".".join(map(str, parts)).encode(), signing=signing, guid=str(guid).encode()
    )


def _service_rows(found: tuple[bytes, bytes | None] | None) -> list[Row]:
    if found is None:
        return []
    config, state = found
    return [_row(config=config) if state is None else _row(config=config, status=state)]


def _patient_registry(open_pipe: rpc.Opener, server: str) -> machine.Registry:
    """The registry, whose service is only started when somebody opens its pipe."""
    for _ in range(_REGISTRY_STARTS - 1):
        try:
            return machine.registry(open_pipe, server)
        except WireError as error:
            if error.reason is not Reason.NOT_SUPPORTED:  # open_pipe: there is no such pipe
                raise
            time.sleep(_SECONDS_TO_START)
    return machine.registry(open_pipe, server)


def _row(**values: bytes) -> Row:
    return Row("", {key: (value,) for key, value in values.items()})


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


# -- failures in words ------------------------------------------------------------------------

_TEXTS: Final[dict[int, tuple[Reason, str]]] = {
    NtStatus.BAD_NETWORK_NAME: (Reason.NOT_FOUND, "the server has no such share"),
    NtStatus.OBJECT_NAME_NOT_FOUND: (Reason.NOT_FOUND, "it does not exist"),
    NtStatus.OBJECT_PATH_NOT_FOUND: (Reason.NOT_FOUND, "a folder above it does not exist"),
    NtStatus.OBJECT_NAME_INVALID: (Reason.NOT_FOUND, "the server takes this for no valid name"),
    NtStatus.OBJECT_PATH_INVALID: (Reason.NOT_FOUND, "the server takes this for no valid path"),
    NtStatus.OBJECT_PATH_SYNTAX_BAD: (Reason.NOT_FOUND, "the server takes this for no valid path"),
    NtStatus.NOT_A_DIRECTORY: (Reason.NOT_FOUND, "it is not a folder (any more)"),
    NtStatus.DELETE_PENDING: (Reason.NOT_FOUND, "it is being deleted"),
    NtStatus.NO_SUCH_DOMAIN: (Reason.NOT_FOUND, "the server has no such account domain"),
    NtStatus.NO_SUCH_ALIAS: (Reason.NOT_FOUND, "the server has no such local group"),
    NtStatus.PATH_NOT_COVERED: (
        Reason.NOT_SUPPORTED,
        "it lies behind a DFS link, which is not followed; put the share that the link leads to "
        "into the scope",
    ),
    NtStatus.STOPPED_ON_SYMLINK: (
        Reason.NOT_SUPPORTED,
        "a symbolic link lies on the way, which is not followed; name the place it leads to",
    ),
    NtStatus.BUFFER_TOO_SMALL: (Reason.NOT_SUPPORTED, "it is larger than 64 KiB"),
    NtStatus.NOT_SUPPORTED: (Reason.NOT_SUPPORTED, "the server does not support this request"),
    NtStatus.SHARING_VIOLATION: (
        Reason.INCOMPLETE,
        "another program holds it exclusively; ask again later",
    ),
    NtStatus.INSUFFICIENT_RESOURCES: (
        Reason.INCOMPLETE,
        "the server is short of resources; ask again later",
    ),
    NtStatus.REQUEST_NOT_ACCEPTED: (
        Reason.INCOMPLETE,
        "the server accepts no more connections; ask again later",
    ),
    NtStatus.PIPE_BUSY: (Reason.INCOMPLETE, "the service is busy; ask again later"),
    NtStatus.PIPE_NOT_AVAILABLE: (Reason.INCOMPLETE, "the service is busy; ask again later"),
    NtStatus.IO_TIMEOUT: (Reason.TIMEOUT, "the server gave up waiting; ask again later"),
    NtStatus.LOGON_FAILURE: (Reason.AUTHENTICATION_FAILED, "user name or password is wrong"),
    NtStatus.WRONG_PASSWORD: (Reason.AUTHENTICATION_FAILED, "the password is wrong"),
    NtStatus.ACCOUNT_RESTRICTION: (
        Reason.AUTHENTICATION_FAILED,
        "a restriction of the account forbids this logon, such as Protected Users with NTLM",
    ),
    NtStatus.INVALID_LOGON_HOURS: (
        Reason.AUTHENTICATION_FAILED,
        "the account may not log on at this time",
    ),
    NtStatus.INVALID_WORKSTATION: (
        Reason.AUTHENTICATION_FAILED,
        "the account may not log on from this machine",
    ),
    NtStatus.PASSWORD_EXPIRED: (Reason.CREDENTIALS_EXPIRED, "the password has expired"),
    NtStatus.PASSWORD_MUST_CHANGE: (
        Reason.CREDENTIALS_EXPIRED,
        "the password must be changed first",
    ),
    NtStatus.ACCOUNT_EXPIRED: (Reason.CREDENTIALS_EXPIRED, "the account has expired"),
    NtStatus.ACCOUNT_DISABLED: (Reason.AUTHENTICATION_FAILED, "the account is disabled"),
    NtStatus.ACCOUNT_LOCKED_OUT: (Reason.AUTHENTICATION_FAILED, "the account is locked out"),
    NtStatus.LOGON_TYPE_NOT_GRANTED: (
        Reason.AUTHENTICATION_FAILED,
        "the server's policy does not let this account log on over the network",
    ),
    NtStatus.NTLM_BLOCKED: (
        Reason.AUTHENTICATION_FAILED,
        "the server refuses NTLM; use Kerberos and the server's full name",
    ),
    NtStatus.NO_LOGON_SERVERS: (
        Reason.AUTHENTICATION_FAILED,
        "the server reaches no domain controller to check the logon",
    ),
    NtStatus.TIME_DIFFERENCE_AT_DC: (
        Reason.CLOCK_SKEW,
        "the clocks of the server and of its domain controller differ too much",
    ),
    NtStatus.NETWORK_SESSION_EXPIRED: (
        Reason.CREDENTIALS_EXPIRED,
        "the session expired and a new one expired as well; get a new ticket (kinit)",
    ),
}

_BY_SHARE: Final = "the permissions of the share do not let this account in"
_BY_LOGON: Final = "the server lets this account not log on over the network"
_BY_FILE: Final = "this account may not read that; Read permission is enough"
_BY_SERVICE: Final = "the server service refuses this account"
_BY_ACCOUNTS: Final = (
    "local groups are told to local administrators only (policy RestrictRemoteSam); give the "
    "account that right there"
)
_BY_MANAGER: Final = (
    "the service control manager is open to local administrators only; give the account that "
    "right there, or have an administrator file the output of Get-CimInstance Win32_Service"
)
_BY_REGISTRY: Final = (
    "the remote registry is open to local administrators and Backup Operators only (ACL of "
    "SecurePipeServers\\winreg); give the account one of these rights there"
)
_BY_AUTHORITY: Final = (
    "this account may not look up names there (POLICY_LOOKUP_NAMES, which all authenticated "
    "users have by default); give it that right"
)


def _explained(error: Exception, server: str, question: Question | None = None) -> WireError:
    """The one place where an exception becomes a reason and a sentence.

    Texts of libraries are looked at, never passed on: they may hold names and secrets.
    """
    subject, refused = _subject(question) if question else (f"Logon to {server} failed", _BY_LOGON)
    cause = error.__cause__
    match error:
        case WireError():
            return error
        case rpc.FaultError():
            return _of_fault(subject, refused, error.status)
        case rpc.NtError():
            return _of_status(subject, refused, error.status)
        case rpc.Win32Error():
            return _of_win32(subject, refused, error.status)
        case SMBResponseException():
            return _of_status(subject, refused, error.status)
        case FormatError():
            return WireError(
                Reason.MALFORMED_REPLY,
                f"{subject}: the server's reply is not understood ({error}).",
            )
        case LateError():
            return WireError(
                Reason.TIMEOUT,
                f"{server} did not reply in time; look whether it is overloaded or hangs.",
            )
        case UnsignedError():
            return WireError(
                Reason.SIGNING_REQUIRED,
                f"A reply of {server} was not signed as agreed, so it may have been changed on "
                "the way and is not used; look for devices in between that rewrite SMB.",
            )
        case SMBAuthenticationError():
            return failures.of_security_context(server, str(cause or error))
        case _ if isinstance(error, failures.SECURITY_ERRORS):
            return failures.of_security_context(server, str(error))
        case ImportError():
            return failures.of_security_context(server, "not available")
        case SMBConnectionClosed() | ConnectionError():
            return WireError(
                Reason.UNREACHABLE,
                f"{server} closed the connection on port {PORT}; it may be restarting, or offer "
                "SMB 1 only.",
            )
        case _ if isinstance(cause or error, socket.gaierror | UnicodeError):
            return WireError(
                Reason.UNRESOLVABLE,
                f"The name {server} has no address; check its spelling in the scope and the DNS "
                "server of this machine.",
            )
        case _ if isinstance(cause or error, TimeoutError):
            return WireError(
                Reason.TIMEOUT,
                f"{server} does not answer on port {PORT}; look whether it runs, and whether a "
                "firewall is in between.",
            )
        case _ if isinstance(cause or error, ConnectionRefusedError):
            return WireError(
                Reason.UNREACHABLE,
                f"{server} refuses connections on port {PORT}; look whether it offers file "
                "sharing (service LanmanServer).",
            )
        case _ if isinstance(cause or error, OSError):
            return WireError(
                Reason.UNREACHABLE,
                f"There is no way to {server} on port {PORT}; check network and firewall.",
            )
        case SMBException() if "guest" in str(error):
            return WireError(
                Reason.AUTHENTICATION_FAILED,
                f"{server} let the account in as guest only, which cannot be signed; use an "
                "account that it knows.",
            )
        case SMBException() if "encryption is required" in str(error):
            return WireError(
                Reason.NOT_SUPPORTED,
                f"{server} demands encryption, but did not agree on how to encrypt.",
            )
    return WireError(
        Reason.MALFORMED_REPLY,
        f"{server} sent something that is not SMB 2 or 3 as specified; look what listens on port "
        f"{PORT} there.",
    )


def _of_status(subject: str, refused: str, code: int) -> WireError:
    """MS-ERREF 2.3, as SMB and SAMR use it."""
    if code in (NtStatus.ACCESS_DENIED, NtStatus.NETWORK_ACCESS_DENIED):
        return WireError(Reason.ACCESS_DENIED, f"{subject}: access denied; {refused}.")
    reason, text = _TEXTS.get(
        code, (Reason.NOT_SUPPORTED, f"the server refused with {status.name(code)}")
    )
    return WireError(reason, f"{subject}: {text}.")


def _of_win32(subject: str, refused: str, code: int) -> WireError:
    """MS-SRVS 2.2.2."""
    if code == Win32.ERROR_ACCESS_DENIED:
        return WireError(Reason.ACCESS_DENIED, f"{subject}: access denied; {refused}.")
    if code in (Win32.NERR_NetNameNotFound, Win32.ERROR_INVALID_NAME):  # Windows, Samba
        return WireError(Reason.NOT_FOUND, f"{subject}: the server has no such share.")
    known = {int(item): item.name for item in Win32}
    text = known.get(code, f"error {code}")
    return WireError(Reason.NOT_SUPPORTED, f"{subject}: the server refused with {text}.")


def _of_fault(subject: str, refused: str, code: int) -> WireError:
    """C706 appendix E."""
    if code == status.Fault.ERROR_ACCESS_DENIED:
        return WireError(Reason.ACCESS_DENIED, f"{subject}: access denied; {refused}.")
    known = {int(item): item.name for item in status.Fault}
    text = known.get(code, f"fault 0x{code:08X}")
    return WireError(
        Reason.NOT_SUPPORTED, f"{subject}: the server does not offer this call ({text})."
    )


def _subject(question: Question) -> tuple[str, str]:
    """What was to be read, and why that is refused where it is refused."""
    server, detail = question.server, question.detail
    place = "\\".join(["", "", server, *(part for part in detail if part)])
    return {
        questions.DESCRIPTOR: (f"The permissions of {place} could not be read", _BY_FILE),
        questions.LIST: (f"The content of {place} could not be read", _BY_FILE),
        questions.SHARE: (f"The share {place} could not be read", _BY_SERVICE),
        questions.SHARES: (f"The shares of {server} could not be read", _BY_SERVICE),
        questions.TIME: (f"The clock of {server} could not be read", _BY_SERVICE),
        questions.SAM_DOMAIN: (f"The account database of {server} could not be read", _BY_ACCOUNTS),
        questions.ALIASES: (f"The local groups of {server} could not be read", _BY_ACCOUNTS),
        questions.MEMBERS: (
            f"Local group {detail[-1:][0] if detail else ''} of {server}",
            _BY_ACCOUNTS,
        ),
        questions.SERVICE: (
            f"The service {detail[-1:][0] if detail else ''} of {server} could not be read",
            _BY_MANAGER,
        ),
        questions.REGISTRY: (
            f"The registry value {chr(92).join(detail)} of {server} could not be read",
            _BY_REGISTRY,
        ),
        questions.LOCAL_NAMES: (
            f"{server} could not be asked for the names of {len(detail)} SIDs",
            _BY_AUTHORITY,
        ),
    }.get(question.kind, (f"{server} could not be asked", _BY_SERVICE))


def _gap(error: WireError) -> Gap:
    return Gap(error.reason, error.sentence, _now())
