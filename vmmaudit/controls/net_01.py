"""NET-01: the port that files are copied over is the same everywhere, and known."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from vmmaudit import questions
from vmmaudit.assessment import Remark, Value, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import (
    Case,
    Control,
    Origin,
    Outcome,
    Severity,
    World,
    given,
    not_assessable,
)
from vmmaudit.evidence import Reason
from vmmaudit.facts import Facts, Missing
from vmmaudit.scope import VmmServer

USUAL = 443


def _cases(world: World) -> Iterator[Case]:
    for vmm in world.facts.scope.vmm:
        port = world.facts.services.bits_port(questions.vmm_server(world.facts.scope, vmm))
        yield given(
            subjects.vmm(world.facts, vmm), port or _unset(vmm), partial(_check, world.facts, vmm)
        )


def _unset(vmm: VmmServer) -> Missing:
    sentence = f"The setup of VMM on {vmm.server} stored no port for copying files."
    return Missing(Reason.NOT_FOUND, sentence)


def _check(facts: Facts, vmm: VmmServer, port: int) -> Outcome:
    scope = facts.scope
    asked = {questions.file_server(scope, library) for library in scope.libraries}
    found = {server: facts.services.agent_port(server) for server in sorted(asked)}
    for own in found.values():
        if isinstance(own, Missing):
            return not_assessable(own)
    other = {server: own for server, own in found.items() if isinstance(own, int) and own != port}
    values: dict[str, Value] = {"server": vmm.server, "port": port, "others": tuple(other)}
    server = questions.vmm_server(scope, vmm)
    evidence = (questions.registry(server, *questions.BITS_OF_SERVER).id,)
    remarks = (Remark("NOT_TRIED", values),)
    if other:
        return Outcome(Verdict.WARN, "PORTS_DIFFER", values, evidence, remarks)
    if port != USUAL:
        return Outcome(Verdict.WARN, "UNUSUAL_PORT", values, evidence, remarks)
    return Outcome(Verdict.PASS, "", values, evidence, remarks)


NET_01 = Control(
    id="NET-01",
    version=1,
    severity=Severity.MEDIUM,
    origin=Origin.SEED,
    references=("Microsoft Learn: VMM ports and protocols",),
    mapping=mapping.NETWORK,
    cases=_cases,
)
