"""Rows of boxes and arrows as SVG: sizes, line breaks, colours. It knows nothing of audits."""

from __future__ import annotations

import hashlib
import html
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from vmmaudit.assessment import Ternary
from vmmaudit.display import visible

WIDTH: Final = 1200
_LEFT: Final = 216
_BOX: Final = 42
_GAP: Final = 28
_LONGEST: Final = 38
_NARROW: Final = frozenset("iljftI.,:;|!'()[]/\\ ·")
_WIDE: Final = frozenset("mwMWQ@%—…")
_SIGNS: Final = {Ternary.YES: "✓", Ternary.NO: "✗", Ternary.UNKNOWN: "?"}
_FRONT: Final = {Ternary.YES: "#17633a", Ternary.NO: "#9c1c1c", Ternary.UNKNOWN: "#444f5e"}
_BACK: Final = {Ternary.YES: "#e3f1e8", Ternary.NO: "#fae3e1", Ternary.UNKNOWN: "#e6eaef"}
_INK: Final = "#1d232b"
_MUTED: Final = "#56606d"
_HAIR: Final = "#d5dae1"
_FILL: Final = {"identity": "#e3ebf7", "group": "#f3f5f8", "everybody": "#fff7e0"}
_EDGE: Final = {"identity": "#25497c", "group": "#8a94a1", "everybody": "#b48a2c"}
_FONT: Final = "'Source Sans 3','Segoe UI','Helvetica Neue',Arial,'DejaVu Sans',sans-serif"


