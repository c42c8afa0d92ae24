"""How a benchmark measures and what it prints: one JSON line per row, one per growth."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

_BUILD: Final = Path(__file__).resolve().parents[1] / "build"


def plain() -> str:
    """Python with the product and what it needs alone, as an auditor installs it; else this one."""
    python = _BUILD / "plain/bin/python"
    return str(python) if python.exists() else sys.executable


def rival(program: str) -> str | None:
    """A program of the rivals' own environment, where that was made."""
    return shutil.which(program, path=_BUILD / "rivals/bin")


def seconds(work: Callable[[], object]) -> float:
    """How long something takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def busy() -> float:
    """Seconds that all processors together have worked since this machine started (Linux)."""
    numbers = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    idle, waiting = 3, 4
    worked = sum(int(n) for at, n in enumerate(numbers[:8]) if at not in (idle, waiting))
    return worked / os.sysconf("SC_CLK_TCK")


def process(command: Sequence[str], *accepted: int, **options: Any) -> str:
    """Run a process to its end; what it printed."""
    done = subprocess.run([*command], capture_output=True, text=True, check=False, **options)
    assert done.returncode in (0, *accepted), (done.returncode, done.stdout, done.stderr)
    return done.stdout


def in_turns(rounds: int, works: Mapping[str, Callable[[], object]]) -> dict[str, list[float]]:
    """The seconds of each in each round; they take turns, so that all see the same machine."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            taken[name].append(seconds(work))
    return taken


def middle(taken: Sequence[float]) -> float:
    """The median."""
    return statistics.median(taken)


def ratio(over: Sequence[float], under: Sequence[float]) -> float:
    """The median of the ratios round by round: what disturbs a round disturbs both of it."""
    return statistics.median(a / b for a, b in zip(over, under, strict=True))


def row(
    what: str,
    rival: str,
    wanted: str,
    measured: float,
    ours: float,
    theirs: float,
    note: str = "",
    shortfall: str = "",
    **more: object,
) -> None:
    """Print a row of the table.

    Args:
        what: what is done.
        rival: who does the same.
        wanted: `<= N` or `>= N`.
        measured: the ratio that `wanted` speaks of.
        ours: seconds.
        theirs: seconds of the rival.
        note: how it was measured, where that is not obvious.
        shortfall: why it is missed, if it is.
        more: other numbers.
    """
    found = {
        "what": what,
        "rival": rival,
        "wanted": wanted,
        "ratio": float(f"{measured:.3g}"),
        "met": met(wanted, measured),
        "seconds": float(f"{ours:.3g}"),
        "rival seconds": float(f"{theirs:.3g}"),
        "note": note,
        "shortfall": shortfall,
        **more,
    }
    print(json.dumps({key: value for key, value in found.items() if value != ""}), flush=True)


def met(wanted: str, measured: float) -> bool:
    """Whether the ratio is what was wanted."""
    sign, bound = wanted.split()
    return measured <= float(bound) if sign == "<=" else measured >= float(bound)


def growth(what: str, unit: str, points: Mapping[int, float]) -> None:
    """Print how seconds grow with size."""
    taken = [[size, float(f"{found:.3g}")] for size, found in points.items()]
    print(json.dumps({"growth": what, "unit": unit, "points": taken}), flush=True)


def left_out(what: str, why: str) -> None:
    """Print that a row could not be measured here."""
    print(json.dumps({"what": what, "left out": why}), flush=True)
