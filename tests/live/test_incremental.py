"""What is taken from an earlier pack, against a real file system behind a real SMB server.

Samba has no ChangeTime (it tells LastWriteTime), so from a Samba server nothing is taken. How it
is on Windows is shown by a stand-in for this one field, which takes it from the server's disk.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests import worlds
from tests.lab.apply import apply
from tests.lab.lab import Lab
from tests.lab.recipe import MACHINES
from tests.live.collecting import collected, lab_scope, log_on
from tests.standins.change_time import ChangeTimes, as_copied
from tests.worlds import SHARE, Item, World
from vmmaudit import questions
from vmmaudit.collect.gather import collect
from vmmaudit.collect.live import Live
from vmmaudit.collect.unchanged import Earlier, Unchanged
from vmmaudit.collect.wire import Wire
from vmmaudit.evidence import Evidence, Row
from vmmaudit.facts.replies import entries

pytestmark = pytest.mark.live
SERVER = f"library01.{worlds.DOMAIN}"
COUNT = 60


def world() -> World:
    good = worlds.conforming()
    folders = good.library("LIBRARY01").shares[0].items[:3]
    isos = [Item(rf"ISOs\b{n}.iso", worlds.FILE_ACL, size=1) for n in range(COUNT)]
    return good.with_share("LIBRARY01", SHARE, items=(*folders, *isos))


@pytest.fixture
def earlier(lab: Lab) -> Iterator[Evidence]:
    """A full collection of files that were not changed in the second before it."""
    apply(lab, world())
    as_copied(root())
    log_on(lab, "auditadmin")
    time.sleep(1.1)
    yield full()
    apply(lab, worlds.conforming())


def root() -> Path:
    """The folder behind the share."""
    (found,) = MACHINES["library01"].home.glob(f"**/{SHARE}")
    return found


def wire() -> Wire:
    return ChangeTimes(Live(lab_scope(world()).domains), SERVER, root())


def full() -> Evidence:
    with closing(wire()) as used:
        return collect(lab_scope(world()), used)


def incremental(earlier: Evidence, below: Wire | None = None) -> Evidence:
    # The lab's files are minutes old, and its machines share one clock.
    before = Earlier(earlier, earlier.digest())
    with closing(Unchanged(below or wire(), before, timedelta(0))) as used:
        return collect(lab_scope(world()), used)


def permissions(evidence: Evidence) -> dict[str, tuple[Row, ...]]:
    found = evidence.of(questions.DESCRIPTOR, SERVER)
    return {question.detail[1]: answer.rows for question, answer in found}


def taken(evidence: Evidence) -> set[str]:
    found = evidence.of(questions.DESCRIPTOR, SERVER)
    return {question.detail[1] for question, answer in found if answer.taken}


def smbcacls(path: str, *change: str) -> None:
    command = ["smbcacls", "--use-kerberos=required", rf"//{SERVER}/{SHARE}", path]
    subprocess.run([*command, *change], check=True, capture_output=True)


def test_nothing_changed(lab: Lab, earlier: Evidence):
    found = incremental(earlier)
    assert len(taken(found)) == COUNT - 5
    assert permissions(found) == permissions(earlier)
    assert all(path.endswith(".iso") for path in taken(found))


def test_from_a_samba_server_nothing_is_taken(lab: Lab):
    """It does not tell that permissions were changed."""
    apply(lab, world())
    log_on(lab, "auditadmin")
    time.sleep(1.1)
    earlier, scope = collected(lab, world())
    smbcacls(r"ISOs\b7.iso", "--add", "ACL:CONTOSO\\auditor:DENIED/0/READ")
    found = incremental(earlier, Live(scope.domains))
    assert not taken(found)
    assert permissions(found) != permissions(earlier)
    listed = questions.listing(SERVER, SHARE, "ISOs")
    times = [(entry.written, entry.changed) for entry in entries(found.answers[listed])]
    assert all(written == changed for written, changed in times)


def test_one_file_has_other_permissions(lab: Lab, earlier: Evidence):
    smbcacls(r"ISOs\b7.iso", "--add", "ACL:CONTOSO\\auditor:DENIED/0/READ")
    found = incremental(earlier)
    assert r"ISOs\b7.iso" not in taken(found)
    assert len(taken(found)) >= COUNT - 6
    assert permissions(found) == permissions(full())
    assert permissions(found) != permissions(earlier)


def test_inherited_permissions_are_written_into_every_file(lab: Lab, earlier: Evidence):
    """Which moves their times, as it does where Windows' own tools write them."""
    inherited = "ACL:CONTOSO\\auditor:DENIED/OI|CI/READ"
    smbcacls("ISOs", "--propagate-inheritance", "--add", inherited)
    found = incremental(earlier)
    assert permissions(found) == permissions(full())
    assert not taken(found)
    assert permissions(found) != permissions(earlier)


def test_a_file_that_was_replaced(lab: Lab, earlier: Evidence):
    file = root() / "ISOs" / "b9.iso"
    other = file.with_name("other")
    other.write_bytes(b"another image")
    other.replace(file)
    found = incremental(earlier)
    assert r"ISOs\b9.iso" not in taken(found)
    assert permissions(found) == permissions(full())
