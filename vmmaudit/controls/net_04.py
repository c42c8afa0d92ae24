"""NET-04: on ESX hosts an image is always copied, over ports that VMM has to reach."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from vmmaudit import questions
from vmmaudit.assessment import Value, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import Case, Control, Origin, Outcome, Severity, World
from vmmaudit.controls.net_02 import opens
from vmmaudit.facts import Facts
from vmmaudit.scope import Host, VmmServer

SFTP: Final = 22
HTTPS: Final = 443


def _cases(world: World) -> Iterator[Case]:
    facts = world.facts
    for host in facts.scope.esx_hosts:
        copied = partial(Outcome, Verdict.NOT_APPLICABLE, "ALWAYS_COPIED", {"host": host.name})
        yield Case(subjects.host(facts, host), copied)
        for vmm in facts.scope.vmm:
            yield Case(subjects.vmm_host(facts, vmm, host), partial(_check, facts, vmm, host))


def _check(facts: Facts, vmm: VmmServer, host: Host) -> Outcome:
    """As VMM itself tried it: from the auditing machine a connection would prove nothing."""
    own, there = questions.vmm_server(facts.scope, vmm), questions.host_server(facts.scope, host)
    asked = {port: questions.reach(own, there, port) for port in (SFTP, HTTPS)}
    tried = {port: opens(facts, question) for port, question in asked.items()}
    values: dict[str, Value] = {"server": vmm.server, "host": host.name}
    evidence = tuple(question.id for question in asked.values())
    if tried[HTTPS] is False:
        return Outcome(Verdict.FAIL, "HTTPS_CLOSED", values, evidence)
    if None in tried.values():
        return Outcome(Verdict.NOT_ASSESSABLE, "ONLY_VMM", values, evidence)
    if not tried[SFTP]:  # ESXi has it off until somebody turns it on
        return Outcome(Verdict.WARN, "SFTP_CLOSED", values, evidence)
    return Outcome(Verdict.PASS, "", values, evidence)


NET_04 = Control(
    id="NET-04",
    version=2,
    severity=Severity.INFO,
    origin=Origin.SEED,
    references=("Microsoft Learn: VMM ports and protocols",),
    mapping=mapping.NETWORK,
    cases=_cases,
)
