"""A run that is killed outright is gone on with: the second one asks only what is missing."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import worlds
from tests.lab.apply import apply
from tests.lab.lab import Lab
from tests.live.collecting import log_on
from tests.simulate import scope_text
from vmmaudit import pack
from vmmaudit.collect import journal
from vmmaudit.scope import load

pytestmark = pytest.mark.live


@pytest.mark.parametrize("batches", [1, 4, 9])
def test_killed_and_gone_on_with(lab: Lab, tmp_path: Path, batches: int) -> None:
    world = worlds.conforming()
    apply(lab, world)
    log_on(lab, "auditadmin")
    scope, output = tmp_path / "site.yaml", tmp_path / "output"
    text = scope_text(world).replace("vmm:\n", "    auth: ccache\nvmm:\n", 1)
    scope.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "vmmaudit", "collect", str(scope), "-o", str(output)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    sizes: list[int] = []
    until = time.monotonic() + 60
    while len(sizes) < batches and time.monotonic() < until and running.poll() is None:
        size = sum(path.stat().st_size for path in output.glob(".*.journal"))
        if size > max(sizes, default=0):
            sizes.append(size)
        time.sleep(0.002)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert running.returncode == -signal.SIGKILL
    assert not list(pack.audits(output)), "no half of a pack"
    found = journal.unfinished(output, "site", load(scope).digest())
    assert found is not None
    known = found[1]
    done = subprocess.run([*command, "--resume"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (folder,) = pack.audits(output)
    evidence = pack.read(folder).evidence()
    assert not list(output.glob(".*.journal"))
    for question, answer in known.items():
        assert evidence.answers[question] == answer, "asked again"
    fresh = subprocess.run(
        [*command[:-1], str(tmp_path / "other")], capture_output=True, text=True, check=False
    )
    assert fresh.returncode == 0, fresh.stderr
    (other,) = pack.audits(tmp_path / "other")
    whole = pack.read(other).evidence()
    assert whole.answers.keys() == evidence.answers.keys()
    assert whole.gaps.keys() == evidence.gaps.keys()
