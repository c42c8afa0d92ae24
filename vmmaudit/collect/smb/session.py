"""One logon to one server, its trees and its pipes."""

from __future__ import annotations

from typing import Any, Final

from smbprotocol.connection import Request
from smbprotocol.exceptions import (
    SMBResponseException,
)
from smbprotocol.ioctl import CtlCode, IOCTLFlags, SMB2IOCTLRequest
from smbprotocol.open import (
    SMB2ReadRequest,
    SMB2WriteRequest,
)
from smbprotocol.session import Session as LibrarySession
from smbprotocol.tree import TreeConnect

from vmmaudit.collect.credentials import Credentials
from vmmaudit.collect.smb.connection import LIBRARY_ERRORS, LostError, StrictConnection
from vmmaudit.collect.smb.messages import (
    BUFFER,
    READ_DATA_AND_WRITE_DATA,
    buffer_of,
    close_request,
    handle_of,
    open_request,
)
from vmmaudit.collect.wire import WireError
from vmmaudit.evidence import Reason
from vmmaudit.windows.status import NtStatus

_CREDITS: Final = 500
_SECONDS_TO_CLOSE: Final = 2


class Session:
    """One logon to one server, its trees and its pipes."""

    def __init__(
        self, server: str, credentials: Credentials, connect_seconds: float, seconds: float
    ) -> None:
        self.connection = StrictConnection(server, seconds)
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
            self.exchange(tree, close_request(handle))
        except SMBResponseException:
            return

    def open_pipe(self, name: str) -> NamedPipe:
        """Open a named pipe."""
        tree = self.tree("IPC$")
        request = open_request(name, READ_DATA_AND_WRITE_DATA, 0)
        code, reply = self.exchange(tree, request, NtStatus.OBJECT_NAME_NOT_FOUND)
        if code == NtStatus.OBJECT_NAME_NOT_FOUND:
            raise WireError(
                Reason.NOT_SUPPORTED,
                f"{self._server} has no pipe {name}; the service behind it does not run there.",
            )
        return NamedPipe(self, tree, handle_of(reply))

    def hurry(self) -> None:
        """Wait no longer than the end of a session is worth."""
        self.connection.seconds = _SECONDS_TO_CLOSE

    def close(self) -> None:
        """Log off and hang up; never raises."""
        self.hurry()
        try:
            self._session.disconnect()
        except (LostError, *LIBRARY_ERRORS):
            pass
        self.hang_up()

    def hang_up(self) -> None:
        """End the connection without a word; never raises."""
        try:
            if self.connection.transport is not None:
                self.connection.disconnect(close=False)
        except (LostError, *LIBRARY_ERRORS):
            pass


class NamedPipe:
    """Implements `rpc.Pipe`."""

    def __init__(self, session: Session, tree: TreeConnect, handle: bytes) -> None:
        self._session = session
        self._tree = tree
        self._handle = handle

    def write(self, data: bytes) -> None:
        """Send without waiting for what it brings."""
        request = SMB2WriteRequest()
        request["length"] = len(data)
        request["file_id"] = self._handle
        request["buffer"] = data
        self._session.exchange(self._tree, request)

    def transceive(self, data: bytes) -> bytes:
        """Send, and take what comes back at once."""
        request = SMB2IOCTLRequest()
        request["ctl_code"] = CtlCode.FSCTL_PIPE_TRANSCEIVE
        request["file_id"] = self._handle
        request["buffer"] = data
        request["max_output_response"] = BUFFER
        request["flags"] = IOCTLFlags.SMB2_0_IOCTL_IS_FSCTL
        _, reply = self._session.exchange(self._tree, request, NtStatus.BUFFER_OVERFLOW)
        return buffer_of(reply, "SMB2 IOCTL response", "<32xII")

    def read(self) -> bytes:
        """What is left of a reply."""
        request = SMB2ReadRequest()
        request["length"] = BUFFER
        request["file_id"] = self._handle
        _, reply = self._session.exchange(self._tree, request, NtStatus.BUFFER_OVERFLOW)
        return buffer_of(reply, "SMB2 READ response", "<2xBxI")

    def close(self) -> None:
        """Close the pipe."""
        self._session.release(self._tree, self._handle)
