"""A connection that checks what the library does not, and ends when it should."""

from __future__ import annotations

import logging
import struct
import time
import uuid
from typing import Any, Final

from smbprotocol.connection import Commands, Connection, Request
from smbprotocol.exceptions import (
    SMBException,
    SMBResponseException,
)
from smbprotocol.header import Smb2Flags
from smbprotocol.transport import Tcp

from vmmaudit.collect import failures
from vmmaudit.collect.smb.headers import swapped
from vmmaudit.windows.status import NtStatus

PORT: Final = 445

for _noisy in ("smbprotocol", "spnego"):
    # They log user names and tokens, and tracebacks of what is a gap here.
    logging.getLogger(_noisy).addHandler(logging.NullHandler())
    logging.getLogger(_noisy).propagate = False

LOST: Final = (
    NtStatus.USER_SESSION_DELETED,
    NtStatus.NETWORK_SESSION_EXPIRED,
    NtStatus.NETWORK_NAME_DELETED,
    NtStatus.CONNECTION_DISCONNECTED,
    NtStatus.CONNECTION_RESET,
)
"""The session or the tree is gone; a new one may work."""
LIBRARY_ERRORS: Final = (
    *failures.SECURITY_ERRORS,
    SMBException,
    OSError,
    ValueError,
    LookupError,
    struct.error,
)
"""What smbprotocol, pyspnego and krb5 raise, also over bytes that are not what they expect."""


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


class StrictConnection(Connection):  # type: ignore[misc]
    """smbprotocol's connection, made strict: every reply is signed and none is waited for forever.

    The library lets a reply without a signature pass, follows symbolic links and waits
    without an end for a server that says "pending".
    """

    _send = swapped(Connection._send)
    _process_message_thread = swapped(Connection._process_message_thread)

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
                if response is None:  # a frame of nothing ends the receiving thread without a word
                    self.disconnect(False)
                    raise GarbledError
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
            or header["status"].get_value() in (NtStatus.PENDING, *LOST)
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
