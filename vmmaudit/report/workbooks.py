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
from typing import Any, Final

from vmmaudit.report.xlsx import render_xlsx

_LARGE: Final = 5_000
"""Judgements; below that starting a process takes longer than it gains."""


def begin(
    pool: Executor, count: int, arguments: Sequence[tuple[Any, ...]]
) -> list[Callable[[], bytes]]:
    """Begin to make workbooks.

    Args:
        pool: threads that wait for the processes.
        count: judgements in each.
        arguments: those of `render_xlsx`, for each.

    Returns:
        For each, what waits for it and returns the file.
    """
    alone = count < _LARGE or (os.cpu_count() or 1) < 2
    return [_later(one) if alone else pool.submit(_apart, one).result for one in arguments]


def _later(arguments: tuple[Any, ...]) -> Callable[[], bytes]:
    return lambda: render_xlsx(*arguments)


def _apart(arguments: tuple[Any, ...]) -> bytes:
    """By another process; where none can be started, by this one."""
    # -P: nothing is imported from the folder that somebody happens to work in.
    command = [sys.executable, "-P", "-m", __name__]
    given = pickle.dumps(arguments)
    try:
        done = subprocess.run(command, input=given, capture_output=True, check=False)  # noqa: S603
    except OSError:
        return render_xlsx(*arguments)
    return done.stdout if done.returncode == 0 else render_xlsx(*arguments)


if __name__ == "__main__":
    gc.disable()  # it ends before there is anything to collect
    # Ours alone: who starts this process is who writes into it.
    sys.stdout.buffer.write(render_xlsx(*pickle.load(sys.stdin.buffer)))  # noqa: S301
