"""The German and the English edition of one pack state the same facts."""

from __future__ import annotations

import html
import io
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader

from vmmaudit.audit import Audit, demo
from vmmaudit.controls.texts import Texts
from vmmaudit.report.document import Document, Matrix, Section, Table, Tiles
from vmmaudit.report.prose import plain
from vmmaudit.scope import parse

FACTS: Mapping[str, re.Pattern[str]] = {
    "SIDs": re.compile(r"S-1-\d+(?:-\d+)+"),
    "DNs": re.compile(r"(?:CN|OU)=[^,<>\"]+(?:,(?:CN|OU|DC)=[\w.-]+)+"),
    "SPNs": re.compile(r"\b(?:cifs|HOST|SCVMM)/[\w.-]*\w", re.IGNORECASE),
    "hosts": re.compile(r"\b(?:hyper|library|vmm|dc)\d\d(?:\.contoso\.com)?\b", re.IGNORECASE),
    "accounts": re.compile(r"CONTOSO\\[\w.$-]*[\w$]"),
    "shares": re.compile(r"\\\\[\w.-]+\\\w+"),
    "evidence": re.compile(r"\bE-[0-9a-f]{10}\b"),
    "controls": re.compile(r"\b[A-Z]{3}-\d\d\b"),
    "findings": re.compile(r"\bF-\d\d\b"),
    "digests": re.compile(r"\b[0-9a-f]{64}\b"),
}
WAIVERS = """
waivers:
  - {control: DEL-02, reason: x, approver: Leitung, ticket: CHG1, until: 2026-12-31}
  - {control: DEL-0*, reason: y, until: 2026-12-31}
  - {control: PRM-*, reason: z, approver: Leitung, until: 2026-01-31}
"""


@pytest.fixture(scope="module")
def audit() -> Audit:
    """The demo with waivers, and with itself as previous audit, one verdict aside."""
    found = demo()
    text = found.scope_text + WAIVERS
    previous = replace(found.assessment, verdicts=found.assessment.verdicts[5:])
    return replace(found, scope_text=text, scope=parse(text, "s"), previous=previous)


@pytest.fixture(scope="module")
def files(audit: Audit) -> Mapping[str, bytes]:
    return audit.files(["de", "en"])


def of_html(data: bytes) -> str:
    page = re.sub(rb"<(style|script)>.*?</\1>", b"", data, flags=re.DOTALL).decode()
    return html.unescape(re.sub(r"<[^>]*>", " ", page.replace("<wbr>", "")))


def of_pdf(data: bytes) -> str:
    """Without the breaks inside long words; equal words stand in both editions' tables."""
    reader = PdfReader(io.BytesIO(data))
    return "\n".join(page.extract_text() for page in reader.pages)


def of_xlsx(data: bytes) -> str:
    book = load_workbook(io.BytesIO(data))
    return "\n".join(
        str(cell)
        for sheet in book
        for row in sheet.iter_rows(values_only=True)
        for cell in row
        if cell is not None
    )


FORMATS: Mapping[str, tuple[str, Callable[[bytes], str]]] = {
    "html": ("report.{}.html", of_html),
    "xlsx": ("workbook.{}.xlsx", of_xlsx),
    "pdf": ("report.{}.pdf", of_pdf),
}


@pytest.fixture(scope="module")
def editions(files: Mapping[str, bytes]) -> Mapping[str, tuple[str, str]]:
    """The words of each format, German and English."""
    return {
        name: (read(files[pattern.format("de")]), read(files[pattern.format("en")]))
        for name, (pattern, read) in FORMATS.items()
    }


@pytest.mark.parametrize("fact", FACTS)
@pytest.mark.parametrize("name", ["html", "xlsx"])
def test_both_editions_name_the_same(editions: Mapping[str, tuple[str, str]], name: str, fact: str):
    german, english = (set(FACTS[fact].findall(text)) for text in editions[name])
    assert german == english
    if fact not in ("DNs", "digests") and (name, fact) != ("xlsx", "findings"):
        assert german


@pytest.mark.parametrize("fact", FACTS)
def test_both_pdf_name_what_the_page_names(editions: Mapping[str, tuple[str, str]], fact: str):
    """Long words are broken over lines there: only whether they are there can be told."""
    german, english = ("".join(text.split()).lower() for text in editions["pdf"])
    for said in set(FACTS[fact].findall(editions["html"][0])):
        wanted = "".join(said.split()).lower()
        assert wanted in german, said
        assert wanted in english, said


@pytest.mark.parametrize("fact", ["evidence", "controls", "findings", "SIDs"])
def test_the_page_names_them_equally_often(files: Mapping[str, bytes], fact: str):
    counts = [
        Counter(FACTS[fact].findall(of_html(files[f"report.{language}.html"])))
        for language in ("de", "en")
    ]
    assert counts[0] == counts[1]


def test_the_workbooks_count_the_same_verdicts(audit: Audit, files: Mapping[str, bytes]):
    expected = {verdict.value: count for verdict, count in audit.assessment.counts().items()}
    for language in ("de", "en"):
        texts = Texts.load(language)
        words = {texts.label("verdict", verdict): verdict for verdict in expected}
        book = load_workbook(io.BytesIO(files[f"workbook.{language}.xlsx"]))
        rows = book[texts.label("sheet", "verdicts")].iter_rows(min_row=2, values_only=True)
        found = Counter(words[str(row[5]).split(" ", 1)[1]] for row in rows)
        assert dict(found) == expected


def test_the_documents_have_the_same_shape(audit: Audit):
    german, english = (shape(audit.document(language)) for language in ("de", "en"))
    assert german == english


def shape(document: Document) -> list[Any]:
    """Everything in a document that is no word: numbers, symbols, sizes, anchors."""
    return [_section(section) for section in document.sections]


def _section(section: Section) -> list[Any]:
    found: list[Any] = [section.anchor]
    for block in section.blocks:
        found.append(type(block).__name__)
        if isinstance(block, Table):
            found.append([[cell.tone for cell in row] for row in block.rows])
            numbers = [i for i, column in enumerate(block.columns) if column.kind == "number"]
            found.append(
                [[re.sub(r"\D", "", plain(row[i].content)) for i in numbers] for row in block.rows]
            )
        elif isinstance(block, Tiles):
            found.append([(re.sub(r"\D", "", tile.value), tile.tone) for tile in block.items])
        elif isinstance(block, Matrix):
            found.append((block.rows, [(item.tone, item.count) for item in block.legend]))
    return [*found, *(_section(inner) for inner in section.sections)]
