"""What the replies to a request become: the rows of an answer."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, TypeAlias

from smbprotocol.connection import Connection, Request, SecurityMode
from smbprotocol.exceptions import (
    SMBResponseException,
)
from smbprotocol.tree import TreeConnect

from vmmaudit.collect import machine, rpc
from vmmaudit.collect.smb.connection import LateError
from vmmaudit.collect.smb.messages import buffer_of, handle_of, list_request
from vmmaudit.collect.smb.session import Session
from vmmaudit.collect.wire import WireError
from vmmaudit.errors import FormatError
from vmmaudit.evidence import Reason, Row
from vmmaudit.windows.status import NtStatus

_REGISTRY_STARTS: Final = 3
_SECONDS_TO_START: Final = 1.0
"""RemoteRegistry is started by the first who asks for it, and is there for the next."""
_MOST_LISTED: Final = 64 * 1024 * 1024
"""Half a million entries in one folder is not a library."""
_MOST_ROUNDS: Final = 10_000
"""Each brings up to 64 KiB; a server that brings next to nothing each time never ends."""

SECONDS: Final = 600
"""One folder at most, however steadily its entries drip."""

Rows: TypeAlias = tuple[Row, ...]


def _received(session: Session, sent: Iterable[Request]) -> list[bytes | SMBResponseException]:
    """The replies to one compound, refusals among them."""
    replies: list[bytes | SMBResponseException] = []
    for request in sent:
        try:
            replies.append(session.receive(request)[1])
        except SMBResponseException as error:
            replies.append(error)
    return replies


def read_descriptor(session: Session, tree: TreeConnect, sent: Iterable[Request]) -> Rows:
    """The descriptor that a compound asked for."""
    created, queried, closed = _received(session, sent)
    if isinstance(created, SMBResponseException):
        raise created
    if isinstance(closed, SMBResponseException):
        session.release(tree, handle_of(created))
    if isinstance(queried, SMBResponseException):
        raise queried
    return (row(descriptor=buffer_of(queried, "SMB2 QUERY_INFO response", "<2xHI")),)


def read_listing(session: Session, tree: TreeConnect, path: str, sent: Iterable[Request]) -> Rows:
    """All entries of a folder, however many replies that takes."""
    created, *queried = _received(session, sent)
    if isinstance(created, SMBResponseException):
        raise created
    handle = handle_of(created)
    buffers: list[bytes] = []
    size, late = 0, time.monotonic() + SECONDS
    try:
        for _ in range(_MOST_ROUNDS):
            if time.monotonic() > late:
                raise LateError
            for reply in queried:
                if isinstance(reply, SMBResponseException):
                    if reply.status in (NtStatus.NO_MORE_FILES, NtStatus.NO_SUCH_FILE):
                        return (Row("", {"entries": tuple(buffers)}),)
                    raise reply
                buffer = buffer_of(reply, "SMB2 QUERY_DIRECTORY response", "<2xHI")
                if not buffer:
                    raise FormatError("SMB2 QUERY_DIRECTORY response", 0, "no entry in it")
                buffers.append(buffer)
                size += len(buffer)
            if size > _MOST_LISTED:
                break
            queried = _received(session, session.send(tree, list_request(handle)))
        raise WireError(
            Reason.INCOMPLETE,
            f"{tree.share_name}\\{path} holds more than half a million entries and was not "
            "read to its end; take the folder out of the library.",
        )
    finally:
        session.release(tree, handle)


def negotiated(connection: Connection) -> Row:
    """What server and client agreed on (2.2.4)."""
    mode = int(connection.server_security_mode)
    if mode & SecurityMode.SMB2_NEGOTIATE_SIGNING_REQUIRED:
        signing = b"required"
    else:
        signing = b"enabled" if mode & SecurityMode.SMB2_NEGOTIATE_SIGNING_ENABLED else b"disabled"
    dialect = int(connection.dialect)
    parts = [dialect >> 8, dialect >> 4 & 15, dialect & 15]
    guid = uuid.UUID(bytes_le=connection.server_guid.bytes)
    return row(dialect=".".join(map(str, parts)).encode(), signing=signing, guid=str(guid).encode())


def service_rows(found: tuple[bytes, bytes | None] | None) -> list[Row]:
    """A service as its manager tells it; no row where there is none."""
    if found is None:
        return []
    config, state = found
    return [row(config=config) if state is None else row(config=config, status=state)]


def patient_registry(open_pipe: rpc.Opener, server: str) -> machine.Registry:
    """The registry, whose service is only started when somebody opens its pipe."""
    for _ in range(_REGISTRY_STARTS - 1):
        try:
            return machine.registry(open_pipe, server)
        except WireError as error:
            if error.reason is not Reason.NOT_SUPPORTED:  # open_pipe: there is no such pipe
                raise
            time.sleep(_SECONDS_TO_START)
    return machine.registry(open_pipe, server)


def row(**values: bytes) -> Row:
    """A row without a name."""
    return Row("", {key: (value,) for key, value in values.items()})


def now() -> datetime:
    """This moment, in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)