@dataclass(frozen=True, slots=True)
class Box:
    """One station of a row.

    Attributes:
        kind: `identity`, `group`, `everybody`, `entry`, `gap`, `target` or `more`.
        label: what it is, in small letters above its name.
        holds: for an entry or a gap whether it lets the row go on; None if that is not known.
        note: more about it; `hidden` leaves it to the tool tip.
    """

    kind: str
    label: str
    name: str
    holds: bool | None = None
    note: str = ""
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One link: its state, its name, the control that judges it, the ways, and a sentence."""

    state: Ternary
    title: str
    control: str
    lines: tuple[tuple[Box, ...], ...]
    sentence: str


def draw(
    title: str, verdict: str, description: str, state: Ternary, rows: Sequence[Row], key: str
) -> str:
    """The picture; every text may come from a directory and is escaped here."""
    body, top = [], 0
    head = textwrap.wrap(title, 110, break_on_hyphens=False) or [""]
    answer = textwrap.wrap(verdict, 130) or [""]
    for number, line in enumerate(head):
        body.append(_text(20, 30 + 21 * number, line, size=16, weight=600))
    top = 30 + 21 * len(head)
    height = 14 + 18 * len(answer)
    body.append(_rect(12, top - 8, WIDTH - 24, height, _BACK[state], "none", 4))
    body.append(_rect(12, top - 8, 4, height, _FRONT[state], "none", 0))
    for number, line in enumerate(answer):
        sign = f"{_SIGNS[state]}  " if number == 0 else "     "
        body.append(_text(28, top + 12 + 18 * number, sign + line, weight=600, fill=_FRONT[state]))
    top += height + 4
    for row in rows:
        part, top = _row(row, top)
        body += part
    body.append(_text(20, top + 20, key, size=11.5, fill=_MUTED))
    name = hashlib.sha256("\0".join((title, verdict, description)).encode()).hexdigest()[:10]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + 34}" role="img" '
        f'aria-labelledby="t{name} d{name}" style="width:100%;max-width:{WIDTH}px;'
        f'background:#fff;border:1px solid {_HAIR};border-radius:6px" '
        f'font-family="{html.escape(_FONT)}">'
        f'<title id="t{name}">{_safe(title)}</title>'
        f'<desc id="d{name}">{_safe_lines(description)}</desc>' + "".join(body) + "</svg>"
    )


def _row(row: Row, top: int) -> tuple[list[str], int]:
    """The markup of one row that begins at `top`, and where it ends."""
    front = _FRONT[row.state]
    title = textwrap.wrap(row.title, 20) or [""]
    body = [
        f'<line x1="12" y1="{top}" x2="{WIDTH - 12}" y2="{top}" stroke="{_HAIR}"/>',
        f'<circle cx="32" cy="{top + 28}" r="12" fill="{_BACK[row.state]}" stroke="{front}" '
        'stroke-width="1.5"/>',
        _text(32, top + 33, _SIGNS[row.state], size=14, weight=700, fill=front, anchor="middle"),
    ]
    body += [
        _text(54, top + 26 + 17 * number, line, size=12.5, weight=600)
        for number, line in enumerate(title)
    ]
    body.append(_text(54, top + 25 + 17 * len(title), row.control, size=11.5, fill=_MUTED))
    y = top + 10
    for line in row.lines:
        part, y = _line(line, row.state, y)
        body += part
    for text in textwrap.wrap(row.sentence, 122):
        body.append(_text(_LEFT, y + 12, text, size=12.5, fill=_MUTED))
        y += 17
    return body, max(y + 10, top + 44 + 17 * len(title))


def _line(boxes: Sequence[Box], state: Ternary, y: int) -> tuple[list[str], int]:
    """Boxes from left to right with arrows between them, broken into lines where they must."""
    body: list[str] = []
    x = float(_LEFT)
    before: Box | None = None
    for box in boxes:
        width = _width(box)
        if before is not None:
            edge = _edge(before, state)
            gap = _GAP if edge is Ternary.YES else _GAP + 16
            if x + gap + width > WIDTH - 16:
                y += _BOX + 10
                x = float(_LEFT)
            body += _arrow(x, y + _BOX / 2, gap, edge)
            x += gap
        body += _box(box, x, y, width)
        x += width
        before = box
    return body, y + _BOX + 8


def _edge(before: Box, state: Ternary) -> Ternary:
    """An arrow is broken behind the station that stops the way."""
    if before.kind in ("entry", "gap") and state is not Ternary.YES:
        return Ternary.of(before.holds)
    return Ternary.YES


def _arrow(x: float, y: float, gap: float, state: Ternary) -> Iterator[str]:
    colour = _FRONT[state] if state is not Ternary.YES else "#8a94a1"
    dash = ' stroke-dasharray="4 3"' if state is not Ternary.YES else ""
    end = x + gap - 4
    yield (
        f'<line x1="{x + 4:g}" y1="{y:g}" x2="{end - 5:g}" y2="{y:g}" stroke="{colour}" '
        f'stroke-width="1.6"{dash}/>'
        f'<path d="M{end:g} {y:g}l-7 -4v8z" fill="{colour}"/>'
    )
    if state is not Ternary.YES:
        middle = x + gap / 2 - 3
        yield f'<circle cx="{middle:g}" cy="{y:g}" r="8" fill="#fff" stroke="{colour}"/>'
        yield _text(middle, y + 4, _SIGNS[state], 11, 700, colour, "middle")


def _box(box: Box, x: float, y: float, width: float) -> Iterator[str]:
    if box.kind == "more":
        yield _text(x, y + 26, box.name, fill=_MUTED)
        return
    fill, edge, dash = _FILL.get(box.kind, "#fff"), _EDGE.get(box.kind, _MUTED), ""
    if box.kind in ("entry", "gap"):
        fill, edge = _BACK[Ternary.of(box.holds)], _FRONT[Ternary.of(box.holds)]
        dash = ' stroke-dasharray="5 3"' if box.kind == "gap" else ""
    radius = {"identity": _BOX / 2, "entry": 2, "gap": 2}.get(box.kind, 6)
    whole = " – ".join(part for part in (f"{box.label}: {box.name}", box.note) if part)
    yield f"<g><title>{_safe(whole)}</title>"
    yield _rect(x, y, width, _BOX, fill, edge, radius, dash)
    label = box.label if not box.note or box.hidden else f"{box.label} · {box.note}"
    middle = x + width / 2
    yield _text(middle, y + 15, _short(label, _LONGEST + 10), 10.5, 400, _MUTED, "middle")
    yield _text(middle, y + 32, _short(box.name), 12, 600, _INK, "middle")
    yield "</g>"


def _width(box: Box) -> float:
    if box.kind == "more":
        return _length(box.name, 12)
    label = box.label if not box.note or box.hidden else f"{box.label} · {box.note}"
    wanted = max(_length(_short(box.name), 13), _length(_short(label, _LONGEST + 10), 9.8))
    return max(74.0, wanted + (30 if box.kind == "identity" else 20))


def _length(text: str, size: float) -> float:
    """How wide a text is at most, judged by a broad font (DejaVu Sans), whose bold is 9 % wider."""
    ems = (0.36 if c in _NARROW else 0.95 if c in _WIDE else 0.72 if c.isupper() else 0.63
           for c in text)  # fmt: skip
    return size * sum(ems)


def _short(text: str, longest: int = _LONGEST) -> str:
    """A long name without its middle; the tool tip has all of it."""
    if len(text) <= longest:
        return text
    return f"{text[: longest // 2]}…{text[-(longest // 2 - 1) :]}"


def _rect(
    x: float, y: float, width: float, height: float,
    fill: str, edge: str, radius: float, more: str = "",
) -> str:  # fmt: skip
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius:g}" '
        f'fill="{fill}" stroke="{edge}"{more}/>'
    )


def _text(
    x: float, y: float, text: str,
    size: float = 13, weight: int = 400, fill: str = _INK, anchor: str = "start",
) -> str:  # fmt: skip
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" font-weight="{weight}" fill="{fill}" '
        f'text-anchor="{anchor}" xml:space="preserve">{_safe(text)}</text>'
    )


def _safe(text: str) -> str:
    return html.escape(visible(text))


def _safe_lines(text: str) -> str:
    return "\n".join(map(_safe, text.splitlines()))
