"""What a stand-in of a server listens with: a thread for each connection."""

from __future__ import annotations

import contextlib
import socket
import threading
from abc import ABC, abstractmethod
from typing import Self


class Listener(ABC):
    """Listens while it is entered."""

    address: tuple[str, int]

    def __enter__(self) -> Self:
        self._listener = socket.create_server(self.address)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    @abstractmethod
    def serve(self, client: socket.socket) -> None:
        """Talk to one client until it goes."""
