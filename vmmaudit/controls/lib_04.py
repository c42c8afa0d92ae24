"""LIB-04: a highly available library has its client access point on a cluster of its own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from vmmaudit import questions
from vmmaudit.assessment import Remark, Ternary, Value, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import (
    Case,
    Control,
    Origin,
    Outcome,
    Severity,
    World,
    given,
)
from vmmaudit.facts import Facts, Missing, Principal
from vmmaudit.facts.clusters import Part, part_of
from vmmaudit.scope import Library


def _cases(world: World) -> Iterator[Case]:
    facts = world.facts
    for library in facts.scope.libraries:
        found = _behind(facts, library)
        yield given(subjects.share(library), found, partial(_check, facts, library))


def _behind(facts: Facts, library: Library) -> Principal | Missing:
    """Whose the name in the UNC is; where no single SPN tells, the server of the scope."""
    owners = facts.directory.owners(library.unc_name)
    if isinstance(owners, tuple) and len(owners) == 1:
        return owners[0]
    return facts.library(library)


def _check(facts: Facts, library: Library, server: Principal) -> Outcome:
    values: dict[str, Value] = {
        "share": library.share,
        "name": library.unc_name,
        "server": server.shown,
    }
    evidence: tuple[str, ...] = (server.evidence,)
    part = part_of(server)
    if part is None:
        return Outcome(Verdict.NOT_APPLICABLE, "NOT_CLUSTERED", values, evidence)
    if part is not Part.ROLE:
        code = "NODE" if part is Part.NODE else "CLUSTER_NAME"
        return Outcome(Verdict.WARN, code, values, evidence)
    states: dict[Ternary, list[str]] = {}
    for vmm in facts.scope.vmm:
        found = facts.directory.computer(vmm.server)
        shown = found.shown if isinstance(found, Principal) else vmm.server
        states.setdefault(_same_cluster(facts, server, found), []).append(shown)
        if isinstance(found, Principal):
            evidence += (found.evidence,)
    evidence += (questions.cluster_names(server.domain).id,)
    if Ternary.YES in states:
        values["vmm"] = tuple(states[Ternary.YES])
        return Outcome(Verdict.FAIL, "SAME_CLUSTER", values, evidence)
    if Ternary.UNKNOWN in states:
        values["vmm"] = tuple(states[Ternary.UNKNOWN])
        return Outcome(Verdict.MANUAL, "CLUSTER_UNKNOWN", values, evidence)
    return Outcome(Verdict.PASS, "", values, evidence, (Remark("POSSIBLE_OWNERS", values),))


def _same_cluster(facts: Facts, library: Principal, vmm: Principal | Missing) -> Ternary:
    """Whether the VMM server is a role of the library's cluster.

    The only link that the directory has is the owner of a role's account: the cluster made it.
    An account that a person made beforehand has another owner and tells nothing.
    """
    if isinstance(vmm, Missing):
        return Ternary.UNKNOWN
    part = part_of(vmm)
    if part is None:
        return Ternary.NO
    if vmm.sid == library.sid:
        return Ternary.YES
    if part is Part.NODE:
        return Ternary.UNKNOWN
    first = _cluster_of(facts, library)
    second = vmm.sid if part is Part.CLUSTER else _cluster_of(facts, vmm)
    return Ternary.of(first == second if first and second else None)


def _cluster_of(facts: Facts, role: Principal) -> str | None:
    """The SID of the cluster that a role's account belongs to."""
    owners = facts.cluster_owners(role.domain)
    if isinstance(owners, Missing):
        return None
    owner = owners.get(role.sid)
    return owner if owner in owners else None


LIB_04 = Control(
    id="LIB-04",
    version=1,
    severity=Severity.HIGH,
    origin=Origin.VENDOR,
    references=(
        "Microsoft Learn: VMM, Add a library server or library share",
        "Microsoft Learn: Set up a highly available VMM library",
    ),
    mapping=mapping.STRUCTURE,
    cases=_cases,
)
