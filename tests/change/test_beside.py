"""What follows from an audit lies beside its pack in `output/`, and is not taken for one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests import worlds
from tests.simulate import scope_text, simulate
from vmmaudit import pack as packs
from vmmaudit.audit import Audit, assessed, developed, newest, open_audit
from vmmaudit.errors import PackError, UsageError
from vmmaudit.planned import CHANGE, proved
from vmmaudit.seal.verify import verify


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """A folder with a pack, the plan that was made from it, and the proof, in that order."""
    world = worlds.conforming().with_host("HYPER02", any_protocol=False)
    evidence, scope = simulate(world)
    audit = Audit("site", scope_text(world), scope, evidence)
    pack = audit.save(tmp_path)
    change = audit.plan().write(tmp_path, "en")
    proof = proved(pack.folder, pack.folder).write(tmp_path, "en")
    for number, written in enumerate((pack, change, proof)):
        assert written is not None
        os.utime(written.folder / packs.MANIFEST, (number, number))
    return tmp_path


def folder(output: Path, about: str) -> Path:
    (found,) = output.glob(f"{about}_*")
    return found


@pytest.mark.parametrize("about", ["site-change", "site-change-proof"])
def test_it_is_no_pack_of_an_audit(output: Path, about: str):
    change = folder(output, about)
    for read in (lambda: open_audit(evidence=change), lambda: assessed(change)):
        with pytest.raises(PackError, match=r"follows from an audit and holds no evidence: name"):
            read()


def test_the_newest_pack_is_that_of_an_audit(output: Path):
    assert newest(output) == folder(output, "site")


def test_it_is_no_point_in_the_trend(output: Path):
    found = developed(output)
    assert found.problems == ()
    assert {name: len(points) for name, points in found.series.items()} == {"site": 1}


@pytest.mark.parametrize("manifest", [b"", b"[]", b'{"format": 9, "files": []}'])
def test_a_damaged_pack_is_not_passed_over(output: Path, manifest: bytes):
    (folder(output, "site-change") / packs.MANIFEST).write_bytes(manifest)
    (problem,) = developed(output).problems
    assert "site-change_" in problem


def test_where_there_is_nothing_else(tmp_path: Path, output: Path):
    change = folder(output, "site-change")
    alone = tmp_path / "alone"
    alone.mkdir()
    change.rename(alone / change.name)
    with pytest.raises(UsageError, match="There is no pack in"):
        newest(alone)


def test_its_files_can_be_verified(output: Path):
    change = folder(output, "site-change")
    found = verify(change)
    assert (found.failures, found.missing, found.status) == ((), (), "draft")
    with (change / CHANGE).open("ab") as script:
        script.write(b"# and more\n")
    (failure,) = verify(change).failures
    assert failure == f"{change / CHANGE} was changed after the pack was written."


def test_an_audit_whose_list_lost_its_evidence_is_not_taken_for_one(output: Path):
    """Only what holds no report either is judged by its list alone."""
    change = folder(output, "site-change")
    manifest = (change / packs.MANIFEST).read_text(encoding="utf-8")
    (change / "change.en.pdf").rename(change / "report.en.pdf")
    (change / packs.MANIFEST).write_text(manifest.replace("change.en.pdf", "report.en.pdf"))
    assert any("lacks its evidence" in failure for failure in verify(change).failures)
