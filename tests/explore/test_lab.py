"""The notebook in the browser, as a consultant uses it, and nothing asked of the outside."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

expect = pytest.importorskip("playwright.sync_api", reason="no playwright (make dev)").expect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
IMAGES = os.environ.get("VMMAUDIT_IMAGES")
INSIDE = re.compile(r"(https?|wss?)://(127\.0\.0\.1|localhost)(:\d+)?/|data:|blob:|about:")

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium (tests/lab/install.sh installs it)"),
    pytest.mark.skipif(
        not all(map(find_spec, ("jupyterlab", "itables", "ipywidgets"))),
        reason="no JupyterLab (the extra [lab], make dev)",
    ),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """JupyterLab, started by the command as a user does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    config = folder / "config"
    config.mkdir()
    settings = {
        "ServerApp": {"allow_root": True, "port_retries": 0},
        "IdentityProvider": {"token": token},
    }
    (config / "jupyter_server_config.json").write_text(json.dumps(settings))
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(config),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "IPYTHONDIR": str(folder / "ipython"),
    }
    log = folder / "lab.log"
    work = folder / "work"
    work.mkdir()
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "vmmaudit", "explore",
             "--no-browser", "--port", str(port), "--language", "en"],
            cwd=work, env=environment, stdout=stream, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    try:
        _wait_for(f"http://127.0.0.1:{port}/api?token={token}", process, log)
        yield f"http://127.0.0.1:{port}/lab/tree/explore.ipynb?token={token}"
    finally:
        os.killpg(process.pid, 15)
        process.wait(30)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(240):
        assert process.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - our own server
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.25)
    pytest.fail(log.read_text())


@pytest.fixture(scope="module")
def outside() -> list[str]:
    """Requests that were attempted and blocked."""
    return []


