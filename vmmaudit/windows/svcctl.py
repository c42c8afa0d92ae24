"""The service control manager (MS-SCMR): how a service is configured, and whether it runs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from vmmaudit.windows.dcerpc import Interface
from vmmaudit.windows.ndr import Reader, Writer

INTERFACE: Final = Interface("svcctl", "367abb81-9844-35f1-ad32-98f038001003", (2, 0))
CLOSE_HANDLE: Final = 0
QUERY_STATUS: Final = 6
OPEN_MANAGER: Final = 15
OPEN_SERVICE: Final = 16
QUERY_CONFIG: Final = 17
HANDLE: Final = 20
"""Bytes of a context handle (C706 14.2.16.6)."""
LARGEST_CONFIG: Final = 8 * 1024
"""What cbBufSize may be at most (3.1.4.17)."""

CONNECT: Final = 0x0001  # SC_MANAGER_CONNECT, 3.1.4
CONFIG_AND_STATUS: Final = 0x0005  # SERVICE_QUERY_CONFIG | SERVICE_QUERY_STATUS
CONFIG: Final = 0x0001


class State(IntEnum):
    """SERVICE_STATUS.dwCurrentState (2.2.47)."""

    STOPPED = 1
    START_PENDING = 2
    STOP_PENDING = 3
    RUNNING = 4
    CONTINUE_PENDING = 5
    PAUSE_PENDING = 6
    PAUSED = 7


class Start(IntEnum):
    """QUERY_SERVICE_CONFIGW.dwStartType (2.2.15); the registry value `Start` is the same."""

    BOOT = 0
    SYSTEM = 1
    AUTOMATIC = 2
    MANUAL = 3
    DISABLED = 4


@dataclass(frozen=True, slots=True)
class Config:
    r"""What of QUERY_SERVICE_CONFIGW (2.2.15) matters.

    Attributes:
        start: one of `Start`, or a number that is none.
        account: lpServiceStartName as stored: `LocalSystem`, `DOMAIN\name`, `name@domain`.
        shown: lpDisplayName; the only name that is never translated is the service's own.
    """

    start: int
    account: str
    shown: str


def encode_open_manager(server: str) -> bytes:
    """ROpenSCManagerW (3.1.4.15) of the active database."""
    writer = Writer().pointer().string(f"\\\\{server}").pointer(present=False)
    return writer.u32(CONNECT).done()


def encode_open_service(manager: bytes, name: str, access: int) -> bytes:
    """ROpenServiceW (3.1.4.16)."""
    return Writer().raw(manager).string(name).u32(access).done()


def encode_query_config(service: bytes) -> bytes:
    """RQueryServiceConfigW (3.1.4.17) with the largest buffer there is."""
    return Writer().raw(service).u32(LARGEST_CONFIG).done()


def encode_query_status(service: bytes) -> bytes:
    """RQueryServiceStatus (3.1.4.7)."""
    return service


def encode_close(handle: bytes) -> bytes:
    """RCloseServiceHandle (3.1.4.1)."""
    return handle


def decode_handle(reply: bytes) -> bytes:
    """The handle that a reply begins with."""
    return Reader(reply, "SC_RPC_HANDLE").take(HANDLE)


def decode_config(reply: bytes) -> Config:
    """The configuration of a RQueryServiceConfigW reply.

    Raises:
        FormatError: the reply does not follow MS-SCMR 2.2.15.
    """
    reader = Reader(reply, "QUERY_SERVICE_CONFIGW")
    _kind, start, _error_control = reader.u32(), reader.u32(), reader.u32()
    path, order = reader.u32(), reader.u32()
    reader.u32()  # tag
    pointers = [path, order, reader.u32(), reader.u32(), reader.u32()]
    texts = [reader.string() if pointer else "" for pointer in pointers]
    return Config(start, account=texts[3], shown=texts[4])


def decode_state(reply: bytes) -> int:
    """The state in a RQueryServiceStatus reply; one of `State`, or a number that is none.

    Raises:
        FormatError: the reply does not follow MS-SCMR 2.2.47.
    """
    reader = Reader(reply, "SERVICE_STATUS")
    _kind, state = reader.u32(), reader.u32()
    reader.take(20)
    return state
