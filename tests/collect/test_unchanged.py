"""What is taken from an earlier pack: files that have not changed, and nothing else."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulate import SimulatedWire, scope_text, simulate
from tests.test_cli import Run
from tests.worlds import MOMENT, conforming
from vmmaudit import pack as packs
from vmmaudit import questions
from vmmaudit.collect import live
from vmmaudit.collect.merge import merge
from vmmaudit.collect.unchanged import Earlier, Unchanged
from vmmaudit.evidence import Answer, Evidence, Gap, Origin, Question, Reader, Reason, Row
from vmmaudit.windows.file_information import DIRECTORY
from vmmaudit.windows.filetime import to_filetime

SERVER, SHARE = "fs01.contoso.com", "lib"
THEN = datetime(2026, 7, 1, 6, 0, tzinfo=UTC)
NOW = datetime(2026, 10, 1, 6, 0, tzinfo=UTC)
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class File:
    descriptor: bytes = b"D:(A;;FR;;;WD)"
    changed: datetime | None = LONG_AGO
    file_id: int = 7
    created: datetime = LONG_AGO - timedelta(days=2)
    written: datetime = LONG_AGO - timedelta(days=1)
    attributes: int = 0x20


@dataclass
class Server:
    """Implements `wire.Wire`: a share with one folder of files."""

    files: dict[str, File]
    moment: datetime = NOW
    guid: bytes = b"1" * 32
    machine: str = "jump01"
    asked: Counter[str] = field(default_factory=Counter)

    @property
    def origin(self) -> Origin:
        return Origin(self.moment, "auditor", self.machine, "vmmaudit 0")

    def ask(self, asked: Sequence[Question]) -> list[Answer | Gap]:
        self.asked.update(q.detail[1] if q.kind == questions.DESCRIPTOR else q.kind for q in asked)
        return [self._one(question) for question in asked]

    def close(self) -> None:
        pass

    def _one(self, question: Question) -> Answer | Gap:
        if question.kind == questions.SERVER:
            return self._row(guid=self.guid)
        if question.kind == questions.LIST:
            return self._row(entries=b"".join(self._entries()))
        file = self.files.get(question.detail[1].rpartition("\\")[2])
        if file is None:
            return Gap(Reason.NOT_FOUND, "It does not exist.", self.moment)
        return self._row(descriptor=file.descriptor)

    def _row(self, **values: bytes) -> Answer:
        row = Row("", {key: (value,) for key, value in values.items()})
        return Answer((row,), SERVER, self.moment)

    def _entries(self):
        """MS-FSCC 2.4.17."""
        for index, (name, file) in enumerate(self.files.items()):
            encoded = name.encode("utf-16-le")
            changed = to_filetime(file.changed) if file.changed else 0
            times = (to_filetime(file.created), 0, to_filetime(file.written), changed)
            size = -(-(104 + len(encoded)) // 8) * 8
            step = 0 if index == len(self.files) - 1 else size
            fixed = struct.pack(
                "<IIQQQQQQIIIBB24sHQ",
                *(step, 0, *times, 1, 1, file.attributes, len(encoded), 0, 0, 0, bytes(24), 0),
                file.file_id,
            )
            yield (fixed + encoded).ljust(size, b"\0")


def questions_of(server: Server) -> list[list[Question]]:
    """In the order of the plan."""
    paths = [f"ISOs\\{name}" for name in server.files]
    return [
        [questions.smb_server(SERVER)],
        [questions.listing(SERVER, SHARE, "ISOs")],
        [questions.descriptor(SERVER, SHARE, path) for path in ["ISOs", *paths]],
    ]


def collected(server: Server, earlier: Evidence | None = None) -> Evidence:
    wire = Unchanged(server, Earlier(earlier, earlier.digest())) if earlier else server
    answers: dict[Question, Answer] = {}
    gaps: dict[Question, Gap] = {}
    for batch in questions_of(server):
        for question, reply in zip(batch, wire.ask(batch), strict=True):
            if isinstance(reply, Answer):
                answers[question] = reply
            else:
                gaps[question] = reply
    return Evidence(wire.origin, answers, gaps)


def many(count: int = 200, **same: object) -> dict[str, File]:
    return {f"b{n}.iso": File(file_id=n + 1, **same) for n in range(count)}  # type: ignore[arg-type]


def before(files: dict[str, File], **more: object) -> Evidence:
    return collected(Server(files, THEN, **more))  # type: ignore[arg-type]


def taken(evidence: Evidence) -> set[str]:
    return {q.detail[1] for q, a in evidence.answers.items() if a.taken}


def test_unchanged_files_are_taken_and_marked():
    files = many()
    earlier, server = before(files), Server(files)
    found = collected(server, earlier)
    assert len(taken(found)) == 190, "one in twenty is read all the same"
    assert server.asked.total() == 2 + 1 + 10, "settings, listing, the folder, the sample"
    for question, answer in found.answers.items():
        assert answer.rows == earlier.answers[question].rows
        if answer.taken:
            assert answer.taken == earlier.digest()
            assert answer.at == THEN
            assert question.kind == questions.DESCRIPTOR
        else:
            assert answer.at == NOW
    assert found.answers.keys() == earlier.answers.keys()


def test_the_first_reading_is_named_however_often_it_is_taken():
    files = many()
    first = before(files)
    second = collected(Server(files, THEN + timedelta(days=30)), first)
    third = collected(Server(files), second)
    of_both = taken(second) & taken(third)
    assert of_both
    for question, answer in third.answers.items():
        if question.kind == questions.DESCRIPTOR and question.detail[1] in of_both:
            assert (answer.taken, answer.at) == (first.digest(), THEN)


def test_who_read_it_then_is_told():
    files = many(20)
    found = collected(Server(files), before(files, machine="worker1"))
    readers = {answer.by for answer in found.answers.values() if answer.taken}
    assert readers == {Reader("auditor", "worker1")}
    again = collected(Server(files), before(files))
    assert {answer.by for answer in again.answers.values()} == {None}


@pytest.mark.parametrize(
    "change",
    [
        {"changed": NOW - timedelta(days=1), "descriptor": b"another"},
        {"file_id": 999},
        {"changed": None},
        {"attributes": 0x420},  # a reparse point
        {"attributes": DIRECTORY},
    ],
)
def test_a_file_that_may_have_changed_is_read(change: dict[str, object]):
    files = many(40)
    found = collected(
        Server({**files, "b3.iso": replace(files["b3.iso"], **change)}),  # type: ignore[arg-type]
        before(files),
    )
    assert "ISOs\\b3.iso" not in taken(found)
    assert len(taken(found)) >= 34
    answer = found.answers[questions.descriptor(SERVER, SHARE, "ISOs\\b3.iso")]
    assert answer.at == NOW
    assert answer.rows[0].first("descriptor") == change.get("descriptor", File().descriptor)


@pytest.mark.parametrize(
    "same",
    [
        {"file_id": 0},
        {"file_id": 2**64 - 1},
        {"changed": None},
        {"changed": THEN - timedelta(minutes=9)},  # within the clocks' tolerance of its reading
        {"changed": THEN + timedelta(minutes=5)},
        {"written": LONG_AGO},  # as Samba tells it
        {"created": LONG_AGO},
    ],
)
def test_what_proves_nothing_is_not_taken(same: dict[str, object]):
    files = {name: replace(file, **same) for name, file in many(30).items()}  # type: ignore[arg-type]
    assert not taken(collected(Server(files), before(files)))


def test_another_server_of_that_name_is_read():
    files = many(30)
    assert not taken(collected(Server(files, guid=b"2" * 32), before(files)))


def test_a_new_file_is_read_and_a_file_that_is_gone_is_not_invented():
    files = many(30)
    found = collected(Server({**files, "new.iso": File(file_id=500)}), before(files))
    assert "ISOs\\new.iso" not in taken(found)
    fewer = {name: file for name, file in files.items() if name != "b7.iso"}
    found = collected(Server(fewer), before(files))
    asked = {q.detail[-1] for q in (*found.answers, *found.gaps) if q.detail}
    assert "ISOs\\b8.iso" in asked
    assert "ISOs\\b7.iso" not in asked


def test_a_file_system_that_does_not_move_the_time_is_found_out():
    """All permissions were changed, and no ChangeTime: the sample tells, and all is read."""
    files = many(100)
    silent = {name: replace(file, descriptor=b"another") for name, file in files.items()}
    server = Server(silent)
    found = collected(server, before(files))
    assert not taken(found)
    assert max(server.asked.values()) == 1, "nothing was asked twice"
    assert all(
        answer.rows[0].first("descriptor") == b"another"
        for question, answer in found.answers.items()
        if question.kind == questions.DESCRIPTOR and "\\" in question.detail[1]
    )


def test_nobody_can_tell_beforehand_which_are_read():
    files = many(400)
    earlier = before(files)
    samples = []
    for seconds in range(3):
        server = Server(files, NOW + timedelta(seconds=seconds))
        collected(server, earlier)
        samples.append({name for name in server.asked if "\\" in name})
    assert len({frozenset(sample) for sample in samples}) == 3
    assert {len(sample) for sample in samples} == {20}


def test_the_job_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    world = conforming()
    monkeypatch.setattr(live, "Live", lambda *_: SimulatedWire(world, {}, MOMENT))
    scope = tmp_path / "site.yaml"
    scope.write_text(scope_text(world), encoding="utf-8")
    first = Run(capsys, "collect", scope, "-o", tmp_path / "first")
    assert first.code == 0
    second = Run(
        capsys, "collect", scope, "-o", tmp_path / "second", "--incremental", first.out.strip()
    )
    assert second.code == 0
    assert packs.read(Path(second.out.strip())).evidence() == simulate(world)[0]
    third = Run(capsys, "collect", scope, "-o", tmp_path / "third", "--incremental", tmp_path)
    assert third.code == 1
    assert len(third.err.strip().splitlines()) == 1
    assert not (tmp_path / "third").exists()
    fourth = Run(
        capsys, "collect", scope, "--offline", "--imports", tmp_path, "--incremental", tmp_path
    )
    assert fourth.code == 1
    assert "leave out --incremental" in fourth.err


@given(
    st.dictionaries(
        st.integers(1, 9).map(lambda n: f"f{n}.iso"),
        st.builds(
            File,
            st.sampled_from([b"one", b"two"]),
            st.sampled_from([LONG_AGO, LONG_AGO + timedelta(days=1), NOW, None]),
            st.integers(0, 3),
        ),
        min_size=1,
    ),
    st.data(),
)
def test_where_times_move_with_changes_it_tells_what_a_full_one_tells(
    files: dict[str, File], data: st.DataObject
):
    later = {}
    for name, file in files.items():
        changed = data.draw(st.booleans())
        later[name] = replace(file, descriptor=b"new", changed=NOW) if changed else file
    full = collected(Server(later))
    part = collected(Server(later), before(files))
    assert part.answers.keys() == full.answers.keys()
    for question, answer in part.answers.items():
        assert answer.rows == full.answers[question].rows
    assert merge(part, full).digest() == full.digest(), "what was read is the better"
