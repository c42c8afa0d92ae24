"""DEL-09: nobody but administrators may change what a host may delegate to."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from vmmaudit import questions
from vmmaudit.assessment import Remark, Value, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import Case, Control, Origin, Outcome, Severity, World, given
from vmmaudit.errors import FormatError
from vmmaudit.evidence import Gap, Reason
from vmmaudit.facts import Facts, Missing, Principal
from vmmaudit.windows import sid as sids
from vmmaudit.windows.descriptor import Ace, SecurityDescriptor, decode

WRITES = 0x1000_0000 | 0x4000_0000 | 0x0004_0000 | 0x0008_0000
"""GENERIC_ALL, GENERIC_WRITE, WRITE_DAC and WRITE_OWNER (MS-DTYP 2.4.3)."""
WRITE_PROPERTY = 0x20
PROPERTIES = {
    bytes.fromhex("d7944d80a142a142b14d7cae1423d07f"): "msDS-AllowedToDelegateTo",
    bytes.fromhex("687a96bfe60dd011a28500aa003049e2"): "userAccountControl",
    bytes.fromhex("0042164cc020d011a76800aa006e0529"): "User-Account-Restrictions",
}
"""schemaIDGUIDs and the property set (MS-ADA2, MS-ADTS 3.1.1.2.3.3), as stored."""
EXPECTED_RIDS = frozenset({512, 516, 518, 519})
EXPECTED = frozenset(
    {sids.SYSTEM, sids.ADMINISTRATORS, sids.CREATOR_OWNER, "S-1-5-32-548", "S-1-5-9"}
)
"""Who may by default: administrators, Account Operators, domain controllers."""


def _cases(world: World) -> Iterator[Case]:
    facts = world.facts
    for host in facts.scope.hyper_v_hosts:
        yield given(subjects.host(facts, host), facts.host(host), partial(_check, facts))


def _check(facts: Facts, computer: Principal) -> Outcome:
    question = questions.computer_security(computer.domain, computer.dn)
    evidence = (question.id,)
    values: dict[str, Value] = {
        "host": computer.shown,
        "identity": computer.name,
        "domain": computer.domain,
    }
    found = _descriptor(facts, computer)
    if isinstance(found, Missing):
        values["problem"] = found.text
        return Outcome(Verdict.NOT_ASSESSABLE, found.reason.value, values, evidence)
    allowed = {ace.sid for ace in found.aces if ace.sid and _writes(ace)}
    if found.owner:
        allowed.add(found.owner)
    others = sorted(sid for sid in allowed if not _is_expected(sid) and sid != computer.sid)
    if others:
        values["principals"] = tuple(map(facts.name_of, others))
        return Outcome(Verdict.WARN, "OTHERS", values, evidence)
    return Outcome(Verdict.PASS, "", values, evidence, (Remark("USER_RIGHT", values),))


def _descriptor(facts: Facts, computer: Principal) -> SecurityDescriptor | Missing:
    question = questions.computer_security(computer.domain, computer.dn)
    reply = facts.evidence.reply(question)
    if isinstance(reply, Gap):
        return Missing.of(reply, question)
    for row in reply.rows:
        for key, stored in row.values.items():
            if key.lower() == "ntsecuritydescriptor" and stored:
                try:
                    return decode(stored[0])
                except FormatError as error:
                    return Missing(Reason.MALFORMED_REPLY, str(error), (question.id,))
    sentence = f"The directory did not show the permissions of {computer.shown}."
    return Missing(Reason.ACCESS_DENIED, sentence, (question.id,))


def _writes(ace: Ace) -> bool:
    if not ace.allows or ace.inherit_only:
        return False
    if not ace.object_type:
        return bool(ace.mask & (WRITES | WRITE_PROPERTY))
    return bool(ace.mask & WRITE_PROPERTY) and ace.object_type in PROPERTIES


def _is_expected(sid: str) -> bool:
    if sid in EXPECTED:
        return True
    return sids.is_domain_account(sid) and sids.rid_of(sid) in EXPECTED_RIDS


DEL_09 = Control(
    id="DEL-09",
    version=1,
    severity=Severity.MEDIUM,
    origin=Origin.SECURITY,
    references=("MS-ADTS 5.1.3", "CIS Benchmark, user rights assignment"),
    mapping=mapping.DELEGATION,
    cases=_cases,
)
