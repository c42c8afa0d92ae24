"""WordprocessingML in pieces: runs, paragraphs and tables as text (ECMA-376 part 1, 17).

Tables are written as they stand in the file, because only fixed widths on
table, grid and cell together look the same in every word processor. Every text
of a document passes through `escaped`, and nowhere else. Widths are in
twentieths of a point.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final
from xml.sax.saxutils import escape

from vmmaudit.display import Tone, visible
from vmmaudit.report.document import (
    Finding,
    Rich,
    Run,
    Section,
    Style,
    Table,
)

TONES: Final = {
    Tone.GOOD: ("17633A", "E3F1E8"),
    Tone.WARN: ("7D5200", "FCF0D4"),
    Tone.BAD: ("9C1C1C", "FAE3E1"),
    Tone.UNKNOWN: ("444F5E", "E6EAEF"),
    Tone.NONE: ("6A7380", "F6F7F8"),
    Tone.MANUAL: ("25497C", "E3EBF7"),
}
"""Front and back of a badge: the colours that all our documents share."""
WASH: Final = "F3F5F8"
MUTED: Final = "5A6472"
_STYLES: Final = {Style.STRONG: "Strong", Style.VALUE: "Value", Style.CODE: "Technical"}
_MONO: Final = '<w:rFonts w:ascii="Consolas" w:hAnsi="Consolas" w:cs="Consolas"/>'
SPACER: Final = '<w:p><w:pPr><w:pStyle w:val="Spacer"/></w:pPr></w:p>'
"""Two tables without a paragraph between them would become one."""


def escaped(text: str) -> str:
    """A text as character data or attribute: nothing in it steers, nothing is markup."""
    return escape(visible(text), {'"': "&quot;"})


def run(text: str, style: str = "", more: str = "") -> str:
    """Some text; `more` are direct properties, in the schema's order."""
    if not text:
        return ""
    properties = (f'<w:rStyle w:val="{style}"/>' if style else "") + more
    inner = f"<w:rPr>{properties}</w:rPr>" if properties else ""
    return f'<w:r>{inner}<w:t xml:space="preserve">{escaped(text)}</w:t></w:r>'


def paragraph(content: str, style: str = "", more: str = "") -> str:
    """A paragraph of runs; `more` are direct properties, in the schema's order."""
    properties = (f'<w:pStyle w:val="{style}"/>' if style else "") + more
    inner = f"<w:pPr>{properties}</w:pPr>" if properties else ""
    return f"<w:p>{inner}{content}</w:p>"


def badge(tone: Tone, sign: str, text: str, more: str = "") -> str:
    """Text on its tone's colour, with the symbol that says it without the colour."""
    front, back = TONES[tone]
    colour = f'<w:color w:val="{front}"/>'
    ground = f'<w:shd w:val="clear" w:color="auto" w:fill="{back}"/>'
    signed = run(f"\u00a0{sign}", "Symbol", colour + more + ground) if sign else ""
    return signed + run(f"\u00a0{text}\u00a0", "", f"<w:b/>{colour}{more}{ground}")


def symbol(tone: Tone) -> str:
    """The symbol alone."""
    return run(tone.symbol, "Symbol", f'<w:b/><w:color w:val="{TONES[tone][0]}"/>')


def cell(
    content: str, width: int, fill: str = "", edges: str = "", span: int = 1, vertical: str = ""
) -> str:
    """A cell of paragraphs with its `edges` as from `border`, in the schema's order."""
    return "".join(
        (
            f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>',
            f'<w:gridSpan w:val="{span}"/>' if span > 1 else "",
            f"<w:tcBorders>{edges}</w:tcBorders>" if edges else "",
            f'<w:shd w:val="clear" w:color="auto" w:fill="{fill}"/>' if fill else "",
            f'<w:vAlign w:val="{vertical}"/>' if vertical else "",
            f"</w:tcPr>{content or '<w:p/>'}</w:tc>",
        )
    )


def border(side: str, eighths: int, colour: str) -> str:
    """One edge of a cell or of a table, as wide as `eighths` of a point."""
    return f'<w:{side} w:val="single" w:sz="{eighths}" w:space="0" w:color="{colour}"/>'


