"""A collection that takes what has not changed from an earlier one, against a full one.

Samba tells no time of change, so that field of the listings is a stand-in for Windows; all else
is the real server's. Needs the lab:
`python -m tests.lab exec -- python -m benchmarks.incremental [FILES]`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from benchmarks.measure import left_out, row
from tests import worlds
from tests.lab.apply import apply
from tests.lab.lab import Lab
from tests.lab.recipe import MACHINES
from tests.live.collecting import lab_scope, log_on
from tests.standins.change_time import ChangeTimes, as_copied
from tests.worlds import SHARE, Item
from vmmaudit.collect.gather import collect
from vmmaudit.collect.live import Live
from vmmaudit.collect.unchanged import Earlier, Unchanged
from vmmaudit.collect.wire import Wire
from vmmaudit.evidence import Answer, Evidence, Gap, Origin, Question
from vmmaudit.scope import Scope

SERVER = f"library01.{worlds.DOMAIN}"


class Counting:
    """A wire that counts what it is asked."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.asked = 0

    @property
    def origin(self) -> Origin:
        """That of the wire which is asked."""
        return self._wire.origin

    def ask(self, asked: Sequence[Question]) -> list[Answer | Gap]:
        """One reply per question."""
        self.asked += len(asked)
        return self._wire.ask(asked)

    def close(self) -> None:
        """End all sessions."""
        self._wire.close()


def root() -> Path:
    """The folder behind the share."""
    (found,) = MACHINES["library01"].home.glob(f"**/{SHARE}")
    return found


def timed(scope: Scope, earlier: Earlier | None) -> tuple[Evidence, float, int]:
    """The evidence, the seconds it took, and how much was asked."""
    counting = Counting(ChangeTimes(Live(scope.domains), SERVER, root()))
    wire: Wire = Unchanged(counting, earlier, timedelta(0)) if earlier else counting
    began = time.perf_counter()
    evidence = collect(scope, wire)
    seconds = time.perf_counter() - began
    wire.close()
    return evidence, seconds, counting.asked


def main(files: int = 5000) -> None:
    """Print one row, or say that there is no lab."""
    if "VMMAUDIT_LAB" not in os.environ:
        left_out("incremental collection", "no lab")
        return
    lab = Lab.current()
    good = worlds.conforming()
    folders = good.library("LIBRARY01").shares[0].items[:3]
    isos = tuple(Item(rf"ISOs\b{n}.iso", worlds.FILE_ACL, size=1) for n in range(files))
    world = good.with_share("LIBRARY01", SHARE, items=(*folders, *isos))
    apply(lab, world)
    as_copied(root())
    log_on(lab, "auditadmin")
    time.sleep(1.1)  # nothing was changed in the second in which it is read
    scope = lab_scope(world)
    earlier, *_ = timed(scope, None)  # also warms up both
    full, rival, asked = timed(scope, None)
    before = Earlier(earlier, earlier.digest())
    found, seconds, fewer = timed(scope, before)
    assert {q: a.rows for q, a in found.of("smb.descriptor")} == {
        q: a.rows for q, a in full.of("smb.descriptor")
    }
    row(
        f"whole collection, incremental, {files:,} files that have not changed",
        "the same, full",
        ">= 2",
        rival / seconds,
        seconds,
        rival,
        note=f"{fewer:,} questions instead of {asked:,}; the time of change of Windows is a "
        "stand-in, since Samba tells none",
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
