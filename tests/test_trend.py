"""The development over several packs: on the terminal, as JSON, and as one page."""

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.simulate import scope_text, simulate
from tests.test_cli import Run
from tests.variants import GOOD
from vmmaudit.assessment import Verdict
from vmmaudit.audit import Audit, developed
from vmmaudit.controls.texts import Texts
from vmmaudit.trend import render

WORLDS = (
    GOOD.with_host("HYPER03", any_protocol=False).with_host("HYPER01", any_protocol=False),
    GOOD.with_host("HYPER03", any_protocol=False),
    GOOD,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three audits, written in another order than they were read in; the middle one twice."""
    for days in (2, 0, 1, 1):
        evidence, scope = simulate(WORLDS[days])
        origin = evidence.origin
        later = replace(origin, moment=origin.moment + timedelta(days=90 * days))
        Audit("quarter", scope_text(WORLDS[days]), scope, replace(evidence, origin=later)).save(
            tmp_path, judged=True
        )
    return tmp_path


def test_packs_stand_in_time_order_and_evidence_counts_once(folder: Path):
    found = developed(folder)
    (points,) = found.series.values()
    assert not found.problems
    failures = [p.verdicts[Verdict.FAIL] for p in points]
    assert len(points) == 3
    assert failures == sorted(failures, reverse=True)
    assert failures[-1] == 0
    assert [p.moment for p in points] == sorted(p.moment for p in points)


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_page_says_the_numbers_twice_and_loads_nothing(folder: Path, language: str):
    found = developed(folder).series
    page = render(found, Texts.load(language)).decode()
    svg = ET.fromstring(page[page.index("<svg") : page.index("</svg>") + 6])  # noqa: S314
    assert svg.get("role") == "img"
    assert svg.get("aria-labelledby") == f"{svg[0].get('id')} {svg[1].get('id')}"
    assert svg[0].text
    (points,) = found.values()
    for point in points:
        for count in point.verdicts.values():
            assert f"<td>{Texts.load(language).number(count)}</td>" in page
            assert not count or str(count) in (svg[1].text or "")
    assert "http" not in page.replace("http-equiv", "")
    assert "<script" not in page


def test_a_name_of_a_folder_is_only_text(folder: Path):
    found = developed(folder).series
    (points,) = found.values()
    page = render({"<img src=x>\u202e": points}, Texts.load("en")).decode()
    assert "<img" not in page
    assert "\u202e" not in page


def test_the_command(folder: Path, capsys: pytest.CaptureFixture[str]):
    run = Run(capsys, "trend", folder, "-l", "de")
    assert run.code == 0
    assert "nicht erfüllt" in run.out
    assert (folder / "trend.de.html").exists()
    run = Run(capsys, "trend", folder, "--json")
    assert [p["scope"] for p in json.loads(run.out)] == ["quarter"] * 3
    broken = next(p for p in folder.iterdir() if p.is_dir())
    (broken / "assessment.json").write_text("{}")
    run = Run(capsys, "trend", folder)
    assert run.code == 0
    assert "was changed after the pack was written" in run.err
    assert Run(capsys, "trend", folder, "--name", "other").code == 1
    assert Run(capsys, "trend", folder / "none").code == 1
