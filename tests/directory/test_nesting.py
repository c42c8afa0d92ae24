"""Deep and circular nesting of groups: it ends, and one path per group is not kept."""

from __future__ import annotations

import tracemalloc
from collections.abc import Mapping

import pytest

from tests import worlds
from tests.directory.conftest import Site
from tests.directory.standin import Behaviour, Object
from tests.directory.test_rights import Mixed, made_of
from tests.simulate import SimulatedWire, scope_of
from tests.worlds import DOMAIN, DOMAIN_SID, MOMENT
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.collect.gather import collect
from vmmaudit.collect.live import Live
from vmmaudit.evidence import Evidence
from vmmaudit.facts import decode
from vmmaudit.facts.directory import Directory
from vmmaudit.facts.principal import Principal
from vmmaudit.judge import judge
from vmmaudit.scope import Scope
from vmmaudit.windows.sid import sid_to_bytes

BASE = questions.base_dn(DOMAIN)
WORLD = worlds.conforming()
FIRST = 100_000
"""The RID of the first group of a chain."""


def dn(number: int) -> str:
    return f"CN=N{number:05},OU=Gruppen,{BASE}"


def nested(depth: int, *, circular: bool) -> list[Object]:
    """The world, with HYPER01$ in the first of a chain of groups of which each is in the next."""
    entries = made_of(WORLD)
    (host,) = [e for e in entries if e.values.get("sAMAccountName") == [b"HYPER01$"]]
    member = host.dn
    sids = [sid_to_bytes(f"{DOMAIN_SID}-{FIRST + number}") for number in range(depth)]
    for number, sid in enumerate(sids):
        values = {
            "objectClass": [b"top", b"group"],
            "groupType": [b"-2147483646"],
            "cn": [b"N%05d" % number],
            "sAMAccountName": [b"N%05d" % number],
            "objectSid": [sid],
            "whenChanged": [b"20260301080000.0Z"],
            "member": [member.encode(), *([dn(depth - 1).encode()] if circular else [])],
        }
        entries.append(Object(dn(number), values))
        member = dn(number)
    for name in ("tokenGroups", "tokenGroupsGlobalAndUniversal"):
        host.values[name] = [*host.values[name], *sids]
    return entries


def read(site: Site, entries: list[Object]) -> tuple[Evidence, Scope]:
    with site.controller(entries, Behaviour()) as (_, domain):
        scope = scope_of(WORLD).model_copy(update={"domains": (domain,)})
        wire = Mixed(Live([domain]), SimulatedWire(WORLD, {}, MOMENT))
        found = collect(scope, wire)
        wire.close()
    return found, scope


def above(evidence: Evidence, scope: Scope) -> Mapping[str, tuple[str, ...]]:
    directory: Directory = decode(evidence, scope).directory
    host = directory.computer(f"hyper01.{DOMAIN}")
    assert isinstance(host, Principal)
    return directory.groups_above(host.dn)


@pytest.mark.parametrize("circular", [False, True], ids=["chain", "circle"])
def test_five_thousand_groups_deep(site: Site, *, circular: bool):
    depth = 5000
    evidence, scope = read(site, nested(depth, circular=circular))
    tracemalloc.start()
    paths = above(evidence, scope)
    last = f"{DOMAIN_SID}-{FIRST + depth - 1}"
    assert last in paths
    assert len(paths) >= depth
    assert len(paths[last]) == depth
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 40_000_000, "a path per group, each as long as the chain, would be 100 MB"
    plain = judged(*read(site, made_of(WORLD)))
    assert judged(evidence, scope) == plain


def judged(evidence: Evidence, scope: Scope) -> dict[tuple[str, str], Verdict]:
    return {(j.control, j.subject.id): j.verdict for j in judge(evidence, scope).verdicts}
