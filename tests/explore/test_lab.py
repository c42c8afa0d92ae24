"""The notebooks in the browser, as a consultant uses them, and nothing asked of the outside."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.explore.browser import CHROMIUM, browsing, cell, run_all, served
from vmmaudit.report.data import data_folder
from vmmaudit.runner import execute

expect = pytest.importorskip("playwright.sync_api", reason="no playwright (make dev)").expect

PICTURE = "svg[role=img] > title"

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
    with served(folder, "--language", "en") as found:
        yield found


@pytest.fixture(scope="module")
def outside() -> list[str]:
    """Requests that were attempted and blocked."""
    return []


@pytest.fixture(scope="module")
def page(address: str, outside: list[str]) -> Iterator[Any]:
    """The notebook, with all its cells run."""
    with browsing(outside) as found:
        run_all(found, address)
        cell(found, "audit.verdicts").locator(".dt-container").wait_for()
        yield found


def other(page: Any, folder: Path, name: str) -> Any:
    """Another notebook, run; it leaves the first one."""
    shutil.copy(data_folder("notebooks") / f"{name}.ipynb", folder / "work")
    return run_all(page, page.url.split("/lab/")[0] + f"/lab/tree/{name}.ipynb")


def test_all_cells_run_without_an_error(page: Any):
    assert (
        page.locator(".jp-RenderedText[data-mime-type*='stderr'], .jp-OutputArea-error").count()
        == 0
    )
    text = page.locator(".jp-Notebook").inner_text()
    assert "Error" not in text
    assert "model not found" not in text


def test_the_matrix_shows_names_as_they_are(page: Any):
    matrix = cell(page, "audit.matrix").locator(".jp-OutputArea-output")
    matrix.scroll_into_view_if_needed()
    expect(matrix).to_contain_text("hyper07.contoso.com")
    text = matrix.text_content()
    assert r"\\library01.contoso.com\MSSCVMMLibrary" in text
    assert re.search(r"hyper07\.contoso\.com\s*✗\s*PRM-01", text)


def test_a_place_of_the_matrix_is_clicked_and_its_chain_is_shown(page: Any):
    matrix = cell(page, "audit.matrix").locator(".jp-OutputArea")
    grid = matrix.get_by_role("grid")
    assert matrix.locator(PICTURE).count() == 0
    expect(matrix).to_contain_text("Click a place")
    grid.get_by_role("row", name="hyper03").get_by_role("gridcell").nth(1).click()
    expect(matrix.locator(PICTURE)).to_contain_text(
        r"CONTOSO\HYPER03$ to \\library02.contoso.com\MSSCVMMLibrary"
    )
    marked = grid.locator("[aria-selected=true]")
    expect(marked).to_have_count(1)
    expect(marked).to_have_attribute("title", re.compile(r"^hyper03.*library02.*DEL-02"))
    # The image that is broken is shown, and not the first of the share.
    grid.get_by_role("row", name="hyper02").get_by_role("gridcell").first.click()
    expect(matrix.locator(PICTURE)).to_contain_text(r"HYPER02$ to")
    expect(matrix.locator(PICTURE)).to_contain_text("Prüfung_ä.iso")
    assert "File: Read for the host" in matrix.text_content()
    # The workbench goes along, for a what-if.
    chosen = page.locator(".vmmaudit-workbench").first.locator(".widget-dropdown select").first
    expect(chosen).to_have_value("hyper02.contoso.com")


def test_a_place_of_the_matrix_is_chosen_by_keyboard(page: Any):
    matrix = cell(page, "audit.matrix").locator(".jp-OutputArea")
    grid = matrix.get_by_role("grid")
    grid.locator("[tabindex='0']").focus()
    for key in ("End", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowLeft"):
        page.keyboard.press(key)
    assert "hyper07" in page.evaluate("document.activeElement.title")
    expect(matrix.locator(PICTURE)).to_contain_text("HYPER02$")  # looked, not chosen
    page.keyboard.press("Enter")
    expect(matrix.locator(PICTURE)).to_contain_text(
        r"CONTOSO\HYPER07$ to \\library01.contoso.com\MSSCVMMLibrary"
    )
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(matrix.locator(PICTURE)).to_contain_text("HYPER05$")
    for _ in range(9):
        page.keyboard.press("ArrowDown")  # stays inside
    assert "hyper01" in page.evaluate("document.activeElement.title")


def test_what_the_workbench_chooses_is_marked_in_the_matrix(page: Any):
    bench = page.locator(".vmmaudit-workbench").first
    bench.locator(".widget-dropdown select").nth(0).select_option("hyper06.contoso.com")
    marked = cell(page, "audit.matrix").locator("[aria-selected=true]")
    expect(marked).to_have_attribute("title", re.compile("^hyper06"))


def test_tables_can_be_read_in_a_dark_theme(page: Any):
    """JupyterLab colours the text of tables by its theme, and ours stand on white."""
    page.evaluate("document.body.style.setProperty('--jp-ui-font-color1', 'rgb(255, 255, 255)')")
    heads = cell(page, "audit.what_if()").locator(".vmmaudit-explore thead th")
    colours = heads.evaluate_all("found => found.map((one) => getComputedStyle(one).color)")
    page.evaluate("document.body.style.removeProperty('--jp-ui-font-color1')")
    assert colours
    assert set(colours) == {"rgb(29, 35, 43)"}


def test_no_name_is_taken_for_a_formula(page: Any):
    """Two computer accounts in one line are two dollars."""
    assert page.locator(".jp-Notebook mjx-container").count() == 0


def test_a_table_is_searched_filtered_and_sorted(page: Any):
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


def test_a_chain_is_chosen_and_explained(page: Any):
    bench = page.locator(".vmmaudit-workbench").first
    choose = bench.locator(".widget-dropdown select")
    choose.nth(0).select_option("hyper07.contoso.com")
    choose.nth(2).select_option(r"ISOs\en_windows_server_2008_r2.iso")
    expect(bench.locator("svg desc").first).to_contain_text("en_windows_server_2008_r2.iso")
    expect(bench.locator("svg title").first).to_contain_text("HYPER07$")
    text = bench.text_content()
    assert "the first broken link is: Share: Read for the host" in text
    assert r"Add CONTOSO\HYPER07$ to the group CONTOSO\GG_HyperV_Hosts" in text


def test_what_if_by_hand(page: Any):
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
    bench.get_by_role("button", name="Start again").click()
    expect(bench.locator("td.moved")).to_have_count(0)


def test_what_would_mend_it_is_supposed_at_once(page: Any):
    bench = page.locator(".vmmaudit-workbench").first
    bench.get_by_role("button", name="Suppose what would mend the chain above").click()
    expect(bench.locator("td.moved").first).to_be_attached()
    expect(bench).to_contain_text("Yes. The host can open the image")


def test_a_diagnosis_shows_names_as_they_are_and_its_timeline_is_filtered(page: Any, folder: Path):
    panel = other(page, folder, "diagnose")
    shown = panel.locator(".vmmaudit-explore").first
    expect(shown).to_contain_text(r"\\library02.contoso.com\MSSCVMMLibrary\ISOs")
    expect(shown).to_contain_text("delegation list of CONTOSO\\HYPER02$ does not contain")
    assert panel.locator("mjx-container, .MathJax").count() == 0
    rows = cell(page, "table(diagnosis)").locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.last).to_contain_text(r"\\library01.contoso.com\MSSCVMMLibrary")
    cell(page, "table(diagnosis)").locator("input[type=search]").first.fill("hyper07")
    expect(rows).to_have_count(1)


def test_a_planned_change_is_listed_and_shown(page: Any, folder: Path):
    panel = other(page, folder, "change")
    rows = cell(page, "table(change)").locator("tbody tr")
    expect(rows).to_have_count(10)  # of eleven, on the first page
    expect(rows.first).to_contain_text("HYPER02$ aufnehmen")
    label = panel.locator(".vmmaudit dt").first
    expect(label).to_be_attached()
    assert label.bounding_box()["width"] > 100  # JupyterLab would make it 20 % of its column
    assert panel.locator(".jp-OutputArea-error").count() == 0


def test_hostile_names_are_only_seen(page: Any, folder: Path):
    """A name that others wrote into the directory is text in the interactive table as well."""
    code = """import pandas as pd
