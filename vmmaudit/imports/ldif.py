"""LDIF (RFC 2849) as ldifde and ldapsearch write it.

Folded lines, comments, `::` base64 (bytes, since only the schema knows which are text),
`dn::`, `version: 1`. ldifde adds `changetype: add` to every entry, which changes nothing here.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Final

from vmmaudit.imports.record import ImportsError, Raw, Record, build

_ATTRIBUTE: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9.;=*-]*):(:|<|) *(.*)", re.DOTALL)


def records(text: str, source: str) -> Iterator[Record]:
    """The entries; the distinguished name is the property `dn`, always as text.

    Raises:
        ImportsError: not LDIF, a value by reference, or changes instead of entries.
    """
    began = 0
    pairs: list[tuple[str, Raw | None]] = []
    for at, line in _unfolded(text, source):
        if not line:
            if pairs:
                yield build(source, began, pairs)
            pairs = []
            continue
        name, value = _attribute(line, source, at)
        if name.lower() == "version" and not pairs:
            continue
        if (name.lower() == "dn") == bool(pairs):
            raise ImportsError.at(
                source, at, "an entry begins with its dn after an empty line; export it again."
            )
        if not pairs:
            began, value = at, _text(value, source, at)
        elif name.lower() == "changetype":
            if value != "add":
                raise ImportsError.at(
                    source, at, "these are changes, not entries; export with ldifde -f."
                )
            continue
        pairs.append((name, value))
    if pairs:
        yield build(source, began, pairs)


def _unfolded(text: str, source: str) -> Iterator[tuple[int, str]]:
    """Whole lines with their numbers, without comments."""
    began, parts = 0, [""]
    for at, line in enumerate(re.split(r"\r\n|\n|\r", text), 1):
        if line.startswith(" "):
            if parts == [""]:
                raise ImportsError.at(
                    source, at, "a continued line has no beginning; export it again."
                )
            parts.append(line[1:])
            continue
        if began and not parts[0].startswith("#"):
            yield began, "".join(parts)
        began, parts = at, [line]
    if not parts[0].startswith("#"):
        yield began, "".join(parts)


def _attribute(line: str, source: str, at: int) -> tuple[str, Raw]:
    found = _ATTRIBUTE.fullmatch(line)
    if not found:
        raise ImportsError.at(
            source, at, "it is not of the form 'attribute: value'; export it again."
        )
    name, kind, value = found.groups()
    if kind == "<":
        raise ImportsError.at(
            source, at, "values kept in other files are not read; export without references."
        )
    if not kind:
        return name, value
    try:
        return name, base64.b64decode(value, validate=True)
    except ValueError as error:
        raise ImportsError.at(
            source, at, f"the value of {name[:100]} is not base64; export it again."
        ) from error


def _text(value: Raw, source: str, at: int) -> str:
    try:
        return value if isinstance(value, str) else value.decode()
    except UnicodeDecodeError as error:
        raise ImportsError.at(source, at, "the dn is not UTF-8; export it again.") from error
