"""A wire that tells ChangeTime as Windows does: Samba tells LastWriteTime in its place.

Everything else is the real server's; the time is that of the very file on its disk.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from vmmaudit import questions
from vmmaudit.collect.wire import Wire
from vmmaudit.evidence import Answer, Gap, Origin, Question, Row

_EPOCH = 11_644_473_600 * 10_000_000
"""FILETIME of 1970."""
_WRITTEN = 1_700_000_000


def as_copied(root: Path) -> None:
    """Let every image be last written before it came here, as copying leaves it."""
    for file in root.rglob("*.iso"):
        os.utime(file, (_WRITTEN, _WRITTEN))


class ChangeTimes:
    """Asks another wire.

    Args:
        wire: who is asked.
        server: whose listings are corrected.
        root: the folder that the share offers.
    """

    def __init__(self, wire: Wire, server: str, root: Path) -> None:
        self._wire = wire
        self._server = server
        self._root = root

    @property
    def origin(self) -> Origin:
        return self._wire.origin

    def ask(self, asked: Sequence[Question]) -> list[Answer | Gap]:
        return [
            self._corrected(question, reply)
            for question, reply in zip(asked, self._wire.ask(asked), strict=True)
        ]

    def close(self) -> None:
        self._wire.close()

    def _corrected(self, question: Question, reply: Answer | Gap) -> Answer | Gap:
        mine = (question.server, question.kind) == (self._server, questions.LIST)
        if not mine or isinstance(reply, Gap):
            return reply
        folder = self._root.joinpath(*question.detail[1].split("\\"))
        rows = tuple(
            Row(
                row.name,
                {key: tuple(self._times(v, folder) for v in row.values[key]) for key in row.values},
            )
            for row in reply.rows
        )
        return replace(reply, rows=rows)

    @staticmethod
    def _times(buffer: bytes, folder: Path) -> bytes:
        """FileIdBothDirectoryInformation (MS-FSCC 2.4.17) with the times of the disk."""
        changed = bytearray(buffer)
        for offset in _entries(buffer):
            length = int.from_bytes(buffer[offset + 60 : offset + 64], "little")
            name = buffer[offset + 104 : offset + 104 + length].decode("utf-16-le")
            time = (folder / name).stat().st_ctime_ns // 100 + _EPOCH
            changed[offset + 32 : offset + 40] = time.to_bytes(8, "little")
        return bytes(changed)


def _entries(buffer: bytes) -> Iterator[int]:
    offset = 0
    while buffer:
        yield offset
        step = int.from_bytes(buffer[offset : offset + 4], "little")
        if not step:
            return
        offset += step
