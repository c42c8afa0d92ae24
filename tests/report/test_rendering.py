from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import nbformat
import pypdf
import pytest

from tests.report import sample
from tests.report.conftest import make
from vmmaudit.assessment import Assessment, Judgement, Verdict
from vmmaudit.display import visible
from vmmaudit.report.csv import render_csv
from vmmaudit.report.document import Document
from vmmaudit.report.escape import (
    csv_cell,
    displayable,
)
from vmmaudit.report.html import AuditHTMLExporter, render_html
from vmmaudit.report.parts.closing import ATTACH_LIMIT
from vmmaudit.report.pdf import render_pdf
from vmmaudit.report.sheets import verdicts

HOSTILE = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "=cmd|' /C calc'!A0",
    '#let x = read("data.json"); #x $y$ *b* \\u{41}',
    "{{7*7}}{% raw %}{{ document }}",
    "\u202egnp.exe\u2066",
    "A" * 300,
    "nul\0bell\x07esc\x1b[31m",
    "漢字\U0001f600العربية",
    "]]></style></div>-->",
    "\udcff lone",
)


def hostile() -> Assessment:
    base = sample.assessment()
    verdicts = list(base.verdicts)
    for number, name in enumerate(HOSTILE):
        subject = replace(sample.subject(1), id=f"{number}", name=name)
        values = {"computer": name, "sid": sample.SID.format(9000 + number)}
        verdicts.append(Judgement("DEL-03", 1, subject, Verdict.FAIL, "UNCONSTRAINED", values))
    pairs = [replace(p, host=n, account=n) for p, n in zip(base.readiness, HOSTILE, strict=False)]
    return replace(base, verdicts=tuple(verdicts), readiness=tuple(pairs))


class Page(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, *names: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag in names]


def read(pdf: bytes) -> str:
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    return "".join(page.extract_text() for page in reader.pages)


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.fixture(scope="module")
def german_pdf(german: Document) -> bytes:
    return render_pdf(german, {"assessment.json": b"{}", "evidence.jsonl.gz": b"\x1f\x8b"})


def test_the_page_links_to_nothing_outside(german: Document) -> None:
    page = Page(render_html(german))

    for tag, attrs in page.tags:
        for name in ("src", "href", "action", "data", "poster"):
            assert not re.match(r"(?:https?:)?//", attrs.get(name) or ""), (tag, attrs)
    assert b"url(" not in render_html(german)


def test_every_link_has_its_target(german: Document) -> None:
    page = Page(render_html(german))
    ids = [attrs["id"] for _, attrs in page.tags if attrs.get("id")]

    assert len(ids) == len(set(ids))
    assert {(a["href"] or "")[1:] for a in page.of("a")} <= set(ids)


def test_the_page_can_be_used_with_a_screen_reader(german: Document) -> None:
    page = Page(render_html(german))

    assert page.of("html")[0]["lang"] == "de"
    assert {tag for tag, _ in page.tags} >= {"main", "nav", "header", "footer", "h1", "h2"}
    assert len(page.of("h1")) == 1
    assert all(attrs.get("scope") in ("col", "row") for attrs in page.of("th"))
    assert page.of("a")[0]["class"] == "skip"
    assert len(page.of("caption")) == len(page.of("table"))


def test_hostile_names_are_inert_in_the_page() -> None:
    clean = Page(render_html(make()))
    page = Page(render_html(make(assessment=hostile())))

    assert {tag for tag, _ in page.tags} == {tag for tag, _ in clean.tags}
    assert len(page.of("script")) == 1
    assert not page.of("img")
    assert "<script>alert(1)</script>" in page.text
    assert "{{7*7}}" in page.text
    assert "\\u{202e}gnp.exe" in page.text
    assert not set(page.text) & {"\0", "\x07", "\x1b", "\u202e", "\u2066"}


def test_only_the_pages_own_script_may_run(german: Document) -> None:
    import base64
    import hashlib

    page = render_html(german).decode()
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()

    assert f"script-src 'sha256-{digest}'" in page


def test_an_executed_notebook_gives_the_same_page(german: Document) -> None:
    v4: Any = nbformat.v4
    data, metadata = german._repr_mimebundle_()
    shown = v4.new_output("execute_result", data=data, metadata=metadata, execution_count=2)
    cells = [
        v4.new_markdown_cell("For the operator."),
        v4.new_code_cell("secret = 1", metadata={"tags": ["injected-parameters"]}),
        v4.new_code_cell("report", outputs=[v4.new_output("stream", text="noise"), shown]),
    ]
    page, _ = AuditHTMLExporter().from_notebook_node(v4.new_notebook(cells=cells))

    assert page.encode() == render_html(german)


def test_a_cell_for_the_operator_is_left_out(german: Document) -> None:
    v4: Any = nbformat.v4
    data, metadata = german._repr_mimebundle_()
    shown = v4.new_output("display_data", data=data, metadata=metadata)
    cell = v4.new_code_cell("x", outputs=[shown], metadata={"tags": ["operator"]})
    page, _ = AuditHTMLExporter().from_notebook_node(v4.new_notebook(cells=[cell]))

    assert german.title not in page