def row(cells: Iterable[str], *, head: bool = False, height: int = 0) -> str:
    """A row that no page break parts; a head is repeated on every page."""
    tall = f'<w:trHeight w:val="{height}" w:hRule="atLeast"/>' if height else ""
    repeated = "<w:tblHeader/>" if head else ""
    return f"<w:tr><w:trPr><w:cantSplit/>{tall}{repeated}</w:trPr>{''.join(cells)}</w:tr>"


def table(
    rows: Iterable[str],
    widths: Sequence[int],
    style: str,
    alt: str = "",
    *,
    head: bool = False,
    rtl: bool = False,
    margins: int = -1,
) -> str:
    """A table of fixed widths, followed by a little space; `alt` is its alternative text."""
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    text = escaped(alt)
    look = f'<w:tblLook w:val="{"0020" if head else "0000"}" w:firstRow="{int(head)}"/>'
    said = f'<w:tblCaption w:val="{text}"/><w:tblDescription w:val="{text}"/>' if alt else ""
    visual = "<w:bidiVisual/>" if rtl else ""
    inner = "".join(
        f'<w:{side} w:w="{margins}" w:type="dxa"/>' for side in ("top", "left", "bottom", "right")
    )
    padded = f"<w:tblCellMar>{inner}</w:tblCellMar>" if margins >= 0 else ""
    return (
        f'<w:tbl><w:tblPr><w:tblStyle w:val="{style}"/>{visual}'
        f'<w:tblW w:w="{sum(widths)}" w:type="dxa"/>'
        f'<w:tblLayout w:type="fixed"/>{padded}{look}{said}</w:tblPr>'
        f"<w:tblGrid>{grid}</w:tblGrid>{''.join(rows)}</w:tbl>{SPACER}"
    )


def shares(parts: Sequence[float], width: int) -> list[int]:
    """`width` divided as `parts` say, with nothing lost to rounding."""
    ends, total, at = [0], sum(parts), 0.0
    for part in parts:
        at += part
        ends.append(round(width * at / total))
    return [end - start for start, end in pairwise(ends)]


def field(kind: str) -> str:
    """The begin, the middle or the end of a field."""
    return f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>'


class Inline:
    """Runs of one document; every anchor is a bookmark with a name that Word accepts."""

    def __init__(self, sections: Sequence[Section]) -> None:
        anchors = dict.fromkeys(_anchors(sections))
        self.marks = {anchor: index for index, anchor in enumerate(anchors, 1)}

    def rich(self, content: Rich, code: int = 16) -> str:
        """Runs in their styles, as links where they lead; `code` is its size in half points."""
        return "".join(self._run(item, code) for item in content)

    def linked(self, target: str, runs: str) -> str:
        """Runs that lead to an anchor of the document."""
        name = f"_vmmaudit{self.marks[target]}"
        return f'<w:hyperlink w:anchor="{name}" w:history="1">{runs}</w:hyperlink>'

    def marked(self, anchor: str, runs: str) -> str:
        """Runs that links lead to."""
        index = self.marks[anchor]
        start = f'<w:bookmarkStart w:id="{index}" w:name="_vmmaudit{index}"/>'
        return f'{start}{runs}<w:bookmarkEnd w:id="{index}"/>'

    def _run(self, item: Run, size: int) -> str:
        # Written at the run as well: LibreOffice forgets a character style inside a table.
        code = f'{_MONO}<w:noProof/><w:sz w:val="{size}"/>' if item.style is Style.CODE else ""
        if item.target in self.marks:
            return self.linked(item.target, run(item.text, "Hyperlink", code or "<w:noProof/>"))
        return run(item.text, _STYLES.get(item.style, ""), code)


def _anchors(sections: Iterable[Section]) -> Iterator[str]:
    for section in sections:
        yield section.anchor
        for block in section.blocks:
            if isinstance(block, Finding):
                yield block.number
            elif isinstance(block, Table):
                yield from block.anchors
        yield from _anchors(section.sections)
