"""The workbooks of a large site, each made by a process of its own.

A workbook of 80,000 rows keeps one processor busy for ten seconds, and Python uses but one.
The process is this interpreter; it is given its input and gives its output over pipes.
"""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any, Final

from vmmaudit.report.xlsx import render_xlsx

_LARGE: Final = 5_000
"""Judgements; below that starting a process takes longer than it gains."""


def begin(
    pool: Executor, count: int, common: tuple[Any, ...], own: Sequence[tuple[Any, ...]]
) -> list[Callable[[], bytes]]:
    """Begin to make workbooks.

    Args:
        pool: threads that wait for the processes.
        count: judgements in each.
        common: what they have in common, which is the most of it: see `_made`.
        own: document and texts of each.

    Returns:
        For each, what waits for it and returns the file.
    """
    if count < _LARGE or (os.cpu_count() or 1) < 2:
        return [partial(_made, one, common) for one in own]
    given = pickle.dumps(common, pickle.HIGHEST_PROTOCOL)
    return [pool.submit(_apart, one, common, given).result for one in own]


def _made(own: tuple[Any, ...], common: tuple[Any, ...]) -> bytes:
    document, texts = own
    assessment, evidence, catalogue, previous, waivers = common
    return render_xlsx(document, assessment, evidence, catalogue, texts, previous, waivers)


def _apart(own: tuple[Any, ...], common: tuple[Any, ...], given: bytes) -> bytes:
    """By another process; where none can be started, by this one."""
    # -P: nothing is imported from the folder that somebody happens to work in.
    command = [sys.executable, "-P", "-m", __name__]
    sent = pickle.dumps(own) + given
    try:
        done = subprocess.run(command, input=sent, capture_output=True, check=False)  # noqa: S603
    except OSError:
        return _made(own, common)
    return done.stdout if done.returncode == 0 else _made(own, common)


if __name__ == "__main__":
    gc.disable()  # it ends before there is anything to collect
    # Ours alone: who starts this process is who writes into it.
    sys.stdout.buffer.write(_made(pickle.load(sys.stdin.buffer), pickle.load(sys.stdin.buffer)))  # noqa: S301
