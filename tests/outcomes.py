"""After a whole run: every outcome of every control was seen, and none that is not declared.

`vmmaudit/controls/outcomes.toml` says to which verdict each sentence of a control leads, and on
what a FAIL rests. While the tests run, each outcome that a control really has is noted; when all
of its tests have run and passed, the run fails for an outcome that never came up, since nobody
has seen whether it is true, and for one that came up and is not declared.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vmmaudit.controls import CATALOGUE
from vmmaudit.controls.control import Case, Control, World
from vmmaudit.controls.outcomes import FOR_WANT_OF_A_FACT, REMARK, declared
from vmmaudit.controls.texts import Texts

_FOLDER = Path(__file__).parent / "controls"
_SEEN: set[tuple[str, str, str]] = set()
"""Control, code, and the verdict or that it was a remark."""
_RAN: set[str] = set()
_FAILED: set[str] = set()


def _watch(control: Control) -> None:
    cases = control.cases
    own = Texts.load("en").control(control.id).finding

    def watched(world: World) -> Iterator[Case]:
        for case in cases(world):

            def outcome(case: Case = case) -> Any:
                found = case.outcome()
                code = found.code or "pass"
                code = code if code in own else FOR_WANT_OF_A_FACT
                _SEEN.add((control.id, code, found.verdict.value))
                _SEEN.update((control.id, remark.code, REMARK) for remark in found.remarks)
                return found

            yield Case(case.subject, outcome)

    object.__setattr__(control, "cases", watched)


def pytest_configure(config: pytest.Config) -> None:
    """Watch the catalogue in every process that runs tests."""
    for control in CATALOGUE:
        _watch(control)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Which files have run; the process that distributes the tests hears of all of them."""
    _RAN.add(report.nodeid.split("::")[0].rsplit("/", 1)[-1])
    if report.failed:
        _FAILED.add(report.nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """What another process has seen."""
    _SEEN.update(map(tuple, getattr(node, "workeroutput", {}).get("outcomes", ())))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """The judgement, once everything has run."""
    config = session.config
    if hasattr(config, "workerinput"):
        config.workeroutput["outcomes"] = sorted(_SEEN)
        return
    whole = {path.name for path in _FOLDER.glob("test_*.py")} <= _RAN
    chosen = config.option.keyword or any("::" in given for given in config.args)
    if _FAILED or chosen or not whole:
        return
    wanted = set(_declared())
    for found, sentence in (
        (wanted - _SEEN, "No test has seen these outcomes"),
        (_SEEN - wanted, "These outcomes came up and outcomes.toml does not declare them"),
    ):
        if found:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
            reporter = config.pluginmanager.get_plugin("terminalreporter")
            shown = ", ".join(" ".join(one) for one in sorted(found))
            reporter.write_line(f"{sentence}: {shown}", red=True)


def _declared() -> Iterator[tuple[str, str, str]]:
    texts = Texts.load("en")
    for control in CATALOGUE:
        for code, verdicts in declared(control.id).items():
            yield from ((control.id, code, verdict.value) for verdict in verdicts)
        yield from ((control.id, code, REMARK) for code in texts.control(control.id).remark)