from vmmaudit.controls.texts import Texts
from vmmaudit.explore.shown import Table
name = "<img src=x onerror='window.taken=1'><script>window.taken=1</script>"
Table("hosts", pd.DataFrame({"host": [name, "$a$ $b$"]}), Texts.load("en"))"""
    content = json.loads((folder / "work" / "explore.ipynb").read_text(encoding="utf-8"))
    kept_cells = [c for c in content["cells"] if c["cell_type"] == "code"][:1]
    content["cells"] = [{**kept_cells[0], "metadata": {}, "source": code}]
    (folder / "work" / "hostile.ipynb").write_text(json.dumps(content), encoding="utf-8")
    panel = run_all(page, page.url.split("/lab/")[0] + "/lab/tree/hostile.ipynb")
    expect(panel.locator("tbody tr")).to_have_count(2)
    expect(panel.locator("tbody")).to_contain_text("<img src=x onerror=")
    expect(panel.locator("tbody")).to_contain_text("$a$ $b$")
    assert panel.locator("tbody img, tbody script").count() == 0
    assert page.evaluate("window.taken") is None


def test_without_a_kernel_the_matrix_is_shown_and_a_click_does_nothing(page: Any, folder: Path):
    """A run by papermill, opened later by somebody who has no kernel for it."""
    (folder / "run").mkdir()
    executed = json.loads(execute("explore", {"language": "en"}, folder / "run"))
    del executed["metadata"]["kernelspec"], executed["metadata"]["language_info"]
    (folder / "work" / "static.ipynb").write_text(json.dumps(executed), encoding="utf-8")
    page.goto(page.url.split("/lab/")[0] + "/lab/tree/static.ipynb?reset")
    dialog = page.locator(".jp-Dialog")
    dialog.locator("select").select_option(label="No Kernel")
    dialog.get_by_role("button", name="Select").click()
    page.get_by_text("No Kernel").first.wait_for()
    matrix = cell(page, "audit.matrix").locator(".jp-OutputArea")
    matrix.scroll_into_view_if_needed()
    place = matrix.locator("tr", has_text="hyper07").locator("td").first
    expect(place).to_contain_text("PRM-01")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    place.click()
    page.keyboard.press("Enter")
    page.wait_for_timeout(500)
    assert matrix.locator(f"[aria-selected=true], {PICTURE}").count() == 0
    assert errors == []


def test_nothing_was_asked_of_the_outside(page: Any, outside: list[str]):
    page.wait_for_timeout(1000)
    assert page.get_by_text("Jupyter news").count() == 0
    assert outside == []
