"""One server's connection over WinRM and its session of PowerShell, each opened when needed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, TypeVar

from pypsrp.powershell import RunspacePool
from pypsrp.wsman import WSMan

from vmmaudit.collect.credentials import Vault
from vmmaudit.collect.winrm import cim, scripts
from vmmaudit.collect.winrm.failures import LIBRARY_ERRORS
from vmmaudit.collect.winrm.transport import Guard, LogonLostError, connect
from vmmaudit.collect.wire import WireError
from vmmaudit.scope import Domain

T = TypeVar("T")


class Session:
    """What is asked in it raises `WireError` and what the libraries raise (`LIBRARY_ERRORS`)."""

    def __init__(self, name: str, domain: Domain, vault: Vault, seconds: float) -> None:
        self._name = name
        self._domain = domain
        self._vault = vault
        self._seconds = seconds
        self._connection: WSMan | None = None
        self._guard: Guard | None = None
        self._pool: RunspacePool | None = None

    def one(self, ask: Callable[[], T]) -> T:
        """Ask one question, which has a limited time; once more where the logon was lost."""
        if self._guard is not None:
            self._guard.begin()
        try:
            return ask()
        except LogonLostError:
            self._forget_logon()
            return ask()

    def select(self, namespace: str, of: str, *wanted: str, **equal: str) -> list[dict[str, str]]:
        """The objects of a class with these values (`cim.select`)."""
        return cim.select(self._connected(), self._name, namespace, of, wanted, **equal)

    def run(self, script: str, *arguments: Any) -> list[dict[str, Any]]:
        """What a script of ours writes (`scripts.run`)."""
        if self._pool is None:
            pool = RunspacePool(self._connected())
            pool.open()
            self._pool = pool
        try:
            return scripts.run(self._pool, self._name, script, *arguments)
        except LogonLostError:
            raise
        except WireError:
            self._end_pool()
            raise
        except LIBRARY_ERRORS:
            # Something may still run in it, and only one does at a time.
            self._end_pool()
            raise

    def stop(self) -> None:
        """Send no request any more, whoever is about to."""
        if self._guard is not None:
            self._guard.stop()

    def end(self) -> None:
        """End it on the server too; never raises."""
        self._end_pool()
        with contextlib.suppress(WireError, *LIBRARY_ERRORS):
            if self._connection is not None:
                self._connection.close()
        self._connection = self._guard = None

    def _end_pool(self) -> None:
        pool, self._pool = self._pool, None
        if pool is None or self._guard is None:
            return
        self._guard.begin(self._seconds)
        with contextlib.suppress(WireError, *LIBRARY_ERRORS):
            pool.close()

    def _forget_logon(self) -> None:
        """Let the next request log on again; a session of PowerShell outlives its connection."""
        if self._connection is not None:
            self._connection.transport.close()
            self._connection.transport.encryption = None

    def _connected(self) -> WSMan:
        if self._connection is None:
            credentials = self._vault.credentials(self._domain.auth, self._domain.name)
            self._connection, self._guard = connect(
                self._name, self._domain, credentials, self._seconds
            )
        return self._connection
