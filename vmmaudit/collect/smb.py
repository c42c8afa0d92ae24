"""One file server over SMB 2 and 3: shares, listings, descriptors, local groups, the time.

Nothing is ever opened for writing. Descriptors are fetched as raw bytes, in compounds
of create, query and close, several of them under way at once.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import ModuleType
from typing import Any, Final

from smbprotocol.connection import Connection
from smbprotocol.exceptions import (
    SMBAuthenticationError,
    SMBException,
    SMBResponseException,
)
from smbprotocol.file_info import FileInformationClass, InfoType
from smbprotocol.open import (
    CreateDisposition,
    CreateOptions,
    DirectoryAccessMask,
    FileAttributes,
    FilePipePrinterAccessMask,
    ImpersonationLevel,
    Open,
    ShareAccess,
    SMB2CloseRequest,
    SMB2QueryDirectoryRequest,
    SMB2QueryDirectoryResponse,
    SMB2QueryInfoRequest,
    SMB2QueryInfoResponse,
)
from smbprotocol.session import Session
from smbprotocol.tree import TreeConnect

from vmmaudit import questions
from vmmaudit.collect import failures, names
from vmmaudit.collect.credentials import Vault
from vmmaudit.collect.rpc import Pipe
from vmmaudit.collect.wire import WireError
from vmmaudit.errors import FormatError
from vmmaudit.evidence import Answer, Gap, Question, Reason, Row
from vmmaudit.scope import Domain
from vmmaudit.windows import samr, srvsvc, status
from vmmaudit.windows.sid import sid_to_bytes

WINDOW: Final = 16
"""Compounds under way at once; three credits each."""
_CREDITS: Final = 256
_OWNER_GROUP_DACL: Final = 0x7
_MOST_DESCRIPTOR: Final = 65_536
_MOST_LISTING: Final = 65_536
_ANY_SHARING: Final = (
    ShareAccess.FILE_SHARE_READ | ShareAccess.FILE_SHARE_WRITE | ShareAccess.FILE_SHARE_DELETE
)
_RELATED: Final = b"\xff" * 16
_REASONS: Final = {
    status.ACCESS_DENIED: (Reason.ACCESS_DENIED, "refused this to the account that reads"),
    status.BAD_NETWORK_NAME: (Reason.NOT_FOUND, "has no such share"),
    status.OBJECT_NAME_NOT_FOUND: (Reason.NOT_FOUND, "has no such file or folder"),
    status.OBJECT_PATH_NOT_FOUND: (Reason.NOT_FOUND, "has no such folder"),
    status.OBJECT_NAME_INVALID: (Reason.NOT_FOUND, "does not accept this name"),
    status.NO_SUCH_FILE: (Reason.NOT_FOUND, "has no such file"),
    status.PATH_NOT_COVERED: (
        Reason.NOT_SUPPORTED,
        "leads on to another server by DFS, which is not followed; name that server in the scope",
    ),
    status.NOT_SUPPORTED: (Reason.NOT_SUPPORTED, "does not support this"),
}


class FileServer:
    """One server; the session is made when first needed and a failure is remembered."""

    def __init__(
        self,
        name: str,
        domain: Domain,
        vault: Vault,
        connect_seconds: int = 10,
        request_seconds: int = 60,
    ) -> None:
        self._name = name
        self._domain = domain
        self._vault = vault
        self._connect_seconds = connect_seconds
        self._request_seconds = request_seconds
        self._connection: _BoundedConnection | None = None
        self._session: Session | None = None
        self._trees: dict[str, TreeConnect] = {}
        self._pipes: dict[str, Pipe] = {}
        self._failure: WireError | None = None

    def answer(self, asked: Sequence[Question]) -> list[Answer | Gap]:
        """One reply per question, in their order."""
        replies: dict[Question, Answer | Gap] = {}
        descriptors = [q for q in asked if q.kind == questions.DESCRIPTOR]
        by_share: dict[str, list[Question]] = {}
        for question in descriptors:
            by_share.setdefault(question.detail[0], []).append(question)
        for share, wanted in by_share.items():
            replies |= self._descriptors(share, wanted)
        for question in asked:
            if question not in replies:
                replies[question] = self._attempt(lambda question=question: self._one(question))
        return [replies[question] for question in asked]

    def close(self) -> None:
        """End the session; nobody waits for the goodbye."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.disconnect(close=False, timeout=2)
            except (SMBException, OSError):
                return

    # -- one question ---------------------------------------------------------------------

    def _one(self, question: Question) -> tuple[Row, ...]:
        handlers: dict[str, Callable[..., tuple[Row, ...]]] = {
            questions.SERVER: self._server,
            questions.SHARES: self._shares,
            questions.SHARE: self._share,
            questions.LIST: self._list,
            questions.TIME: self._time,
            questions.SAM_DOMAIN: self._sam_domains,
            questions.ALIASES: self._aliases,
            questions.MEMBERS: self._members,
        }
        return handlers[question.kind](*question.detail)

    def _attempt(self, ask: Callable[[], tuple[Row, ...]]) -> Answer | Gap:
        """The rows, or the gap; a session that was lost is made again once."""
        for last in (False, True):
            try:
                return Answer(ask(), self._name, _now())
            except WireError as error:
                return Gap(error.reason, error.sentence, _now())
            except FormatError as error:
                text = f"{self._name} sent a reply that cannot be understood: {error}."
                return Gap(Reason.MALFORMED_REPLY, text, _now())
            except SMBResponseException as error:
                lost = error.status in (0xC0000203, 0xC000035C)  # session deleted, or expired
                if last or not lost:
                    return self._gap(error)
            except (SMBException, OSError) as error:
                if last:
                    return self._lost(error)
            self._forget()
        raise AssertionError  # pragma: no cover - the second turn always returns

    def _gap(self, error: SMBResponseException) -> Gap:
        reason, problem = _REASONS.get(
            error.status, (Reason.MALFORMED_REPLY, f"answered {status.name(error.status)}")
        )
        return Gap(reason, f"{self._name} {problem}.", _now())

    def _lost(self, error: Exception) -> Gap:
        if "timeout" in str(error).lower():
            text = f"{self._name} did not answer within {self._request_seconds} seconds."
            return Gap(Reason.TIMEOUT, text, _now())
        return Gap(Reason.UNREACHABLE, f"The connection to {self._name} was lost.", _now())

    # -- connecting -----------------------------------------------------------------------

    def _connected(self) -> tuple[_BoundedConnection, Session]:
        if self._failure is not None:
            raise self._failure
        if self._connection is None or self._session is None:
            try:
                self._connect()
            except WireError as error:
                self._failure = error
                raise
        assert self._connection is not None  # noqa: S101 - just made
        assert self._session is not None  # noqa: S101
        return self._connection, self._session

    def _connect(self) -> None:
        credentials = self._vault.credentials(self._domain.auth)
        names.resolve(self._name)
        connection = _BoundedConnection(uuid.uuid4(), self._name, 445, require_signing=True)
        connection.seconds = self._request_seconds
        try:
            connection.connect(timeout=self._connect_seconds)
        except (SMBException, OSError, ValueError) as error:
            raise self._unreachable(error) from error
        session = Session(
            connection,
            credentials.user,
            credentials.password,
            require_encryption=bool(connection.supports_encryption),
            auth_protocol="kerberos" if credentials.protocol == "simple" else credentials.protocol,
        )
        try:
            session.connect()
            connection.echo(
                session.session_id, timeout=self._connect_seconds, credit_request=_CREDITS
            )
        except SMBResponseException as error:
            raise failures.of_security_context(self._name, status.name(error.status)) from error
        except (SMBAuthenticationError, *failures.SECURITY_ERRORS) as error:
            raise failures.of_security_context(self._name, str(error)) from error
        except (SMBException, OSError) as error:
            gap = self._lost(error)
            raise WireError(gap.reason, gap.text) from error
        self._connection, self._session = connection, session

    def _unreachable(self, error: Exception) -> WireError:
        if "timed out" in str(error).lower() or isinstance(error, TimeoutError):
            return WireError(
                Reason.TIMEOUT, f"{self._name} does not answer on port 445; check the firewall."
            )
        return WireError(
            Reason.UNREACHABLE,
            f"{self._name} cannot be reached on port 445; check that it is up and the firewall.",
        )

    def _forget(self) -> None:
        self.close()
        self._session = None
        self._trees.clear()
        self._pipes.clear()

    def _tree(self, share: str) -> TreeConnect:
        _, session = self._connected()
        if share not in self._trees:
            tree = TreeConnect(session, rf"\\{self._name}\{share}")
            tree.connect()
            self._trees[share] = tree
        return self._trees[share]

    def _pipe(self, interface: ModuleType) -> Pipe:
        if interface.PIPE not in self._pipes:
            self._pipes[interface.PIPE] = Pipe(self._tree("IPC$"), interface, self._name)
        return self._pipes[interface.PIPE]

    # -- shares ---------------------------------------------------------------------------

    def _server(self) -> tuple[Row, ...]:
        connection, _ = self._connected()
        dialect = f"0x{connection.dialect:04x}"
        signing = "required" if connection.server_security_mode & 0x2 else "enabled"
        guid = str(connection.server_guid)
        return (_row(dialect=dialect.encode(), signing=signing.encode(), guid=guid.encode()),)

    def _shares(self) -> tuple[Row, ...]:
        stub = srvsvc.encode_share_enum(self._name)
        return (_row(reply=self._call(srvsvc, srvsvc.SHARE_ENUM, stub)),)

    def _share(self, share: str) -> tuple[Row, ...]:
        """Level 502 with the descriptor, else level 1, which everybody may read."""
        try:
            return (self._share_level(share, srvsvc.LEVEL_502),)
        except WireError as error:
            if error.reason is not Reason.ACCESS_DENIED:
                raise
        return (self._share_level(share, srvsvc.LEVEL_1),)

    def _share_level(self, share: str, level: int) -> Row:
        stub = srvsvc.encode_share_get_info(self._name, share, level)
        reply = self._call(srvsvc, srvsvc.SHARE_GET_INFO, stub)
        return _row(level=str(level).encode(), reply=reply)

    def _time(self) -> tuple[Row, ...]:
        stub = srvsvc.encode_remote_tod(self._name)
        return (_row(reply=self._call(srvsvc, srvsvc.REMOTE_TOD, stub)),)

    def _call(self, interface: ModuleType, opnum: int, stub: bytes) -> bytes:
        """A call whose reply ends with a Win32 or NT status that must be success."""
        reply = self._pipe(interface).call(opnum, stub)
        code = srvsvc.status(reply, interface.PIPE)
        if code in (status.SUCCESS, status.MORE_ENTRIES):
            return reply
        if code in (status.ERROR_ACCESS_DENIED, status.ACCESS_DENIED):
            raise WireError(
                Reason.ACCESS_DENIED,
                f"{self._name} refused this to the account that reads; it needs local "
                "administrator rights there.",
            )
        if code == status.NERR_NET_NAME_NOT_FOUND:
            raise WireError(Reason.NOT_FOUND, f"{self._name} has no such share.")
        raise WireError(
            Reason.MALFORMED_REPLY,
            f"{self._name} answered a call on {interface.PIPE} with {status.name(code)}.",
        )

    # -- local groups ---------------------------------------------------------------------

    def _sam_domains(self) -> tuple[Row, ...]:
        server = self._sam_server()
        try:
            reply = self._call(samr, samr.ENUMERATE_DOMAINS, samr.encode_enumerate_domains(server))
            rows = []
            for _, name in samr.decode_names(reply)[1]:
                stub = samr.encode_lookup_domain(server, name)
                sid = samr.decode_lookup_domain(self._call(samr, samr.LOOKUP_DOMAIN, stub))
                rows.append(Row(name, {"sid": (sid_to_bytes(sid),)}))
            return tuple(rows)
        finally:
            self._release(server)

    def _aliases(self, domain: str) -> tuple[Row, ...]:
        server = self._sam_server()
        handle = self._open_domain(server, domain)
        try:
            replies, context = [], 0
            while True:
                stub = samr.encode_enumerate_aliases(handle, context)
                reply = self._call(samr, samr.ENUMERATE_ALIASES, stub)
                replies.append(reply)
                context, found = samr.decode_names(reply)
                more = srvsvc.status(reply, samr.PIPE) == status.MORE_ENTRIES
                if not more or not found:
                    return (Row("", {"reply": tuple(replies)}),)
        finally:
            self._release(handle, server)

    def _members(self, alias: str) -> tuple[Row, ...]:
        domain, _, rid = alias.rpartition("-")
        server = self._sam_server()
        handle = self._open_domain(server, domain)
        try:
            stub = samr.encode_open_alias(handle, int(rid))
            opened = samr.decode_handle(self._call(samr, samr.OPEN_ALIAS, stub))
            try:
                stub = samr.encode_get_members(opened)
                return (_row(reply=self._call(samr, samr.GET_MEMBERS, stub)),)
            finally:
                self._release(opened)
        finally:
            self._release(handle, server)

    def _sam_server(self) -> bytes:
        reply = self._call(samr, samr.CONNECT5, samr.encode_connect5(self._name))
        return samr.decode_connect5(reply)

    def _open_domain(self, server: bytes, domain: str) -> bytes:
        reply = self._call(samr, samr.OPEN_DOMAIN, samr.encode_open_domain(server, domain))
        return samr.decode_handle(reply)

    def _release(self, *handles: bytes) -> None:
        for handle in handles:
            self._call(samr, samr.CLOSE_HANDLE, samr.encode_close(handle))

    # -- files ----------------------------------------------------------------------------

    def _list(self, share: str, path: str) -> tuple[Row, ...]:
        tree = self._tree(share)
        connection, session = self._connected()
        folder = Open(tree, path)
        folder.create(
            ImpersonationLevel.Impersonation,
            DirectoryAccessMask.FILE_LIST_DIRECTORY | DirectoryAccessMask.SYNCHRONIZE,
            FileAttributes.FILE_ATTRIBUTE_DIRECTORY,
            _ANY_SHARING,
            CreateDisposition.FILE_OPEN,
            CreateOptions.FILE_DIRECTORY_FILE | CreateOptions.FILE_OPEN_REPARSE_POINT,
        )
        buffers: list[bytes] = []
        try:
            while True:
                query = SMB2QueryDirectoryRequest()
                query["file_information_class"] = (
                    FileInformationClass.FILE_ID_BOTH_DIRECTORY_INFORMATION
                )
                query["file_id"] = folder.file_id
                query["output_buffer_length"] = _MOST_LISTING
                query["buffer"] = "*".encode("utf-16-le")
                sent = connection.send(query, session.session_id, tree.tree_connect_id)
                try:
                    received = connection.receive(sent)
                except SMBResponseException as error:
                    if error.status == status.NO_MORE_FILES:
                        break
                    raise
                reply = SMB2QueryDirectoryResponse()
                reply.unpack(received["data"].get_value())
                buffers.append(reply["buffer"].get_value())
        finally:
            folder.close()
        return (Row("", {"entries": tuple(buffers)}),)

    def _descriptors(self, share: str, wanted: list[Question]) -> dict[Question, Answer | Gap]:
        """Many descriptors of one share, a window of compounds at a time."""
        replies: dict[Question, Answer | Gap] = {}
        for start in range(0, len(wanted), WINDOW):
            batch = wanted[start : start + WINDOW]
            try:
                sent = [self._send_descriptor(share, question.detail[1]) for question in batch]
            except (WireError, SMBException, OSError):
                # The share or the session itself is the trouble: each question says so alone.
                sent = [None] * len(batch)
            for question, requests in zip(batch, sent, strict=True):
                replies[question] = self._attempt(
                    lambda question=question, requests=requests: self._descriptor(
                        share, question.detail[1], requests
                    )
                )
        return replies

    def _send_descriptor(self, share: str, path: str) -> list[Any] | None:
        tree = self._tree(share)
        connection, session = self._connected()
        create, _ = Open(tree, path).create(
            ImpersonationLevel.Impersonation,
            FilePipePrinterAccessMask.READ_CONTROL | FilePipePrinterAccessMask.FILE_READ_ATTRIBUTES,
            0,
            _ANY_SHARING,
            CreateDisposition.FILE_OPEN,
            CreateOptions.FILE_OPEN_REPARSE_POINT,
            send=False,
        )
        query = SMB2QueryInfoRequest()
        query["info_type"] = InfoType.SMB2_0_INFO_SECURITY
        query["output_buffer_length"] = _MOST_DESCRIPTOR
        query["additional_information"] = _OWNER_GROUP_DACL
        query["file_id"] = _RELATED
        close = SMB2CloseRequest()
        close["file_id"] = _RELATED
        requests: list[Any] = connection.send_compound(
            [create, query, close], session.session_id, tree.tree_connect_id, related=True
        )
        return requests

    def _descriptor(self, share: str, path: str, requests: list[Any] | None) -> tuple[Row, ...]:
        connection = self._connection
        if requests is None or connection is None or requests[0].connection is not connection:
            requests = self._send_descriptor(share, path)
            connection, _ = self._connected()
        assert requests is not None  # noqa: S101 - just sent
        failure: SMBResponseException | None = None
        received: list[Any] = []
        for request in requests:  # all three, so that none is left outstanding
            try:
                received.append(connection.receive(request, resolve_symlinks=False))
            except SMBResponseException as error:
                failure = failure or error
        if failure is not None:
            raise failure
        reply = SMB2QueryInfoResponse()
        reply.unpack(received[1]["data"].get_value())
        return (_row(descriptor=reply["buffer"].get_value()),)


class _BoundedConnection(Connection):  # type: ignore[misc]
    """smbprotocol waits for ever unless told otherwise in each single call."""

    seconds = 60

    def receive(
        self,
        request: Any,
        wait: bool = True,
        timeout: int | None = None,
        resolve_symlinks: bool = False,
    ) -> Any:
        """The reply, or an error after `seconds`."""
        return super().receive(request, wait, timeout or self.seconds, resolve_symlinks)


def _row(**values: bytes) -> Row:
    return Row("", {key: (value,) for key, value in values.items()})


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
