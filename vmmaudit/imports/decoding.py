"""Text of an export, whatever Windows wrote it as: UTF-8, UTF-16, or the ANSI code page."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from vmmaudit.imports.record import ImportsError

LARGEST: Final = 512 * 1024 * 1024
"""More than this was not exported for an audit."""
_MARKS: Final = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


def content(path: Path) -> bytes:
    """The bytes of a file that was handed over.

    Raises:
        ImportsError: it cannot be read, or is larger than any export.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise ImportsError(f"{path} is larger than 512 MB; hand over the export in parts.")
        return path.read_bytes()
    except OSError as error:
        raise ImportsError(f"{path} cannot be read: {error.strerror or error}.") from error


def text(data: bytes, name: str) -> str:
    """The text of `data`: by its byte order mark, else UTF-8, else UTF-16, else Windows-1252.

    Raises:
        ImportsError: it is no text.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError as error:
                raise ImportsError(f"{name} is damaged: {error.reason}.") from error
    if b"\0" in data[:4096]:
        even, odd = data[:4096:2].count(0), data[1:4096:2].count(0)
        if max(even, odd) > len(data[:4096]) // 8:
            return data.decode("utf-16-le" if odd >= even else "utf-16-be", "replace")
        raise ImportsError(f"{name} is not text; export it as CSV, JSON, CLIXML or LDIF.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")
