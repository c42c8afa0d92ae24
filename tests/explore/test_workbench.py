"""What the widgets do, without a browser: choose, explain, suppose."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("ipywidgets", reason="no ipywidgets (the extra [lab])")
pytest.importorskip("anywidget", reason="no anywidget (the extra [lab])")

from tests import worlds
from tests.explore.test_tables import blind, explored
from vmmaudit.assessment import Ternary, Verdict
from vmmaudit.audit import demo
from vmmaudit.change.suppose import Suppose
from vmmaudit.controls.texts import Texts, languages
from vmmaudit.errors import UsageError
from vmmaudit.explore import Exploration
from vmmaudit.explore.grid import Clickable
from vmmaudit.explore.workbench import FIELDS, Workbench


@pytest.fixture
def bench() -> Workbench:
    return Exploration(demo(), Texts.load("en")).workbench


def choose(bench: Workbench, kind: str, *values: str) -> None:
    bench.kind.value = kind
    for field, value in zip(bench.fields, values, strict=True):
        field.value = value
    bench.add.click()


def test_it_begins_with_a_chain_that_is_broken(bench: Workbench):
    assert bench.picture is not None
    assert bench.picture.explanation.ready is Ternary.NO
    assert bench.chain.value.count("<svg") == 1


def test_choosing_shows_the_chain(bench: Workbench):
    bench.host.value = "hyper07.contoso.com"
    bench.library.value = r"\\library02.contoso.com\MSSCVMMLibrary"
    assert bench.file.options == (r"ISOs\de_windows_server_2025.iso",)
    assert bench.picture is not None
    assert bench.picture.explanation.unc.endswith(r"library02.contoso.com\MSSCVMMLibrary"
                                                  r"\ISOs\de_windows_server_2025.iso")  # fmt: skip
    assert bench.picture.explanation.host == r"CONTOSO\HYPER07$"


@pytest.mark.parametrize("kind", FIELDS)
def test_every_kind_is_a_method_with_as_many_arguments(kind: str):
    arguments = getattr(Suppose, kind).__code__.co_argcount - 1
    assert len(FIELDS[kind]) == arguments
    for language in languages():
        texts = Texts.load(language)
        assert texts.word("explore", "suppose", kind)
        assert all(texts.word("explore", "field", name) for name in FIELDS[kind])


def test_every_change_can_be_supposed_from_what_is_offered(bench: Workbench):
    for kind in FIELDS:
        bench.kind.value = kind
        for field in bench.fields:
            assert field.options
            field.value = field.options[0]
        before = len(bench.changes)
        bench.add.click()
        assert len(bench.changes) == before + 1, kind


def test_supposing_a_membership_and_a_restart_mends_the_host(bench: Workbench):
    choose(bench, "member", "HYPER07", "GG_HyperV_Hosts")
    choose(bench, "restarted", "HYPER07")
    assert bench.found is not None
    pairs = {pair.host: pair for pair in bench.found.after.assessment.readiness}
    assert pairs["hyper07.contoso.com"].ready is Ternary.YES
    moved = bench.found.comparison.moved
    assert any(m.judgement.control == "PRM-01" and m.after.verdict is Verdict.PASS for m in moved)
    assert "moved" in bench.result.value
    assert list(bench.to_frame()["control"])
    bench.clear.click()
    assert (bench.changes, bench.result.value) == ((), "")


def test_a_name_that_is_not_there_is_one_sentence(bench: Workbench):
    choose(bench, "member", "nobody<b>", "GG_HyperV_Hosts")
    assert "&#x27;nobody&lt;b&gt;&#x27; is nobody" in bench.message.value
    assert bench.changes == ()
    choose(bench, "restarted", "HYPER07")
    assert bench.message.value == ""


def test_what_is_needed_is_supposed_at_once(bench: Workbench):
    bench.host.value = "hyper07.contoso.com"
    bench.suggest.click()
    assert [type(change).__name__ for change in bench.changes] == ["AddMember", "Restart"]
    assert bench.found is not None
    bench.suggest.click()
    assert len(bench.changes) == 2


def test_where_nothing_is_needed_it_says_so():
    bench = explored(worlds.conforming(), "de").workbench
    bench.suggest.click()
    assert "oder keine nötig" in bench.message.value


def test_without_any_image_it_says_so():
    bench = blind(explored(worlds.conforming())).workbench
    assert "No ISO image was seen" in bench.message.value
    bench.suggest.click()
    assert bench.to_frame().empty


def test_a_long_list_completes_what_is_typed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("vmmaudit.explore.workbench._LISTED", 3)
    bench = explored(worlds.conforming()).workbench
    assert type(bench.host).__name__ == "Combobox"
    bench.host.value = "no such host"
    assert "no host &#x27;no such host&#x27;" in bench.message.value


def test_nothing_of_the_evidence_changes(bench: Workbench):
    site = bench._exploration
    before = site.audit.evidence.digest(), site.audit.assessment
    choose(bench, "restarted", "HYPER04")
    assert (site.audit.evidence.digest(), site.audit.assessment) == before
    with pytest.raises(Exception, match="what-if is no evidence"):
        bench.found.after.save("nowhere")


def place(bench: Workbench, host: str, share: str) -> dict[str, int]:
    matrix = bench._exploration.matrix
    return {"row": matrix.hosts.index(host), "column": matrix.shares.index(share)}


def click(shown: Clickable, content: object) -> None:
    """What the browser sends when somebody clicks."""
    shown.grid._handle_custom_msg(content, [])


def test_a_click_shows_the_chain_that_is_broken_there(bench: Workbench):
    exploration = bench._exploration
    shown = exploration.matrix.widget()
    assert shown.grid.place == []
    for pair in exploration.audit.assessment.readiness:
        click(shown, place(bench, pair.host, pair.share))
        assert bench.picture is not None
        found = bench.picture.explanation
        assert (found.goal.host.name, found.goal.library.share) == (pair.host, pair.share)
        assert found.ready is pair.ready
        assert list(place(bench, pair.host, pair.share).values()) == shown.grid.place
    assert bench.chain in shown.box.children


@pytest.mark.parametrize(
    "content", [{"row": 99, "column": 0}, {"row": -1, "column": 0}, {"row": "0"}, [], None, "x"]
)
def test_a_click_that_names_no_place_does_nothing(bench: Workbench, content: object):
    shown = bench._exploration.matrix.widget()
    click(shown, content)
    assert (shown.grid.place, len(shown.box.children)) == ([], 2)


def test_the_matrix_marks_what_the_workbench_shows(bench: Workbench):
    shown = bench._exploration.matrix.widget()
    click(shown, {"row": 0, "column": 0})
    bench.host.value = "hyper06.contoso.com"
    assert shown.grid.place == [bench._exploration.matrix.hosts.index("hyper06.contoso.com"), 0]


def test_a_click_where_no_image_was_seen_says_so():
    exploration = blind(explored(worlds.conforming()))
    shown = exploration.matrix.widget()
    click(shown, {"row": 1, "column": 0})
    bench = exploration.workbench
    assert "No ISO image was seen" in bench.message.value
    assert bench.host.value == exploration.matrix.hosts[1]
    assert bench.picture is None


def test_a_what_if_has_a_matrix_that_is_only_seen(bench: Workbench):
    found = bench._exploration.what_if()
    assert set(found.matrix._repr_mimebundle_()) == {"text/html", "text/plain"}
    with pytest.raises(UsageError, match="no chains to show"):
        found.matrix.widget()


def test_without_the_extra_there_is_one_sentence_and_plain_tables():
    code = """
import importlib.util as u
found = u.find_spec
import vmmaudit.explore.extra as extra
gone = ("ipywidgets", "itables", "anywidget")
extra.find_spec = lambda name: None if name in gone else found(name)
from vmmaudit.errors import UsageError
from vmmaudit.explore import explore
site = explore(language="de")
bundle = site.hosts._repr_mimebundle_()
assert set(bundle) == {"text/html", "text/plain"}, set(bundle)
assert set(site.matrix._repr_mimebundle_()) == {"text/html", "text/plain"}
assert 'pip install' in bundle["text/html"]
assert site.explain()._repr_html_() and site.what_if()._repr_html_()
try:
    site.workbench
except UsageError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == (
        "ipywidgets is not installed, which this needs; install it with: "
        "pip install 'vmmaudit[lab]'\n"
    )