@pytest.fixture(scope="module")
def page(address: str, outside: list[str]) -> Iterator[Any]:
    """The notebook, with all its cells run."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1500, "height": 1000}, device_scale_factor=1)
        page.set_default_timeout(30_000)

        def decide(route: Any) -> None:
            if INSIDE.match(route.request.url):
                route.continue_()
            else:
                outside.append(route.request.url)
                route.abort()

        page.route("**/*", decide)
        page.on("websocket", lambda s: INSIDE.match(s.url) or outside.append(s.url))
        page.goto(address)
        page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
        page.wait_for_timeout(1500)  # before the session stands, a dialog asks for a kernel
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        cell(page, "audit.verdicts").locator(".dt-container").wait_for()
        yield page
        browser.close()


def cell(page: Any, source: str) -> Any:
    """The cell with this code."""
    return page.locator(".jp-Notebook .jp-CodeCell").filter(
        has=page.locator(
            ".jp-InputArea-editor", has_text=re.compile(rf"^\s*{re.escape(source)}\s*$")
        )
    )


def kept(page: Any, folder: Path, name: str, at: Any) -> Path:
    """A screenshot with `at` at its top; VMMAUDIT_IMAGES=docs/images keeps it there."""
    at.evaluate("element => element.scrollIntoView({block: 'start'})")
    page.wait_for_timeout(800)
    path = (Path(IMAGES) if IMAGES else folder) / f"explore.{name}.png"
    page.locator(".jp-NotebookPanel:visible").screenshot(path=path)
    return path


def test_all_cells_run_without_an_error(page: Any):
    assert (
        page.locator(".jp-RenderedText[data-mime-type*='stderr'], .jp-OutputArea-error").count()
        == 0
    )
    text = page.locator(".jp-Notebook").inner_text()
    assert "Error" not in text
    assert "model not found" not in text


def test_the_matrix_shows_names_as_they_are(page: Any, folder: Path):
    matrix = cell(page, "audit.matrix").locator(".jp-OutputArea-output")
    matrix.scroll_into_view_if_needed()
    expect(matrix).to_contain_text("hyper07.contoso.com")
    text = matrix.text_content()
    assert r"\\library01.contoso.com\MSSCVMMLibrary" in text
    assert re.search(r"hyper07\.contoso\.com\s*✗\s*PRM-01", text)
    kept(page, folder, "matrix", cell(page, "audit.matrix"))


def test_no_name_is_taken_for_a_formula(page: Any):
    """Two computer accounts in one line are two dollars."""
    assert page.locator(".jp-Notebook mjx-container").count() == 0


def test_a_table_is_searched_filtered_and_sorted(page: Any, folder: Path):
    table = cell(page, "audit.hosts")
    table.scroll_into_view_if_needed()
    rows = table.locator("tbody tr")
    expect(rows).to_have_count(7)
    table.locator("input[type=search]").first.fill("DEL-02")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("hyper03.contoso.com")
    table.locator("input[type=search]").first.fill("")
    expect(rows).to_have_count(7)
    head = table.locator("thead th").first
    for first in ("hyper01", "hyper07"):
        head.locator(".dt-column-order").click()
        expect(rows.first).to_contain_text(first)
    table.locator("thead th").nth(1).locator(".dtcc-button").first.click()
    page.locator(".dtcc-dropdown input").first.fill("yes")
    expect(rows).to_have_count(2)
    kept(page, folder, "table", table)


def test_a_chain_is_chosen_and_explained(page: Any, folder: Path):
    bench = page.locator(".vmmaudit-workbench").first
    choose = bench.locator(".widget-dropdown select")
    choose.nth(0).select_option("hyper07.contoso.com")
    choose.nth(2).select_option(r"ISOs\en_windows_server_2008_r2.iso")
    expect(bench.locator("svg desc").first).to_contain_text("en_windows_server_2008_r2.iso")
    expect(bench.locator("svg title").first).to_contain_text("HYPER07$")
    text = bench.text_content()
    assert "the first broken link is: Share: Read for the host" in text
    assert r"Add CONTOSO\HYPER07$ to the group CONTOSO\GG_HyperV_Hosts" in text
    kept(page, folder, "chain", cell(page, "audit.workbench"))


def test_what_if_by_hand(page: Any, folder: Path):
    bench = page.locator(".vmmaudit-workbench").first
    bench.locator(".widget-dropdown select").nth(3).select_option("Member of a group")
    fields = bench.locator("input[type=text]")
    fields.nth(0).fill("HYPER07")
    fields.nth(1).fill("GG_HyperV_Hosts")
    bench.locator("button", has_text=re.compile(r"^\s*Suppose\s*$")).click()
    bench.get_by_text("Verdicts that move:").wait_for()
    bench.locator(".widget-dropdown select").nth(3).select_option("Restart of a host")
    expect(fields).to_have_count(1)
    fields.nth(0).fill("nobody")
    bench.locator("button", has_text=re.compile(r"^\s*Suppose\s*$")).click()
    bench.get_by_text("The scope has no host 'nobody'").wait_for()
    fields.nth(0).fill("HYPER07")
    bench.locator("button", has_text=re.compile(r"^\s*Suppose\s*$")).click()
    moved = bench.locator(".matrix tr", has_text="hyper07").locator("td.moved")
    expect(moved.first).to_have_text(re.compile(r"✗\s*PRM-01\s*→\s*✓"))
    kept(page, folder, "what-if", bench.get_by_text("What if …").first)
    bench.get_by_role("button", name="Start again").click()
    expect(bench.locator("td.moved")).to_have_count(0)


def test_what_would_mend_it_is_supposed_at_once(page: Any):
    bench = page.locator(".vmmaudit-workbench").first
    bench.get_by_role("button", name="Suppose what would mend the chain above").click()
    expect(bench.locator("td.moved").first).to_be_attached()
    expect(bench).to_contain_text("Yes. The host can open the image")


def test_hostile_names_are_only_seen(page: Any, folder: Path):
    """A name that others wrote into the directory is text in the interactive table as well."""
    # At last, since it leaves the notebook.
    code = """import pandas as pd
from vmmaudit.controls.texts import Texts
from vmmaudit.explore.shown import Table
name = "<img src=x onerror='window.taken=1'><script>window.taken=1</script>"
Table("hosts", pd.DataFrame({"host": [name, "$a$ $b$"]}), Texts.load("en"))"""
    content = json.loads((folder / "work" / "explore.ipynb").read_text(encoding="utf-8"))
    kept_cells = [c for c in content["cells"] if c["cell_type"] == "code"][:1]
    content["cells"] = [{**kept_cells[0], "metadata": {}, "source": code}]
    (folder / "work" / "hostile.ipynb").write_text(json.dumps(content), encoding="utf-8")
    page.goto(page.url.split("/lab/")[0] + "/lab/tree/hostile.ipynb")
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    page.wait_for_timeout(1500)
    panel = page.locator(".jp-NotebookPanel:visible")
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    expect(panel.locator("tbody tr")).to_have_count(2)
    expect(panel.locator("tbody")).to_contain_text("<img src=x onerror=")
    expect(panel.locator("tbody")).to_contain_text("$a$ $b$")
    assert panel.locator("tbody img, tbody script").count() == 0
    assert page.evaluate("window.taken") is None


def test_nothing_was_asked_of_the_outside(page: Any, outside: list[str]):
    page.wait_for_timeout(1000)
    assert outside == []
