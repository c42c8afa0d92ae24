"""DEL-08: all nodes of a cluster may delegate to the same libraries in the same way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from vmmaudit.assessment import Remark, Subject, SubjectKind, Ternary, Value, Verdict
from vmmaudit.controls import mapping
from vmmaudit.controls.control import (
    Case,
    Control,
    Origin,
    Outcome,
    Severity,
    World,
    not_assessable,
)
from vmmaudit.facts import Missing, Principal
from vmmaudit.scope import Host


def _cases(world: World) -> Iterator[Case]:
    nodes: dict[str, list[Host]] = {}
    for host in world.facts.scope.hyper_v_hosts:
        if host.cluster:
            nodes.setdefault(host.cluster, []).append(host)
    for cluster, hosts in nodes.items():
        subject = Subject(SubjectKind.CLUSTER, cluster, cluster)
        yield Case(subject, partial(_check, world, cluster, hosts))


def _check(world: World, cluster: str, hosts: Sequence[Host]) -> Outcome:
    """By what each node may do: its list also names its partners, which differ by nature."""
    facts = world.facts
    found: list[Principal] = []
    for host in hosts:
        computer = facts.host(host)
        if isinstance(computer, Missing):
            return not_assessable(computer)
        found.append(computer)
    values: dict[str, Value] = {"cluster": cluster, "nodes": tuple(p.shown for p in found)}
    evidence = tuple(p.evidence for p in found)
    if len(found) == 1:
        return Outcome(Verdict.NOT_APPLICABLE, "ONE_NODE", values, evidence)
    lacking: dict[str, list[str]] = {}
    for library in facts.scope.libraries:
        links = {
            p.shown: world.chain.delegation(h, library) for h, p in zip(hosts, found, strict=True)
        }
        for link in links.values():
            if link.state is Ternary.UNKNOWN and link.missing:
                return not_assessable(link.missing)
        states = {link.state for link in links.values()}
        if Ternary.YES in states and Ternary.NO in states:
            for name, link in links.items():
                if link.state is Ternary.NO:
                    lacking.setdefault(name, []).append(library.share)
    remarks = tuple(_on_the_name(world, cluster))
    if lacking:
        shares = sorted({share for shares in lacking.values() for share in shares})
        values |= {"lacking": tuple(lacking), "shares": tuple(shares)}
        return Outcome(Verdict.FAIL, "NODES_DIFFER", values, evidence, remarks)
    return Outcome(Verdict.PASS, "", values, evidence, remarks)


def _on_the_name(world: World, cluster: str) -> Iterator[Remark]:
    """The domain controller looks at the node that asks, so this helps nobody."""
    name = world.facts.directory.computer(cluster)
    if isinstance(name, Principal) and name.delegates_to:
        values: dict[str, Value] = {"name": name.shown, "listed": name.delegates_to}
        yield Remark("CLUSTER_NAME", values)


DEL_08 = Control(
    id="DEL-08",
    version=1,
    severity=Severity.HIGH,
    origin=Origin.VENDOR,
    references=("MS-SFU 3.2.5.2.1",),
    mapping=mapping.DELEGATION,
    cases=_cases,
)
