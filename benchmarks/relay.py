"""Relays of TCP that delay what goes through, as a link does: late, and nothing held back.

`python -m benchmarks.relay MILLISECONDS LISTEN=SERVER…`, addresses of which the port is 445.
Runs until its standard input ends, and then prints how many connections each has seen, and
how many of them at once. In a process of its own, so that it takes no time from who is measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

PORT = 445


@dataclass
class Seen:
    """Connections to one server: all of them, now, and at once."""

    all: int = 0
    now: int = 0
    most: int = 0


@dataclass
class Relays:
    """Running relays; `seen` is there when they have ended."""

    process: subprocess.Popen[str]
    seen: dict[str, Seen] = field(default_factory=dict)


@contextlib.contextmanager
def delayed(milliseconds: float, servers: Mapping[str, str]) -> Iterator[Relays]:
    """Relays on addresses of this machine, each to its server, with so long a round trip."""
    pairs = [f"{listen}={server}" for listen, server in servers.items()]
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.relay", str(milliseconds), *pairs],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    relays = Relays(process)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    try:
        yield relays
    finally:
        process.stdin.close()
        found = json.loads(process.stdout.read() or "{}")
        relays.seen = {listen: Seen(**counted) for listen, counted in found.items()}
        process.wait()


@contextlib.contextmanager
def found_at(places: Mapping[str, str]) -> Iterator[None]:
    """Names of the lab lead to these addresses, on this machine of it alone."""
    hosts = Path("/etc/hosts")
    text = hosts.read_text(encoding="utf-8")
    kept = [line for line in text.splitlines() if not places.keys() & set(line.split())]
    here = [f"{address} {name}" for name, address in places.items()]
    hosts.write_text("\n".join([*kept, *here, ""]), encoding="utf-8")
    try:
        yield
    finally:
        hosts.write_text(text, encoding="utf-8")


class _Way(asyncio.Protocol):
    """One direction: what comes is written to the other side when its time has come."""

    def __init__(self, delay: float, seen: Seen | None, server: str) -> None:
        self._delay = delay
        self._seen = seen
        self._server = server
        self._early: list[bytes] = []
        self.other: asyncio.WriteTransport | None = None
        self.transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody came, so the server is connected to."""
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport
        if self._seen is not None:
            self._seen.all += 1
            self._seen.now += 1
            self._seen.most = max(self._seen.most, self._seen.now)
            self._connecting = asyncio.ensure_future(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        back = _Way(self._delay, None, "")
        back.other = self.transport
        self.other, _ = await loop.create_connection(lambda: back, self._server, PORT)
        for data in self._early:
            self._later(self.other.write, data)

    def data_received(self, data: bytes) -> None:
        """Pass on, later."""
        if self.other is None:
            self._early.append(data)
        else:
            self._later(self.other.write, data)

    def connection_lost(self, error: Exception | None) -> None:
        """Hang up on the other side as well."""
        if self._seen is not None:
            self._seen.now -= 1
        if self.other is not None:
            self._later(self.other.close)

    def _later(self, what: object, *arguments: object) -> None:
        asyncio.get_running_loop().call_later(self._delay, what, *arguments)


async def _run(milliseconds: float, servers: Mapping[str, str]) -> None:
    loop = asyncio.get_running_loop()
    delay = milliseconds / 2000  # a round trip goes through twice
    seen = {listen: Seen() for listen in servers}
    for listen, server in servers.items():
        await loop.create_server(
            lambda counted=seen[listen], to=server: _Way(delay, counted, to), listen, PORT
        )
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    print(json.dumps({listen: vars(counted) for listen, counted in seen.items()}), flush=True)


if __name__ == "__main__":
    asyncio.run(_run(float(sys.argv[1]), dict(pair.split("=") for pair in sys.argv[2:])))
