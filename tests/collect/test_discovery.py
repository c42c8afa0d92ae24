"""`vmmaudit init`: what the directory tells of VMM, as a scope that loads unchanged."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.lab.apply import apply
from tests.lab.lab import Lab
from tests.live.collecting import log_on
from tests.simulate import SimulatedWire
from tests.variants import GOOD
from tests.worlds import DOMAIN, HOSTS, MOMENT, SHARE
from vmmaudit import scope as scope_format
from vmmaudit.audit import discovery
from vmmaudit.collect.discovery import discover, scope_text
from vmmaudit.errors import ScopeError
from vmmaudit.scope import Domain

MIGRATION = "Microsoft Virtual System Migration Service"


def found(world, attributes=None):
    return discover(Domain(name=DOMAIN), SimulatedWire(world, attributes or {}, MOMENT))


def test_a_conforming_site_is_found_and_loads_unchanged():
    scope = scope_format.parse(scope_text(found(GOOD)), "scope.yaml")
    assert [host.name for host in scope.hosts] == [f"{h.lower()}.{DOMAIN}" for h in HOSTS]
    assert [vmm.server for vmm in scope.vmm] == [f"vmm01.{DOMAIN}"]
    assert scope.vmm[0].account == r"CONTOSO\service.vmm"
    assert [library.share for library in scope.libraries] == [
        rf"\\library01.{DOMAIN}\{SHARE}",
        rf"\\library02.{DOMAIN}\{SHARE}",
    ]


def test_what_is_no_host_is_left_out_with_its_reason():
    world = GOOD.with_host("HYPER07", enabled=False)
    world = replace(
        world, other_spns=(("CLUSTER", (f"{MIGRATION}/CLUSTER", "MSServerCluster/CLUSTER")),)
    )
    discovery = found(world)
    assert {(f.name, f.note) for f in discovery.left_out} == {
        (f"hyper07.{DOMAIN}", "its account is disabled"),
        (f"cluster.{DOMAIN}", "a name of a cluster, not a node"),
    }
    text = scope_text(discovery)
    assert f"# left out: hyper07.{DOMAIN}: its account is disabled" in text


def test_a_library_that_does_not_answer_is_a_candidate():
    discovery = found(GOOD.with_library("LIBRARY02", reachable=False))
    assert [f.name for f in discovery.shares] == [rf"\\library01.{DOMAIN}\{SHARE}"]
    assert rf"\\library02.{DOMAIN}\{SHARE}" in [f.name for f in discovery.candidates]


def test_hostile_names_stay_inside_their_comment():
    wicked = {"HYPER01$": {"dNSHostName": [b"x\nhosts: []\n#.contoso.com"]}}
    text = scope_text(found(GOOD, wicked))
    scope = scope_format.parse(text, "scope.yaml")
    assert len(scope.hosts) == len(HOSTS) - 1


def test_nothing_found_is_one_sentence():
    with pytest.raises(ScopeError, match="No Hyper-V host is registered"):
        scope_text(found(replace(GOOD, hosts=())))


@pytest.mark.live
def test_init_in_the_lab_and_audit_what_it_found(lab: Lab, tmp_path: Path):
    world = GOOD
    for name in HOSTS:
        fqdn = f"{name.lower()}.{DOMAIN}"
        world = world.with_host(name, extra_spns=(f"{MIGRATION}/{name}", f"{MIGRATION}/{fqdn}"))
    apply(lab, world)
    log_on(lab, "auditadmin")
    target = tmp_path / "gefunden.yaml"
    command = [sys.executable, "-m", "vmmaudit"]
    made = subprocess.run(
        [*command, "init", DOMAIN, "-o", str(target)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
    )
    assert made.returncode == 0, made.stderr
    told = discovery(DOMAIN)
    assert told.scope_text() == target.read_text(encoding="utf-8")
    assert set(told.to_frame()["taken for"]) >= {"vmm", "host", "library"}
    assert "hyper01.contoso.com" in told._repr_html_()
    scope = scope_format.load(target)
    assert len(scope.hosts) == len(HOSTS)
    assert scope.vmm[0].account == r"CONTOSO\service.vmm"
    assert {library.share for library in scope.libraries} == {
        rf"\\library01.{DOMAIN}\{SHARE}",
        rf"\\library02.{DOMAIN}\{SHARE}",
    }
    again = subprocess.run(
        [*command, "init", DOMAIN, "-o", str(target)], capture_output=True, text=True, check=False
    )
    assert again.returncode == 1
    assert "is not overwritten" in again.stderr
