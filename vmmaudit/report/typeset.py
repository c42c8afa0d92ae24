"""The document as the JSON that the Typst template reads: texts made displayable, nothing else.

A text becomes a list of strings and of lists. The pieces of an inner list belong
to one long word (a SID, a DN): the template puts each into a box, so that a line
may end between them and no reader of the PDF takes a `-` of theirs for a hyphen.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any, Final, TypeAlias

from vmmaudit.report.document import (
    Block,
    Bullets,
    Cell,
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
    Style,
    Table,
    Tiles,
)
from vmmaudit.report.escape import displayable

Json: TypeAlias = dict[str, Any]
_LONG: Final = re.compile(r"\b(?:E-[0-9a-f]{10}|[A-Z]{1,4}-[0-9]{2,4})\b|\S{13,}")
_ID: Final = re.compile(r"[A-Z]{1,4}-[0-9a-f]{2,10}")
_NAME: Final = re.compile(r"[-,./\\_$@:=0-9]")
_PROSE_NAME: Final = re.compile(r"[./\\_$@:=](?=[^\W_])|[0-9]")
_PIECE: Final = re.compile(
    r"[-,./\\@:=]{0,2}[^-,./\\@:=]{1,16}(?![^-,./\\@:=])"
    r"|[-,./\\_@:=]{0,2}[^-,./\\_@:=]{1,16}|[-,./\\_@:=]"
)
"""Of a longer one, too, what an underscore parts; what nothing parts, after 16 characters."""
_HEX: Final = re.compile(r"[0-9a-f]{32,}")
_DIGEST: Final = re.compile(r".{1,8}")
_PATTERNS: Final = {Style.VALUE: _NAME, Style.CODE: _NAME}
_PROSE: Final = 40
_WHOLE: Final = 48
_ONE_PAGE: Final = 900


class Typesetter:
    """Turns the parts of one document into JSON, for fonts that have `glyphs`."""

    def __init__(self, document: Document, glyphs: Collection[int]) -> None:
        self.document = document
        self.glyphs = glyphs
        self.anchors = set(_anchors(document.sections))

    def data(self) -> Json:
        """Everything but the attachments."""
        document, cover = self.document, self.document.cover
        return {
            "title": displayable(document.title, self.glyphs),
            "author": displayable(document.author, self.glyphs),
            "identifier": displayable(document.identifier, self.glyphs),
            "keywords": [
                displayable(word, self.glyphs)
                for word in (
                    document.identifier,
                    *(f"{name}={content}" for name, content in document.properties.items()),
                )
            ],
            "classification": self.words(document.classification),
            "language": document.language,
            "colour": document.colour,
            "short": document.digest[:16],
            "words": dict(document.words),
            "cover": {
                "kind": self.words(cover.kind),
                "title": self.words(cover.title),
                "subject": self.words(cover.subject),
                "client": self.words(cover.client),
                "status": self.words(cover.status),
                "sender": self.words(cover.sender),
                "tone": cover.tone.value,
                "symbol": cover.tone.symbol,
                "headline": self.words(cover.headline),
                "facts": self.rows(cover.facts),
                "logo": None,
                "alt": displayable(cover.sender or document.title, self.glyphs),
            },
            "sections": [self.section(section) for section in document.sections],
        }

    def words(
        self, text: str, technical: re.Pattern[str] = _PROSE_NAME, whole: int = 0
    ) -> list[str | list[str]]:
        """A text, with its long words taken apart where they are `technical`.

        Words of up to `whole` characters stay in one piece.
        """
        shown = displayable(text, self.glyphs)
        parts: list[str | list[str]] = []
        at = 0
        for found in _LONG.finditer(shown):
            word = found[0]
            if _ID.fullmatch(word) or (len(word) <= whole and technical.search(word)):
                pieces = [word]
            elif len(word) < _PROSE and not technical.search(word):
                continue
            else:
                pieces = (_DIGEST if _HEX.fullmatch(word) else _PIECE).findall(word)
            if found.start() > at:
                parts.append(shown[at : found.start()])
            parts.append(pieces)
            at = found.end()
        if at < len(shown):
            parts.append(shown[at:])
        return parts

    def rich(self, content: Rich) -> list[list[Any]]:
        """Runs as style, text and, where it leads somewhere, target."""
        return [
            [run.style.value, self.words(run.text, _PATTERNS.get(run.style, _PROSE_NAME))]
            + ([run.target] if run.target in self.anchors else [])
            for run in content
            if run.text
        ]

    def rows(self, rows: Iterable[tuple[str, Rich]]) -> list[list[Any]]:
        """Names and values, and whether a value may be parted by the end of a page."""
        return [[self.words(name), self.rich(content), _long(content)] for name, content in rows]

    def cell(self, cell: Cell) -> Json:
        """A cell, with its badge."""
        found: Json = {"runs": self.rich(cell.content)}
        if cell.tone is not None:
            found |= {"tone": cell.tone.value, "sign": cell.sign}
        if _long(cell.content):
            found["long"] = True
        return found

    def section(self, section: Section) -> Json:
        """A section and what is in it."""
        return {
            "anchor": section.anchor,
            "number": self.words(section.number),
            "title": self.words(section.title),
            "page": section.page,
            "blocks": [self.block(block) for block in section.blocks],
            "sections": [self.section(inner) for inner in section.sections],
        }

    def block(self, block: Block) -> Json:
        """One block, by its type."""
        match block:
            case Paragraph():
                return {"type": "paragraph", "role": block.role, "runs": self.rich(block.content)}
            case Code():
                return {
                    "type": "code",
                    "lines": [self.words(line, _NAME, _WHOLE) for line in block.lines],
                }
            case Bullets():
                return {"type": "bullets", "items": [self.rich(item) for item in block.items]}
            case Facts():
                return {"type": "facts", "rows": self.rows(block.rows)}
            case Table():
                return self._table(block)
            case Tiles():
                return {
                    "type": "tiles",
                    "items": [
                        {
                            "value": self.words(item.value),
                            "label": self.words(item.label),
                            "tone": item.tone.value,
                        }
                        for item in block.items
                    ],
                }
            case Opinion():
                return {
                    "type": "opinion",
                    "tone": block.tone.value,
                    "sign": block.tone.symbol,
                    "headline": self.words(block.headline),
                    "items": [self.rich(item) for item in block.grounds],
                }
            case Matrix():
                return self._matrix(block)
            case Finding():
                return self._finding(block)
            case SignOff():
                return self._signoff(block)

    def _table(self, block: Table) -> Json:
        return {
            "type": "table",
            "caption": self.words(block.caption),
            "columns": [
                {"label": self.words(c.label), "width": c.width, "kind": c.kind}
                for c in block.columns
            ],
            "rows": [[self.cell(cell) for cell in row] for row in block.rows],
            "anchors": list(block.anchors),
        }

    def _matrix(self, block: Matrix) -> Json:
        return {
            "type": "matrix",
            "caption": self.words(block.caption),
            "corner": self.words(block.corner),
            "columns": list(block.columns),
            "longest": max((len(host) for host, _ in block.rows), default=0),
            "rows": [
                [self.words(host), [[tone.value, tone.symbol] for tone in tones]]
                for host, tones in block.rows
            ],
            "legend": [
                {
                    "tone": item.tone.value,
                    "sign": item.tone.symbol,
                    "label": self.words(item.label),
                    "count": self.words(item.count),
                }
                for item in block.legend
            ],
        }

    def _finding(self, block: Finding) -> Json:
        return {
            "type": "finding",
            "anchor": block.number,
            "number": self.words(block.number),
            "title": self.words(block.title),
            "severity": self.words(block.severity),
            "severity_label": self.words(self.document.words["severity"]),
            "tone": block.tone.value,
            "sign": block.tone.symbol,
            "verdict": self.words(block.verdict),
            "control": self.words(block.control),
            "blocks": [self.block(inner) for inner in block.blocks],
        }

    def _signoff(self, block: SignOff) -> Json:
        return {
            "type": "signoff",
            "name": self.words(block.name),
            "place": self.words(block.place),
            "signature": self.words(block.signature),
            "people": [
                {
                    "key": person.key,
                    "role": self.words(person.role),
                    "duty": self.words(person.duty),
                    "name": self.words(person.name),
                    "organisation": self.words(person.organisation),
                }
                for person in block.people
            ],
        }


def _long(content: Rich) -> bool:
    """Whether it takes so much room that it need not stand on one page."""
    return sum(len(run.text) for run in content) > _ONE_PAGE


def _anchors(sections: Iterable[Section]) -> Iterable[str]:
    for section in sections:
        yield section.anchor
        for block in section.blocks:
            if isinstance(block, Finding):
                yield block.number
            elif isinstance(block, Table):
                yield from block.anchors
        yield from _anchors(section.sections)
