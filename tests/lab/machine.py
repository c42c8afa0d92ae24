"""Machines as seen from inside the lab: make one, run on it, start it, stop it."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.lab import recipe
from tests.lab.namespaces import LabError, inside
from tests.lab.recipe import Machine

_PORTS: Final = {"controller": (53, 88, 389, 445, 464, 636), "member": (445,), "workstation": ()}
_DAEMONS: Final = {
    "controller": (["samba", "-D"],),
    "member": (["winbindd", "-D"], ["smbd", "-D"]),
    "workstation": (),
}


def write_files(machine: Machine) -> None:
    """Write the private files of a machine, and the folders it needs."""
    for name in recipe.FOLDERS:
        (machine.home / name).mkdir(parents=True, exist_ok=True)
    (machine.home / "lib/private").mkdir(mode=0o700, exist_ok=True)
    for name, text in recipe.files(machine).items():
        (machine.home / name).write_text(text, encoding="utf-8")
    shares = machine.home / "etc/shares.conf"
    if not shares.exists():
        shares.write_text("", encoding="utf-8")
    # What was a socket or a pid file in another life must not be believed.
    for private in ("run", "log"):
        for left in (machine.home / private).iterdir():
            if left.is_file():
                left.unlink()


def anchor(machine: Machine) -> int:
    """Make the namespaces of a machine; the pid of the process that keeps them."""
    binds = {str(machine.home / name): place for name, place in recipe.FOLDERS.items()}
    binds |= {str(machine.home / name): f"/etc/{name}" for name in recipe.FILES}
    script = "\n".join(
        [
            "set -e",
            *(f"mount --bind {shlex.quote(a)} {shlex.quote(b)}" for a, b in binds.items()),
            f"hostname {machine.name}",
            "echo ready",
            "exec sleep infinity >/dev/null",
        ]
    )
    process = subprocess.Popen(
        ["unshare", "--mount", "--uts", "--propagation", "private", "sh", "-c", script],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    with process.stdout as answer:
        if answer.read() != "ready\n":
            raise LabError(f"{machine.name}: its mounts could not be made")
    return process.pid


def run(
    pid: int, argv: Sequence[str], *, check: bool = True, stdin: str = "", timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run a command on the machine whose anchor is `pid`."""
    done = subprocess.run(
        inside(pid, argv),
        input=stdin,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=timeout,
        env=_environment(),
    )
    if check and done.returncode:
        what = " ".join(argv[:3])
        raise LabError(
            f"{what}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
    return done


def _environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k in {"LANG", "LC_ALL", "TERM", "TZ"}}
    return kept | {"PATH": recipe.SYSTEM_PATH, "HOME": "/"}


def start(machine: Machine, pid: int, timeout: float = 30) -> None:
    """Start the daemons of a machine and wait until they answer."""
    for daemon in _DAEMONS[machine.role]:
        _launch(pid, daemon, machine.home / "log/start")
    deadline = time.monotonic() + timeout
    for port in _PORTS[machine.role]:
        while not _open(machine.address, port):
            if time.monotonic() > deadline:
                raise LabError(f"{machine.name}: port {port} does not answer")
            time.sleep(0.02)
    if machine.role == "member":
        while run(pid, ["wbinfo", "--ping-dc"], check=False).returncode:
            if time.monotonic() > deadline:
                raise LabError(f"{machine.name}: winbind does not reach the controller")
            time.sleep(0.05)


def _launch(pid: int, daemon: Sequence[str], log: Path) -> None:
    # Not by `run`: a daemon keeps its pipes open, and their end would never come.
    with log.open("ab") as file:
        code = subprocess.run(
            inside(pid, daemon),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            check=False,
            env=_environment(),
        ).returncode
    if code:
        text = log.read_text(encoding="utf-8", errors="replace")
        raise LabError(f"{daemon[0]}: exit {code}\n{text[-2000:]}")


def stop(machine: Machine, pid: int, timeout: float = 8) -> None:
    """Stop the daemons of a machine, helpers that outlive their parents included."""
    deadline = time.monotonic() + timeout
    ask = signal.SIGTERM
    while left := _daemons(pid):
        if time.monotonic() > deadline:
            ask = signal.SIGKILL
        if time.monotonic() > deadline + timeout:
            raise LabError(f"{machine.name}: processes survive: {left}")
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, ask)
        time.sleep(0.1)


def freeze(pid: int, *, frozen: bool) -> None:
    """Make a machine's daemons hang (it accepts connections and never answers), or go on."""
    for process in _daemons(pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGSTOP if frozen else signal.SIGCONT)


def end(pid: int, program: str) -> None:
    """End one kind of helper process of a machine; Samba starts it again when it is needed."""
    for process in _daemons(pid):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{process}/exe").readlink().name == program:
                os.kill(process, signal.SIGTERM)


def running(pid: int) -> bool:
    """Whether a machine's daemons run."""
    return bool(_daemons(pid))


def _daemons(pid: int) -> list[int]:
    """Samba's processes in the mount namespace of a machine, zombies not counted."""
    home = Path(f"/proc/{pid}/ns/mnt").readlink()
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            program = (place / "exe").readlink().name
            ours = program.startswith(("samba", "smbd", "winbindd", "rpcd_"))
            if ours and (place / "ns/mnt").readlink() == home:
                found.append(int(place.name))
    return found


def _open(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((address, port)) == 0
