"""Starting the program, against an empty papermill run: whole processes, interleaved.

`python -m benchmarks.startup [ROUNDS]`
"""

from __future__ import annotations

import json
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.measure import in_turns, middle, plain, process, ratio, row
from vmmaudit.audit import demo

WANTED: Final = {
    "vmmaudit --help": 0.3,
    "vmmaudit verify of a small pack": 1.0,
    "vmmaudit audit --demo, both languages": 4.0,
}
EMPTY: Final = {
    "cells": [],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "", "language": "python"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


def main(rounds: int = 5) -> None:
    """Print a row per command."""
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder, "empty.ipynb")
        empty.write_text(json.dumps(EMPTY))
        pack = demo().write(folder, ("en",))
        assert pack is not None
        ours = [plain(), "-m", "vmmaudit"]
        papermill = [plain(), "-m", "papermill", "--log-level", "ERROR", str(empty)]
        commands = {
            "rival": [*papermill, str(Path(folder, "out.ipynb"))],
            "vmmaudit --help": [*ours, "--help"],
            "vmmaudit verify of a small pack": [*ours, "verify", str(pack.folder)],
            "vmmaudit audit --demo, both languages": [
                *(*ours, "audit", "--demo", "-o", folder, "-l", "de,en")
            ],
        }
        taken = in_turns(
            rounds, {name: partial(process, command, 3, 6) for name, command in commands.items()}
        )
    for name, wanted in WANTED.items():
        row(
            name,
            "papermill on an empty notebook",
            f"<= {wanted}",
            ratio(taken[name], taken["rival"]),
            middle(taken[name]),
            middle(taken["rival"]),
            note="whole processes, both without JupyterLab, as an auditor installs it",
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
