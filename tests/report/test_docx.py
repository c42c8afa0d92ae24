from __future__ import annotations

import base64
import io
import shutil
import subprocess
import time
import zipfile
from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import docx
import pypdf
import pytest
from docx.oxml.ns import qn

from tests.report import sample
from tests.report.conftest import make
from tests.report.test_rendering import hostile, squeezed
from vmmaudit.errors import ScopeError
from vmmaudit.report.document import Document
from vmmaudit.report.docx import render_docx

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def opened(file: bytes) -> Any:
    return docx.Document(io.BytesIO(file))


def text_of(file: bytes) -> str:
    return "\n".join(
        "".join(run.text or "" for run in paragraph.iter(qn("w:t")))
        for paragraph in opened(file).element.body.iter(qn("w:p"))
    )


def part(file: bytes, name: str) -> str:
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        return archive.read(name).decode()


@pytest.fixture(scope="module")
def german_docx(german: Document) -> bytes:
    return render_docx(german)


def test_the_file_is_the_same_twice(german_docx: bytes) -> None:
    time.sleep(2.1)  # a zip archive counts time in steps of two seconds

    assert render_docx(make()) == german_docx
    with zipfile.ZipFile(io.BytesIO(german_docx)) as archive:
        assert {item.date_time for item in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_headings_give_the_structure(german: Document, german_docx: bytes) -> None:
    heads = [p for p in opened(german_docx).paragraphs if p.style.name == "Heading 1"]

    assert [p.text.split("\u2002")[-1] for p in heads] == [s.title for s in german.sections]
    assert any(p.style.name == "Heading 2" for p in opened(german_docx).paragraphs)


def test_the_file_names_title_author_moment_and_language(german_docx: bytes) -> None:
    properties = opened(german_docx).core_properties

    assert properties.title == sample.scope().audit.title
    assert properties.author == "Jörg Müller-Weiß"
    assert properties.created == properties.modified == sample.MOMENT
    assert isinstance(properties.created, datetime)
    assert properties.language == "de-DE"
    assert '<w:lang w:val="de-DE"' in part(german_docx, "word/styles.xml")


def test_every_page_carries_the_digest_and_its_number(german_docx: bytes) -> None:
    footer = part(german_docx, "word/footer1.xml")
    document = part(german_docx, "word/document.xml")

    assert sample.evidence().digest()[:16] in footer
    assert footer.index("Seite ") < footer.index(" PAGE ") < footer.index(" NUMPAGES ")
    assert document.count("<w:footerReference") == 2
    assert "<w:titlePg/>" in document


def test_every_table_has_fixed_widths_and_a_repeated_head(german_docx: bytes) -> None:
    for table in opened(german_docx).tables:
        kind = table._tbl.tblPr.find(qn("w:tblLayout")).get(qn("w:type"))
        grid = [int(column.get(qn("w:w"))) for column in table._tbl.tblGrid]
        assert kind == "fixed"
        for row in table._tbl.tr_lst:
            spans = [cell.grid_span for cell in row.tc_lst]
            assert sum(spans) == len(grid)
            assert sum(cell.width.twips for cell in row.tc_lst) == sum(grid)
        if table.style.name == "Audit Table":
            head = table._tbl.tr_lst[0]
            assert head.trPr.find(qn("w:tblHeader")) is not None
            assert table._tbl.tblPr.find(qn("w:tblDescription")).get(qn("w:val"))
            assert sum(grid) == 9411


def test_every_link_has_its_bookmark(german_docx: bytes) -> None:
    body = opened(german_docx).element.body
    marks = Counter(item.get(qn("w:name")) for item in body.iter(qn("w:bookmarkStart")))
    links = {item.get(qn("w:anchor")) for item in body.iter(qn("w:hyperlink"))}

    assert links <= set(marks)
    assert len(links) > 17
    assert set(marks.values()) == {1}
    assert all(len(name) <= 40 for name in marks)


def test_every_word_of_the_catalogue_is_there(german_docx: bytes) -> None:
    text = text_of(german_docx)

    assert "Änne Größlein" in text
    assert "Maßnahmenplan" in text
    assert "Unterschrift" in text
    assert sample.evidence().digest() in text
    for number in (1106, 2007):
        assert sample.SID.format(number) in text


def test_the_logo_has_an_alternative_text(german: Document) -> None:
    cover = replace(german.cover, logo=PIXEL, logo_type="image/png")
    file = render_docx(replace(german, cover=cover))

    assert f'descr="{german.cover.sender}"' in part(file, "word/document.xml")
    assert file == render_docx(replace(german, cover=cover))
    assert len(opened(file).inline_shapes) == 1


def test_a_logo_that_is_no_picture_is_one_sentence(german: Document) -> None:
    cover = replace(german.cover, logo=b"GIF?", logo_type="image/png")

    with pytest.raises(ScopeError, match=r"^The logo is not a PNG or JPEG picture"):
        render_docx(replace(german, cover=cover))


def test_hostile_names_are_plain_text() -> None:
    clean = {item.tag for item in opened(render_docx(make())).element.body.iter()}
    title = "</w:t><script>&\0" + "A" * 300
    base = make(assessment=hostile())
    file = render_docx(replace(base, title=title, author=title, classification=title))
    text = text_of(file)

    assert {item.tag for item in opened(file).element.body.iter()} == clean
    assert "<script>alert(1)</script>" in text
    assert "=cmd|' /C calc'!A0" in text
    assert "\\u{202e}gnp.exe" in text
    assert "nul␀bell␇esc␛[31m" in text
    assert "A" * 300 in text
    assert not set(text) & set("\0\x07\x1b\u202e\u2066")
    assert "&lt;script&gt;&amp;␀" in part(file, "word/header1.xml")


def test_right_to_left(german: Document) -> None:
    file = render_docx(replace(german, direction="rtl"))

    assert "<w:bidi/>" in part(file, "word/styles.xml")
    assert "<w:bidiVisual/>" in part(file, "word/document.xml")


def test_two_thousand_hosts() -> None:
    text = text_of(render_docx(make(hosts=2_000)))

    assert all(sample.host(number) in text for number in range(1, 2_001))


@pytest.mark.skipif(
    not shutil.which("soffice"), reason="needs LibreOffice Writer (apt: libreoffice-writer)"
)
@pytest.mark.parametrize("case", ["sample", "hostile"])
def test_a_word_processor_opens_it(case: str, tmp_path: Path) -> None:
    document = make() if case == "sample" else make(assessment=hostile())
    (tmp_path / "report.docx").write_bytes(render_docx(document))
    done = subprocess.run(
        [
            *("soffice", f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"),
            *("--headless", "--convert-to", "pdf", "--outdir", tmp_path, tmp_path / "report.docx"),
        ],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    pages = pypdf.PdfReader(tmp_path / "report.pdf").pages
    texts = [page.extract_text() for page in pages]

    assert 15 < len(pages) < 40
    for number, text in enumerate(texts, 1):
        assert squeezed(f"Seite {number} von {len(pages)}") in squeezed(text)
        assert sample.evidence().digest()[:16] in squeezed(text)
    assert all(squeezed(document.title) in squeezed(text) for text in texts)
    if case == "hostile":
        assert "<script>alert(1)</script>" in squeezed("".join(texts))
