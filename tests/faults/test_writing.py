"""Ended anywhere while it writes: afterwards the pack is the old one, or the new one."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from multiprocessing import Barrier, get_context
from pathlib import Path

import pytest

from vmmaudit import audit as facade
from vmmaudit import disk
from vmmaudit import pack as packs
from vmmaudit.errors import AuditError, PackError, UsageError
from vmmaudit.scope import Role
from vmmaudit.seal import stages

MOMENT = datetime(2026, 10, 1, 6, 0, tzinfo=UTC)
OLD = {"evidence.jsonl.gz": b"old", "scope.yaml": b"format: 1"}
NEW = {"evidence.jsonl.gz": b"new" * 100, "report.de.pdf": b"%PDF", "scope.yaml": b"format: 1"}
_ENDED = 77
_DONE = 0
WRITERS = {packs.__file__, stages.__file__, disk.__file__}


def write(output: Path, files: dict[str, bytes]) -> packs.Pack:
    return packs.write(output, "site_2026", files, tool="vmmaudit test", moment=MOMENT)


def at_step(number: int, action: Callable[[], object], work: Callable[[], object]) -> bool:
    """Do the work; `action` comes before the call of a C function (every system call is one) of
    that number in `pack.py` and below. False once there are not as many.
    """
    left = number

    def watch(frame, event: str, _argument: object) -> None:
        nonlocal left
        if event == "c_call" and _inside(frame):
            left -= 1
            if left < 0:
                sys.setprofile(None)
                action()

    sys.setprofile(watch)
    try:
        work()
    finally:
        sys.setprofile(None)
    return left < 0


def _inside(frame) -> bool:
    while frame is not None:
        if frame.f_code.co_filename in WRITERS:
            return True
        frame = frame.f_back
    return False


def ended_at(number: int, work: Callable[[], object], synced: Path) -> bool:
    """Do the work in a process that ends at that step; the files it saw to the disk are noted."""
    child = os.fork()
    if child == 0:
        log = os.open(synced, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        really = os.fsync

        def noted(descriptor: int) -> None:
            really(descriptor)
            os.write(log, f"{os.fstat(descriptor).st_ino}\n".encode())

        os.fsync = noted
        try:
            ended = at_step(number, lambda: os._exit(_ENDED), work)
        except BaseException:
            os._exit(1)
        os._exit(_ENDED if ended else _DONE)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (_ENDED, _DONE)
    return code == _ENDED


def lose_what_was_not_synced(output: Path, synced: Path) -> None:
    """The power goes: data that were not seen to the disk are gone, the names may be there."""
    safe = set(synced.read_text().split()) if synced.exists() else set()
    for path in output.rglob("*"):
        if path.is_file() and str(path.stat().st_ino) not in safe:
            path.write_bytes(b"")


def whole(output: Path) -> list[packs.Pack]:
    """Every folder that looks like a pack is one, down to the last byte."""
    return [packs.read(found) for found in sorted(output.iterdir()) if found.name[0] != "."]


@pytest.mark.parametrize("power", [True, False], ids=["killed", "power off"])
def test_ended_at_any_step(tmp_path: Path, power: bool):
    steps = 0
    output, synced = tmp_path / "output", tmp_path / "synced"
    for number in range(10_000):
        before = write(output, OLD)
        (tmp_path / "synced").write_text(
            "".join(f"{path.stat().st_ino}\n" for path in before.folder.iterdir())
        )
        ended = ended_at(number, lambda: write(output, NEW), synced)
        if not power:
            lose_what_was_not_synced(output, synced)
        old, *new = whole(output)
        assert old.manifest == before.manifest
        assert len(new) <= 1
        for pack in new:
            assert {name: (pack.folder / name).read_bytes() for name in NEW} == NEW
        assert packs.read(facade.newest(output)).folder.name.startswith("site_2026")
        again = write(output, NEW)  # what is left behind is in nobody's way
        assert packs.read(again.folder).manifest == again.manifest
        shutil.rmtree(output)
        steps += 1
        if not ended:
            break
    assert steps > 40
    assert not ended


@pytest.mark.parametrize("power", [True, False], ids=["killed", "power off"])
def test_a_signature_ended_at_any_step(tmp_path: Path, power: bool):
    """Afterwards there is the whole of it or nothing, and it can be made again."""
    signed = {"report.de.pdf": b"%PDF" * 50, stages.CMS: b"signature" * 50}
    output, synced = tmp_path / "output", tmp_path / "synced"
    ended, steps = True, 0
    while ended:
        pack = write(output, NEW)
        synced.write_text("".join(f"{path.stat().st_ino}\n" for path in pack.folder.iterdir()))
        ended = ended_at(steps, partial(stages.add, pack.folder, Role.AUDITOR, signed), synced)
        if not power:
            lose_what_was_not_synced(output, synced)
        found = stages.stages(pack.folder)
        assert len(found) <= 1
        for stage in found:
            assert {name: (stage.folder / name).read_bytes() for name in signed} == signed
        assert packs.read(pack.folder).manifest == pack.manifest
        assert stages.add(pack.folder, Role.REVIEWER, signed).number == len(found) + 1
        shutil.rmtree(output)
        steps += 1
    assert steps > 30


@pytest.mark.parametrize("power", [True, False], ids=["killed", "power off"])
def test_a_single_file_ended_at_any_step(tmp_path: Path, power: bool):
    """What is written beside packs (a scope, a plan, its scripts) is the old one or the new one."""
    synced, path = tmp_path / "synced", tmp_path / "output" / "change.ps1"
    path.parent.mkdir()
    ended, steps, seen = True, 0, set()
    while ended:
        packs.write_file(path, b"old")
        synced.write_text(f"{path.stat().st_ino}\n")
        ended = ended_at(steps, partial(packs.write_file, path, b"new" * 100), synced)
        if not power:
            lose_what_was_not_synced(path.parent, synced)
        seen.add(path.read_bytes())
        steps += 1
    assert seen == {b"old", b"new" * 100}
    assert steps > 20
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_pack_that_was_not_finished_is_none(tmp_path: Path):
    shutil.move(write(tmp_path / "elsewhere", NEW).folder, tmp_path / ".partial-abc")
    with pytest.raises(UsageError, match="There is no pack"):
        facade.newest(tmp_path)
    with pytest.raises(UsageError, match="There is no readable pack"):
        facade.developed(tmp_path)


def test_the_output_folder_vanishes_at_any_step(tmp_path: Path):
    output = tmp_path / "output"
    told = set()
    for number in range(10_000):
        went, said = vanishing(output, number)
        if said:
            told.add(said)
            assert not output.exists() or not list(output.iterdir())
        elif not went:
            break
        shutil.rmtree(output, ignore_errors=True)
    assert told == {
        f"The pack cannot be written to {output}: No such file or directory. Nothing was left "
        "behind; name another folder with --output or make room."
    }


def vanishing(output: Path, number: int) -> tuple[bool, str]:
    """Whether that step was reached, and the sentence of the error if there was one."""
    try:
        return at_step(
            number,
            lambda: shutil.rmtree(output, ignore_errors=True),
            lambda: write(output, NEW),
        ), ""
    except PackError as error:
        return True, str(error)


@pytest.mark.parametrize("number", range(0, 60, 7))
def test_ctrl_c_while_writing_leaves_nothing_behind(tmp_path: Path, number: int):
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        at_step(number, interrupt, lambda: write(tmp_path / "output", NEW))
    assert not list((tmp_path / "output").glob("*"))


def _race(output: Path, barrier: Barrier, number: int) -> None:
    barrier.wait()
    for turn in range(5):
        write(output, {"scope.yaml": f"{number}-{turn}".encode()})


def test_runs_at_once_on_one_output_folder(tmp_path: Path):
    context = get_context("fork")
    barrier = context.Barrier(6)
    runs = [context.Process(target=_race, args=(tmp_path, barrier, n)) for n in range(6)]
    for run in runs:
        run.start()
    for run in runs:
        run.join(60)
    assert [run.exitcode for run in runs] == [0] * 6
    said = {(found.folder / "scope.yaml").read_bytes() for found in whole(tmp_path)}
    assert said == {f"{number}-{turn}".encode() for number in range(6) for turn in range(5)}
    assert len(list(tmp_path.iterdir())) == 30


def everything(folder: Path) -> Iterator[Path]:
    yield folder
    yield from folder.rglob("*")


@pytest.mark.skipif(sys.platform == "win32", reason="access is by ACL there")
def test_what_is_written_is_its_owners_alone(tmp_path: Path):
    """The pack of a whole audit, its notebook included, under the most generous umask."""
    before = os.umask(0)
    try:
        pack = facade.demo().write(tmp_path / "output", "de", notebook=True)
    finally:
        os.umask(before)
    assert pack is not None
    for path in everything(pack.folder):
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path
    with pytest.raises(AuditError):
        packs.read(tmp_path / "output")
