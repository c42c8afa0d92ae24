"""JSON for files that people diff and machines read: canonical, and quick for a large site.

The outer levels stand on lines of their own, what is deeper stands on one line. Python's
encoder is only fast where it need not indent, which is where nearly everything lies.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

_DEPTH: Final = 2
_encode: Final = json.JSONEncoder(ensure_ascii=False).encode  # json.dumps makes one for each call


def dumps(value: Any, depth: int = _DEPTH) -> bytes:
    """`value` as UTF-8, with `depth` levels opened up; unpaired surrogates become `?`."""
    return "".join((*_opened(value, depth, ""), "\n")).encode("utf-8", "replace")


def _opened(value: Any, depth: int, indent: str) -> Iterator[str]:
    if depth == 0 or not value or not isinstance(value, (Mapping, list, tuple)):
        yield _encode(value)
        return
    inner = indent + " "
    is_mapping = isinstance(value, Mapping)
    yield "{" if is_mapping else "["
    items = value.items() if isinstance(value, Mapping) else ((None, item) for item in value)
    for number, (key, item) in enumerate(items):
        yield f",\n{inner}" if number else f"\n{inner}"
        if key is not None:
            yield f"{_encode(key)}: "
        yield from _opened(item, depth - 1, inner)
    yield f"\n{indent}" + ("}" if is_mapping else "]")
