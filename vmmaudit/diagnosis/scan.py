"""Finds the records worth reading without reading the others.

A VMM trace is gigabytes of everyday lines. Its failures are closed by words that VMM's code
writes in every language, so three literals are looked for in the raw bytes, and only the
records around a hit are decoded. What is no trace (jobs, events, pasted text) is read whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from vmmaudit.diagnosis.lines import LINES, Record, parse, records
from vmmaudit.diagnosis.needle import Needle
from vmmaudit.diagnosis.reading import Source, text

NEEDLES: Final = (
    Needle(b"Task failed error", b"sk fail"),
    Needle(b"*** Carmine error was", b"***"),
    Needle(b"0x80070005", b"0x80070"),
)
SHAPES: Final = frozenset({"debugview", "csv", "etl", "numbered"})
_LITERALS: Final = tuple(needle.whole.decode() for needle in NEEDLES)
_LOOKED_AT: Final = 400
_AROUND: Final = 1 << 16
_LINE: Final = 1 << 16
_SEAM: Final = 32


def is_trace(head: bytes) -> bool:
    """Whether the first lines are those of a trace; exceptions in it may have long tails."""
    lines = [line for line in text(head).split("\n")[:_LOOKED_AT] if line.strip()]
    traced = sum(parse(line).shape in SHAPES for line in lines)
    return traced * 10 >= len(lines) > 0


def telling(record: Record) -> bool:
    """Whether a trace's record holds one of the literals; every job, event or text may tell."""
    if record.shape not in SHAPES:
        return True
    said = record.text
    return record.hresult in _LITERALS or any(literal in said for literal in _LITERALS)


def all_records(source: Source) -> Iterator[Record]:
    """The telling records of an input that is read line by line, however long it is."""
    return filter(telling, records(_lines(source.chunks())))


def failing_records(source: Source) -> Iterator[Record]:
    """The records of a trace that hold one of the literals, in the order of their hits."""
    chunks = source.chunks()
    before, base, now = b"", 0, next(chunks, b"")
    given = _Given()
    while now:
        after = next(chunks, b"")
        if hits := _hits(before[-_SEAM:], now):
            tail = before[-_AROUND:]
            window, start = tail + now + after[:_AROUND], base - len(tail)
            for hit in hits:
                yield from _around(window, hit + len(tail), start, given)
        base += len(now)
        before, now = now, after


def _hits(seam: bytes, chunk: bytes) -> list[int]:
    """Where a literal begins; before the chunk is negative, and nothing is found twice."""
    found: list[int] = []
    joint = seam + chunk[:_SEAM]
    for needle in NEEDLES:
        at = joint.find(needle.whole, max(0, len(seam) - len(needle.whole) + 1))
        if 0 <= at < len(seam):
            found.append(at - len(seam))
        found.extend(needle.places(chunk))
    return sorted(found)


@dataclass(slots=True)
class _Given:
    """How far the input was looked at: the last line with a hit, and each process's record."""

    line: int = -1
    records: dict[int | None, int] = field(default_factory=dict)


def _around(window: bytes, place: int, start: int, given: _Given) -> Iterator[Record]:
    """The record that a byte of the window belongs to, unless it was given before.

    `start` is the offset of the window in the input.
    """
    if start + place < given.line:
        return
    line = window.rfind(b"\n", max(0, place - _LINE), place) + 1 or max(0, place - _LINE)
    given.line = start + _end(window, place)
    hit = parse(text(window[line : _end(window, line)]))
    process = hit.process if hit.shape == "debugview" else None
    before = given.records.get(process, -1) - start
    if line <= before:
        return
    begin = line if hit.head else _head(window, line, process, before)
    for record in records(_numbered(window, begin)):
        if record.offset == begin:
            given.records[process] = start + record.end
            record.offset += start
            yield record
            return


def _head(window: bytes, line: int, process: int | None, given: int) -> int:
    """Where the record of a continuation line begins: its process's last head, if it is near."""
    at = earliest = line
    for _ in range(LINES):
        if at <= max(0, given + 1):
            break
        previous = window.rfind(b"\n", max(0, at - 1 - _LINE), at - 1) + 1
        if previous <= given:
            break
        before = parse(text(window[previous : at - 1]))
        if process == (before.process if before.shape == "debugview" else None):
            earliest = previous
            if before.head:
                break
        at = previous
    return earliest


def _numbered(window: bytes, begin: int) -> Iterator[tuple[int, str]]:
    """Lines from an offset on, not endlessly many."""
    at = begin
    for _ in range(4 * LINES):
        if at >= len(window):
            return
        end = _end(window, at)
        yield at, text(window[at:end])
        at = end + 1


def _end(window: bytes, start: int) -> int:
    end = window.find(b"\n", start, start + _LINE)
    return end if end >= 0 else min(len(window), start + _LINE)


def _lines(chunks: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    """Lines and their offsets; one of more than 64 KiB is cut into several."""
    rest, offset = b"", 0
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            for cut in range(0, max(1, len(line)), _LINE):
                yield offset + cut, text(line[cut : cut + _LINE])
            offset += len(line) + 1
        while len(rest) > _LINE:
            yield offset, text(rest[:_LINE])
            rest, offset = rest[_LINE:], offset + _LINE
    if rest:
        yield offset, text(rest)
