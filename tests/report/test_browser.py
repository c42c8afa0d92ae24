"""The page in a real browser: by keyboard alone, without a network, and on paper."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from tests.report import sample
from tests.report.conftest import make
from vmmaudit.report.html import render_html

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium (tests/lab/install.sh)")
HOSTILE = 'Audit" } </style><script>document.title = 1</script> \\ "'


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync = pytest.importorskip("playwright.sync_api")
    with sync.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def page(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """The German report of the sample; whatever it asks the network for is an error."""
    path = tmp_path / "report.html"
    path.write_bytes(render_html(make("de", hosts=40)))
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    found = context.new_page()
    asked: list[str] = []
    faults: list[str] = []
    found.on("request", lambda request: asked.append(request.url))
    found.on("console", lambda said: faults.append(said.text))
    found.on("pageerror", lambda error: faults.append(str(error)))
    found.goto(path.as_uri())
    yield found
    assert [url for url in asked if not url.startswith("data:")] == [path.as_uri()]
    assert faults == []
    context.close()


def shown(page: Any) -> int:
    return int(page.locator(".finding:visible").count())


def test_findings_are_narrowed_by_keyboard_alone(page: Any) -> None:
    all_of_them = shown(page)
    assert all_of_them > 3
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type") == "search":
            break
    page.keyboard.type("hyper07 delegierung")
    assert 0 < shown(page) < all_of_them
    page.keyboard.type(" nothing-like-it")
    assert shown(page) == 0
    assert page.get_by_text("Keine Feststellung entspricht der Suche.").is_visible()
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    assert shown(page) == all_of_them
    page.keyboard.press("Tab")
    page.keyboard.type("kri")  # the first severity that begins so
    assert 0 < shown(page) < all_of_them
    assert set(
        page.locator(".finding:visible").evaluate_all("all => all.map(f => f.dataset.severity)")
    ) == {"critical"}


def test_the_first_key_skips_to_the_content(page: Any) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.url.endswith("#control_data")


def test_what_is_narrowed_is_printed_whole_with_digest_id_and_number(page: Any) -> None:
    page.locator("input[type=search]").fill("hyper07")
    document = make("de", hosts=40)
    sheets = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True))).pages
    texts = [sheet.extract_text() for sheet in sheets]
    assert all(sample.evidence(40).digest()[:16] in text for text in texts)
    assert all(f"Seite {n} von {len(texts)}" in text for n, text in enumerate(texts, 1))
    assert all(document.identifier in text and "Vertraulich" in text for text in texts[1:])
    numbers = [f"F-{number:02}" for number in range(1, 6)]
    assert all(any(f"{number} " in text for text in texts) for number in numbers)


@pytest.mark.parametrize("width", [360, 800, 1600])
def test_nothing_lies_outside_the_window(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_title_cannot_leave_the_margin_of_the_paper(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_bytes(render_html(make("en", hosts=1, scope=sample.scope(1, title=HOSTILE))))
    found = browser.new_page()
    found.goto(path.as_uri())
    sheets = PdfReader(io.BytesIO(found.pdf(prefer_css_page_size=True))).pages
    assert HOSTILE in sheets[2].extract_text()
    assert found.title() == HOSTILE
    found.close()
