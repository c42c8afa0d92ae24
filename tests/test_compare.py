"""What moved between two audits, and how."""

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tests.random_worlds import random_world
from tests.simulate import simulate
from tests.test_cli import Run
from tests.variants import GOOD, LIB1, LIB2, pair
from vmmaudit import assessment as assessments
from vmmaudit.assessment import GrantedWaiver, Verdict
from vmmaudit.audit import Audit, assessed, demo
from vmmaudit.compare import Change, compare
from vmmaudit.controls.texts import Texts
from vmmaudit.errors import PackError
from vmmaudit.judge import judge
from vmmaudit.report.html import render_html

BASE = judge(*simulate(GOOD))
BROKEN = judge(*simulate(GOOD.with_host("HYPER03", any_protocol=False)))


def kinds(before, after) -> dict[tuple[str, str], Change]:
    return {
        (m.judgement.control, m.judgement.subject.id): m.change
        for m in compare(before, after).moved
    }


@pytest.mark.parametrize("seed", range(10))
def test_what_is_written_is_read_back(seed: int):
    found = judge(*simulate(random_world(seed)))
    assert assessments.loads(assessments.dumps(found), "a") == found


def test_nothing_moved():
    found = compare(BASE, BASE)
    assert (found.moved, found.ready, found.unchanged) == ((), (), len(BASE.verdicts))


def test_regressed_and_fixed():
    both = {("DEL-02", pair(3, LIB1)), ("DEL-02", pair(3, LIB2))}
    assert kinds(BASE, BROKEN) == dict.fromkeys(both, Change.REGRESSED)
    assert kinds(BROKEN, BASE) == dict.fromkeys(both, Change.FIXED)
    ready = compare(BROKEN, BASE).ready
    assert {(was.ready.value, now.ready.value) for was, now in ready} == {("no", "yes")}


def test_not_assessable_gone_and_new():
    silent = judge(*simulate(GOOD.with_library("LIBRARY02", reachable=False)))
    assert set(kinds(BASE, silent).values()) == {Change.NOT_ASSESSABLE}
    fewer = replace(GOOD, libraries=GOOD.libraries[:1])
    assert set(kinds(BASE, judge(*simulate(fewer))).values()) == {Change.GONE}
    assert kinds(judge(*simulate(fewer)), BASE) == {}
    with_new = judge(*simulate(GOOD.with_host("HYPER03", any_protocol=False)))
    assert Change.NEW in kinds(judge(*simulate(fewer)), with_new).values()


def test_waivers_come_and_go():
    waiver = GrantedWaiver("known", "owner", "approver", "CHG1", date(2027, 1, 1))
    waived = replace(
        BROKEN,
        verdicts=tuple(
            replace(j, waiver=waiver) if j.verdict is Verdict.FAIL else j for j in BROKEN.verdicts
        ),
    )
    assert set(kinds(BROKEN, waived).values()) == {Change.WAIVED}
    assert set(kinds(waived, BROKEN).values()) == {Change.WAIVER_ENDED}
    assert set(kinds(waived, BASE).values()) == {Change.FIXED}


def test_a_requirement_that_changed_is_said():
    newer = replace(BASE, verdicts=tuple(replace(j, version=2) for j in BASE.verdicts[:1]))
    (moved,) = [m for m in compare(BASE, newer).moved if m.change is Change.OTHER]
    assert moved.requirement_changed


def test_a_repeat_finding_is_called_one():
    found = demo()
    label = Texts.load("de").label("answer", "yes")
    said = re.compile(rf"Wiederholungsfeststellung</\w+>\s*<dd[^>]*>\s*(<\w+[^>]*>)?{label}")
    again = replace(found, previous=found.assessment)
    assert said.search(render_html(again.document("de")).decode())
    assert not said.search(render_html(found.document("de")).decode())


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    one = Audit("a", "", demo().scope, simulate(GOOD, scope=demo().scope)[0])
    scope = (Path(__file__).parent.parent / "vmmaudit/demo/scope.yaml").read_text(encoding="utf-8")
    before = replace(one, scope_text=scope).save(tmp_path, judged=True)
    after = demo().save(tmp_path, judged=True)
    run = Run(capsys, "diff", before.folder, after.folder)
    assert run.code == 0
    assert "regressed            DEL-02  PASS -> FAIL  CONTOSO\\HYPER03$" in run.out
    assert "verdicts moved" in run.err
    run = Run(capsys, "diff", before.folder, tmp_path / "missing")
    assert run.code == 1
    assert "missing" in run.err


def test_what_is_no_assessment_is_one_sentence(tmp_path: Path):
    path = tmp_path / "assessment.json"
    path.write_text('{"format": 1}')
    with pytest.raises(PackError, match="not an assessment"):
        assessed(path)
    path.write_text('{"format": 99}')
    with pytest.raises(PackError, match="newer vmmaudit"):
        assessed(path)
