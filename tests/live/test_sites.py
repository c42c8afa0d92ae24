"""Two real Dask workers in two networks, of which each reaches one library server alone."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests import worlds
from tests.lab.apply import apply
from tests.lab.lab import Lab
from tests.lab.places import Place, dask
from tests.lab.recipe import MACHINES
from tests.live.collecting import collected, log_on
from tests.simulate import scope_text
from vmmaudit import __version__, audit, pack, questions
from vmmaudit.collect import afar
from vmmaudit.collect import cluster as dask_cluster
from vmmaudit.collect.workers import ready
from vmmaudit.errors import UsageError
from vmmaudit.evidence import Answer, Evidence, Gap, Origin, Question, Reason, Row
from vmmaudit.scope import load

pytestmark = pytest.mark.live
WORLD = worlds.conforming()
NORTH, SOUTH = "library01.contoso.com", "library02.contoso.com"
NEVER = datetime(2000, 1, 1, tzinfo=UTC)
SITES = rf"""sites:
  - {{name: north, servers: [{NORTH}, hyper01.contoso.com, contoso.com]}}
  - {{name: south, servers: [{SOUTH}, hyper02.contoso.com]}}
"""


@pytest.fixture(scope="module")
def cluster(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Place]]:
    """The address of a scheduler with a worker in the north and one in the south."""
    apply(lab, WORLD)
    log_on(lab, "auditadmin")
    logs = tmp_path_factory.mktemp("dask")
    here = MACHINES["auditor"].address
    told = logs / "scheduler.json"
    command = dask("scheduler", f"--host={here}", "--port=0", f"--scheduler-file={told}")
    with (
        (logs / "scheduler").open("wb") as log,
        Place("north", 61, ["library02", "hyper02"]) as north,
        Place("south", 62, ["library01", "hyper01"]) as south,
    ):
        scheduler = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            while not told.exists():
                assert scheduler.poll() is None, (logs / "scheduler").read_text()
                time.sleep(0.1)
            for place in (north, south):
                options = ("--no-nanny", "--nthreads=8", f"--resources={place.name}=8")
                found = (f"--scheduler-file={told}", f"--host={place.address}")
                place.start(*dask("worker", *options, *found), log=logs / place.name)
            address = told.read_text().partition('"tcp://')[2].partition('"')[0]
            yield f"dask://{address}", south
        finally:
            scheduler.terminate()
            scheduler.wait()


@pytest.fixture
def scope_file(tmp_path: Path) -> Path:
    path = tmp_path / "site.yaml"
    text = scope_text(WORLD).replace("vmm:\n", "    auth: ccache\nvmm:\n", 1)
    path.write_text(text + SITES, encoding="utf-8")
    return path


def waited_for(address: str, workers: int = 2) -> str:
    from distributed import Client

    with Client(address.replace("dask:", "tcp:"), set_as_default=False) as client:
        client.wait_for_workers(workers, timeout=60)
    return address


def timeless(evidence: Evidence) -> Evidence:
    """The same without who asked and when, the clocks, and when a folder was last listed."""

    def row(question: Question, found: Row) -> Row:
        told = {key: value for key, value in found.values.items() if key != "currentTime"}
        if question.kind == questions.LIST:
            told = {key: tuple(map(unlisted, value)) for key, value in told.items()}
        return Row(found.name, {} if question.kind == questions.TIME else told)

    answers = {
        question: Answer(tuple(row(question, one) for one in answer.rows), answer.source, NEVER)
        for question, answer in evidence.answers.items()
    }
    gaps = {question: Gap(gap.reason, gap.text) for question, gap in evidence.gaps.items()}
    return Evidence(Origin(NEVER, "", "", ""), answers, gaps)


def unlisted(buffer: bytes) -> bytes:
    """A listing without LastAccessTime, which listing changes (MS-FSCC 2.4.17).

    Nor CreationTime: where the file system has none, Samba tells the earliest of the others.
    """
    changed, offset, step = bytearray(buffer), 0, 1
    while step and buffer:
        changed[offset + 8 : offset + 24] = bytes(16)
        step = int.from_bytes(buffer[offset : offset + 4], "little")
        offset += step
    return bytes(changed)


def readers(evidence: Evidence, server: str) -> set[str]:
    """The machines from which a server was asked."""
    replies = {**evidence.answers, **evidence.gaps}
    return {
        reply.by.machine if reply.by else evidence.origin.machine
        for question, reply in replies.items()
        if question.server == server
    }


def test_two_sites_give_what_one_machine_that_reaches_both_gives(
    lab: Lab, cluster: tuple[str, Place], scope_file: Path
):
    alone, _ = collected(lab, WORLD, scope=load(scope_file))
    found = audit.collected(scope_file, executor=waited_for(cluster[0])).evidence
    assert timeless(found).gaps == timeless(alone).gaps
    assert timeless(found).answers == timeless(alone).answers
    assert timeless(found).digest() == timeless(alone).digest()
    assert len(found.answers) > 100
    assert readers(found, NORTH) == readers(found, "hyper01.contoso.com") == {"north"}
    assert readers(found, SOUTH) == readers(found, "hyper02.contoso.com") == {"south"}
    assert readers(found, "contoso.com") == {"north"}
    assert found.origin.machine == "auditor"


def test_a_worker_that_cannot_reach_its_server_costs_that_servers_gaps(
    lab: Lab, cluster: tuple[str, Place], scope_file: Path
):
    text = scope_file.read_text(encoding="utf-8")
    scope_file.write_text(
        text.replace(f"[{SOUTH}, ", "[").replace(f"[{NORTH}, ", f"[{NORTH}, {SOUTH}, ")
    )
    alone, _ = collected(lab, WORLD, scope=load(scope_file))
    found = audit.collected(scope_file, executor=waited_for(cluster[0])).evidence
    assert readers(found, SOUTH) == {"north"}
    of_south = {question for question in alone.answers if question.server == SOUTH}
    assert of_south
    assert not of_south & found.answers.keys()
    refused = {gap.reason for question, gap in found.gaps.items() if question.server == SOUTH}
    assert refused <= {Reason.UNREACHABLE, Reason.TIMEOUT}

    def rest(evidence: Evidence) -> dict[Question, Answer]:
        # Whose SIDs are looked up follows from what the south's descriptors mention.
        return {
            question: reply
            for question, reply in timeless(evidence).answers.items()
            if question.server != SOUTH and not any("(|(objectSid=" in d for d in question.detail)
        }

    assert rest(found) == rest(alone)


def test_the_command_and_its_documents(
    cluster: tuple[str, Place], scope_file: Path, tmp_path: Path
):
    output = tmp_path / "output"
    command = [sys.executable, "-m", "vmmaudit", "audit", str(scope_file), "-o", str(output)]
    done = subprocess.run(
        [*command, "--executor", waited_for(cluster[0])],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (3, 4), done.stderr
    assert "neither encrypted nor authenticated" in done.stderr
    assert f"{NORTH}: " in done.stderr
    (folder,) = pack.audits(output)
    page = (folder / "report.de.html").read_text(encoding="utf-8")
    assert "Weitere lesende Rechner" in page
    assert re.search("gefragt von .{0,40}south.{0,20} aus", page)
    checked = subprocess.run(
        [sys.executable, "-m", "vmmaudit", "verify", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


def test_ctrl_c_keeps_what_workers_have_read(
    cluster: tuple[str, Place], scope_file: Path, tmp_path: Path
):
    output = tmp_path / "output"
    command = [sys.executable, "-m", "vmmaudit", "collect", str(scope_file), "-o", str(output)]
    running = subprocess.Popen(
        [*command, "--executor", waited_for(cluster[0])],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr is not None
    for line in running.stderr:
        if line.startswith((NORTH, SOUTH)):
            break
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    assert running.returncode in (0, 130)  # it may just have been finished
    (folder,) = pack.audits(output)
    evidence = pack.read(folder).evidence()
    assert any(question.server in (NORTH, SOUTH) for question in evidence.answers)
    if running.returncode == 130:
        assert Reason.INTERRUPTED in {gap.reason for gap in evidence.gaps.values()}


def test_a_worker_that_is_killed_costs_its_site(
    cluster: tuple[str, Place], scope_file: Path, monkeypatch: pytest.MonkeyPatch
):
    """The last test: the south does not come back."""
    monkeypatch.setattr(afar, "_PATIENCE", 3.0)
    monkeypatch.setattr(afar, "_LOOK", 1.0)
    address, south = waited_for(cluster[0]), cluster[1]
    scope = load(scope_file)
    with ready(scope, address) as workers:
        south.hold()
        monkeypatch.setattr(dask_cluster, "_PATIENCE", 3)
        with pytest.raises(UsageError, match="does not answer within 3 seconds"):
            audit.collected(scope_file, executor=address)
        threading.Timer(3, south.end).start()
        found = afar.collect(scope, workers, Origin(NEVER, "", "", f"vmmaudit {__version__}"))
    assert any(question.server == NORTH for question in found.answers)
    assert not any(question.server == SOUTH for question in found.answers)
    lost = [gap for question, gap in found.gaps.items() if question.server == SOUTH]
    assert lost
    assert all("there is none left at its site" in gap.text for gap in lost)
    with pytest.raises(UsageError, match="No worker of the cluster is at the site 'south'"):
        audit.collected(scope_file, executor=address)
