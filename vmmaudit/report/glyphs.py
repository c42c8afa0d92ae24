"""Which characters the shipped fonts can show.

PDF/A forbids a character without a glyph, so what no font has is written as its
code. Only the `cmap` table is read (OpenType 1.9, formats 4 and 12).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path


@cache
def coverage(folder: Path) -> frozenset[int]:
    """The code points of all fonts in `folder`: each falls back on DejaVu Sans."""
    found: set[int] = set()
    for path in sorted(folder.glob("*.ttf")):
        found.update(_characters(path.read_bytes()))
    return frozenset(found)


def _characters(font: bytes) -> Iterator[int]:
    (count,) = struct.unpack_from(">H", font, 4)
    tables = {
        tag: offset
        for tag, _, offset, _ in (
            struct.unpack_from(">4s3I", font, 12 + 16 * i) for i in range(count)
        )
    }
    start = tables[b"cmap"]
    (count,) = struct.unpack_from(">H", font, start + 2)
    for index in range(count):
        _, _, offset = struct.unpack_from(">HHI", font, start + 4 + 8 * index)
        (kind,) = struct.unpack_from(">H", font, start + offset)
        if kind == 4:
            yield from _format_4(font, start + offset)
        elif kind == 12:
            yield from _format_12(font, start + offset)


def _format_4(font: bytes, start: int) -> Iterator[int]:
    (double,) = struct.unpack_from(">H", font, start + 6)
    count = double // 2
    ends = struct.unpack_from(f">{count}H", font, start + 14)
    starts = struct.unpack_from(f">{count}H", font, start + 16 + double)
    for first, last in zip(starts, ends, strict=True):
        if first != 0xFFFF:
            yield from range(first, last + 1)


def _format_12(font: bytes, start: int) -> Iterator[int]:
    (count,) = struct.unpack_from(">I", font, start + 12)
    for index in range(count):
        first, last, _ = struct.unpack_from(">3I", font, start + 16 + 12 * index)
        yield from range(first, last + 1)
