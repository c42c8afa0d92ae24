"""Tables written by Export-Csv, or saved by Excel afterwards.

Read as PowerShell 5.1 writes them: every field in quotes, quotes doubled, line breaks inside
fields; the separator is a comma, a semicolon (`-UseCulture` in German) or a tab. A first line
`#TYPE …` names the type, `sep=;` is Excel's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from vmmaudit.imports.record import ImportsError, Record, build

_SEPARATORS: Final = (",", ";", "\t")
_QUOTED: Final = re.compile(r'"((?:[^"]++|"")*+)"')
_BREAK: Final = re.compile(r"\r\n|\n|\r")


def records(text: str, source: str) -> Iterator[Record]:
    """The rows of a table; the first row names the columns.

    Raises:
        ImportsError: a quote that is never closed, more values than columns, a column twice.
    """
    line, start, kind, separator = _preamble(text)
    rows = _rows(text, start, line, separator or _separator(text, start), source)
    header_line, header = next(rows, (line, []))
    columns = [name.strip() or f"H{n}" for n, name in enumerate(header, 1)]
    seen: set[str] = set()
    for name in columns:
        if name.casefold() in seen:
            raise ImportsError.at(
                source,
                header_line,
                f"the column {name[:100]!r} appears twice; export with each property named once.",
            )
        seen.add(name.casefold())
    for at, fields in rows:
        if not any(fields):
            continue
        if any(fields[len(columns) :]):
            raise ImportsError.at(
                source,
                at,
                f"{len(fields)} values for {len(columns)} columns; export the table again with "
                "Export-Csv and do not change it.",
            )
        missing = [""] * (len(columns) - len(fields))
        yield build(
            source, at, zip(columns, fields + missing, strict=False), [kind] if kind else ()
        )


def _preamble(text: str) -> tuple[int, int, str, str]:
    """Line and offset of the header, the type, and the separator if the file names it."""
    line, start, kind, separator = 1, 0, "", ""
    while True:
        end = _BREAK.search(text, start)
        first = text[start : end.start() if end else len(text)]
        bare = first.strip().strip('"')
        if bare.upper().startswith("#TYPE "):
            kind = bare[6:].strip(' ;,\t"')
        elif re.fullmatch(r"(?i)sep=[,;\t]", first.rstrip(" ")):
            separator = first[4]
        elif bare or end is None:
            return line, start, kind, separator
        if end is None:
            return line, len(text), kind, separator
        line, start = line + 1, end.end()


def _separator(text: str, start: int) -> str:
    """The separator that the header uses most, outside of quotes."""
    end = _BREAK.search(text, start)
    header = _QUOTED.sub("", text[start : end.start() if end else len(text)])
    return max(_SEPARATORS, key=header.count)


def _rows(
    text: str, position: int, line: int, separator: str, source: str
) -> Iterator[tuple[int, list[str]]]:
    """Each row with the line where it begins."""
    plain = re.compile(f"[^{separator}\r\n]*+")
    fields: list[str] = []
    began = line
    while position < len(text):
        if text[position] == '"':
            found = _QUOTED.match(text, position)
            if found is None:
                raise ImportsError.at(
                    source,
                    line,
                    "a quotation mark opens here and is never closed; the file is cut off or was "
                    "edited, so export it again.",
                )
            line += len(_BREAK.findall(found[1]))
            fields.append(found[1].replace('""', '"'))
        else:
            found = plain.match(text, position)
            assert found is not None  # noqa: S101 - it matches nothing, too
            fields.append(found[0])
        position = found.end()
        if position < len(text) and text[position] == separator:
            position += 1
            if position == len(text):
                fields.append("")
            continue
        broken = _BREAK.match(text, position)
        if broken is None and position < len(text):
            raise ImportsError.at(
                source,
                line,
                "text follows a closing quotation mark; export the table again with Export-Csv "
                "and do not change it.",
            )
        yield began, fields
        fields = []
        if broken:
            position = broken.end()
            line += 1
        began = line
    if fields:
        yield began, fields
