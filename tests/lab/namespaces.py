"""Labs as seen from outside: start a holder, find it again, run a command in it, end it.

A lab is one `unshare` process and the PID namespace below it. When that process
dies, for whatever reason, the kernel ends everything in the lab, and with the
last process its mounts, its network and its state (a tmpfs) are gone.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from tests.lab.recipe import STATE

PREFIX: Final = "vmmaudit-lab-"
ROOT: Final = Path(__file__).resolve().parents[2]


class LabError(RuntimeError):
    """The lab could not be built, found, or ended."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The process a lab lives and dies with."""

    name: str
    pid: int
    started: str
    machines: Mapping[str, int]

    @property
    def folder(self) -> Path:
        """Where the lab is registered outside."""
        return folder(self.name)

    @property
    def alive(self) -> bool:
        """Whether that very process still runs."""
        return _started(self.pid) == self.started

    def enter(self, machine: str, argv: Sequence[str], cwd: Path | None = None) -> list[str]:
        """Command line that runs `argv` on a machine of the lab, from outside."""
        holder = f"/proc/{self.pid}/ns"
        return [
            "nsenter",
            f"--pid={holder}/pid_for_children",
            f"--mount={holder}/mnt",
            f"--net={holder}/net",
            "--",
            *inside(self.machines[machine], argv, cwd or Path.cwd()),
        ]

    def end(self, timeout: float = 10) -> None:
        """Kill the lab and wait until the kernel has taken all of it away."""
        if self.alive:
            network = Path(f"/proc/{self.pid}/ns/net").readlink()
            os.kill(self.pid, signal.SIGKILL)
            deadline = time.monotonic() + timeout
            while self.alive or residents(str(network)):
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(self.pid, os.WNOHANG)
                if time.monotonic() > deadline:
                    raise LabError(f"lab {self.name}: processes survive: {residents(str(network))}")
                time.sleep(0.02)
        shutil.rmtree(self.folder, ignore_errors=True)


def inside(pid: int, argv: Sequence[str], cwd: Path = Path("/")) -> list[str]:
    """Command line that runs `argv` on a machine, from within the lab's PID namespace."""
    change = ["sh", "-c", 'cd "$0" && exec "$@"', str(cwd)]
    return ["nsenter", f"--target={pid}", "--mount", "--uts", "--", *change, *argv]


def folder(name: str) -> Path:
    """Where a lab of that name is registered: within a lab, in what vanishes with it."""
    outer = os.environ.get("VMMAUDIT_LAB")
    base = Path(outer) / "auditor" if outer else Path(tempfile.gettempdir())
    return base / f"{PREFIX}{name}"


def unused_name() -> str:
    """A name no other lab has."""
    return f"{os.getpid()}-{secrets.token_hex(3)}"


def find(name: str) -> Holder | None:
    """The running lab of that name, if there is one."""
    try:
        raw = json.loads((folder(name) / "lab.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    holder = Holder(name, raw["pid"], raw["started"], raw["machines"])
    return holder if holder.alive else None


def registered() -> list[str]:
    """Names of all labs that left a folder, running or not."""
    return sorted(p.name.removeprefix(PREFIX) for p in folder("").parent.glob(f"{PREFIX}*"))


def sweep() -> list[str]:
    """Remove what dead labs left behind; the names of those."""
    dead = []
    for name in registered():
        place = folder(name)
        try:
            # Whoever builds a lab writes this file first.
            pid, started, world = (place / "builder").read_text(encoding="utf-8").split()
            judged = world == _processes()
            building = _started(int(pid)) == started
        except (OSError, ValueError):
            judged, building = True, False
        if judged and not building and find(name) is None:
            shutil.rmtree(place, ignore_errors=True)
            dead.append(name)
    return dead


def raise_lab(name: str, *, bound: bool, fresh: bool = False) -> Holder:
    """Start a lab and wait until every machine of it answers.

    Args:
        name: A name no running lab has.
        bound: Whether the lab dies with this process, even if it is killed.
        fresh: Build from nothing, without the snapshot.
    """
    if os.geteuid() != 0:
        raise LabError("the lab needs root: it makes namespaces and mounts")
    sweep()
    place = folder(name)
    # Under its name it is never without its builder: who sweeps meanwhile would take it for dead.
    making = Path(tempfile.mkdtemp(prefix=f".{PREFIX}", dir=place.parent))
    mine = f"{os.getpid()} {_started(os.getpid())} {_processes()}"
    (making / "builder").write_text(mine, encoding="utf-8")
    try:
        making.rename(place)
    except OSError:
        shutil.rmtree(making)
        raise LabError(f"lab {name} is being built, or of another container") from None
    reading, writing = os.pipe()
    command = [
        *(["setpriv", "--pdeathsig", "KILL"] if bound else []),
        *("unshare", "--net", "--mount", "--uts", "--pid", "--fork", "--kill-child=SIGKILL"),
        *("--propagation", "private", "--mount-proc", sys.executable, "-m", "tests.lab.holder"),
        *("--report", str(writing), "--fallback", str(place / "state")),
        *(["--fresh"] if fresh else []),
    ]
    with (place / "holder.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[writing],
            start_new_session=True,
            cwd=ROOT,
        )
    os.close(writing)
    try:
        with os.fdopen(reading, encoding="utf-8") as pipe:
            report = pipe.readline()  # unshare keeps its end open
        machines = json.loads(report or _complain(place / "holder.log"))
        holder = Holder(name, process.pid, _started(process.pid), machines)
        facts = {"pid": holder.pid, "started": holder.started, "machines": holder.machines}
        temporary = place / "lab.json.new"
        temporary.write_text(json.dumps(facts), encoding="utf-8")
        temporary.rename(place / "lab.json")
    except BaseException:
        process.kill()
        process.wait()
        shutil.rmtree(place, ignore_errors=True)
        raise
    return holder


def _complain(log: Path) -> NoReturn:
    text = log.read_text(encoding="utf-8", errors="replace")
    raise LabError(f"the lab did not start:\n{text[-4000:]}")


def environment() -> dict[str, str]:
    """Environment of a command in the lab: no ticket and no configuration of this machine."""
    mine = {k: v for k, v in os.environ.items() if not k.startswith("KRB5")}
    return mine | {"VMMAUDIT_LAB": str(STATE)}


def residents(network: str) -> list[int]:
    """Processes that live in a network namespace (`net:[…]`), zombies not counted."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if str((place / "ns/net").readlink()) == network:
                found.append(int(place.name))
    return found


def _processes() -> str:
    """The PID namespace of this process: a pid means nothing in another one."""
    return str(Path("/proc/self/ns/pid").readlink())


def _started(pid: int) -> str:
    """Start time of a process in clock ticks since boot; empty when it is gone or a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    fields = text.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]
