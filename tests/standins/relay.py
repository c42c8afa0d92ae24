"""A relay of TCP before a real server: it delays, stalls, or cuts after any number of bytes."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

ADDRESS = "127.0.0.1"


@dataclass
class Fault:
    """What happens to what the server says.

    Attributes:
        delay: seconds before each piece goes on, in either direction.
        after: bytes of the server that go through before it is cut or stalls; None: all.
        stall: nothing more comes, but the connection stands; else it is cut.
        connections: so many are treated like this, the others well; 0: all.
        garbage: what comes instead of the rest.
        gone: after the first cut nobody listens any more.
    """

    delay: float = 0
    after: int | None = None
    stall: bool = False
    connections: int = 0
    garbage: bytes = b""
    gone: bool = False


class Relay:
    """Listens on this machine's port while it is entered; see `redirected`."""

    def __init__(self, server: str, port: int, fault: Fault) -> None:
        self.fault = fault
        self.connections = 0
        self._upstream = (server, port)
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> Self:
        self._listener = socket.create_server((ADDRESS, self._upstream[1]))
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._listener.close()  # the others once no thread reads from their numbers any more

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                with contextlib.suppress(OSError):
                    server = socket.create_connection(self._upstream, 5)
                    server.settimeout(None)
                    for each in (client, server):
                        each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._sockets += [client, server]
                    bad = not self.fault.connections or self.connections <= self.fault.connections
                    fault = self.fault if bad else Fault()
                    for pair in ((client, server, None), (server, client, fault.after)):
                        threading.Thread(
                            target=self._pass, args=(*pair, fault), daemon=True
                        ).start()

    def _pass(
        self, source: socket.socket, target: socket.socket, left: int | None, fault: Fault
    ) -> None:
        try:
            while data := source.recv(65536):
                time.sleep(fault.delay)
                if left is not None and len(data) > left:
                    target.sendall(data[:left] + fault.garbage)
                    if fault.stall:
                        return
                    if fault.gone:
                        self._listener.shutdown(socket.SHUT_RDWR)
                        self._listener.close()
                    break
                target.sendall(data)
                left = None if left is None else left - len(data)
        except OSError:
            pass
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


def redirected(resolve: Callable[..., Any], name: str) -> Callable[..., Any]:
    """`socket.getaddrinfo` for whom the server of that name is this machine."""

    def getaddrinfo(host: Any, *args: Any, **options: Any) -> Any:
        return resolve(ADDRESS if host == name else host, *args, **options)

    return getaddrinfo
