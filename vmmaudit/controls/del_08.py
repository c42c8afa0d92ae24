"""DEL-08: all nodes of a cluster may delegate to the same libraries in the same way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from vmmaudit.assessment import Subject, SubjectKind, Value, Verdict
from vmmaudit.controls.control import (
    Case,
    Control,
    Origin,
    Outcome,
    Severity,
    World,
    not_assessable,
)
from vmmaudit.facts import Facts, Missing, Principal
from vmmaudit.scope import Host


def _cases(world: World) -> Iterator[Case]:
    nodes: dict[str, list[Host]] = {}
    for host in world.facts.scope.hyper_v_hosts:
        if host.cluster:
            nodes.setdefault(host.cluster, []).append(host)
    for cluster, hosts in nodes.items():
        subject = Subject(SubjectKind.CLUSTER, cluster, cluster)
        yield Case(subject, partial(_check, world.facts, cluster, hosts))


def _check(facts: Facts, cluster: str, hosts: Sequence[Host]) -> Outcome:
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
    targets = {p.shown: _targets(p) for p in found}
    everywhere = set.intersection(*targets.values())
    somewhere = set.union(*targets.values())
    if somewhere != everywhere:
        lacking = [name for name, own in targets.items() if own != somewhere]
        values |= {"lacking": tuple(lacking), "spns": tuple(sorted(somewhere - everywhere))}
        return Outcome(Verdict.FAIL, "TARGETS_DIFFER", values, evidence)
    if len({p.may_transition for p in found}) > 1:
        values["lacking"] = tuple(p.shown for p in found if not p.may_transition)
        return Outcome(Verdict.FAIL, "MODES_DIFFER", values, evidence)
    return Outcome(Verdict.PASS, "", values, evidence)


def _targets(computer: Principal) -> set[str]:
    return {spn.lower() for spn in computer.delegates_to if spn.lower().startswith("cifs/")}


DEL_08 = Control(
    id="DEL-08",
    version=1,
    severity=Severity.HIGH,
    origin=Origin.VENDOR,
    references=("MS-SFU 3.2.5.2.1",),
    cases=_cases,
)
