"""The first process of a lab: makes its network, its state and its machines, then waits.

Runs as PID 1 of the lab's PID namespace, so it collects every orphan, and its end is
the end of everything in the lab. Started by `namespaces.raise_lab` only.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tests.lab import build, machine, snapshot
from tests.lab.recipe import CONTROLLER, MACHINES, MEMBERS, STATE

_XATTR: Final = "user.vmmaudit"


def main() -> None:
    """Bring the lab up, report the anchors, wait for ever."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--report", type=int, required=True)
    parser.add_argument("--fallback", type=Path, required=True)
    parser.add_argument("--fresh", action="store_true")
    options = parser.parse_args()
    os.set_inheritable(options.report, False)
    _network()
    _mounts(options.fallback)
    anchors = _machines(fresh=options.fresh)
    (STATE / "anchors.json").write_text(json.dumps(anchors), encoding="utf-8")
    os.write(options.report, json.dumps(anchors).encode() + b"\n")
    os.close(options.report)
    while True:
        try:
            os.wait()
        except ChildProcessError:
            signal.pause()


def _network() -> None:
    _sh("ip", "link", "set", "lo", "up")
    for one in MACHINES.values():
        _sh("ip", "address", "add", f"{one.address}/24", "dev", "lo")


def _mounts(fallback: Path) -> None:
    """A /run and a state folder of the lab's own; nothing of it is seen outside."""
    resolver = Path("/etc/resolv.conf").resolve()
    _sh("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    for name in ("samba", "lock"):
        Path("/run", name).mkdir()
    if not resolver.exists():  # a link into the /run that is hidden now
        resolver.parent.mkdir(parents=True, exist_ok=True)
        resolver.touch()
    _sh("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(STATE.parent))
    STATE.mkdir()
    if not _keeps_xattrs(STATE):  # tmpfs keeps user.* since Linux 6.6
        fallback.mkdir(mode=0o700)
        _sh("mount", "--bind", str(fallback), str(STATE))
        if not _keeps_xattrs(STATE):
            raise OSError("neither tmpfs nor the temporary folder keeps user.* attributes")
    STATE.chmod(0o755)


def _keeps_xattrs(place: Path) -> bool:
    with contextlib.suppress(OSError):
        os.setxattr(place, _XATTR, b"1")
        os.removexattr(place, _XATTR)
        return True
    return False


def _machines(*, fresh: bool) -> dict[str, int]:
    """Make every machine and start it: from the snapshot, else from nothing."""
    kept = snapshot.place()
    restored = False
    if not fresh and kept.exists():
        try:
            snapshot.restore(kept)
            restored = True
        except subprocess.CalledProcessError:
            kept.unlink(missing_ok=True)
            _sh("find", str(STATE), "-mindepth", "1", "-delete")
    for one in MACHINES.values():
        machine.write_files(one)
    anchors = {name: machine.anchor(one) for name, one in MACHINES.items()}
    if restored:
        _start_all(anchors)
        return anchors
    build.build(anchors)
    for one in (*MEMBERS, CONTROLLER):
        machine.stop(one, anchors[one.name])
    snapshot.save(kept)
    _start_all(anchors)
    return anchors


def _start_all(anchors: Mapping[str, int]) -> None:
    machine.start(CONTROLLER, anchors[CONTROLLER.name])
    with ThreadPoolExecutor(len(MEMBERS)) as pool:
        list(pool.map(lambda m: machine.start(m, anchors[m.name]), MEMBERS))


def _sh(*command: str) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
