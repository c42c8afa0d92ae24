"""Bytes of a trace or export, in constant memory, whatever it was saved as.

Everything after this module sees ASCII-compatible bytes: UTF-16 is turned into UTF-8 on the
way, the rest stays as it is and is decoded line by line (`text`), as UTF-8 or else cp1252.
"""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from vmmaudit.errors import UsageError

CHUNK: Final = 1 << 18
"""Bytes that stay in the processor's cache while they are compared ten times."""
_HEAD: Final = 1 << 16
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_BINARY: Final = (
    (b"ElfFile\x00", "an event log; save it from the event viewer as XML or CSV"),
    (b"PK\x03\x04", "a ZIP archive; unpack it first"),
    (b"\x1f\x8b", "compressed; unpack it first"),
)


@dataclass(frozen=True, slots=True)
class Source:
    """One input: what it is called, how it is encoded, and what it begins with.

    Attributes:
        encoding: `utf-8`, `utf-16-le`, `utf-16-be`, or `cp1252` where the head is not UTF-8.
        head: the first 64 KiB, already ASCII-compatible.
        short: whether the head is all there is.
    """

    name: str
    encoding: str
    head: bytes
    short: bool
    _stream: BinaryIO
    _first: bytes

    def chunks(self) -> Iterator[bytes]:
        """The whole input in ASCII-compatible pieces of about a quarter of a mebibyte; once.

        Raises:
            UsageError: reading fails half-way.
        """
        decoder = (
            codecs.getincrementaldecoder(self.encoding)("replace")
            if self.encoding.startswith("utf-16")
            else None
        )
        piece = self._first
        try:
            while piece:
                yield piece if decoder is None else decoder.decode(piece).encode("utf-8", "replace")
                piece = _read(self._stream, CHUNK)
        except OSError as error:
            raise _unreadable(self.name, error) from error
        finally:
            if self._stream is not sys.stdin.buffer:
                self._stream.close()


def opened(path: str, name: str = "") -> Source:
    """The input called `path`, shown as `name`; `-` is standard input.

    Raises:
        UsageError: it cannot be read, or it is a binary format; the sentence says what to do.
    """
    if path == "-":
        return source(sys.stdin.buffer, name or "standard input")
    try:
        return source(Path(path).open("rb", buffering=0), name or path)
    except OSError as error:
        raise _unreadable(path, error) from error


def source(stream: BinaryIO, name: str) -> Source:
    """The input behind a binary stream.

    Raises:
        UsageError: it is a binary format.
    """
    first = _read(stream, _HEAD)
    short = len(first) < _HEAD
    for magic, what in _BINARY:
        if first.startswith(magic):
            raise UsageError(f"{name} is {what}.")
    encoding, skip = _encoding(first)
    first = first[skip:]
    if encoding.startswith("utf-16"):
        head = first[: len(first) & ~1].decode(encoding, "replace").encode("utf-8", "replace")
    else:
        head = first
    if head.count(0) > len(head) // 100:
        raise UsageError(
            f"{name} is binary; convert a trace (.etl) with 'netsh trace convert' and save "
            "logs as text, CSV, XML or JSON."
        )
    return Source(name, encoding, head, short, stream, first)


def text(line: bytes) -> str:
    """A line or block as UTF-8, or as cp1252 where it is not (undefined bytes become U+FFFD)."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace")


def _encoding(first: bytes) -> tuple[str, int]:
    """Name of the encoding and length of the byte order mark.

    Without a mark, UTF-16 of western text has zeros in every second byte.
    """
    for bom, name in _BOMS:
        if first.startswith(bom):
            return name, len(bom)
    half = max(1, len(first) // 2)
    if first[1::2].count(0) > 0.6 * half and first[0::2].count(0) < 0.1 * half:
        return "utf-16-le", 0
    if first[0::2].count(0) > 0.6 * half and first[1::2].count(0) < 0.1 * half:
        return "utf-16-be", 0
    try:
        codecs.getincrementaldecoder("utf-8")().decode(first)
    except UnicodeDecodeError:
        return "cp1252", 0
    return "utf-8", 0


def _read(stream: BinaryIO, size: int) -> bytes:
    """`size` bytes, less at the end: a pipe gives as little as it likes."""
    pieces: list[bytes] = []
    while size > 0 and (piece := stream.read(size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _unreadable(name: str, error: OSError) -> UsageError:
    return UsageError(f"{name} cannot be read: {error.strerror or error}.")
