"""What a machine tells of itself: its services, single registry values, names behind SIDs.

Replies stay as they came. A thing that is not there is no failure: None stands for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from vmmaudit.collect.rpc import Client, FaultError, NtError, Opener, Win32Error, bound
from vmmaudit.errors import FormatError
from vmmaudit.windows import lsat, svcctl, winreg
from vmmaudit.windows.ndr import return_code
from vmmaudit.windows.status import Fault, NtStatus, Win32


class Services:
    """The service control manager (MS-SCMR), read-only."""

    def __init__(self, client: Client, server: str) -> None:
        """Connect to it.

        Raises:
            Win32Error: it is closed to this account.
        """
        self._client = client
        reply = self._call(svcctl.OPEN_MANAGER, svcctl.encode_open_manager(server))
        self._manager = svcctl.decode_handle(reply)

    def service(self, name: str) -> tuple[bytes, bytes | None] | None:
        """Replies with configuration and status; the status is None where it is refused.

        Returns:
            None if there is no such service.

        Raises:
            Win32Error: not even the configuration may be read.
        """
        try:
            with self._opened(name, svcctl.CONFIG_AND_STATUS) as handle:
                return self._config(handle), self._status(handle)
        except Win32Error as error:
            if error.status == Win32.ERROR_SERVICE_DOES_NOT_EXIST:
                return None
            if error.status != Win32.ERROR_ACCESS_DENIED:
                raise
        with self._opened(name, svcctl.CONFIG) as handle:
            return self._config(handle), None

    def close(self) -> None:
        """Give handle and pipe back."""
        try:
            self._call(svcctl.CLOSE_HANDLE, svcctl.encode_close(self._manager))
        finally:
            self._client.close()

    def _config(self, handle: bytes) -> bytes:
        return self._call(svcctl.QUERY_CONFIG, svcctl.encode_query_config(handle))

    def _status(self, handle: bytes) -> bytes | None:
        try:
            return self._call(svcctl.QUERY_STATUS, svcctl.encode_query_status(handle))
        except Win32Error as error:
            if error.status != Win32.ERROR_ACCESS_DENIED:
                raise
            return None

    @contextmanager
    def _opened(self, name: str, access: int) -> Iterator[bytes]:
        stub = svcctl.encode_open_service(self._manager, name, access)
        handle = svcctl.decode_handle(self._call(svcctl.OPEN_SERVICE, stub))
        try:
            yield handle
        finally:
            self._call(svcctl.CLOSE_HANDLE, svcctl.encode_close(handle))

    def _call(self, operation: int, stub: bytes) -> bytes:
        return _win32(self._client.call(operation, stub), "svcctl reply")


class Registry:
    """HKEY_LOCAL_MACHINE of a server (MS-RRP), read-only."""

    def __init__(self, client: Client, server: str) -> None:
        """Open the root.

        Raises:
            Win32Error: the registry is closed to this account.
        """
        del server  # the protocol asks for a name, but of no effect
        self._client = client
        reply = self._call(winreg.OPEN_LOCAL_MACHINE, winreg.encode_open_local_machine())
        self._root = winreg.decode_handle(reply)

    def value(self, path: str, name: str) -> bytes | None:
        """Reply with one value, or None if there is no such key or value.

        Raises:
            Win32Error: it may not be read.
        """
        try:
            stub = winreg.encode_open_key(self._root, path)
            key = winreg.decode_handle(self._call(winreg.OPEN_KEY, stub))
            try:
                return self._call(winreg.QUERY_VALUE, winreg.encode_query_value(key, name))
            finally:
                self._call(winreg.CLOSE_KEY, winreg.encode_close(key))
        except Win32Error as error:
            if error.status != Win32.ERROR_FILE_NOT_FOUND:
                raise
            return None

    def close(self) -> None:
        """Give handle and pipe back."""
        try:
            self._call(winreg.CLOSE_KEY, winreg.encode_close(self._root))
        finally:
            self._client.close()

    def _call(self, operation: int, stub: bytes) -> bytes:
        return _win32(self._client.call(operation, stub), "winreg reply")


class Names:
    """The names that a server's local security authority finds for SIDs (MS-LSAT)."""

    def __init__(self, client: Client, server: str) -> None:
        """Open the policy.

        Raises:
            NtError: it is closed to this account.
        """
        self._client = client
        reply = self._call(lsat.OPEN_POLICY, lsat.encode_open_policy(server))
        self._policy = lsat.decode_handle(reply)

    def lookup(self, sids: Sequence[str]) -> tuple[int, bytes]:
        """Operation (57, or 15 on a server without it) and reply; no name for any is no failure.

        Raises:
            NtError: names are not told.
        """
        try:
            operation, stub = lsat.LOOKUP_SIDS2, lsat.encode_lookup_sids2(self._policy, sids)
            return operation, self._call(operation, stub)
        except FaultError as error:
            if error.status != Fault.nca_s_op_rng_error:
                raise
        operation, stub = lsat.LOOKUP_SIDS, lsat.encode_lookup_sids(self._policy, sids)
        return operation, self._call(operation, stub)

    def close(self) -> None:
        """Give handle and pipe back."""
        try:
            self._call(lsat.CLOSE, lsat.encode_close(self._policy))
        finally:
            self._client.close()

    def _call(self, operation: int, stub: bytes) -> bytes:
        reply = self._client.call(operation, stub)
        status = return_code(reply, "lsarpc reply")
        if status not in (NtStatus.SUCCESS, NtStatus.SOME_NOT_MAPPED, NtStatus.NONE_MAPPED):
            raise NtError(status)
        return reply


def services(open_pipe: Opener, server: str) -> Services:
    """The service control manager of `server`."""
    client = bound(open_pipe, svcctl.INTERFACE)
    try:
        return Services(client, server)
    except (FaultError, Win32Error, FormatError):
        client.close()
        raise


def registry(open_pipe: Opener, server: str) -> Registry:
    """The registry of `server`."""
    client = bound(open_pipe, winreg.INTERFACE)
    try:
        return Registry(client, server)
    except (FaultError, Win32Error, FormatError):
        client.close()
        raise


def names(open_pipe: Opener, server: str) -> Names:
    """The local security authority of `server`."""
    client = bound(open_pipe, lsat.INTERFACE)
    try:
        return Names(client, server)
    except (FaultError, NtError, FormatError):
        client.close()
        raise


def _win32(reply: bytes, structure: str) -> bytes:
    status = return_code(reply, structure)
    if status:
        raise Win32Error(status)
    return reply
