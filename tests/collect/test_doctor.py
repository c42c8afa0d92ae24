"""`vmmaudit doctor`: what works from here, and the sentence that helps where it does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import worlds
from tests.lab.apply import apply
from tests.lab.lab import Lab
from tests.live.collecting import log_on
from tests.live.test_whole_run import written
from tests.simulate import SimulatedWire, scope_of
from tests.variants import GOOD
from tests.worlds import DOMAIN, MOMENT
from vmmaudit.collect.doctor import examine


def found(world, **changes) -> dict[tuple[str, str], bool | None]:
    wire = SimulatedWire(world, changes, MOMENT)
    return {(c.target, c.what): c.works for c in examine(scope_of(world), wire)}


def test_a_site_where_all_works():
    checks = found(GOOD)
    assert checks[DOMAIN, "directory"] is True
    assert checks[DOMAIN, "rights"] is True
    assert checks[f"library01.{DOMAIN}", "local groups"] is True
    assert checks[f"hyper01.{DOMAIN}", "time and boot"] is True
    assert False not in [works for (_, what), works in checks.items() if what != "SMB"]


def test_a_server_that_is_away_is_named():
    checks = found(GOOD.with_library("LIBRARY02", reachable=False))
    assert checks[f"library02.{DOMAIN}", "SMB"] is False
    assert checks[f"library01.{DOMAIN}", "SMB"] is True


def test_a_host_that_does_not_tell_its_boot_time_is_said():
    checks = found(GOOD.with_host("HYPER02", booted=None))
    assert checks[f"hyper02.{DOMAIN}", "time and boot"] is None


@pytest.mark.live
def test_in_the_lab(lab: Lab, tmp_path: Path):
    apply(lab, worlds.conforming())
    log_on(lab, "auditadmin")
    scope = written(tmp_path, worlds.conforming())
    text = run_doctor(tmp_path, scope)
    assert "ok  contoso.com: directory: dc01.contoso.com answers" in text.stdout
    assert "ok  contoso.com: clock: differs by 0 s" in text.stdout
    assert "ok  library01.contoso.com: SMB: logged on; dialect 3.1.1" in text.stdout
    assert (
        "NO  hyper07.contoso.com: SMB: The name hyper07.contoso.com has no address" in text.stdout
    )
    assert text.returncode == 4, text.stderr
    checks = json.loads(run_doctor(tmp_path, scope, "--json").stdout)
    assert {check["target"] for check in checks} >= {"this machine", DOMAIN}


def run_doctor(tmp_path: Path, scope: Path, *more: str):
    import subprocess
    import sys

    command = [sys.executable, "-m", "vmmaudit", "doctor", str(scope), *more]
    return subprocess.run(command, capture_output=True, text=True, check=False)
