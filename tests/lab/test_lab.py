"""The lab itself: it comes, answers as measured, and leaves nothing."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests import worlds
from tests.lab import descriptors, namespaces, oracle
from tests.lab.apply import apply
from tests.lab.lab import Lab
from tests.worlds import ALLOW, DENY, FULL, READ, READ_EXECUTE, Ace, Descriptor, Item

pytestmark = pytest.mark.live

SHARE = r"\\library01.contoso.com\MSSCVMMLibrary"
ISO = rf"{SHARE}\{worlds.ISO}"
SPN = "cifs/library01.contoso.com"


def _run(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.lab", *arguments],
        cwd=namespaces.ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _mounts() -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    return sorted(line.split()[4] for line in lines)


def _ours() -> set[int]:
    found = set()
    for place in Path("/proc").glob("[0-9]*"):
        try:
            text = (place / "cmdline").read_bytes()
        except OSError:
            continue
        if b"tests.lab.holder" in text:
            found.add(int(place.name))
    return found


def _wait_until(true: object, seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():  # type: ignore[operator]
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("end", ["command", "SIGINT", "SIGTERM", "SIGKILL"])
def test_exec_leaves_nothing(lab: Lab, end: str) -> None:
    name = f"test-{namespaces.unused_name()}"
    mounts, holders = _mounts(), _ours()
    command = "exit 7" if end == "command" else "echo running; sleep 600"
    process = _run("exec", "--name", name, "--", "sh", "-c", command)
    assert process.stdout is not None
    if end != "command":
        assert process.stdout.readline() == b"running\n"
        held = namespaces.find(name)
        assert held is not None
        network = str(Path(f"/proc/{held.pid}/ns/net").readlink())
        assert namespaces.residents(network)
        # A terminal interrupts everybody in its foreground.
        (os.killpg if end == "SIGINT" else os.kill)(process.pid, getattr(signal, end))
        assert _wait_until(lambda: not namespaces.residents(network))
    code = process.wait(20)
    process.stdout.close()
    assert code == {"command": 7, "SIGINT": 130, "SIGTERM": 143, "SIGKILL": -9}[end]
    assert _wait_until(lambda: _ours() == holders)
    assert _mounts() == mounts
    namespaces.sweep()
    assert not namespaces.folder(name).exists()


def test_up_stays_until_down(lab: Lab) -> None:
    name = f"test-{namespaces.unused_name()}"
    up = _run("up", "--name", name)
    text, _ = up.communicate(timeout=60)
    try:
        assert up.returncode == 0, text
        assert b"secrets.json" in text
        held = namespaces.find(name)
        assert held is not None
        network = str(Path(f"/proc/{held.pid}/ns/net").readlink())
        inside = _run("exec", "--name", name, "--", "hostname")
        assert inside.communicate(timeout=30)[0] == b"auditor\n"
        assert namespaces.find(name) is not None, "exec ended a lab that it did not start"
    finally:
        down = _run("down", "--name", name)
        down.communicate(timeout=30)
    assert namespaces.residents(network) == []
    assert not namespaces.folder(name).exists()


def test_several_begin_at_once(lab: Lab) -> None:
    runs = [_run("exec", "--", "true") for _ in range(3)]
    assert [(run.communicate(timeout=120)[0], run.returncode) for run in runs] == [(b"", 0)] * 3


def test_no_secret_in_an_open_file(lab: Lab) -> None:
    assert lab.secrets.stat().st_mode & 0o777 == 0o600
    assert lab.password("auditor") != lab.password("auditadmin")


def test_sids_are_stable(lab: Lab) -> None:
    assert lab.sid_of("Domain Admins") == f"{worlds.DOMAIN_SID}-512"


def test_dns_answers(lab: Lab) -> None:
    import dns.resolver

    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [lab.controller.address]
    for machine in lab.machines.values():
        assert [str(a) for a in resolver.resolve(machine.fqdn, "A")] == [machine.address]
    (service,) = resolver.resolve(f"_ldap._tcp.dc._msdcs.{lab.dns_domain}", "SRV")
    assert str(service.target).rstrip(".") == lab.controller.fqdn


def test_ldaps_verifies_the_certificate(lab: Lab) -> None:
    import ssl

    for authority, works in ((lab.ca, True), (lab.wrong_ca, False)):
        context = ssl.create_default_context(cafile=str(authority))
        with socket.create_connection((lab.controller.address, 636), 5) as plain:
            try:
                with context.wrap_socket(plain, server_hostname=lab.controller.fqdn):
                    assert works
            except ssl.SSLCertVerificationError:
                assert not works


def test_a_stopped_machine_refuses_and_comes_back(lab: Lab) -> None:
    lab.stop("hyper02")
    with socket.socket() as probe:
        assert probe.connect_ex((lab.machines["hyper02"].address, 445)) != 0
    lab.start("hyper02")
    with socket.socket() as probe:
        assert probe.connect_ex((lab.machines["hyper02"].address, 445)) == 0


# -- a world is what was asked for ------------------------------------------------------------


def test_everybody_who_should_read_does(lab: Lab) -> None:
    apply(lab, worlds.conforming())
    for principal in ("HYPER01$", "HYPER07$", "service.vmm", "run.as"):
        assert oracle.can_open(lab, principal, ISO)
    assert not oracle.can_open(lab, "auditor", ISO)
    assert oracle.can_open_delegated(lab, "HYPER01", "service.vmm", ISO)


def test_worlds_change_quickly(lab: Lab) -> None:
    good = worlds.conforming()
    apply(lab, good)
    begun = time.monotonic()
    for number in range(10):
        apply(lab, good.with_host(f"HYPER0{1 + number % 7}", any_protocol=False))
        apply(lab, good)
    assert (time.monotonic() - begun) / 20 < 2


def test_descriptors_arrive_as_given(lab: Lab) -> None:
    """Owner, order, flags and masks, read back through the server itself."""
    odd = Descriptor(
        (
            Ace("Everyone", READ, ALLOW, worlds.INHERITED),
            Ace("HYPER02", FULL, DENY),
            Ace("Orphan", 0x1, ALLOW, worlds.BOTH | worlds.INHERIT_ONLY),
            Ace("OWNER RIGHTS", 0x20000),
        ),
        owner="service.vmm",
        protected=True,
    )
    good = worlds.conforming()
    apply(lab, good.with_item("LIBRARY01", worlds.SHARE, worlds.ISO, descriptor=odd))
    named = {"HYPER02": lab.sid_of("HYPER02$"), "service.vmm": lab.sid_of("service.vmm")}
    expected = descriptors.pack(odd, lambda name: worlds.WELL_KNOWN.get(name) or named[name])
    path = f"{lab.machines['library01'].home}/shares/{worlds.SHARE}/" + worlds.ISO.replace(
        "\\", "/"
    )
    stored = lab.run("library01", ["samba-tool", "ntacl", "get", "--as-sddl", path]).stdout
    assert stored.startswith(f"O:{named['service.vmm']}G:DUD:P(A;ID;"), stored
    assert oracle.read_descriptor(lab, "auditadmin", ISO) == expected


def test_share_descriptors_arrive_as_given(lab: Lab) -> None:
    apply(lab, worlds.conforming())
    listed = lab.run("library01", ["sharesec", worlds.SHARE, "--view"]).stdout
    assert lab.sid_of("DL_VMMLib_R") in listed
    assert "0x120089" in listed.lower() or "READ" in listed


@pytest.mark.parametrize(
    ("control", "spns", "self_ok", "proxy_ok"),
    [
        ({"any_protocol": True}, (SPN,), True, True),
        ({"any_protocol": False}, (SPN,), True, False),
        ({"any_protocol": False}, (), True, False),
        ({"any_protocol": False, "unconstrained": True}, (), True, False),
        ({"any_protocol": True}, ("cifs/library02.contoso.com",), True, False),
        ({"any_protocol": True}, ("HOST/library01.contoso.com",), True, False),
    ],
)
def test_delegation_as_measured(
    lab: Lab, control: dict[str, bool], spns: tuple[str, ...], self_ok: bool, proxy_ok: bool
) -> None:
    world = worlds.conforming()
    for host in ("HYPER01", "HYPER04"):  # a joined machine and a mere account
        world = world.with_host(host, delegate_to=spns, **control)
    apply(lab, world)
    for host in ("HYPER01", "HYPER04"):
        outcome = oracle.can_delegate(lab, host, "service.vmm", SPN)
        assert outcome.ok is proxy_ok, outcome
        assert (outcome.stage != "s4u2self") is self_ok, outcome


def test_disabled_and_sensitive_accounts_are_not_delegated(lab: Lab) -> None:
    for change in ({"enabled": False}, {"sensitive": True}):
        apply(lab, worlds.conforming().with_user("service.vmm", **change))
        assert not oracle.can_delegate(lab, "HYPER01", "service.vmm", SPN)
        assert oracle.can_delegate(lab, "HYPER01", "run.as", SPN)


def test_denied_by_the_file(lab: Lab) -> None:
    deny = Descriptor((Ace("HYPER02", FULL, DENY), *(worlds.FILE_ACL.aces or ())))
    apply(
        lab, worlds.conforming().with_item("LIBRARY01", worlds.SHARE, worlds.ISO, descriptor=deny)
    )
    assert oracle.can_open(lab, "HYPER01$", ISO)
    refused = oracle.can_open(lab, "HYPER02$", ISO)
    assert not refused
    assert refused.stage == "open"
    assert oracle.can_connect(lab, "HYPER02$", ISO)


def test_denied_by_the_share(lab: Lab) -> None:
    hosts_only = Descriptor((Ace("GG_HyperV_Hosts", READ_EXECUTE),))
    apply(lab, worlds.conforming().with_share("LIBRARY01", worlds.SHARE, descriptor=hosts_only))
    assert oracle.can_open(lab, "HYPER01$", ISO)
    refused = oracle.can_open(lab, "service.vmm", ISO)
    assert not refused
    assert refused.stage == "share"
    assert not oracle.can_connect(lab, "service.vmm", ISO)


def test_a_share_that_is_missing(lab: Lab) -> None:
    from smbprotocol.exceptions import BadNetworkName

    apply(lab, worlds.conforming().with_library("LIBRARY01", shares=()))
    with pytest.raises(BadNetworkName):
        oracle.can_open(lab, "HYPER01$", ISO)
    apply(lab, worlds.conforming())
    assert oracle.can_open(lab, "HYPER01$", ISO)


def test_local_groups_count(lab: Lab) -> None:
    world = worlds.conforming()
    library = world.library("LIBRARY01")
    local = Descriptor((Ace("Readers", READ),))
    world = world.with_library(
        "LIBRARY01", aliases=(*library.aliases, worlds.Alias("Readers", ("GG_HyperV_Hosts",)))
    ).with_item("LIBRARY01", worlds.SHARE, worlds.ISO, descriptor=local)
    apply(lab, world)
    assert oracle.can_open(lab, "HYPER01$", ISO)
    assert not oracle.can_open(lab, "service.vmm", ISO)
    admins = Descriptor((Ace(r"BUILTIN\Administrators", READ),))
    world = worlds.conforming().with_item("LIBRARY01", worlds.SHARE, worlds.ISO, descriptor=admins)
    apply(lab, world)
    assert not oracle.can_open(lab, "HYPER01$", ISO)
    apply(
        lab,
        world.with_library(
            "LIBRARY01", aliases=(worlds.Alias(r"BUILTIN\Administrators", ("HYPER01",)),)
        ),
    )
    assert oracle.can_open(lab, "HYPER01$", ISO)


def test_null_dacl_and_empty_dacl(lab: Lab) -> None:
    for aces, works in ((None, True), ((), False)):
        changed = Descriptor(aces)
        apply(
            lab,
            worlds.conforming().with_item(
                "LIBRARY01", worlds.SHARE, worlds.ISO, descriptor=changed
            ),
        )
        assert oracle.can_open(lab, "HYPER01$", ISO).ok is works


def test_random_descriptors_as_computed(lab: Lab) -> None:
    """Eight lines compute the access; the server decides the same."""
    chance = random.Random(20261001)  # noqa: S311
    names = ["HYPER01", "GG_HyperV_Hosts", "DL_VMMLib_R", "Everyone", "Authenticated Users"]
    mine = {*names, "NETWORK"}
    names += ["HYPER02", "GG_VMM_Accounts", "NETWORK", "Orphan", "CREATOR OWNER"]
    masks = [READ, READ_EXECUTE, FULL, 0x1, 0x80, 0x120000, 0x80000000, 0x100000, 0x10000000]
    good = worlds.conforming()
    paths = [rf"ISOs\random{number}.iso" for number in range(100)]
    lists = {
        path: tuple(
            Ace(
                chance.choice(names),
                chance.choice(masks),
                chance.choice((ALLOW, ALLOW, DENY)),
                chance.choice((0, 0, worlds.INHERITED, worlds.INHERIT_ONLY | worlds.BOTH)),
            )
            for _ in range(chance.randrange(6))
        )
        for path in paths
    }
    share = good.library("LIBRARY01").shares[0]
    items = tuple(Item(path, Descriptor(aces), size=64) for path, aces in lists.items())
    world = good.with_share("LIBRARY01", worlds.SHARE, items=(*share.items, *items))
    apply(lab, world)
    for path, aces in lists.items():
        needed = READ
        for ace in aces:
            mask = ace.mask | {0x80000000: READ, 0x10000000: FULL}.get(ace.mask, 0)
            if ace.trustee not in mine or ace.flags & worlds.INHERIT_ONLY:
                continue
            if ace.kind == DENY and mask & needed:
                break
            needed &= ~mask if ace.kind == ALLOW else needed | ~0
        assert oracle.can_open(lab, "HYPER01$", rf"{SHARE}\{path}").ok is (not needed), (path, aces)


def test_a_dead_library(lab: Lab) -> None:
    good = worlds.conforming()
    apply(lab, good.with_library("LIBRARY02", reachable=False))
    assert not lab.running("library02")
    apply(lab, good)
    other = rf"\\library02.contoso.com\{worlds.SHARE}\ISOs\de_windows_server_2025.iso"
    assert oracle.can_open(lab, "HYPER01$", other)


def test_another_name_for_a_library(lab: Lab) -> None:
    good = worlds.conforming()
    library = replace(
        good.library("LIBRARY01"),
        unc_name="vmmlib.contoso.com",
        extra_spns=("cifs/vmmlib.contoso.com",),
    )
    apply(lab, replace(good, libraries=(library, good.library("LIBRARY02"))))
    iso = ISO.replace("library01", "vmmlib")
    assert oracle.can_open(lab, "HYPER01$", iso)
    refused = oracle.can_open_delegated(lab, "HYPER01", "service.vmm", iso)
    assert refused.stage == "s4u2proxy"


def test_the_functional_level_is_shown(lab: Lab) -> None:
    apply(lab, replace(worlds.conforming(), functional_level=7))
    ((_, values),) = lab.search("(objectClass=domainDNS)", ["msDS-Behavior-Version"])
    assert values["msDS-Behavior-Version"] == ["7"]
    apply(lab, worlds.conforming())


def test_a_world_leaves_no_trace_in_the_domains_own_groups(lab: Lab) -> None:
    good = worlds.conforming()
    groups = (*good.groups, worlds.Group("Domain Admins", "global", ("service.vmm",)))
    apply(lab, replace(good, groups=groups))
    for applied, members in ((None, 3), (good, 2)):
        if applied:
            apply(lab, applied)
        ((_, values),) = lab.search("(sAMAccountName=Domain Admins)", ["member"])
        assert len(values["member"]) == members


def test_who_gets_no_ticket(lab: Lab) -> None:
    good = worlds.conforming()
    past = datetime(2020, 1, 1, tzinfo=UTC)
    apply(lab, good.with_host("HYPER01", enabled=False).with_user("run.as", expires=past))
    for outcome in (
        oracle.can_open(lab, "HYPER01$", ISO),
        oracle.can_open(lab, "run.as", ISO),
        oracle.can_delegate(lab, "HYPER01", "service.vmm", SPN),
    ):
        assert not outcome
        assert outcome.stage == "logon"
    expired = oracle.can_delegate(lab, "HYPER02", "run.as", SPN)
    assert expired.stage == "s4u2self"


def test_samba_forgets_a_null_dacl_where_it_is_asked_for_everything(lab: Lab) -> None:
    """Samba's own: MAXIMUM_ALLOWED grants nothing then, and a share asks just so."""
    good = worlds.conforming()
    apply(lab, good.with_share("LIBRARY01", worlds.SHARE, descriptor=Descriptor(None)))
    assert oracle.can_open(lab, "HYPER01$", ISO).stage == "share"
