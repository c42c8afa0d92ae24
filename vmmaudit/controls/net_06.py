"""NET-06: library servers speak a current SMB and demand signatures."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from vmmaudit import questions
from vmmaudit.assessment import Remark, Value, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import Case, Control, Origin, Outcome, Severity, World, given
from vmmaudit.evidence import Answer, Gap, Row
from vmmaudit.facts import Facts, Missing, Principal
from vmmaudit.scope import Library

OLD = ("2.0.2", "2.1.0")


def _cases(world: World) -> Iterator[Case]:
    facts, seen = world.facts, set()
    for library in facts.scope.libraries:
        subject = subjects.library(facts, library)
        if subject.id not in seen:
            seen.add(subject.id)
            question = questions.smb_server(facts.server(library))
            reply = facts.evidence.reply(question)
            known = Missing.of(reply, question) if isinstance(reply, Gap) else reply
            yield given(subject, known, partial(_check, facts, library, question.id))


def _check(facts: Facts, library: Library, asked: str, reply: Answer) -> Outcome:
    server = facts.server(library)
    row = reply.rows[0] if reply.rows else Row("", {})
    dialect, signing = (
        (row.first(key) or b"").decode("utf-8", "replace") for key in ("dialect", "signing")
    )
    values: dict[str, Value] = {"server": server, "dialect": dialect, "signing": signing}
    remarks: tuple[Remark, ...] = (
        Remark("SMB1_UNSEEN", values),
        Remark("LOGON_RIGHTS_UNSEEN", values),
    )
    machine = facts.library(library)
    if isinstance(machine, Principal) and machine.system and "Windows" not in machine.system:
        remarks = (*remarks, Remark("NOT_WINDOWS", {**values, "system": machine.system}))
    if not dialect or not signing:
        return Outcome(Verdict.NOT_ASSESSABLE, "NOT_TOLD", values, (asked,))
    if signing != "required":
        return Outcome(Verdict.WARN, "UNSIGNED", values, (asked,), remarks)
    if dialect in OLD:
        return Outcome(Verdict.WARN, "OLD_DIALECT", values, (asked,), remarks)
    return Outcome(Verdict.PASS, "", values, (asked,), remarks)


NET_06 = Control(
    id="NET-06",
    version=1,
    severity=Severity.MEDIUM,
    origin=Origin.SECURITY,
    references=("MS-SMB2 2.2.4",),
    mapping=mapping.PROTECTED_NETWORK,
    cases=_cases,
)
