"""Starting the program, against an empty papermill run: whole processes, interleaved.

`python -m benchmarks.startup [ROUNDS]`
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from vmmaudit.audit import demo

EMPTY = {
    "cells": [],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "", "language": "python"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


def seconds(command: list[str], *accepted: int) -> float:
    """How long a process takes from start to end."""
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode in (0, *accepted), done.stderr.decode()
    return time.perf_counter() - began


def main(rounds: int = 5) -> None:
    """One JSON line per command."""
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder, "empty.ipynb")
        empty.write_text(json.dumps(EMPTY))
        found = demo()
        pack = found.write(folder, ("en",))
        assert pack is not None
        ours = [sys.executable, "-m", "vmmaudit"]
        rival = [sys.executable, "-m", "papermill", str(empty), str(Path(folder, "out.ipynb"))]
        rows = {
            "vmmaudit --help": ([*ours, "--help"], 0.3),
            "vmmaudit verify of a small pack": ([*ours, "verify", str(pack.folder)], 1.0),
            "vmmaudit audit --demo, both languages": (
                [*ours, "audit", "--demo", "-o", folder, "-l", "de,en"],
                4.0,
            ),
        }
        times: dict[str, list[float]] = {name: [] for name in ("rival", *rows)}
        for _ in range(rounds):
            times["rival"].append(seconds([*rival, "--log-level", "ERROR"]))
            for name, (command, _) in rows.items():
                times[name].append(seconds(command, 3, 6))
    middle = {name: statistics.median(found) for name, found in times.items()}
    for name, (_, wanted) in rows.items():
        row = {
            "what": name,
            "rival": "papermill on an empty notebook",
            "seconds": round(middle[name], 2),
            "rival seconds": round(middle["rival"], 2),
            "ratio": round(middle[name] / middle["rival"], 2),
            "wanted": f"<= {wanted}",
        }
        print(json.dumps(row))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
