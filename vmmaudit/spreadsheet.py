"""The cells of a workbook that somebody handed over, read in a process of its own.

The library keeps a sheet as a rectangle, so one cell far out asks for more memory than there
is, and it then ends its process. That process is not ours.
"""

from __future__ import annotations

import io
import os
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, Final

from python_calamine import CalamineError, CalamineWorkbook

_MEMORY: Final = 2 * 1024**3
"""Bytes of address space, where the system has a limit for it; Excel's lists need a hundredth."""
_SECONDS: Final = 60


def rows(content: bytes) -> list[tuple[int, list[Any]]]:
    """The rows of the first sheet with the numbers that the spreadsheet shows.

    Raises:
        ValueError: it is no workbook, or one that cannot be read with reasonable means.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(_read, content).result(_SECONDS)
        except (BrokenProcessPool, MemoryError) as error:
            raise ValueError("it is damaged, or made to use up this machine's memory") from error
        except TimeoutError as error:
            for process in pool._processes.values():
                process.kill()
            raise ValueError("reading it does not end") from error


def _read(content: bytes) -> list[tuple[int, list[Any]]]:
    _limit()
    try:
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
        first = sheet.start[0] + 1 if sheet.start else 1
        return list(enumerate(sheet.to_python(skip_empty_area=True), first))
    except CalamineError as error:
        raise ValueError(str(error)) from error


def _limit() -> None:
    """What the library says when it gives up is nothing for the user."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
