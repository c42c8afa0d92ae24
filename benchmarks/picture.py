"""How time grows with size, both as multiples, both axes logarithmic, as SVG."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, Final

_COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#7a5c00")
"""Okabe and Ito's, which colour-blind people tell apart; each line has a mark of its own too."""
_MARKS: Final = ("M-4-4h8v8h-8z", "M0-5 5 4-5 4z", "M0-5 5 0 0 5-5 0z", "M-5 0h10M0-5v10")
_LEFT, _TOP, _SIDE, _WIDTH, _HEIGHT = 60, 20, 360, 760, 430


def growth(lines: Sequence[Mapping[str, Any]]) -> str:
    """The picture; a line along the diagonal grows as its data do."""
    most = max([100.0, *(y for line in lines for _, y in _multiples(line))])
    top = math.ceil(math.log10(most))
    body = "\n".join(
        [*_frame(top), *(p for n, line in enumerate(lines) for p in _line(n, line, top))]
    )
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"
 font-family="sans-serif" font-size="13" fill="#222">
<title>Time at once, ten and a hundred times the size</title>
<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>
{body}
</svg>
"""


def _multiples(line: Mapping[str, Any]) -> list[tuple[float, float]]:
    (first, least), *_ = line["points"]
    return [(size / first, taken / least) for size, taken in line["points"]]


def _place(x: float, y: float, top: int) -> tuple[float, float]:
    across = _LEFT + _SIDE * math.log10(x) / 2
    return across, _TOP + _SIDE * (1 - math.log10(max(y, 0.1)) / top)


def _frame(top: int) -> Iterator[str]:
    low = _TOP + _SIDE
    for power in range(3):
        x, _ = _place(10**power, 1, top)
        yield f'<path d="M{x:.0f} {_TOP}V{low}" stroke="#ccc"/>'
        yield f'<text x="{x:.0f}" y="{low + 20}" text-anchor="middle">{10**power} ×</text>'
    for power in range(top + 1):
        _, y = _place(1, 10**power, top)
        yield f'<path d="M{_LEFT} {y:.0f}h{_SIDE}" stroke="#ccc"/>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4:.0f}" text-anchor="end">{10**power} ×</text>'
    (x, y), (right, high) = _place(1, 1, top), _place(100, 100, top)
    even = f"M{x:.0f} {y:.0f}L{right:.0f} {high:.0f}"
    yield f'<path d="{even}" stroke="#888" stroke-dasharray="5 4"/>'
    yield f'<text x="{_LEFT + _SIDE / 2}" y="{low + 40}" text-anchor="middle">size</text>'
    yield f'<text x="{_LEFT + 6}" y="{_TOP + 14}">time</text>'


def _line(number: int, line: Mapping[str, Any], top: int) -> Iterator[str]:
    colour, mark = _COLOURS[number % len(_COLOURS)], _MARKS[number % len(_MARKS)]
    places = [_place(x, y, top) for x, y in _multiples(line)]
    path = "L".join(f"{x:.0f} {y:.0f}" for x, y in places)
    yield f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    key = (_LEFT + _SIDE + 24, _TOP + 10 + 24 * number)
    for x, y in [*places, key]:
        at = f'transform="translate({x:.0f} {y:.0f})"'
        yield f'<path d="{mark}" {at} fill="{colour}" stroke="{colour}" stroke-width="2"/>'
    yield f'<text x="{key[0] + 14}" y="{key[1] + 4}">{escape(line["growth"])}</text>'
