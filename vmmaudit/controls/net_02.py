"""NET-02: the host reaches the library server over SMB, which the host alone can try."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from vmmaudit import questions
from vmmaudit.assessment import Value, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import Case, Control, Origin, Outcome, Severity, World
from vmmaudit.evidence import Gap, Question
from vmmaudit.facts import Facts
from vmmaudit.scope import Host

PORT = 445


def _cases(world: World) -> Iterator[Case]:
    for host in world.facts.scope.hyper_v_hosts:
        yield Case(subjects.host(world.facts, host), partial(_check, world.facts, host))
    for host in world.facts.scope.esx_hosts:
        esx = partial(Outcome, Verdict.NOT_APPLICABLE, "ESX", {"host": host.name})
        yield Case(subjects.host(world.facts, host), esx)


def _check(facts: Facts, host: Host) -> Outcome:
    scope = facts.scope
    own = questions.host_server(scope, host)
    servers = {questions.file_server(scope, library) for library in scope.libraries} - {own}
    values: dict[str, Value] = {"host": host.name, "servers": tuple(sorted(servers)), "port": PORT}
    if not servers:
        return Outcome(Verdict.NOT_APPLICABLE, "LOCAL", values)
    asked = {server: questions.reach(own, server, PORT) for server in sorted(servers)}
    tried = {server: opens(facts, question) for server, question in asked.items()}
    evidence = tuple(question.id for question in asked.values())
    closed = [server for server, is_open in tried.items() if is_open is False]
    if closed:
        values["closed"] = tuple(closed)
        return Outcome(Verdict.WARN, "CLOSED", values, evidence)
    if None in tried.values():
        return Outcome(Verdict.NOT_ASSESSABLE, "ONLY_THE_HOST", values, evidence)
    return Outcome(Verdict.PASS, "", values, evidence)


def opens(facts: Facts, question: Question) -> bool | None:
    """Whether a port opened to the server that tried it; None where none told."""
    reply = facts.evidence.reply(question)
    if isinstance(reply, Gap):
        return None
    return any(row.first("open") == b"true" for row in reply.rows)


NET_02 = Control(
    id="NET-02",
    version=1,
    severity=Severity.HIGH,
    origin=Origin.VENDOR,
    references=("MS-SMB2 2.1", "KB 2689989"),
    mapping=mapping.NETWORK,
    cases=_cases,
)
