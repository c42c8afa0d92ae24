"""What a word processor sets as a table: facts, tables, tiles, the matrix, signatures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from vmmaudit.display import Tone
from vmmaudit.report.document import (
    Cell,
    Facts,
    Matrix,
    Signature,
    SignOff,
    Table,
    Tiles,
)
from vmmaudit.report.ooxml import (
    MUTED,
    SPACER,
    TONES,
    WASH,
    Inline,
    badge,
    border,
    cell,
    paragraph,
    row,
    run,
    shares,
    symbol,
    table,
)

WIDTH: Final = 9411
"""What lies between the margins of the template's page, in twentieths of a point."""
_TOGETHER: Final = 8
_START: Final = 2
_BLANK: Final = 440
_LINE: Final = 620
_LONG: Final = 36
_STATE: Final = 397
_GAP: Final = 170
_PER_CHARACTER: Final = 88
_SIGNATURE: Final = (3100, 200, 2400, 200, 3051)
_SIDES: Final = ("top", "left", "bottom", "right")
_HAIR: Final = "CFD5DC"
_CENTRE: Final = '<w:jc w:val="center"/>'
_RIGHT: Final = '<w:jc w:val="right"/>'
_KEEP: Final = "<w:keepNext/>"


class Tables:
    """The tables of one document."""

    def __init__(self, inline: Inline, *, rtl: bool) -> None:
        self.inline = inline
        self.rtl = rtl

    def verdict(self, tone: Tone, headline: str) -> str:
        """One sentence with its symbol, on its tone's colour."""
        front, back = TONES[tone]
        large = f'<w:color w:val="{front}"/>'
        sign = paragraph(run(tone.symbol, "Symbol", large), "Verdict", _CENTRE)
        said = paragraph(run(headline, "", large), "Verdict")
        widths = (680, WIDTH - 680)
        cells = (
            cell(sign, widths[0], back, border("left", 24, front), vertical="center"),
            cell(said, widths[1], back, vertical="center"),
        )
        return table([row(cells, height=760)], widths, "TableNormal", rtl=self.rtl)

    def facts(self, block: Facts, share: float = 0.27) -> str:
        """Names and values; what is empty is a line to write on."""
        name = round(WIDTH * share)
        widths = (name, WIDTH - name)
        blank = not all(content for _, content in block.rows)
        together = len(block.rows) - 1 if blank and len(block.rows) <= _TOGETHER else _START
        rows = []
        for index, (label, content) in enumerate(block.rows):
            keep = _KEEP if index < together else ""
            if not label and not content:
                rows.append(row([cell(paragraph("", "FactsText"), WIDTH, span=2)], height=_BLANK))
                continue
            cells = (
                cell(paragraph(run(label), "FactsName", keep), widths[0]),
                cell(paragraph(self.inline.rich(content), "FactsText", keep), widths[1]),
            )
            rows.append(row(cells, height=0 if content else _BLANK))
        return table(rows, widths, "AuditFacts", rtl=self.rtl)

    def grid(self, block: Table, *, titled: bool) -> str:
        """A table with its caption, unless its section is `titled` the same."""
        widths = shares([column.width for column in block.columns], WIDTH)
        sides = [_RIGHT if column.kind == "number" else "" for column in block.columns]
        height = _BLANK if any(column.kind == "blank" for column in block.columns) else 0
        heads = (
            cell(paragraph(run(column.label), "TableHead", side), width, WASH)
            for column, side, width in zip(block.columns, sides, widths, strict=True)
        )
        rows = [row(heads, head=True)]
        for index, content in enumerate(block.rows):
            keep = _KEEP if len(block.rows) <= _TOGETHER and index < len(block.rows) - 1 else ""
            texts = [self._content(item) for item in content]
            if index < len(block.anchors):
                texts[0] = self.inline.marked(block.anchors[index], texts[0])
            cells = (
                cell(paragraph(text, "TableText", keep + side), width)
                for text, side, width in zip(texts, sides, widths, strict=True)
            )
            rows.append(row(cells, height=height))
        drawn = table(rows, widths, "AuditTable", block.caption, head=True, rtl=self.rtl)
        return ("" if titled else paragraph(run(block.caption), "Caption")) + drawn

    def tiles(self, block: Tiles) -> str:
        """A few numbers side by side."""
        widths = shares([1] * len(block.items), WIDTH)
        left, right = border("left", 36, "FFFFFF"), border("right", 36, "FFFFFF")
        cells = []
        for item, width in zip(block.items, widths, strict=True):
            front, _ = TONES[item.tone]
            value = run(item.value, "", f'<w:color w:val="{front}"/>')
            said = paragraph(value, "TileValue") + paragraph(run(item.label), "TileLabel")
            cells.append(cell(said, width, WASH, border("top", 18, front) + left + right))
        return SPACER + table([row(cells)], widths, "TableNormal", rtl=self.rtl)

    def matrix(self, block: Matrix) -> str:
        """Hosts × shares; many hosts stand side by side, to be read line by line."""
        legend = run("     ").join(
            badge(item.tone, item.tone.symbol, item.label) + run(f" {item.count}")
            for item in block.legend
        )
        states = _STATE * len(block.columns)
        longest = max((len(host) for host, _ in block.rows), default=0)
        need = min(max(longest * _PER_CHARACTER + 160, 1400), 3600) + states
        side = max(1, (WIDTH + _GAP) // (need + _GAP)) if len(block.rows) > _LONG else 1
        host = min((WIDTH - _GAP * (side - 1)) // side - states, 5200)
        one = [host, *([_STATE] * len(block.columns))]
        widths = one + [width for _ in range(side - 1) for width in (_GAP, *one)]
        gap = cell(paragraph("", "MatrixText"), _GAP)
        head = cell(paragraph(run(block.corner), "TableHead"), host, WASH) + "".join(
            cell(paragraph(run(name), "TableHead", _CENTRE), _STATE, WASH) for name in block.columns
        )
        rows = [row([gap.join([head] * side)], head=True)]
        for at in range(0, len(block.rows), side):
            some = [self._states(*item, host) for item in block.rows[at : at + side]]
            missing = side - len(some)
            rest = "".join(cell(paragraph("", "MatrixText"), width) for width in one)
            rows.append(row([gap.join(some + [rest] * missing)]))
        drawn = table(
            rows, widths, "TableNormal", block.caption, head=True, rtl=self.rtl, margins=40
        )
        return paragraph(legend, "Legend") + drawn

    def signatures(self, block: SignOff) -> str:
        """A frame for each person, with the lines to be filled in by hand."""
        return "".join(self._person(block, person) for person in block.people)

    def _content(self, item: Cell) -> str:
        if item.tone is None:
            return self.inline.rich(item.content, code=14)
        return badge(item.tone, item.sign, "".join(part.text for part in item.content))

    def _states(self, host: str, tones: Sequence[Tone], width: int) -> str:
        white = "".join(border(side, 4, "FFFFFF") for side in _SIDES)
        return cell(
            paragraph(run(host, "Value"), "MatrixText"), width, "F9FAFB", white, vertical="center"
        ) + "".join(
            cell(
                paragraph(symbol(tone), "MatrixText", _CENTRE),
                _STATE,
                TONES[tone][1],
                white,
                vertical="center",
            )
            for tone in tones
        )

    def _person(self, block: SignOff, person: Signature) -> str:
        name = ", ".join(filter(None, (person.name, person.organisation)))
        widths = (_SIDE, *_SIGNATURE, _SIDE)
        rows = _frame(block, person, name, widths)
        return table(rows, widths, "TableNormal", person.role, rtl=self.rtl, margins=0)


_SIDE: Final = (WIDTH - sum(_SIGNATURE)) // 2


def _frame(block: SignOff, person: Signature, name: str, widths: Sequence[int]) -> Iterator[str]:
    """Role and duty, the lines, and below them what is to be written on each."""
    top, left, bottom, right = (border(side, 4, _HAIR) for side in _SIDES)
    first, *inner, last = widths
    said = paragraph(run(person.role), "SignRole") + paragraph(run(person.duty), "SignText")
    yield row(
        (
            cell("", first, "", top + left),
            cell(said, sum(inner), "", top, span=len(inner)),
            cell("", last, "", top + right),
        )
    )
    line = border("bottom", 6, MUTED)
    yield row(
        (
            cell("", first, "", left),
            *(
                cell(paragraph(run(text), "FactsText", _KEEP), width, "", edge, vertical="bottom")
                for text, edge, width in zip(
                    (name, "", "", "", ""), (line, "", line, "", line), inner, strict=True
                )
            ),
            cell("", last, "", right),
        ),
        height=_LINE,
    )
    words = (block.name, "", block.place, "", block.signature)
    yield row(
        (
            cell("", first, "", left + bottom),
            *(
                cell(paragraph(run(text), "SignText"), width, "", bottom)
                for text, width in zip(words, inner, strict=True)
            ),
            cell("", last, "", bottom + right),
        )
    )
