"""The words are complete in every language, and the command line prints them."""

import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.diagnosis import samples
from vmmaudit import cli
from vmmaudit.audit import diagnosed
from vmmaudit.controls.texts import PLACEHOLDER, Texts, languages
from vmmaudit.diagnosis import codes
from vmmaudit.diagnosis.answer import State
from vmmaudit.diagnosis.failures import Confidence, Identity, Kept, Note

LOADED = {name: Texts.load(name) for name in languages()}


def leaves(table: dict, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, key))
        else:
            yield ".".join((*path, key)), value


@pytest.mark.parametrize("language", languages())
def test_every_language_has_the_same_keys_and_placeholders(language: str):
    ours, theirs = (dict(leaves(LOADED[one].words["diagnosis"])) for one in (language, "en"))
    assert set(ours) == set(theirs)
    for key, text in ours.items():
        assert set(PLACEHOLDER.findall(text)) == set(PLACEHOLDER.findall(theirs[key])), key
        assert text.isprintable()
        assert not set(text) & set("\"'") - set("'"), key


@pytest.mark.parametrize("language", languages())
def test_every_enumeration_has_its_words(language: str):
    words = LOADED[language].words["diagnosis"]
    for table, values in (
        ("identity", Identity),
        ("short", Identity),
        ("confidence", Confidence),
        ("kind", Kept),
        ("notes", Note),
        ("codes", map(str, codes.CODES)),
        ("results", codes.RESULTS),
    ):
        assert set(words[table]) == set(values), table
    assert set(words["state"]) == {*State, "broken_otherwise"}


class Run:
    """What a call printed and returned."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *words: object) -> None:
        sys.argv = ["vmmaudit", "diagnose", *map(str, words)]
        self.code = cli.run()
        self.out, self.err = capsys.readouterr()


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "Ablauf.log"
    path.write_text(samples.T1, encoding="utf-16")
    return path


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Error 12700 on HYPER01.contoso.com for Contoso-DC at 23 Sept, 14:56:38"),
        ("de", "Fehler 12700 auf HYPER01.contoso.com für Contoso-DC, 23. Sept., 14:56:38"),
    ],
)
def test_the_command_line_prints_the_diagnosis(trace: Path, language: str, said: str, capsys):
    run = Run(capsys, trace, "-l", language)
    assert run.code == 0
    assert f"1. {said}\n" in run.out
    assert "DEL-01" in run.out
    assert "Ablauf.log" in run.out


def test_json_is_valid_and_says_the_same(trace: Path, capsys):
    run = Run(capsys, trace, trace, "--json")
    data = json.loads(run.out)
    assert data["format"] == 1
    assert data["causes"][0]["count"] == 2
    assert data["causes"][0]["identity"] == "account"
    assert data["causes"][0]["controls"][0] == "DEL-01"
    assert data["causes"][0]["answer"] is None
    assert [entry["encoding"] for entry in data["inputs"]] == ["utf-16-le"] * 2


def test_a_pack_answers(tmp_path: Path, capsys):
    from vmmaudit.audit import demo

    pack = demo().save(tmp_path).folder
    job = tmp_path / "job.txt"
    job.write_text(samples.MACHINE, encoding="cp1252")
    run = Run(capsys, job, "--evidence", pack, "-l", "de")
    assert run.code == 0
    assert re.search(r"→ .*CONTOSO\\HYPER07\$.*\(PRM-01\)", run.out)
    assert "Abhilfe (PRM-01):" in run.out


def test_pasted_text_comes_from_standard_input(monkeypatch: pytest.MonkeyPatch, capsys):
    pasted = SimpleNamespace(buffer=io.BytesIO(samples.POWERSHELL.encode()))
    monkeypatch.setattr(sys, "stdin", pasted)
    run = Run(capsys, "-")
    assert run.code == 0
    assert "EXT-DC10" in run.out


@pytest.mark.parametrize("name", ["missing.log", "."])
def test_a_file_that_cannot_be_read_is_one_sentence(name: str, capsys):
    run = Run(capsys, name)
    assert run.code == 1
    assert re.fullmatch(r"vmmaudit: .* cannot be read: .*\.\n", run.err)


def test_an_unknown_language_and_no_file_are_usage_errors(trace: Path, capsys):
    assert Run(capsys, trace, "-l", "fr").code == 1
    assert Run(capsys).code == 1


def test_nothing_found_is_said(tmp_path: Path, capsys):
    path = tmp_path / "empty.txt"
    path.write_text("")
    assert "No failure was recognised" in Run(capsys, path).out


def test_a_pack_that_is_not_there_is_one_sentence(trace: Path, capsys):
    run = Run(capsys, trace, "--evidence", "nowhere")
    assert (run.code, run.err) == (1, "vmmaudit: There is no pack nowhere.\n")


def test_the_page_keeps_the_lines_of_a_remedy_and_the_strokes_of_a_path():
    page = diagnosed()._repr_html_()
    pre = page.split("<pre>")[1].split("</pre>")[0]
    assert pre.startswith("$account = Get-ADComputer -Identity")
    assert pre.count("\n") >= 3
    assert "\u240a" not in page
    assert r"\\library02.contoso.com\MSSCVMMLibrary" in page
    assert "tex2jax_ignore" in page  # else Jupyter takes two dollars and a stroke for a formula


def test_a_diagnosis_is_summed_up_in_one_line_and_listed_in_words():
    found = diagnosed(language="de")
    assert "\n" not in found.summary
    assert "Fehler 12700 auf hyper02.contoso.com" in found.summary
    assert "→ DEL-01" in found.summary
    listing = found.listing()
    assert list(listing.columns)[:2] == ["Zeit", "Art"]
    assert len(listing) == len(found.to_frame()) == 2
