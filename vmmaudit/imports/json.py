r"""Files written by ConvertTo-Json, one object or an array of them.

PowerShell 5.1 writes dates as `\/Date(ms)\/`, cuts objects off beyond `-Depth`, and wraps some
arrays as `{"value": […], "Count": n}`. Numbers are kept as the text found. Bytes are
`{"base64": "…"}`, which is how our collector writes them.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from vmmaudit.imports.record import ImportsError, Raw, Record, build

_DATE: Final = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_NESTED: Final = 3
"""How many levels of objects in objects are kept under dotted names."""
_TOO_DEEP: Final = "@{}"
"""What PowerShell writes itself where it stops, so that the value counts as lost."""
_BYTES: Final = {"base64"}
_WRAPPED: Final = {"value", "Count"}


def records(text: str, source: str) -> Iterator[Record]:
    """The objects of a file; an object in an object is shown by its name and by dotted names.

    Raises:
        ImportsError: not JSON, or JSON that holds something else than objects.
    """
    decoder = json.JSONDecoder(
        parse_int=str, parse_float=str, parse_constant=_refuse, object_pairs_hook=_unique
    )
    position = _skip(text, 0)
    wrapped = re.compile(r'\{\s*"value"\s*:\s*(?=\[)').match(text, position)
    if wrapped:
        position = wrapped.end()
    listed = text[position : position + 1] == "["
    line, counted = 1, 0
    if listed:
        position = _skip(text, position + 1)
    while not (listed and text[position : position + 1] == "]"):
        line += text.count("\n", counted, position)
        counted = position
        try:
            found, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            raise ImportsError.at(source, _line(error, line), _sentence(error)) from error
        if not isinstance(found, dict):
            raise ImportsError.at(
                source, line, "an object is expected here; export objects, not their texts."
            )
        yield _record(found, source, line)
        position = _skip(text, position)
        if not listed:
            break
        if text[position : position + 1] == ",":
            position = _skip(text, position + 1)
        elif text[position : position + 1] != "]":
            line = 1 + text.count("\n", 0, position)
            raise ImportsError.at(source, line, "the list of objects is cut off; export it again.")
    position = _skip(text, position + listed)
    if wrapped:
        position = _skip(text, _after_count(text, position))
    if position < len(text):
        line = 1 + text.count("\n", 0, position)
        raise ImportsError.at(
            source, line, "more follows after the end; write each export to a file of its own."
        )


def _record(found: dict[str, Any], source: str, line: int) -> Record:
    try:
        return build(source, line, [pair for n, v in found.items() for pair in _pairs(n, v, 0)])
    except (ValueError, OverflowError) as error:
        raise ImportsError.at(source, line, f"{error}; export the file again.") from error


def _pairs(name: str, value: Any, depth: int) -> Iterator[tuple[str, Raw | None]]:
    """The values of a property, and those of the objects in it under dotted names."""
    if isinstance(value, dict) and value.keys() == _WRAPPED:
        value = value["value"]
    items = value if isinstance(value, list) else [value]
    if not items:
        yield name, None
    for item in items:
        nested = isinstance(item, list) or (isinstance(item, dict) and item.keys() != _BYTES)
        plain = _plain(item)
        if plain is None and nested and depth == _NESTED:
            plain = _TOO_DEEP
        yield name, plain
        if isinstance(item, list) and depth < _NESTED:
            yield from _pairs(name, item, depth + 1)
        elif nested and depth < _NESTED:
            for inner, content in item.items():
                yield from _pairs(f"{name}.{inner}", content, depth + 1)


def _plain(value: Any) -> Raw | None:
    """One value as text or bytes; an object by what it is called."""
    if value is None or isinstance(value, list):
        return None
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        return _date(value)
    if value.keys() == _BYTES and isinstance(value["base64"], str):
        try:
            return base64.b64decode(value["base64"], validate=True)
        except ValueError as error:
            raise ValueError("a value is not base64") from error
    for key in ("Name", "Value", "value"):
        if isinstance(value.get(key), str) and value[key]:
            return _date(value[key])
    return None


def _date(text: str) -> str:
    found = _DATE.fullmatch(text)
    if not found:
        return text
    moment = _EPOCH + timedelta(milliseconds=int(found[1]))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("the same property stands twice in one object")
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no value")


def _skip(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _after_count(text: str, position: int) -> int:
    """Behind `, "Count": n }`, the end of a wrapped array."""
    found = re.compile(r'(?:,\s*"Count"\s*:\s*\d+\s*)?\}').match(text, position)
    return found.end() if found else position


def _line(error: Exception, line: int) -> int:
    return error.lineno if isinstance(error, json.JSONDecodeError) else line


def _sentence(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "objects are nested too deeply; export with ConvertTo-Json -Depth 4."
    if isinstance(error, json.JSONDecodeError):
        return f"it is not JSON ({error.msg}); export it again."
    return f"{error}; export it again."
