"""Ctrl-C and the request to end, as one exception that is raised only where it can be heard."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from types import FrameType
from typing import Final

AGAIN: Final = 0.02
"""Seconds until a signal that came at a bad moment is tried again."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, or the request to end.

    Where `KeyboardInterrupt` itself leaves code that was made of a string, as dataclasses are,
    CPython ends the process by SIGINT, whatever the exit code (`run_eval_code_obj`).
    """


def listen() -> None:
    """Raise `Interrupted` in the main thread on SIGINT and SIGTERM.

    Whoever ends the service or the session means what Ctrl-C means: keep what was read. What
    this process was told to ignore when it was started (`nohup`) stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    sys.unraisablehook = _unraisable


def ending() -> None:
    """All is said and done: while Python tidies up, nothing changes the exit code any more."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is _interrupt:
            signal.signal(number, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, 0)


def _interrupt(_number: int, frame: FrameType | None) -> None:
    if frame and _is_deaf(frame):
        _later()
    else:
        raise Interrupted


def _is_deaf(frame: FrameType) -> bool:
    """Whether an exception would do harm or be lost here.

    Within the import machinery it can leave its lock held for good; within `_unraisable` it would
    be dropped itself.
    """
    if frame.f_code.co_filename.startswith("<frozen importlib"):
        return True
    caller: FrameType | None = frame
    while caller and caller.f_code is not _unraisable.__code__:
        caller = caller.f_back
    return caller is not None


def _unraisable(swallowed: sys.UnraisableHookArgs) -> None:
    """Python drops what is raised in finalisers and callbacks of weak references."""
    if issubclass(swallowed.exc_type, KeyboardInterrupt):
        _later()
    else:
        sys.__unraisablehook__(swallowed)


def _later() -> None:
    """Try again by a clock's signal: SIGINT may be ignored, and a thread needs locks to start."""
    if sys.platform == "win32":
        timer = threading.Timer(AGAIN, _thread.interrupt_main)
        timer.daemon = True
        timer.start()
    else:
        signal.signal(signal.SIGALRM, _interrupt)
        signal.setitimer(signal.ITIMER_REAL, AGAIN)
