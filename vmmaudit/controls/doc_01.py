"""DOC-01: the evidence says by whom and when it was read, by a clock that the domain shares."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from vmmaudit import questions
from vmmaudit.assessment import Value, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import Case, Control, Origin, Outcome, Severity, World
from vmmaudit.evidence import Answer
from vmmaudit.facts import Facts

TOLERANCE: Final = timedelta(minutes=5)
"""What Kerberos tolerates as well."""


def _cases(world: World) -> Iterator[Case]:
    for domain in world.facts.scope.domains:
        yield Case(subjects.domain(domain.name), partial(_check, world.facts, domain.name))


def _check(facts: Facts, domain: str) -> Outcome:
    question = questions.root_dse(domain)
    reply = facts.evidence.reply(question)
    who = facts.evidence.origin.who
    values: dict[str, Value] = {"domain": domain, "who": who}
    if not isinstance(reply, Answer):
        values["problem"] = reply.text
        return Outcome(Verdict.NOT_ASSESSABLE, reply.reason.value, values, (question.id,))
    theirs = _current_time(reply)
    if theirs is None:
        return Outcome(Verdict.NOT_ASSESSABLE, "NO_TIME", values, (question.id,))
    difference = abs(theirs - reply.at)
    values["seconds"] = int(difference.total_seconds())
    if not who:
        return Outcome(Verdict.FAIL, "NOBODY", values, (question.id,))
    if difference > TOLERANCE:
        return Outcome(Verdict.WARN, "CLOCK", values, (question.id,))
    return Outcome(Verdict.PASS, "", values, (question.id,))


def _current_time(reply: Answer) -> datetime | None:
    for row in reply.rows:
        for key, values in row.values.items():
            if key.lower() == "currenttime" and values:
                try:
                    text = values[0][:14].decode("ascii")
                    return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
                except ValueError:
                    return None
    return None


DOC_01 = Control(
    id="DOC-01",
    version=1,
    severity=Severity.MEDIUM,
    origin=Origin.SECURITY,
    references=("MS-ADTS 3.1.1.3.2.7",),
    mapping=mapping.DOCUMENTS,
    cases=_cases,
)
