"""A run that was cut off goes on where it was, and nothing is asked twice."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.simulate import SimulatedWire, scope_of, scope_text, simulate
from tests.worlds import MOMENT, conforming
from vmmaudit import audit
from vmmaudit.collect import journal, live
from vmmaudit.collect.gather import collect
from vmmaudit.collect.journal import Journal
from vmmaudit.errors import UsageError
from vmmaudit.evidence import Answer, Gap, Question
from vmmaudit.judge import judge

WORLD = conforming().with_host("HYPER03", delegate_to=())
SCOPE = scope_of(WORLD)
NOW = MOMENT + timedelta(hours=1)


class Counting(SimulatedWire):
    """Counts what it is asked, and is killed after so many questions."""

    def __init__(self, most: int = 10**9) -> None:
        super().__init__(WORLD, {}, MOMENT)
        self.asked: Counter[Question] = Counter()
        self._most = most

    def ask(self, asked: Sequence[Question]) -> list[Answer | Gap]:
        if self.asked.total() + len(asked) > self._most:
            raise SystemExit("killed")
        self.asked.update(asked)
        return super().ask(asked)


def run(folder: Path, wire: Counting, *, resume: bool = True):
    """As `audit.collected` does it."""
    before = journal.unfinished(folder, "s", SCOPE.digest(), NOW) if resume else None
    moment = MOMENT + timedelta(seconds=len(list(folder.iterdir())))
    path = journal.path_in(folder, "s", moment)
    kept = Journal(wire, path, SCOPE.digest(), before[1] if before else {})
    if before:
        before[0].unlink()
    try:
        return collect(SCOPE, kept)
    finally:
        kept.close()


@pytest.mark.parametrize("most", [0, 1, 20, 60, 100, 200])
def test_a_run_that_was_killed_goes_on(tmp_path: Path, most: int):
    first, second = Counting(most), Counting()
    with pytest.raises(SystemExit):
        run(tmp_path, first)
    evidence = run(tmp_path, second)
    expected, _ = simulate(WORLD)
    assert evidence.digest() == expected.digest()
    assert judge(evidence, SCOPE) == judge(expected, SCOPE)
    twice = first.asked & second.asked
    assert all(isinstance(expected.reply(question), Gap) for question in twice)
    if most >= 20:
        assert first.asked - twice, "something was spared"


def test_it_is_killed_again_and_again(tmp_path: Path):
    runs = 0
    while True:
        runs += 1
        try:
            evidence = run(tmp_path, Counting(40))
        except SystemExit:
            continue
        break
    assert runs > 2
    assert evidence.digest() == simulate(WORLD)[0].digest()
    assert len(list(tmp_path.iterdir())) == 1


def written(folder: Path) -> Path:
    run(folder, Counting())
    (path,) = folder.iterdir()
    return path


def test_wherever_the_file_was_cut_the_rest_is_read(tmp_path: Path):
    path = written(tmp_path)
    whole = path.read_bytes()
    sizes = []
    for length in [*range(0, len(whole), 997), len(whole)]:
        path.write_bytes(whole[:length])
        os.utime(path, (NOW.timestamp(), NOW.timestamp()))
        found = journal.unfinished(tmp_path, "s", SCOPE.digest(), NOW)
        sizes.append(len(found[1]) if found else -1)
    assert sizes[0] == -1
    assert sizes == sorted(sizes)
    assert sizes[-1] == len(simulate(WORLD)[0].answers)


def test_a_flipped_byte_ends_what_is_believed(tmp_path: Path):
    path = written(tmp_path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    found = journal.unfinished(tmp_path, "s", SCOPE.digest(), NOW)
    assert found is not None
    expected = simulate(WORLD)[0].answers
    assert 0 < len(found[1]) < len(expected)
    assert all(expected[question] == answer for question, answer in found[1].items())


def test_another_scope_and_an_old_run_are_left_alone(tmp_path: Path):
    path = written(tmp_path)
    os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    assert journal.unfinished(tmp_path, "s", SCOPE.digest(), NOW)
    assert journal.unfinished(tmp_path, "s", "0" * 64, NOW) is None
    assert journal.unfinished(tmp_path, "other", SCOPE.digest(), NOW) is None
    later = NOW + timedelta(hours=24)
    assert journal.unfinished(tmp_path, "s", SCOPE.digest(), later) is None
    journal.clear(tmp_path, "s", later - timedelta(seconds=1))
    assert path.exists()
    journal.clear(tmp_path, "s", later)
    assert not path.exists()


def test_it_is_the_owners_alone_and_no_run_takes_anothers(tmp_path: Path):
    path = written(tmp_path)
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(UsageError, match="cannot be written"):
        Journal(Counting(), path, SCOPE.digest(), {})


def test_the_job_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """`collected` leaves a journal, goes on with it, and says where its own is."""
    scope = tmp_path / "site.yaml"
    scope.write_text(scope_text(WORLD), encoding="utf-8")
    wires = [Counting(50), Counting()]
    for wire in wires:
        wire.moment = datetime.now(UTC).replace(microsecond=0)
    waiting = list(wires)
    monkeypatch.setattr(live, "Live", lambda *_: waiting.pop(0))
    output = tmp_path / "output"
    with pytest.raises(SystemExit):
        audit.collected(scope, journal=output)
    (left,) = output.iterdir()
    found = audit.collected(scope, journal=output, resume=True)
    assert found.journal is not None
    assert [found.journal] == list(output.iterdir())
    assert found.journal != left
    assert wires[0].asked
    assert found.evidence.answers.keys() == simulate(WORLD)[0].answers.keys()
