"""The document's blocks as the body of a word processor's file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from vmmaudit.report.document import (
    Block,
    Bullets,
    Code,
    Document,
    Facts,
    Finding,
    Matrix,
    Opinion,
    Paragraph,
    Rich,
    Section,
    SignOff,
    Table,
    Tiles,
)
from vmmaudit.report.ooxml import MUTED, Inline, badge, field, paragraph, run
from vmmaudit.report.wordtables import WIDTH, Tables

_INTRODUCED: Final = (Bullets, Code, Facts, Matrix, Table, Tiles)
_ROLES: Final = {"text": "", "lead": "Lead", "note": "Note"}
_CONTENTS: Final = (
    r'<w:r><w:instrText xml:space="preserve"> TOC \o "1-1" \h \n </w:instrText></w:r>'
)
_NEW_PAGE: Final = '<w:pageBreakBefore/><w:spacing w:before="0" w:after="180"/>'


class Body:
    """Writes one document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.inline = Inline(document.sections)
        self.tables = Tables(self.inline, rtl=document.direction == "rtl")

    def text(self) -> str:
        """Everything before the page's set-up; the first line leaves room for a logo."""
        sections = (self._section(section, 1) for section in self.document.sections)
        return "".join(chain(self._cover(), self._contents(), *sections))

    def _cover(self) -> Iterator[str]:
        cover = self.document.cover
        tabs = f'<w:tabs><w:tab w:val="right" w:pos="{WIDTH}"/></w:tabs>'
        yield paragraph(run(cover.sender), "CoverText", tabs)
        brand = self.document.colour.removeprefix("#").upper()
        edge = f'<w:bdr w:val="single" w:sz="6" w:space="0" w:color="{brand}"/>'
        small = f'<w:caps w:val="0"/><w:spacing w:val="0"/><w:sz w:val="18"/>{edge}'
        status = run(f"\u00a0{cover.status}\u00a0", "", small)
        yield paragraph(run(cover.kind) + run("   ") + status, "CoverKind")
        yield paragraph(run(cover.title), "Title")
        yield paragraph(run(cover.subject), "Subtitle")
        if cover.client:
            yield paragraph(run(cover.client), "CoverText")
        yield paragraph("", "CoverRule")
        yield self.tables.verdict(cover.tone, cover.headline)
        yield paragraph("", "", '<w:spacing w:before="0" w:after="3000"/>')
        yield self.tables.facts(Facts(cover.facts), 0.31)

    def _contents(self) -> Iterator[str]:
        """A table of contents that is right before anybody has updated its field."""
        yield paragraph(run(self.document.words["contents"]), "TOCHeading")
        start = field("begin") + _CONTENTS + field("separate")
        for section in self.document.sections:
            line = run(section.number) + "<w:r><w:tab/></w:r>" + run(section.title)
            stop = field("end") if section is self.document.sections[-1] else ""
            yield paragraph(start + self.inline.linked(section.anchor, line) + stop, "TOC1")
            start = ""

    def _section(self, section: Section, depth: int) -> Iterator[str]:
        number = f"{section.number}\u2002" if section.number else ""
        new = section.page or section is self.document.sections[0]
        heading = self.inline.marked(section.anchor, run(number + section.title))
        yield paragraph(heading, f"Heading{depth}", _NEW_PAGE if new else "")
        yield self._flow(section.blocks, section.title, depth)
        for inner in section.sections:
            yield from self._section(inner, depth + 1)

    def _flow(self, blocks: Sequence[Block], title: str = "", depth: int = 1) -> str:
        """Blocks one after the other; what leads over to something stays with it."""
        parts: list[str] = []
        leading = False
        for block in reversed(blocks):
            parts.append(self._block(block, title, depth, leading=leading))
            leading = isinstance(block, _INTRODUCED) or (leading and isinstance(block, Paragraph))
        return "".join(reversed(parts))

    def _block(self, block: Block, title: str, depth: int, *, leading: bool) -> str:
        """One block, by its type; a table titled like its section needs no caption."""
        match block:
            case Paragraph():
                keep = "<w:keepNext/>" if leading else ""
                return paragraph(self.inline.rich(block.content), _ROLES[block.role], keep)
            case Code():
                return paragraph("<w:r><w:br/></w:r>".join(map(run, block.lines)), "CodeBlock")
            case Bullets():
                return self._bullets(block.items)
            case Facts():
                return self.tables.facts(block)
            case Table():
                return self.tables.grid(block, titled=block.caption == title)
            case Tiles():
                return self.tables.tiles(block)
            case Opinion():
                said = self.tables.verdict(block.tone, block.headline)
                return said + self._bullets(block.grounds)
            case Matrix():
                return self.tables.matrix(block)
            case Finding():
                return self._finding(block, depth + 1)
            case SignOff():
                return self.tables.signatures(block)

    def _bullets(self, items: Iterable[Rich]) -> str:
        return "".join(paragraph(self.inline.rich(item), "ListBullet") for item in items)

    def _finding(self, block: Finding, depth: int) -> str:
        title = self.inline.marked(block.number, run(f"{block.number}\u2002{block.title}"))
        small = '<w:sz w:val="18"/>'
        muted = f'<w:color w:val="{MUTED}"/>{small}'
        line = (
            badge(block.tone, block.tone.symbol, block.verdict)
            + run(f"    {self.document.words['severity']}: ", "", muted)
            + run(block.severity, "Strong", small)
            + run(f"  ·  {block.control}", "", muted)
        )
        return (
            paragraph(title, f"Heading{depth}")
            + paragraph(line, "", "<w:keepNext/>")
            + self._flow(block.blocks)
        )
