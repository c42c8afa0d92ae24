"""What a person sees while evidence is collected: a live table, or plain lines in a log."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from vmmaudit.collect.gather import Progress

_TARGETS_SHOWN = 30


@contextmanager
def display(stream: TextIO) -> Iterator[Callable[[Progress], None]]:
    """Reports go to `stream`: live where it is a terminal, else one line per finished target."""
    if not stream.isatty():
        yield lambda progress: _line(stream, progress)
        return
    from rich.console import Console
    from rich.live import Live
    from rich.markup import escape
    from rich.table import Table

    seen: dict[str, Progress] = {}
    lock = threading.Lock()
    live = Live(console=Console(file=stream), refresh_per_second=8)

    def table() -> Table:
        shown = Table.grid(padding=(0, 2))
        done = sum(progress.done for progress in seen.values())
        shown.add_row("", f"{done} of {len(seen)} targets", "", "")
        for progress in [*seen.values()][-_TARGETS_SHOWN:]:
            state = "[green]✓[/]" if progress.done and not progress.gaps else "·"
            state = "[yellow]![/]" if progress.gaps else state
            gaps = _gaps(progress) if progress.gaps else ""
            gaps += f": {escape(harmless(progress.problem))}" if progress.problem else ""
            shown.add_row(state, progress.target, _replies(progress), gaps)
        return shown

    def report(progress: Progress) -> None:
        with lock:
            if not live.is_started:  # a password prompt may come first
                live.start()
            seen[progress.target] = progress
            live.update(table())

    try:
        yield report
    finally:
        if live.is_started:
            live.stop()


def _line(stream: TextIO, progress: Progress) -> None:
    if progress.done:
        gaps = f", {_gaps(progress)}" if progress.gaps else ""
        gaps += f": {harmless(progress.problem)}" if progress.problem else ""
        stream.write(f"{progress.target}: {_replies(progress)}{gaps}\n")
        stream.flush()


def _replies(progress: Progress) -> str:
    return "1 reply" if progress.replies == 1 else f"{progress.replies} replies"


def _gaps(progress: Progress) -> str:
    return "1 gap" if progress.gaps == 1 else f"{progress.gaps} gaps"


def harmless(text: str) -> str:
    """Names from a directory must not steer the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)
