"""A run that ends at any moment while it notes its answers: nothing of them is lost."""

from __future__ import annotations

import os
import resource
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.collect.test_journal import SCOPE, WORLD
from tests.faults.test_writing import lose_what_was_not_synced
from tests.simulate import SimulatedWire, scope_text, simulate
from vmmaudit import cli, disk
from vmmaudit import pack as packs
from vmmaudit.collect import journal, live
from vmmaudit.collect.journal import Journal
from vmmaudit.errors import UsageError
from vmmaudit.evidence import Answer, Question

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks, and limits of POSIX")
NOW = datetime.now(UTC).replace(microsecond=0)
ANSWERS = {
    question: Answer(answer.rows, answer.source, NOW)
    for question, answer in simulate(WORLD)[0].answers.items()
}
FIRST, SECOND, THIRD = (list(ANSWERS)[at::3] for at in range(3))
_ENDED = 77


class Told(SimulatedWire):
    """Knows everything, and when it was."""

    def __init__(self) -> None:
        super().__init__(WORLD, {}, NOW)

    def ask(self, asked):
        return [ANSWERS[question] for question in asked]


def left(folder: Path) -> dict[Question, Answer]:
    found = journal.unfinished(folder, "s", SCOPE.digest())
    return found[1] if found else {}


def begun(folder: Path) -> Journal:
    """As `audit.collected` goes on with what is there."""
    before = journal.unfinished(folder, "s", SCOPE.digest())
    path = journal.path_in(folder, "s", NOW)
    made = Journal(Told(), path, SCOPE.digest(), before[1] if before else {})
    if before:
        before[0].unlink(missing_ok=True)
    return made


def killed(folder: Path, *batches: list[Question]) -> None:
    run = begun(folder)
    for batch in batches:
        run.ask(batch)
    run.close()


def ended_at(number: int, work: Callable[[], object], synced: Path) -> bool:
    """In a process that ends before that system call of the journal; what it synced is noted."""
    child = os.fork()
    if child == 0:
        left_over = number

        def counted(name: str) -> None:
            really = getattr(os, name)

            def call(*arguments, **options):
                nonlocal left_over
                left_over -= 1
                if left_over < 0:
                    os._exit(_ENDED)
                found = really(*arguments, **options)
                if name == "fsync":
                    with synced.open("a") as log:
                        log.write(f"{os.fstat(arguments[0]).st_ino}\n")
                return found

            setattr(os, name, call)

        for name in ("open", "fsync", "rename", "unlink", "mkdir"):
            counted(name)
        whole = disk.write_on

        def halved(file, data: bytes) -> None:
            """A write may end in its middle."""
            nonlocal left_over
            left_over -= 1
            if left_over < 0:
                file.write(data[: len(data) // 2])
                os._exit(_ENDED)
            whole(file, data)

        disk.write_on = journal.write_on = halved
        work()
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, _ENDED)
    return code == _ENDED


@pytest.mark.parametrize("power", [True, False], ids=["killed", "power off"])
def test_ended_at_any_step_what_was_noted_is_gone_on_with(tmp_path: Path, power: bool):
    """What the first run noted is there whenever the second one, which goes on, ends."""
    output, synced = tmp_path / "output", tmp_path / "synced"
    ended, steps, seen = True, 0, set()
    while ended:
        killed(output, FIRST)
        synced.write_text("".join(f"{path.stat().st_ino}\n" for path in output.iterdir()))
        ended = ended_at(steps, lambda: killed(output, SECOND, THIRD), synced)
        if not power:
            lose_what_was_not_synced(output, synced)
        found = left(output)
        assert found.items() <= ANSWERS.items()
        assert set(FIRST) <= set(found)
        seen.add(len(found))
        killed(output)
        assert left(output) == found, "whoever goes on keeps it"
        shutil.rmtree(output)
        steps += 1
    assert steps > 8
    assert seen == {len(FIRST), len(FIRST) + len(SECOND), len(ANSWERS)}


def test_a_run_that_still_goes_on_is_not_gone_on_with(tmp_path: Path):
    """Two at once on one output folder, the second with --resume: each keeps its own."""
    one = begun(tmp_path)
    one.ask(FIRST)
    two = begun(tmp_path)
    two.ask(SECOND)
    one.ask(THIRD)
    assert len(list(tmp_path.iterdir())) == 2
    assert left(tmp_path) == {}
    one.close()
    assert set(left(tmp_path)) == {*FIRST, *THIRD}
    two.close()
    journal.clear(tmp_path, "s", NOW + journal.OLDEST * 2)
    assert list(tmp_path.iterdir()) == []


def test_the_output_folder_vanishes_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """It is made again for the pack, in which everything is."""
    output, scope = tmp_path / "output", tmp_path / "site.yaml"
    scope.write_text(scope_text(WORLD), encoding="utf-8")

    class Vanishing(Told):
        def ask(self, asked):
            shutil.rmtree(output, ignore_errors=True)
            return SimulatedWire.ask(self, asked)

    monkeypatch.setattr(live, "Live", lambda *_: Vanishing())
    monkeypatch.setattr(sys, "argv", ["vmmaudit", "collect", str(scope), "-o", str(output)])
    code = cli.run()
    out, err = capsys.readouterr()
    assert code == 0, err
    assert packs.read(Path(out.strip())).evidence().answers.keys() == ANSWERS.keys()
    assert [path.name for path in output.iterdir()] == [Path(out.strip()).name]


def test_what_is_answered_while_it_is_stopped_is_noted(tmp_path: Path):
    """Ctrl-C closes the wire from another thread than the one that still hears an answer."""

    class Stopped(Told):
        def ask(self, asked):
            run.close()
            return super().ask(asked)

    run = Journal(Stopped(), journal.path_in(tmp_path, "s", NOW), SCOPE.digest(), {})
    run.ask(FIRST)
    assert set(left(tmp_path)) == set(FIRST)


def limited(size: int, work: Callable[[], object]) -> str:
    """What comes of it where no file grows beyond so many bytes, as on a disk that is full."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        try:
            work()
            said = "done"
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read().decode()
    os.waitpid(child, 0)
    return said


def test_a_disk_that_fills_up_costs_the_batch_and_not_what_follows(tmp_path: Path):
    killed(tmp_path / "sizes", FIRST)
    (path,) = (tmp_path / "sizes").iterdir()
    small = SECOND[:1]

    def work() -> None:
        killed(output, FIRST, [*SECOND, *THIRD], small)

    output = tmp_path / "output"
    assert limited(path.stat().st_size + 2000, work) == "done"
    assert set(left(output)) == {*FIRST, *small}


def test_a_disk_that_is_full_takes_nothing_away(tmp_path: Path):
    """To go on needs room for what is known: without it that is said, and the old one stays."""
    killed(tmp_path, FIRST)
    (before,) = tmp_path.iterdir()
    said = limited(before.stat().st_size // 2, lambda: begun(tmp_path))
    assert said.startswith(f"{UsageError.__name__}: ")
    assert said.endswith("cannot be written: File too large.")
    assert list(tmp_path.iterdir()) == [before]
    assert set(left(tmp_path)) == set(FIRST)
