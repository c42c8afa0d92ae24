"""The whole command through a bad network: a partial pack, the right gaps, the right exit code."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests import worlds
from tests.lab.lab import Lab
from tests.lab.recipe import CONTROLLER
from tests.live.collecting import log_on
from tests.live.test_faults import LIBRARY, LOST, Behind, behind
from tests.live.test_whole_run import written
from tests.standins.relay import Fault
from tests.worlds import DOMAIN
from vmmaudit import cli, pack, questions
from vmmaudit.assessment import Ternary
from vmmaudit.collect import live
from vmmaudit.collect.ldap import Directory
from vmmaudit.collect.smb import FileServer
from vmmaudit.evidence import Evidence, Reason
from vmmaudit.judge import judge

pytestmark = pytest.mark.live
__all__ = ["behind"]
GUARD = 300
"""Seconds after which something hangs."""


@dataclass(frozen=True)
class Ended:
    """What a run returned and left."""

    code: int
    err: str
    left: pack.Pack
    hidden: list[str]

    @property
    def evidence(self) -> Evidence:
        return self.left.evidence()

    def gaps(self, server: str) -> dict[tuple[str, ...], Reason]:
        found = self.evidence.gaps.items()
        return {(q.kind, *map(str, q.detail)): g.reason for q, g in found if q.server == server}


def ran(scope: Path, output: Path, capfd: pytest.CaptureFixture[str]) -> Ended:
    """`vmmaudit audit`, in this process so that its network can be made a bad one."""
    sys.argv = ["vmmaudit", "audit", str(scope), "-o", str(output), "-l", "en"]
    began = time.monotonic()
    code = cli.run()
    assert time.monotonic() - began < GUARD
    _, err = capfd.readouterr()
    assert "Traceback" not in err
    (found,) = pack.audits(output)
    hidden = [path.name for path in output.iterdir() if path.name.startswith(".")]
    return Ended(code, err, pack.read(found), hidden)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes the product ten seconds, or sixty, takes it two here."""
    times = {"connect_seconds": 2, "request_seconds": 2}
    monkeypatch.setattr(live, "FileServer", partial(FileServer, **times))
    times = {"connect_seconds": 2, "receive_seconds": 2}
    monkeypatch.setattr(live, "Directory", partial(Directory, **times))


@pytest.fixture
def whole(lab: Lab, tmp_path: Path, capfd: pytest.CaptureFixture[str], behind: Behind) -> Ended:
    """A run with nothing in its way."""
    found = ran(written(tmp_path, worlds.conforming()), tmp_path / "whole", capfd)
    assert found.code == 4  # boot times are gaps: Samba tells none
    log_on(lab, "auditadmin")
    return found


LOSING = {
    "killed in mid-walk": Fault(after=4000, gone=True),
    "accepts and never answers": Fault(after=0, stall=True),
    "cut at the logon": Fault(after=400),
    "stalls at the logon": Fault(after=400, stall=True),
    "garbage at the logon": Fault(after=400, garbage=b"\xff" * 64),
}
PASSING = {
    "cut again and again": Fault(after=3001),
    "stalls again and again": Fault(after=3001, stall=True),
    "garbage again and again": Fault(after=3001, garbage=b"\xff" * 64),
}
"""Each connection brings some answers, and the next one goes on from there."""


@pytest.mark.parametrize("fault", PASSING.values(), ids=list(PASSING))
@pytest.mark.usefixtures("impatient")
def test_a_library_that_is_lost_again_and_again_loses_nothing(
    whole: Ended, behind: Behind, tmp_path: Path, capfd: pytest.CaptureFixture[str], fault: Fault
):
    with behind(LIBRARY, 445, fault) as relay:
        found = ran(written(tmp_path, worlds.conforming()), tmp_path / "output", capfd)
    assert relay.connections > 2
    assert (found.code, found.hidden) == (4, [])
    assert found.gaps(LIBRARY) == whole.gaps(LIBRARY)
    ready = {pair.ready for pair in judge(found.evidence, found.left.scope()).readiness}
    assert ready == {Ternary.YES}


@pytest.mark.parametrize("fault", LOSING.values(), ids=list(LOSING))
@pytest.mark.usefixtures("impatient")
def test_a_library_that_is_lost_is_gaps_of_its_own(
    whole: Ended, behind: Behind, tmp_path: Path, capfd: pytest.CaptureFixture[str], fault: Fault
):
    with behind(LIBRARY, 445, fault):
        found = ran(written(tmp_path, worlds.conforming()), tmp_path / "output", capfd)
    assert (found.code, found.hidden) == (4, [])
    lost = found.gaps(LIBRARY).keys() - whole.gaps(LIBRARY).keys()
    assert lost
    reasons = {found.gaps(LIBRARY)[one] for one in lost}
    assert reasons <= {*LOST, Reason.SIGNING_REQUIRED, Reason.NOT_ASKED}
    for other in (DOMAIN, f"library02.{DOMAIN}", f"hyper01.{DOMAIN}"):
        assert found.gaps(other) == whole.gaps(other)
    for pair in judge(found.evidence, found.left.scope()).readiness:
        away = pair.share.lower().startswith(rf"\\{LIBRARY}")
        assert pair.ready is (Ternary.UNKNOWN if away else Ternary.YES), pair


@pytest.mark.parametrize(
    ("after", "stall", "code"),
    [(0, True, 2), (0, False, 2), (6000, False, 4), (6000, True, 4), (12_000, False, 4)],
    ids=["silent", "hangs up", "killed in mid-page", "stalls in mid-page", "killed later"],
)
@pytest.mark.usefixtures("impatient")
def test_a_controller_that_is_lost_is_gaps_of_its_own(
    whole: Ended,
    behind: Behind,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    after: int,
    stall: bool,
    code: int,
):
    with behind(CONTROLLER.fqdn, 389, Fault(after=after, stall=stall, gone=True)):
        found = ran(written(tmp_path, worlds.conforming()), tmp_path / "output", capfd)
    assert found.code == code
    assert found.hidden == []
    assert ("no domain could be read" in found.err) is (code == 2)
    lost = {one: reason for one, reason in found.gaps(DOMAIN).items() if one[0] == questions.SEARCH}
    assert lost.keys() - whole.gaps(DOMAIN).keys()
    assert set(lost.values()) <= LOST
    answered = {question for question in found.evidence.answers if question.server == DOMAIN}
    assert answered <= whole.evidence.answers.keys()
    assert bool(answered) is (code == 4)
    ready = {pair.ready for pair in judge(found.evidence, found.left.scope()).readiness}
    assert Ternary.NO not in ready
