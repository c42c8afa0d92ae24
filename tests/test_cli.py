"""The command line as a stranger meets it: one sentence, the right exit code, nothing lost."""

import json
import re
import sys
from pathlib import Path

import jsonschema
import pytest

from tests.simulate import scope_text, simulate
from tests.worlds import conforming
from vmmaudit import cli, schemas
from vmmaudit import evidence as evidence_format
from vmmaudit.audit import DEMO


class Run:
    """What a call printed and returned."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *words: object) -> None:
        sys.argv = ["vmmaudit", *map(str, words)]
        self.code = cli.run()
        self.out, self.err = capsys.readouterr()


def test_every_command_is_said_in_a_line(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    run = Run(capsys, "--help")
    assert run.code == 0
    commands = run.out[run.out.index("Commands:") :]
    assert "diagnose" in commands
    assert "..." not in commands


@pytest.fixture
def pack(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A judged pack of the demo, without documents."""
    run = Run(
        capsys, "judge", DEMO / "evidence.jsonl.gz", "--scope", DEMO / "scope.yaml", "-o", tmp_path
    )
    assert run.code == 3
    return Path(run.out.strip())


def test_the_demo_ends_in_documents_of_both_languages(tmp_path: Path, capsys):
    run = Run(capsys, "audit", "--demo", "-o", tmp_path)
    assert run.code == 3
    printed = [Path(line) for line in run.out.split()]
    assert [path.name for path in printed] == [
        "report.de.html",
        "report.de.pdf",
        "report.en.html",
        "report.en.pdf",
    ]
    folder = printed[0].parent
    names = {path.name for path in folder.iterdir()}
    assert names == {
        *(path.name for path in printed),
        *("evidence.jsonl.gz", "scope.yaml", "assessment.json", "audit.ipynb", "manifest.json"),
        *("oscal.json", "report.de.docx", "report.en.docx"),
        *("verdicts.de.csv", "verdicts.en.csv", "workbook.de.xlsx", "workbook.en.xlsx"),
    }
    executed = json.loads((folder / "audit.ipynb").read_text(encoding="utf-8"))
    assert not re.search(r"/(work|tmp|root|home)/", json.dumps(executed))
    assert "papermill" not in executed["metadata"]
    assessment = json.loads((folder / "assessment.json").read_text(encoding="utf-8"))
    jsonschema.validate(assessment, schemas.assessment())


def test_a_pack_gives_the_same_verdicts_and_the_other_language_anywhere(
    pack: Path, tmp_path: Path, capsys
):
    run = Run(capsys, "report", pack, "-l", "en", "-o", tmp_path / "again")
    assert run.code == 3
    folder = Path(run.out.split()[0]).parent
    assert (folder / "assessment.json").read_bytes() == (pack / "assessment.json").read_bytes()
    assert json.loads((folder / "manifest.json").read_text())["derived_from"]
    assert {p.suffix for p in folder.glob("report.*")} == {".docx", ".html", ".pdf"}


def test_nothing_is_overwritten(pack: Path, tmp_path: Path, capsys):
    before = (pack / "manifest.json").read_bytes()
    again = Run(capsys, "judge", pack, "-o", tmp_path)
    assert Path(again.out.strip()) != pack
    assert (pack / "manifest.json").read_bytes() == before


def test_a_world_without_failures_is_not_a_failure(tmp_path: Path, capsys):
    (tmp_path / "s.yaml").write_text(scope_text(conforming()), encoding="utf-8")
    (tmp_path / "e.gz").write_bytes(evidence_format.dumps(simulate(conforming())[0]))
    run = Run(capsys, "judge", tmp_path / "e.gz", "--scope", tmp_path / "s.yaml", "-o", tmp_path)
    assert run.code in (0, 4), run.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["audit"], "Name a scope file, or --evidence PACK, or --demo"),
        (["audit", "missing.yaml"], "missing.yaml cannot be read: No such file"),
        (["audit", "--evidence", "missing"], "missing"),
        (["audit", "--demo", "-l", "tlh"], "There are no texts in 'tlh'; choose from de, en"),
        (["audit", "--demo", "-p", "scoop=x"], "no parameter 'scoop'; it has scope, evidence"),
        (["audit", "--demo", "-p", "password=geheim"], "looks like a secret"),
        (["audit", "--demo", "-p", "nonsense"], "write NAME=VALUE"),
        (["judge", "missing.gz"], "There is no pack missing.gz."),
        (["diff", "missing", "missing"], "There is no pack missing."),
        (["plan", "missing"], "There is no pack missing."),
        (["plan"], "Missing argument 'PACK'. See vmmaudit plan --help."),
        (["judge", __file__], "name the scope it was collected for"),
        (["controls", "-l", "tlh"], "choose from de, en"),
        (["schema", "nonsense"], "choose scope or assessment"),
        (["audti"], "No such command 'audti'"),
        (["audit", "--nonsense"], "No such option: --nonsense. See vmmaudit audit --help."),
    ],
)
def test_usage_errors_are_one_sentence(words, sentence, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = Run(capsys, *words)
    assert run.code == 1
    assert sentence in run.err
    assert "geheim" not in run.err
    assert "Traceback" not in run.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda data: data[: len(data) // 2], "truncated"),
        (lambda data: b"something else", "not an evidence file"),
        (lambda data: data[:-9] + b"\0" * 9, "damaged|truncated|altered"),
    ],
)
def test_damaged_evidence(damage, sentence, tmp_path: Path, capsys):
    path = tmp_path / "e.gz"
    path.write_bytes(damage((DEMO / "evidence.jsonl.gz").read_bytes()))
    run = Run(capsys, "judge", path, "--scope", DEMO / "scope.yaml", "-o", tmp_path / "out")
    assert run.code == 1
    assert re.search(sentence, run.err)
    assert str(path) in run.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["evidence.jsonl.gz", "scope.yaml", "assessment.json"])
def test_a_changed_file_of_a_pack_is_refused(pack: Path, name: str, capsys, tmp_path: Path):
    path = pack / name
    path.chmod(0o600)
    path.write_bytes(path.read_bytes() + b" ")
    run = Run(capsys, "report", pack, "-o", tmp_path / "out")
    assert run.code == 1
    assert f"{name} was changed" in run.err


def test_a_full_disk_leaves_nothing_behind(capsys):
    run = Run(
        capsys,
        "judge",
        DEMO / "evidence.jsonl.gz",
        "--scope",
        DEMO / "scope.yaml",
        "-o",
        "/dev/full/x",
    )
    assert run.code == 1
    assert "cannot be written" in run.err


def test_help_names_every_exit_code(capsys):
    assert "130" in Run(capsys, "--help").out
