"""The document as one immutable value: what every renderer takes, and nothing else.

Texts are plain; nothing in here is markup. Values that came from a directory or
a server stand in runs of their own (`Style.VALUE`, `Style.CODE`), so that a
renderer can keep them apart from prose.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from vmmaudit.display import Tone, visible
from vmmaudit.report import markup

if TYPE_CHECKING:
    import pandas as pd


class Style(StrEnum):
    """How a run is set."""

    PLAIN = "plain"
    STRONG = "strong"
    VALUE = "value"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Run:
    """Some text in one style; `target` names an anchor of this document."""

    text: str
    style: Style = Style.PLAIN
    target: str = ""


Rich: TypeAlias = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """The content of a table's cell; with a tone it is a badge, `marked` by the tone's symbol."""

    content: Rich
    tone: Tone | None = None
    marked: bool = True

    @property
    def sign(self) -> str:
        """The badge's symbol."""
        return self.tone.symbol if self.tone and self.marked else ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its head, its share of the width, and how its text is set."""

    label: str
    width: float = 1
    kind: Literal["text", "id", "number", "blank"] = "text"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph; `lead` opens a section, `note` is small print."""

    content: Rich
    role: Literal["text", "lead", "note"] = "text"


@dataclass(frozen=True, slots=True)
class Code:
    """Lines to be copied as they are."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list without order."""

    items: tuple[Rich, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and values; an empty value is a line to be filled in by hand."""

    rows: tuple[tuple[str, Rich], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table with one row of heads."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    anchors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Opinion:
    """The overall opinion: one sentence in words and what it rests on."""

    tone: Tone
    headline: str
    grounds: tuple[Rich, ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """A number worth being seen first."""

    value: str
    label: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Tiles:
    """A few numbers side by side."""

    items: tuple[Tile, ...]


@dataclass(frozen=True, slots=True)
class Legend:
    """What a symbol of the matrix means and how often it stands there."""

    tone: Tone
    label: str
    count: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """Hosts × shares, worst host first; `columns` are short names explained by a table."""

    caption: str
    corner: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Tone, ...]], ...]
    legend: tuple[Legend, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: what is wrong, with whom, why it matters and what to do."""

    number: str
    title: str
    severity: str
    rank: str
    tone: Tone
    verdict: str
    control: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Signature:
    """A place for one signature; `key` names the signature field."""

    key: str
    role: str
    duty: str
    name: str
    organisation: str


@dataclass(frozen=True, slots=True)
class SignOff:
    """The block of signatures, with the words of its empty lines."""

    name: str
    place: str
    signature: str
    people: tuple[Signature, ...]


Block: TypeAlias = (
    Paragraph | Code | Bullets | Facts | Table | Opinion | Tiles | Matrix | Finding | SignOff
)


@dataclass(frozen=True, slots=True)
class Section:
    """A numbered part; `page` starts a new one."""

    anchor: str
    number: str
    title: str
    blocks: tuple[Block, ...] = ()
    sections: tuple[Section, ...] = ()
    page: bool = False


@dataclass(frozen=True, slots=True)
class Cover:
    """The first page."""

    kind: str
    title: str
    subject: str
    client: str
    status: str
    facts: tuple[tuple[str, Rich], ...]
    tone: Tone
    headline: str
    logo: bytes | None = None
    logo_type: str = ""
    sender: str = ""


@dataclass(frozen=True)
class Document:
    """A whole document in one language.

    Attributes:
        words: what the layout itself says (contents, page numbers, search), by key.
        digest: SHA-256 of the evidence, printed short on every page and once in full.
        properties: what it says about itself to a machine, by names that no language changes.
        templates: a customer's own templates by their path under `templates/`; those that are
            not in it are the package's.
        moment: when the evidence was read; the file's own time, so that equal input
            gives equal bytes.
    """

    language: str
    direction: Literal["ltr", "rtl"]
    title: str
    identifier: str
    author: str
    classification: str
    colour: str
    digest: str
    moment: datetime
    cover: Cover
    sections: tuple[Section, ...]
    words: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    templates: Mapping[str, str] = field(default_factory=dict)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        """What a notebook shows: the document as HTML, and which one it is."""
        about = {
            "language": self.language,
            "title": visible(self.title),
            "properties": {name: visible(said) for name, said in self.properties.items()},
        }
        return (
            {"text/html": markup.fragment(self), "text/plain": visible(self.title)},
            {"vmmaudit": about},
        )

    def _repr_html_(self) -> str:
        """The document as HTML that stands for itself."""
        return markup.fragment(self)

    def to_frame(self) -> pd.DataFrame:
        """The table of contents: one row per section, with its anchor."""
        import pandas as pd

        found = [(s.number, s.title, s.anchor) for s in _all(self.sections)]
        return pd.DataFrame(found, columns=["number", "title", "anchor"])


def _all(sections: Iterable[Section]) -> Iterator[Section]:
    for section in sections:
        yield section
        yield from _all(section.sections)


@dataclass(frozen=True, slots=True)
class ControlInfo:
    """What the catalogue says about a control that is not words."""

    id: str
    version: int
    severity: Literal["critical", "high", "medium", "low", "info"]
    origin: Literal["seed", "vendor", "security"]
    references: tuple[str, ...] = ()
    mapping: tuple[str, ...] = ()
