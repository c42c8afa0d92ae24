"""The whole job against the lab, from the command line, as an auditor runs it."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import worlds
from tests.demo import demo_world
from tests.lab.apply import apply
from tests.lab.lab import Lab
from tests.live.collecting import collected, log_on
from tests.simulate import scope_text, simulate
from tests.test_catalogue import READINESS
from tests.worlds import DOMAIN
from vmmaudit import evidence as evidence_format
from vmmaudit import questions
from vmmaudit.assessment import Assessment
from vmmaudit.audit import Audit
from vmmaudit.collect.gather import collect
from vmmaudit.collect.replay import Replay
from vmmaudit.evidence import Reason
from vmmaudit.judge import judge
from vmmaudit.report.document import Facts
from vmmaudit.report.prose import plain

pytestmark = pytest.mark.live


def written(tmp_path: Path, world: worlds.World, *, auth: str = "ccache") -> Path:
    text = scope_text(world).replace(f"name: {DOMAIN}\n", f"name: {DOMAIN}\n    auth: {auth}\n", 1)
    text = text.replace(
        rf"\{worlds.SHARE}", rf"\{worlds.SHARE}" + "\n    token_profile: samba-member"
    )
    path = tmp_path / "prüfung.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def run(tmp_path: Path, *words: object, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "vmmaudit", *map(str, words), "-o", str(tmp_path / "output")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **env},
    )


def test_audit_of_a_living_domain(lab: Lab, tmp_path: Path):
    apply(lab, worlds.conforming())
    log_on(lab, "auditadmin")
    found = run(tmp_path, "audit", written(tmp_path, worlds.conforming()))
    assert found.returncode == 4, found.stderr  # boot times are gaps: Samba tells none
    assert "14 of 14 pairs of host and share are ready" in found.stderr
    folder = Path(found.stdout.split()[0]).parent
    assert folder.name.startswith("prüfung_")
    assert {"report.de.pdf", "report.en.pdf", "report.de.html", "verdicts.de.csv"} <= {
        path.name for path in folder.iterdir()
    }
    again = run(tmp_path, "judge", folder)
    assert (
        Path(again.stdout.strip(), "assessment.json").read_bytes()
        == (folder / "assessment.json").read_bytes()
    )


def test_no_secret_of_the_lab_is_anywhere(lab: Lab, tmp_path: Path):
    apply(lab, worlds.conforming())
    auth = f"{{user: auditadmin@{DOMAIN.upper()}, secret: 'env:AUDIT_PASSWORD'}}"
    scope = written(tmp_path, worlds.conforming(), auth=auth)
    secret = lab.password("auditadmin")
    found = run(tmp_path, "audit", scope, AUDIT_PASSWORD=secret)
    assert found.returncode == 4, found.stderr
    known = json.loads(lab.secrets.read_text(encoding="utf-8"))
    forms = {
        form
        for password in known.values()
        for form in (
            password.encode(),
            password.encode("utf-16-le"),
            base64.b64encode(password.encode()),
            base64.b64encode(password.encode("utf-16-le")),
        )
    }
    searched = [found.stdout.encode(), found.stderr.encode()]
    for path in (tmp_path / "output").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            searched += [data, *_unpacked(path, data)]
    assert len(searched) > 12
    for data in searched:
        assert not [form for form in forms if form in data]


def _unpacked(path: Path, data: bytes) -> list[bytes]:
    if path.suffix == ".gz":
        import gzip

        return [gzip.decompress(data)]
    if path.suffix == ".pdf":
        import pypdf

        reader = pypdf.PdfReader(path)
        pages = [page.extract_text().encode() for page in reader.pages]
        attached = [content for found in reader.attachments.values() for content in found]
        return [*pages, *attached]
    return []


def test_whoever_reads_with_a_ticket_is_named_by_sid(lab: Lab):
    apply(lab, worlds.conforming())
    evidence, scope = collected(lab, worlds.conforming(), "auditor")
    report = Audit("lab", scope_text(worlds.conforming()), scope, evidence).document("de")
    (said,) = [
        plain(content)
        for section in report.sections[0].sections
        for block in section.blocks
        if isinstance(block, Facts)
        for name, content in block.rows
        if name == "Ausführendes Konto"
    ]
    session = f" · Sitzung auf dem Prüfrechner: {evidence.origin.who}"
    assert said == f"auditor@{DOMAIN} ({lab.sid_of('auditor')}){session}"


def test_collected_evidence_is_complete(lab: Lab):
    apply(lab, worlds.conforming())
    evidence, scope = collected(lab, worlds.conforming())
    assert collect(scope, Replay(evidence)) == evidence


def by_meaning(assessment: Assessment) -> set[tuple[str, str, str, str]]:
    """Verdicts that rest on the directory and the libraries alone: the lab has no Windows.

    Of hosts and VMM servers it shows what Samba can (tests/live/test_machine.py).
    """
    return {
        (j.control, j.subject.id, j.verdict.value, j.code)
        for j in assessment.verdicts
        if j.control in READINESS and j.control != "HST-01"
    }


def test_the_demo_world_lives_as_it_is_simulated(lab: Lab):
    world = demo_world()
    apply(lab, world)
    evidence, scope = collected(lab, world)
    simulated, _ = simulate(world, scope=scope)
    lived, made_up = judge(evidence, scope), judge(simulated, scope)
    assert by_meaning(lived) == by_meaning(made_up)
    for one, other in zip(lived.readiness, made_up.readiness, strict=True):
        assert (one.host, one.share, one.links, one.ready, one.broken) == (
            (other.host, other.share, other.links, other.ready, other.broken)
        )
    assert [[f.path for f in s.files] for s in lived.shares] == [
        [f.path for f in s.files] for s in made_up.shares
    ]


def test_an_ordinary_user_gets_a_report_with_reasons(lab: Lab, tmp_path: Path):
    apply(lab, worlds.conforming())
    log_on(lab, "auditor")
    found = run(tmp_path, "audit", written(tmp_path, worlds.conforming()))
    assert found.returncode == 4, found.stderr


def test_a_library_server_that_is_down_costs_its_own_gaps_only(lab: Lab):
    apply(lab, worlds.conforming())
    lab.stop("library02")
    try:
        evidence, scope = collected(lab, worlds.conforming())
    finally:
        lab.start("library02")
    found = judge(evidence, scope)
    ready = {(e.name.split(".")[0], e.ready.value) for e in found.readiness}
    assert ready == {("library01", "yes"), ("library02", "unknown")}
    assert {gap.reason for q, gap in evidence.gaps.items() if q.server.startswith("library02")} <= {
        Reason.UNREACHABLE,
        Reason.TIMEOUT,
    }


def test_a_missing_share_and_a_folder_that_refuses(lab: Lab):
    nobody = worlds.Descriptor(())
    world = worlds.conforming().with_library("LIBRARY02", missing_shares=("Weg",))
    world = world.with_item("LIBRARY01", worlds.SHARE, "VHDs", descriptor=nobody)
    apply(lab, world)
    evidence, scope = collected(lab, world)
    refused = {q.detail for q, g in evidence.gaps.items() if g.reason is Reason.ACCESS_DENIED}
    assert refused <= {(worlds.SHARE.lower(), "VHDs")}
    assert refused
    missing = {q.detail[0] for q, g in evidence.gaps.items() if g.reason is Reason.NOT_FOUND}
    assert missing == {"weg"}
    by_share = {
        e.share.rpartition("\\")[2]: e.ready.value for e in judge(evidence, scope).readiness
    }
    assert by_share["Weg"] == "unknown"


def test_no_domain_is_exit_2_and_still_a_pack(lab: Lab, tmp_path: Path):
    log_on(lab, "auditor")
    scope = written(tmp_path, worlds.conforming())
    text = scope.read_text(encoding="utf-8")
    scope.write_text(
        text.replace(
            "    auth: ccache\n", "    auth: ccache\n    controllers: [nix.contoso.com]\n"
        ),
        encoding="utf-8",
    )
    found = run(tmp_path, "audit", scope)
    assert found.returncode == 2, found.stderr
    assert "no domain could be read" in found.stderr
    assert "Traceback" not in found.stderr
    assert Path(found.stdout.split()[0]).is_file()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_told_to_stop_it_leaves_a_usable_partial_pack(
    lab: Lab, tmp_path: Path, number: signal.Signals
):
    """What stands in it is not asked again by a run that goes on."""
    apply(lab, worlds.conforming())
    log_on(lab, "auditadmin")
    scope = written(tmp_path, worlds.conforming())
    text = scope.read_text(encoding="utf-8")
    # An address of the lab where nothing listens and nothing refuses keeps the run waiting.
    hosts = "".join(f"  - name: stumm{n}.{DOMAIN}\n" for n in range(3))
    scope.write_text(text.replace("hosts:\n", "hosts:\n" + hosts), encoding="utf-8")
    lab.suspend("library02")
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "vmmaudit", "audit", scope, "-o", tmp_path / "output"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        until = time.monotonic() + 60
        noted = 0
        while noted < 3000 and time.monotonic() < until:  # then it has been told of the domain
            time.sleep(0.01)
            journals = (tmp_path / "output").glob(".*.journal")
            noted = sum(path.stat().st_size for path in journals)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    finally:
        lab.resume("library02")
    assert process.returncode == 130, err
    assert "Traceback" not in err
    partial = evidence_format.load(Path(out.strip()) / "evidence.jsonl.gz")
    assert partial.answers
    assert Reason.INTERRUPTED in {gap.reason for gap in partial.gaps.values()}
    going_on = run(tmp_path, "collect", scope, "--resume")
    assert going_on.returncode == 0, going_on.stderr
    found = evidence_format.load(Path(going_on.stdout.strip()) / "evidence.jsonl.gz")
    for question, answer in partial.answers.items():
        if question.kind != questions.LOCAL_NAMES:  # of those that the domain did not know by then
            assert found.answers[question] == answer, "asked again"
    assert Reason.INTERRUPTED not in {gap.reason for gap in found.gaps.values()}


@pytest.mark.parametrize("offset", ["+1h", "-1h"])
def test_a_wrong_clock_is_said_in_one_sentence(lab: Lab, tmp_path: Path, offset: str):
    log_on(lab, "auditor")
    scope = written(tmp_path, worlds.conforming())
    found = subprocess.run(
        [
            "faketime",
            "-f",
            offset,
            sys.executable,
            "-m",
            "vmmaudit",
            "collect",
            scope,
            "-o",
            tmp_path,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 2, found.stderr
    assert "the clocks of this machine and of dc01.contoso.com differ" in found.stderr
    assert "Traceback" not in found.stderr


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path):
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], check=True)
    try:
        found = subprocess.run(
            [sys.executable, "-m", "vmmaudit", "audit", "--demo", "-o", small],
            capture_output=True,
            text=True,
            check=False,
        )
        assert found.returncode == 1, found.stderr
        assert "No space left on device" in found.stderr
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", small], check=True)


def test_an_expired_ticket_is_said_in_one_sentence(lab: Lab, tmp_path: Path):
    log_on(lab, "auditor")
    scope = written(tmp_path, worlds.conforming())
    cache = tmp_path / "short"
    subprocess.run(
        ["kinit", "-c", cache, "-l", "1s", f"auditor@{DOMAIN.upper()}"],
        input=lab.password("auditor"),
        text=True,
        check=True,
        capture_output=True,
    )
    time.sleep(2)
    found = run(tmp_path, "collect", scope, KRB5CCNAME=f"FILE:{cache}")
    assert found.returncode == 2, found.stderr
    assert "ticket has expired" in found.stderr


@pytest.mark.parametrize("command", [("audit", "--demo"), ("collect",)])
def test_a_read_only_output_is_one_sentence(lab: Lab, tmp_path: Path, command: tuple[str, ...]):
    """Root may write wherever permissions forbid it, so the file system itself is read-only."""
    log_on(lab, "auditor")
    place = tmp_path / "place"
    place.mkdir()
    more = () if "--demo" in command else (written(tmp_path, worlds.conforming()),)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", place], check=True)
    try:
        found = subprocess.run(
            [sys.executable, "-m", "vmmaudit", *command, *more, "-o", place / "output"],
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        subprocess.run(["umount", place], check=True)
    assert found.returncode == 1, found.stderr
    assert "Read-only file system" in found.stderr
    assert "Traceback" not in found.stderr
