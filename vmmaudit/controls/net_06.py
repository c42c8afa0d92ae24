"""NET-06: servers speak no SMB 1; library servers a current SMB, and they demand signatures."""

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
from vmmaudit.evidence import Gap, Row
from vmmaudit.facts import Facts, LegacySmb, Missing, Principal
from vmmaudit.scope import Host, Library

OLD = ("2.0.2", "2.1.0")


def _cases(world: World) -> Iterator[Case]:
    facts, seen = world.facts, set()
    for library in facts.scope.libraries:
        subject = subjects.library(facts, library)
        if subject.id not in seen:
            seen |= {subject.id, facts.server(library)}
            yield Case(subject, partial(_library, facts, library))
    for host in facts.scope.hyper_v_hosts:
        server = questions.host_server(facts.scope, host)
        if server not in seen:
            known = facts.services.legacy_smb(server)
            yield given(subjects.host(facts, host), known, partial(_host, host))


def _host(host: Host, found: LegacySmb) -> Outcome:
    """Of a host that is none of the library servers, SMB 1 alone: it is a client of theirs."""
    if found.on:
        return _legacy(host.name, found)
    values: dict[str, Value] = {"server": host.name}
    return Outcome(Verdict.PASS, "", values, (found.evidence,), _doubts(found, values))


def _library(facts: Facts, library: Library) -> Outcome:
    server = facts.server(library)
    legacy = facts.services.legacy_smb(server)
    if isinstance(legacy, LegacySmb) and legacy.on:
        return _legacy(server, legacy)
    question = questions.smb_server(server)
    reply = facts.evidence.reply(question)
    if isinstance(reply, Gap):
        return not_assessable(Missing.of(reply, question))
    row = reply.rows[0] if reply.rows else Row("", {})
    dialect, signing = (
        (row.first(key) or b"").decode("utf-8", "replace") for key in ("dialect", "signing")
    )
    values: dict[str, Value] = {"server": server, "dialect": dialect, "signing": signing}
    remarks = (*_doubts(legacy, values), Remark("LOGON_RIGHTS_UNSEEN", values))
    machine = facts.library(library)
    if isinstance(machine, Principal) and machine.system and "Windows" not in machine.system:
        remarks = (*remarks, Remark("NOT_WINDOWS", {**values, "system": machine.system}))
    evidence: tuple[str, ...] = (question.id,)
    if isinstance(legacy, LegacySmb):
        evidence = (*evidence, legacy.evidence)
    if not dialect or not signing:
        return Outcome(Verdict.NOT_ASSESSABLE, "NOT_TOLD", values, evidence)
    if signing != "required":
        return Outcome(Verdict.WARN, "UNSIGNED", values, evidence, remarks)
    if dialect in OLD:
        return Outcome(Verdict.WARN, "OLD_DIALECT", values, evidence, remarks)
    if isinstance(legacy, Missing):
        return not_assessable(legacy)
    negotiated = Remark("NEGOTIATED", values)
    return Outcome(Verdict.PASS, "", values, evidence, (negotiated, *remarks))


def _legacy(server: str, found: LegacySmb) -> Outcome:
    code = "SMB1_SPOKEN" if found.tried else "SMB1_CONFIGURED"
    return Outcome(Verdict.FAIL, code, {"server": server}, (found.evidence,))


def _doubts(found: LegacySmb | Missing, values: dict[str, Value]) -> tuple[Remark, ...]:
    """What stays open about SMB 1 where nothing shows it."""
    if isinstance(found, Missing):
        return (Remark("SMB1_UNSEEN", values),)
    return (Remark("FROM_HERE" if found.tried else "AS_CONFIGURED", values),)


NET_06 = Control(
    id="NET-06",
    version=2,
    severity=Severity.MEDIUM,
    origin=Origin.SECURITY,
    references=("MS-SMB2 2.2.4", "MS-SMB2 3.3.5.3.2", "MS-CIFS 2.2.4.52"),
    mapping=mapping.PROTECTED_NETWORK,
    cases=_cases,
)
