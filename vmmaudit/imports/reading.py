"""A file that was handed over, read by what it contains and not by what it is called."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from vmmaudit.imports import clixml, csv, icacls, json, ldif, sc
from vmmaudit.imports.record import ImportsError, Record

LIMIT: Final = 256 * 1024 * 1024
"""Bytes of one file."""

Reader = Callable[[str, str], Iterator[Record]]

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_FOREIGN: Final = {
    b"PK\x03\x04": "an Excel or ZIP file; save the table as CSV, or unpack it",
    b"ElfFile\0": "an event log; it belongs to vmmaudit diagnose",
    b"%PDF": "a PDF; export the data instead of printing them",
    b"\x1f\x8b": "compressed; unpack it first",
}
_SC: Final = re.compile(
    r"\[SC\] |(?:[^\s:][^:\n]*: ?[^\n]*\n)+[ \t]+[^\s:][^:\n]*: [0-9a-f]+ +[A-Z_0-9]+"
)
_LDIF: Final = re.compile(r"(?i)(?:#[^\n]*\n(?: [^\n]*\n)*+|\n)*+(?:version: *1|dn::? *)")
_TYPED: Final = re.compile(r"(?i)#TYPE |\"#TYPE |sep=[,;\t]")
_TABLE: Final = re.compile(r'"(?:[^"]++|"")*+"(?:[,;\t]|\s*(?:\n|$))|[^\n"]*[,;\t]')


def read(path: Path) -> Iterator[Record]:
    """The records of a file in any of the formats of this package.

    Raises:
        ImportsError: it cannot be opened, is too large, or is of no format known here.
    """
    source = path.name
    try:
        size = path.stat().st_size
        if size > LIMIT:
            raise ImportsError.at(
                source, 1, f"it has {size:,} bytes, at most {LIMIT:,} are read; split the export."
            )
        data = path.read_bytes()
    except OSError as error:
        raise ImportsError.at(
            source, 1, f"it cannot be opened: {error.strerror or error}; check path and rights."
        ) from error
    text = decoded(data, source)
    yield from reader(text, source)(text, source)


def reader(text: str, source: str) -> Reader:
    """Which format a text is of.

    Raises:
        ImportsError: of none that is known here.
    """
    start = text[:4096].replace("\r\n", "\n").replace("\r", "\n").lstrip()
    if start.startswith("<"):
        return clixml.records
    if _SC.match(_without_prompt(start)):
        return sc.records
    if start.startswith(("[", "{")):
        return json.records
    if _LDIF.match(start):
        return ldif.records
    lines = [line.strip() for line in start.split("\n") if line.strip()]
    if any(icacls.is_sddl(line) for line in lines[:2]):
        return icacls.records
    if _TYPED.match(start) or _TABLE.match(start):
        return csv.records
    raise ImportsError.at(
        source,
        1,
        "no format is recognised; hand over what Export-Csv, ConvertTo-Json, Export-Clixml, "
        "ldifde, icacls /save or sc wrote.",
    )


def decoded(data: bytes, source: str) -> str:
    """The text of a file: by its mark, else by its zeros, else UTF-8, else a Windows code page.

    Raises:
        ImportsError: it is no text, or cut off in the middle of a character.
    """
    for start, what in _FOREIGN.items():
        if data.startswith(start):
            raise ImportsError.at(source, 1, f"it is {what}.")
    encoding, skip = next(((e, len(m)) for m, e in _MARKS if data.startswith(m)), ("", 0))
    if not encoding:
        encoding = _guessed(data[:4096])
    try:
        text = data[skip:].decode(encoding or "utf-8")
    except UnicodeDecodeError as error:
        if encoding:
            raise ImportsError.at(
                source, 1, f"it is not {encoding.upper()} throughout; export it again."
            ) from error
        text = data.decode(_code_page(data), "replace")
    if "\0" in text:
        raise ImportsError.at(
            source, 1 + text.count("\n", 0, text.index("\0")), "it is no text file."
        )
    return text


def _guessed(head: bytes) -> str:
    """UTF-16 without a mark, as icacls writes it: every other byte of plain text is zero."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd > len(head) // 4 and even < odd // 4:
        return "utf-16-le"
    return "utf-16-be" if even > len(head) // 4 and odd < even // 4 else ""


def _code_page(data: bytes) -> str:
    """What a German or English console wrote (850), or a program of the desktop (1252).

    Told by umlauts between letters, where the other page would have a quotation mark or a sign.
    """
    console = len(re.findall(rb"[A-Za-z][\x81\x84\x94\xe1\x8e\x99\x9a][A-Za-z]", data))
    desktop = len(re.findall(rb"[A-Za-z][\xe4\xf6\xfc\xdf\xc4\xd6\xdc][A-Za-z]", data))
    return "cp850" if console > desktop else "cp1252"


def _without_prompt(text: str) -> str:
    return re.sub(r"^(?:PS )?[A-Za-z]:\\[^>\n]*>[^\n]*\n\s*", "", text)
