"""The search filters that our own questions use (RFC 4515), evaluated over imported objects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from vmmaudit.errors import FormatError

_HEX: Final = re.compile(rb"\\([0-9A-Fa-f]{2})")
_ALL_BITS: Final = ":1.2.840.113556.1.4.803:"
Values = Mapping[str, tuple[bytes, ...]]


def fits(values: Values, query: str) -> bool:
    """Whether an object matches; names of attributes are in lower case.

    Raises:
        FormatError: not a filter of the kind that is asked here.
    """
    result, rest = _term(values, query)
    if rest:
        raise FormatError("filter", len(query) - len(rest), "something follows its end")
    return result


def _term(values: Values, query: str) -> tuple[bool, str]:
    if not query.startswith("("):
        raise FormatError("filter", 0, f"{query[:20]!r} does not begin with a bracket")
    if query[1] in "&|":
        results, rest = [], query[2:]
        while rest.startswith("("):
            result, rest = _term(values, rest)
            results.append(result)
        return (all(results) if query[1] == "&" else any(results)), rest[1:]
    inner, _, rest = query[1:].partition(")")
    name, _, wanted = inner.partition("=")
    if name.endswith(_ALL_BITS):
        held = values.get(name.removesuffix(_ALL_BITS).lower(), ())
        return any(_bits(value) & int(wanted) == int(wanted) for value in held), rest
    return _matches(values, name.lower(), wanted), rest


def _matches(values: Values, name: str, wanted: str) -> bool:
    if name == "objectcategory":
        return _category(values, wanted.lower())
    held = values.get(name, ())
    if wanted == "*":
        return bool(held)
    if wanted.endswith("*"):
        start = _raw(wanted[:-1]).lower()
        return any(value.lower().startswith(start) for value in held)
    raw = _raw(wanted).lower()
    return any(value.lower() == raw for value in held)


def _category(values: Values, wanted: str) -> bool:
    """ObjectCategory holds a DN; what a filter names is the class it defaults to."""
    classes = {value.lower() for value in values.get("objectclass", ())}
    if wanted == "computer":
        return b"computer" in classes and b"msds-groupmanagedserviceaccount" not in classes
    return wanted.encode() in classes


def _raw(text: str) -> bytes:
    return _HEX.sub(lambda found: bytes([int(found[1], 16)]), text.encode())


def _bits(value: bytes) -> int:
    try:
        return int(value) & 0xFFFFFFFF
    except ValueError:
        return 0
