"""What the user is told of a file, in a process with a limit of memory and time."""

from __future__ import annotations

import resource
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

from vmmaudit.errors import AuditError

MEBIBYTE = 1 << 20
SECONDS = 60
"""Only what hangs takes that long."""


def said(work: Callable[[], object], mebibytes: int = 256) -> str:
    """What the user is told, in a process that may take so much memory more and not run on."""
    context = get_context("fork")
    ours, theirs = context.Pipe(duplex=False)

    def run() -> None:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        limit = used + mebibytes * MEBIBYTE
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        try:
            work()
        except AuditError as error:
            theirs.send(str(error))
        except BaseException as error:
            theirs.send(f"!{type(error).__name__}: {error}")
        else:
            theirs.send("")

    process = context.Process(target=run)
    process.start()
    theirs.close()
    try:
        told = ours.recv() if ours.poll(SECONDS) else "!hangs"
    except EOFError:
        told = "!ended without a word"
    process.kill()
    process.join()
    assert not told.startswith("!"), told
    return told
