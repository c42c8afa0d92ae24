"""The notebook runs as it is, offline, and with a trace of one's own."""

import json
from pathlib import Path

import pytest

from tests.diagnosis import samples
from vmmaudit.errors import UsageError
from vmmaudit.runner import check_parameters, execute


def shown(data: bytes) -> str:
    cells = json.loads(data)["cells"]
    return json.dumps([c["outputs"] for c in cells if c["cell_type"] == "code"], ensure_ascii=False)


def test_run_all_ends_in_an_answer(tmp_path: Path):
    output = shown(execute("diagnose", {}, tmp_path))
    assert "does not contain cifs/library02.contoso.com. (DEL-01)" in output
    assert "30 Sept, 14:56:38.031" in output


def test_a_trace_of_ones_own_in_german(tmp_path: Path):
    (tmp_path / "mine.log").write_text(samples.T1, encoding="utf-16")
    output = shown(execute("diagnose", {"trace": "mine.log", "language": "de"}, tmp_path))
    assert "Fehler 12700 auf HYPER01.contoso.com" in output


def test_unknown_parameters_are_refused():
    with pytest.raises(UsageError, match="trace, evidence, language"):
        check_parameters("diagnose", {"file": "x"})
