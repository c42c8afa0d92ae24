"""What Windows answers where Samba cannot: services, the time since the start, refusals."""

from __future__ import annotations

import itertools
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests import stubs
from tests.standins.pipe import Caller
from tests.worlds import Service
from vmmaudit.windows import samr, srvsvc, svcctl, winreg

ACCESS_DENIED = 5
NO_SUCH_SERVICE = 1060
STATUS_ACCESS_DENIED = 0xC0000022
_HANDLE = 20


@dataclass
class ServiceManager:
    """SVCCTL (MS-SCMR): some services, told to local administrators as on Windows.

    Attributes:
        for_all: tell everybody, which Windows does not.
        open: handles that were given out and not closed.
    """

    services: tuple[Service, ...]
    for_all: bool = False
    padding: int = 0
    open: dict[bytes, str] = field(default_factory=dict)
    most: int = 0
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __call__(self, operation: int, stub: bytes, caller: Caller) -> bytes | None:
        if operation == svcctl.OPEN_MANAGER:
            if not (self.for_all or caller.is_administrator):
                return bytes(_HANDLE) + struct.pack("<I", ACCESS_DENIED)
            return self._opened("manager")
        handle = stub[:_HANDLE]
        if operation == svcctl.CLOSE_HANDLE:
            del self.open[handle]
            return bytes(_HANDLE) + bytes(4)
        what = self.open[handle]
        if operation == svcctl.OPEN_SERVICE:
            count = struct.unpack_from("<I", stub, _HANDLE + 8)[0]
            name = stub[_HANDLE + 12 : _HANDLE + 12 + 2 * count].decode("utf-16-le").rstrip("\0")
            if not any(service.name == name for service in self.services):
                return bytes(_HANDLE) + struct.pack("<I", NO_SUCH_SERVICE)
            return self._opened(name)
        service = next(service for service in self.services if service.name == what)
        if operation == svcctl.QUERY_CONFIG:
            return stubs.service_config(service.account, service.start, "x" * self.padding)
        assert operation == svcctl.QUERY_STATUS, operation
        return stubs.service_status(service.state or svcctl.State.RUNNING)

    def _opened(self, what: str) -> bytes:
        handle = struct.pack("<I16s", 0, f"{next(self._numbers):016}".encode())
        self.open[handle] = what
        self.most = max(self.most, len(self.open))
        return handle + bytes(4)


@dataclass
class Server:
    """SRVSVC (MS-SRVS): the time since the start, and share permissions for administrators only."""

    running_ms: int
    refuses: bool = False
    refused_levels: tuple[int, ...] = srvsvc.SECURED

    def __call__(self, operation: int, stub: bytes, caller: Caller) -> bytes | None:
        if operation == srvsvc.REMOTE_TOD:
            return stubs.time_of_day(datetime.now(UTC), self.running_ms)
        if operation == srvsvc.SHARE_GET_INFO and self.refuses and not caller.is_administrator:
            level = struct.unpack("<I", stub[-4:])[0]
            if level in self.refused_levels:
                return struct.pack("<III", level, 0, ACCESS_DENIED)
        return None


def closed_accounts(operation: int, stub: bytes, caller: Caller) -> bytes | None:
    """SAMR behind RestrictRemoteSam: administrators only (Windows Server 2016)."""
    if operation == samr.CONNECT5 and not caller.is_administrator:
        return (
            struct.pack("<IIII", 1, 1, 3, 0)
            + bytes(_HANDLE)
            + struct.pack("<I", STATUS_ACCESS_DENIED)
        )
    return None


def closed_registry(operation: int, stub: bytes, caller: Caller) -> bytes | None:
    """WINREG whose `SecurePipeServers\\winreg` lets administrators in alone."""
    if operation == winreg.OPEN_LOCAL_MACHINE and not caller.is_administrator:
        return bytes(_HANDLE) + struct.pack("<I", ACCESS_DENIED)
    return None