def test_umlauts_survive_everywhere(german: Document, german_pdf: bytes) -> None:
    for text in (render_html(german).decode(), read(german_pdf)):
        assert "Änne Größlein" in text
        assert "Maßnahmenplan" in text
        assert "„erfüllt“" in text


def test_the_pdf_is_the_same_twice(german: Document, german_pdf: bytes) -> None:
    attached = {"evidence.jsonl.gz": b"\x1f\x8b", "assessment.json": b"{}"}

    assert render_pdf(make(), attached) == german_pdf


def test_the_pdf_names_language_title_author_and_chapters(german_pdf: bytes) -> None:
    reader = pypdf.PdfReader(io.BytesIO(german_pdf))
    metadata = reader.metadata

    assert metadata is not None
    assert metadata.title == sample.scope().audit.title
    assert metadata.author == "Jörg Müller-Weiß"
    assert str(reader.root_object["/Lang"]).startswith("de")
    assert len([item for item in reader.outline if not isinstance(item, list)]) == 21
    assert b"pdfaid:part" in german_pdf or "pdfaid" in str(reader.xmp_metadata.rdf_root.toxml())  # type: ignore[union-attr]


def test_every_page_carries_the_digest_and_its_number(german_pdf: bytes) -> None:
    reader = pypdf.PdfReader(io.BytesIO(german_pdf))
    digest = sample.evidence().digest()

    for number, page in enumerate(reader.pages, 1):
        text = page.extract_text()
        assert digest[:16] in text
        assert f"Seite {number} von {len(reader.pages)}" in text
    assert digest in squeezed(read(german_pdf))


def test_every_sid_can_be_read_back(german_pdf: bytes) -> None:
    text = squeezed(read(german_pdf))
    sids = {
        str(value)
        for judgement in sample.assessment().verdicts
        for value in judgement.values.values()
        if str(value).startswith("S-1-")
    }

    assert len(sids) == 3
    assert all(sid in text for sid in sids)


def test_the_evidence_is_attached(german_pdf: bytes) -> None:
    attached = pypdf.PdfReader(io.BytesIO(german_pdf)).attachments

    assert attached["evidence.jsonl.gz"] == [b"\x1f\x8b"]
    assert attached["assessment.json"] == [b"{}"]


def test_too_much_evidence_is_listed_instead(german: Document) -> None:
    pdf = render_pdf(german, {"evidence.jsonl.gz": bytes(ATTACH_LIMIT + 1)})
    attached = pypdf.PdfReader(io.BytesIO(pdf)).attachments

    assert list(attached) == ["manifest.json"]
    assert b'"name": "evidence.jsonl.gz"' in attached["manifest.json"][0]


def test_hostile_names_are_plain_text_in_the_pdf() -> None:
    text = squeezed(read(render_pdf(make(assessment=hostile()), {"../../x/ä b.json": b"{}"})))

    assert '#letx=read("data.json");#x$y$*b*' in text
    assert "{{7*7}}" in text
    assert "A" * 300 in text
    assert "nul\\u{0}bell\\u{7}esc\\u{1b}[31m" in text
    assert "\\u{6f22}" in text


@pytest.mark.parametrize("hosts", [1, 2_000])
def test_one_host_and_two_thousand(hosts: int) -> None:
    document = make(hosts=hosts)
    text = squeezed(read(render_pdf(document)))

    assert all(sample.host(number) in text for number in range(1, hosts + 1))
    assert render_html(document)


def test_a_row_per_judgement_in_the_csv() -> None:
    content = render_csv(verdicts(hostile(), sample.CATALOGUE, sample.texts()), sample.texts())
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"))

    assert content.startswith(b"\xef\xbb\xbf")
    assert b"\r\n" in content
    assert len(rows) == len(hostile().verdicts) + 1
    assert len({len(row) for row in rows}) == 1
    assert not [c for row in rows for c in row if c.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert "\0" not in content.decode()


def test_the_csv_has_the_delimiter_of_its_language() -> None:
    texts = sample.texts("en")
    rows = verdicts(sample.assessment(), sample.CATALOGUE, texts)
    assert render_csv(rows, texts).count(b"Rating,") == 1


@pytest.mark.parametrize("language", ["de", "en"])
def test_no_two_columns_of_the_csv_have_one_name(language: str) -> None:
    rows = verdicts(sample.assessment(), sample.CATALOGUE, sample.texts(language))

    assert len(set(rows.heads)) == len(rows.heads)


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@a", "\ta", "\ra", "  =1"])
def test_a_cell_is_no_formula(cell: str) -> None:
    assert csv_cell(cell).startswith("'")


def test_what_steers_is_shown() -> None:
    assert (
        visible("a\0b\u202ec\u200bd\ufeffe\ud800") == "a␀b\\u{202e}c\\u{200b}d\\u{feff}e\\u{d800}"
    )
    assert visible("Änne Größlein – „ß“") == "Änne Größlein – „ß“"
    assert displayable("a漢\0", set(range(0x20, 0x7F))) == "a\\u{6f22}\\u{0}"
