"""NET-05: WinRM answers, over which VMM manages hosts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from vmmaudit import questions
from vmmaudit.assessment import Remark, Value, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import Case, Control, Origin, Outcome, Severity, World
from vmmaudit.evidence import IMPORTED, Gap
from vmmaudit.facts import Facts, Missing
from vmmaudit.scope import Host


def _cases(world: World) -> Iterator[Case]:
    for host in world.facts.scope.hyper_v_hosts:
        yield Case(subjects.host(world.facts, host), partial(_check, world.facts, host))


def _check(facts: Facts, host: Host) -> Outcome:
    """The start time is read over WinRM alone: where it was told, WinRM answers."""
    question = questions.boot(questions.host_server(facts.scope, host))
    reply = facts.evidence.reply(question)
    values: dict[str, Value] = {"host": host.name}
    server = questions.host_server(facts.scope, host)
    level = facts.services.ntlm_refused(server)
    if not isinstance(level, Missing) and level:
        asked = questions.registry(server, *questions.NTLM_RECEIVED)
        return Outcome(Verdict.WARN, "NTLM_REFUSED", {**values, "level": level}, (asked.id,))
    if isinstance(reply, Gap) or reply.source.startswith(IMPORTED):
        return Outcome(Verdict.MANUAL, "NOT_TRIED", values, (question.id,))
    return Outcome(Verdict.PASS, "", values, (question.id,), (Remark("FROM_HERE", values),))


NET_05 = Control(
    id="NET-05",
    version=2,
    severity=Severity.LOW,
    origin=Origin.VENDOR,
    references=(
        "Microsoft Learn: VMM ports and protocols",
        "Microsoft Learn: Network security: Restrict NTLM: Incoming NTLM traffic",
    ),
    mapping=mapping.NETWORK,
    cases=_cases,
)
