"""The pictures of the guide, in both languages.

What they show is the embedded, made-up site, as the notebooks and documents are at this moment.
`python -m tests.explore.pictures [FOLDER [LANGUAGE…]]`; `make pictures` makes all of them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from tests.change.test_planned import recorded
from tests.explore.browser import browsing, cell, run_all, served, shot
from vmmaudit.audit import demo
from vmmaudit.controls.texts import Texts
from vmmaudit.report.data import data_folder
from vmmaudit.report.pdf import render_pdf

LANGUAGES: Final = ("de", "en")
_PIXELS: Final = 78
"""Per inch of a page."""
_REPORT: Final = ("summary", "matrix")
_REQUEST: Final = ("request", "steps")


def main(folder: Path, languages: Sequence[str] = LANGUAGES) -> None:
    """Write all of them."""
    for language in languages:
        documents(folder, language)
        notebooks(folder, language)


def documents(folder: Path, language: str) -> None:
    """Two pages of the report and of the change request, side by side."""
    audit = recorded(demo())
    usual = audit.scope.change.model_copy(update={"type": "normal", "cab_required": True})
    audit = replace(audit, scope=audit.scope.model_copy(update={"change": usual}))
    for name, document, sections in (
        ("report", demo().document(language), _REPORT),
        ("change", audit.plan().document(language), _REQUEST),
    ):
        titles = [s.title for s in document.sections if s.anchor in sections]
        assert len(titles) == len(sections), (name, [s.anchor for s in document.sections])
        with tempfile.TemporaryDirectory() as place:
            pdf = Path(place, "document.pdf")
            pdf.write_bytes(render_pdf(document, {}))
            pages = [_page_of(pdf, title) for title in titles]
            _side_by_side(pdf, pages, folder / f"{name}.{language}.png")


def _page_of(pdf: Path, title: str) -> int:
    """The page on which a section begins; its first mention is in the contents."""
    said = subprocess.run(
        ["pdftotext", "-layout", str(pdf), "-"], capture_output=True, text=True, check=True
    ).stdout.split("\f")
    heads = re.compile(rf"^\s*\d+\s+{re.escape(title)}\s*$", re.MULTILINE)
    return next(number for number, text in enumerate(said, 1) if heads.search(text))


def _side_by_side(pdf: Path, pages: list[int], target: Path) -> None:
    from PIL import Image

    pictures = []
    for number in dict.fromkeys(pages):
        base = pdf.with_name(f"page{number}")
        subprocess.run(
            ["pdftoppm", "-png", "-r", str(_PIXELS), "-singlefile", "-f", str(number),
             "-l", str(number), str(pdf), str(base)],
            check=True,
        )  # fmt: skip
        pictures.append(Image.open(base.with_suffix(".png")).convert("RGB"))
    gap = 14
    width = sum(picture.width for picture in pictures) + gap * (len(pictures) + 1)
    sheet = Image.new("RGB", (width, pictures[0].height + 2 * gap), "#dfe4ec")
    left = gap
    for picture in pictures:
        sheet.paste(picture, (left, gap))
        left += picture.width + gap
    sheet.quantize(128).save(target, optimize=True)


def notebooks(folder: Path, language: str) -> None:
    """The matrix, a table, a chain and a what-if of the workbench, and a diagnosis."""
    texts = Texts.load(language)
    with (
        tempfile.TemporaryDirectory() as place,
        served(Path(place), "--language", language) as address,
        browsing([]) as page,
    ):
        run_all(page, address)
        cell(page, "audit.verdicts").locator(".dt-container").wait_for()
        _explored(page, folder, texts)
        notebook = Path(place, "work", "diagnose.ipynb")
        shutil.copy(data_folder("notebooks") / notebook.name, notebook)
        text = notebook.read_text(encoding="utf-8")
        notebook.write_text(
            text.replace('language: str = \\"en\\"', f'language: str = \\"{language}\\"'),
            encoding="utf-8",
        )
        panel = run_all(page, f"{address.split('/lab/')[0]}/lab/tree/{notebook.name}")
        panel.locator("details").first.evaluate("element => element.open = true")
        _kept(page, folder / f"diagnose.{language}.png", panel.locator(".vmmaudit-explore").first)


def _explored(page: Any, folder: Path, texts: Texts) -> None:
    word = texts.word
    bench = page.locator(".vmmaudit-workbench").first
    choose = bench.locator(".widget-dropdown select")
    choose.nth(0).select_option("hyper07.contoso.com")
    choose.nth(2).select_option(r"ISOs\en_windows_server_2008_r2.iso")
    bench.locator("svg title", has_text="HYPER07$").first.wait_for(state="attached")
    work = cell(page, "audit.workbench")
    _kept(page, folder / f"explore.chain.{texts.language}.png", work)
    bench.get_by_role("button", name=word("explore", "suggest")).click()
    bench.locator("td.moved").first.wait_for()
    what_if = bench.get_by_text(word("explore", "what_if")).first
    _kept(page, folder / f"explore.what-if.{texts.language}.png", what_if)
    matrix = cell(page, "audit.matrix")
    matrix.get_by_role("row", name="hyper02").get_by_role("gridcell").last.click()
    matrix.locator("svg[role=img] > title", has_text="HYPER02$").first.wait_for(state="attached")
    _kept(page, folder / f"explore.matrix.{texts.language}.png", matrix)
    table = cell(page, "audit.descriptors")
    table.scroll_into_view_if_needed()
    table.locator("input[type=search]").first.fill("HYPER02")
    _kept(page, folder / f"explore.table.{texts.language}.png", table)


def _kept(page: Any, path: Path, at: Any) -> None:
    from PIL import Image

    shot(page, path, at)
    Image.open(path).convert("RGB").quantize(128).save(path, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images"), sys.argv[2:] or LANGUAGES)
