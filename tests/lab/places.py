"""Places with a network of their own, joined to the lab's by one cable: sites behind firewalls."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from tests.lab.namespaces import LabError
from tests.lab.recipe import MACHINES

_NETWORK: Final = "10.53.{number}.{host}"


class Place:
    """A host name and a network namespace, from which some machines cannot be reached.

    Args:
        name: its host name.
        number: of its network, 60 to 99; no two places share one.
        unreachable: machines to which there is no way.
    """

    def __init__(self, name: str, number: int, unreachable: Iterable[str] = ()) -> None:
        self.name = name
        self.address = _NETWORK.format(number=number, host=2)
        self._gateway = _NETWORK.format(number=number, host=1)
        self._cable = f"place{number}"
        self._unreachable = [MACHINES[machine].address for machine in unreachable]
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        waiting = ["unshare", "--net", "--uts", "sleep", "infinity"]
        self._anchor = subprocess.Popen(waiting)
        self._running.append(self._anchor)
        self._wait_for_the_namespace()
        outside, inside = self._cable, f"{self._cable}i"
        pid = str(self._anchor.pid)
        _sh("ip", "link", "add", outside, "type", "veth", "peer", "name", inside, "netns", pid)
        _sh("ip", "address", "add", f"{self._gateway}/24", "dev", outside)
        _sh("ip", "link", "set", outside, "up")
        self.run("hostname", self.name)
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "address", "add", f"{self.address}/24", "dev", inside)
        self.run("ip", "link", "set", inside, "up")
        self.run("ip", "route", "add", "default", "via", self._gateway)
        for address in self._unreachable:
            self.run("ip", "route", "add", "unreachable", address)
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def hold(self) -> None:
        """Let nothing there go on, as when a machine hangs."""
        for process in self._running:
            process.send_signal(signal.SIGSTOP)

    def end(self) -> None:
        """Kill everything that was started there, and the place itself."""
        for process in reversed(self._running):
            process.kill()
            process.wait()

    def run(self, *argv: str) -> None:
        """Run a command there, and wait for its end."""
        _sh(*self._inside(argv))

    def start(self, *argv: str, log: Path, more: Mapping[str, str] | None = None) -> int:
        """Start a command there that ends with the place at the latest; its process id."""
        with log.open("wb") as file:
            process = subprocess.Popen(
                self._inside(argv), stdout=file, stderr=file, env={**os.environ, **(more or {})}
            )
        self._running.append(process)
        return process.pid

    def _inside(self, argv: Sequence[str]) -> list[str]:
        return ["nsenter", f"--target={self._anchor.pid}", "--net", "--uts", "--", *argv]

    def _wait_for_the_namespace(self) -> None:
        mine = Path("/proc/self/ns/uts").readlink()
        until = time.monotonic() + 10
        while Path(f"/proc/{self._anchor.pid}/ns/uts").readlink() == mine:
            if time.monotonic() > until or self._anchor.poll() is not None:
                raise LabError(f"no namespace for {self.name}")
            time.sleep(0.01)


def dask(what: str, *options: str) -> list[str]:
    """Command line of Dask's scheduler or worker."""
    return [sys.executable, "-m", "distributed.cli.dask_" + what, "--no-dashboard", *options]


def _sh(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
