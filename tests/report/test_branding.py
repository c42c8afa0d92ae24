"""A customer's look, and a language of its own, without touching the package."""

from __future__ import annotations

import io
import re
import shutil
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader

from tests.report import sample
from tests.report.conftest import make
from vmmaudit.audit import DEMO, demo, replayed
from vmmaudit.controls import texts as texts_package
from vmmaudit.controls.texts import Texts, languages
from vmmaudit.errors import ScopeError, UsageError
from vmmaudit.report.csv import render_csv
from vmmaudit.report.docx import render_docx
from vmmaudit.report.html import render_html
from vmmaudit.report.sheets import verdicts
from vmmaudit.scope import Branding

SHIPPED = Path(texts_package.__file__).parent


def picture() -> bytes:
    """A PNG of one red pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixel = zlib.compress(b"\x00\xff\x00\x00")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", head), chunk(b"IDAT", pixel), chunk(b"IEND", b"")]
    )


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The demo's scope with a brand beside it."""
    folder = tmp_path / "given"
    (folder / "look/audit-html").mkdir(parents=True)
    (folder / "look/audit-docx").mkdir()
    (folder / "logo.png").write_bytes(picture())
    style = Path("templates/audit-html/style.css").read_text(encoding="utf-8")
    (folder / "look/audit-html/style.css").write_text(style + ".ours { color: #012345 }\n")
    footer = Path("templates/audit-docx/footer1.xml").read_text(encoding="utf-8")
    ours = footer.replace("</w:p>", "<w:r><w:t>Amtsexemplar</w:t></w:r></w:p>", 1)
    (folder / "look/audit-docx/footer1.xml").write_text(ours, "utf-8")
    scope = (DEMO / "scope.yaml").read_text(encoding="utf-8")
    (folder / "site.yaml").write_text(
        scope
        + """\
branding:
  sender: Revision GmbH
  logo: logo.png
  colour: '#7a0019'
  document_id: 'IR-{{year}}-{{digest}}'
  classifications: {internal: {de: TLP:AMBER, en: TLP:AMBER (en)}}
  retention_years: 12
  templates: look
""",
        encoding="utf-8",
    )
    return folder


def test_the_documents_look_like_the_customers(site: Path, tmp_path: Path):
    found = replayed(DEMO / "evidence.jsonl.gz", site / "site.yaml")
    files = found.files(["de"])
    page = files["report.de.html"].decode()
    identifier = f"IR-2026-{found.evidence.digest()[:8].upper()}"
    for said in (identifier, "TLP:AMBER", "Revision GmbH", "#7a0019", ".ours {", "data:image/png"):
        assert said in page, said
    assert re.search(r"Jahre[^<]*12|12[^<]*Jahre", page)
    with zipfile.ZipFile(io.BytesIO(files["report.de.docx"])) as packed:
        assert "Amtsexemplar" in packed.read("word/footer1.xml").decode()
        assert any(name.startswith("word/media/") for name in packed.namelist())
    reader = PdfReader(io.BytesIO(files["report.de.pdf"]))
    cover = reader.pages[0].extract_text()
    assert identifier in cover.replace("\n", "")
    assert "TLP:AMBER" in cover
    assert reader.pages[0].images


def test_a_pack_needs_neither_logo_nor_templates_beside_it(site: Path, tmp_path: Path):
    found = replayed(DEMO / "evidence.jsonl.gz", site / "site.yaml")
    written = found.write(tmp_path, ("en",), notebook=True)
    assert written
    kept = written.folder
    shutil.rmtree(site)
    again = replayed(kept)
    assert again.scope.digest() == found.scope.digest()
    assert render_html(again.document("en")) == render_html(found.document("en"))
    assert render_docx(again.document("en")) == render_docx(found.document("en"))
    assert "TLP:AMBER (en)" in render_html(again.document("en")).decode()


def test_ours_is_used_without_a_brand():
    assert ".ours" not in render_html(demo().document("de")).decode()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"templates": "other"}, "there is no folder"),
        ({"templates": {"audit-html/nothing.css": "x"}}, "takes the place of no template"),
        ({"templates": {"../pyproject.toml": "x"}}, "takes the place of no template"),
        ({"logo": "missing.png"}, "logo missing.png cannot be read"),
        ({"logo": "logo.gif"}, "not a PNG or JPEG"),
    ],
)
def test_mistakes_are_one_sentence(given: dict[str, object], message: str):
    scope = sample.scope(3).model_copy(update={"branding": Branding(**given)})
    with pytest.raises(ScopeError, match=message):
        make(scope=scope)


def test_a_scheme_with_an_unknown_placeholder_is_refused(tmp_path: Path):
    text = (DEMO / "scope.yaml").read_text(encoding="utf-8")
    (tmp_path / "s.yaml").write_text(text + "branding: {document_id: 'X-{{month}}'}\n")
    with pytest.raises(ScopeError, match=r"line \d+: branding.document_id: .*'month'"):
        replayed(DEMO / "evidence.jsonl.gz", tmp_path / "s.yaml")


def test_a_third_language_is_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shutil.copytree(SHIPPED / "en", tmp_path / "xx")
    words = {
        "report.toml": ('findings = "Findings"', 'findings = "Trovaĵoj"'),
        "labels.toml": ('FAIL = "not met"', 'FAIL = "ne plenumita"'),
        "DEL-02.toml": ('title = "', 'title = "Ĝusta: '),
    }
    for name, (before, after) in words.items():
        path = tmp_path / "xx" / name
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after, 1), encoding="utf-8")
    assert "xx" not in languages()
    monkeypatch.setenv("VMMAUDIT_TEXTS", str(tmp_path))
    assert languages() == ("de", "en", "xx")

    files = demo().files(["xx"])
    texts = Texts.load("xx")
    page = files["report.xx.html"].decode()
    assert '<html lang="xx">' in page
    with zipfile.ZipFile(io.BytesIO(files["report.xx.docx"])) as packed:
        word = packed.read("word/document.xml").decode()
    pages = PdfReader(io.BytesIO(files["report.xx.pdf"])).pages
    pdf = " ".join(" ".join(page.extract_text() for page in pages).split())
    for shown in (page, word, pdf):
        assert "Trovaĵoj" in shown
        assert "ne plenumita" in shown
        assert "Ĝusta: " in shown
    book = load_workbook(io.BytesIO(files["workbook.xx.xlsx"]))
    rows = list(book[texts.label("sheet", "verdicts")].iter_rows(values_only=True))
    assert any(cell and "ne plenumita" in str(cell) for row in rows for cell in row)
    table = verdicts(demo().assessment, sample.CATALOGUE, texts)
    assert "ne plenumita" in render_csv(table, texts).decode("utf-8-sig")


def test_an_incomplete_language_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shutil.copytree(SHIPPED / "en", tmp_path / "xx")
    (tmp_path / "xx/DEL-02.toml").unlink()
    monkeypatch.setenv("VMMAUDIT_TEXTS", str(tmp_path))
    with pytest.raises(UsageError, match=r"lacks DEL-02\.toml"):
        Texts.load("xx")
    monkeypatch.setenv("VMMAUDIT_TEXTS", str(tmp_path / "none"))
    with pytest.raises(UsageError, match="no folder"):
        languages()


def test_a_shipped_language_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shutil.copytree(SHIPPED / "en", tmp_path / "de")
    monkeypatch.setenv("VMMAUDIT_TEXTS", str(tmp_path))
    assert Texts.load("de").locale == "de_DE"
