"""Finds a literal in a large block of bytes at the speed of grep.

Seven bytes in a row hold one whole aligned word of four bytes, three bytes one of two. So a
literal can only stand where an aligned word equals one of a few known ones, and comparing all
words at once is several times as fast as `bytes.find` (`benchmarks/traces.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

_MANY: Final = 2000


@dataclass(frozen=True)
class Needle:
    """A literal, and seven or three bytes of it whose parts are rare in everyday lines."""

    whole: bytes
    core: bytes
    _width: int = field(init=False, repr=False)
    _words: tuple[Any, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        width = (len(self.core) + 1) // 2
        parts = dict.fromkeys(self.core[shift : shift + width] for shift in range(width))
        words = tuple(np.frombuffer(part, f"<u{width}")[0] for part in parts)
        object.__setattr__(self, "_width", width)
        object.__setattr__(self, "_words", words)

    def places(self, block: bytes) -> Iterator[int]:
        """Where the literal begins in the block, in ascending order."""
        view = np.frombuffer(block, f"<u{self._width}", len(block) // self._width)
        candidates: list[int] = []
        for word in self._words:
            equal = view == word
            if equal.any():
                candidates += np.flatnonzero(equal).tolist()
                if len(candidates) > _MANY:
                    yield from _found(block, self.whole, 0, len(block))
                    return
        end, reach = 0, len(self.whole) + self._width
        for candidate in sorted(candidates):
            at = candidate * self._width
            for place in _found(block, self.whole, max(end, at - reach), at + reach):
                yield place
                end = place + len(self.whole)


def _found(block: bytes, whole: bytes, begin: int, end: int) -> Iterator[int]:
    at = block.find(whole, begin, end)
    while at >= 0:
        yield at
        at = block.find(whole, at + len(whole), end)
