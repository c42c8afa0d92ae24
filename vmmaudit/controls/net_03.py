"""NET-03: VMM knows the library server by a name that is its own, and clocks agree."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from vmmaudit import questions
from vmmaudit.assessment import Remark, Value, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import Case, Control, Origin, Outcome, Severity, World, given
from vmmaudit.evidence import Answer, Gap, Reason
from vmmaudit.facts import Facts, Missing, Principal
from vmmaudit.facts.clocks import apart
from vmmaudit.readiness.delegation import is_address
from vmmaudit.scope import Library

SKEW_SECONDS: Final = 300
"""What Kerberos tolerates by default (RFC 4120 8.2)."""


def _cases(world: World) -> Iterator[Case]:
    for library in world.facts.scope.libraries:
        found = world.facts.library(library)
        yield given(subjects.share(library), found, partial(_check, world.facts, library))


def _check(facts: Facts, library: Library, server: Principal) -> Outcome:
    name = library.unc_name.lower()
    values: dict[str, Value] = {"share": library.share, "name": name, "server": server.shown}
    values["own"] = server.dns_name or server.name.rstrip("$").lower()
    evidence: tuple[str, ...] = (server.evidence,)
    if is_address(name):
        return Outcome(Verdict.WARN, "ADDRESS", values, evidence)
    asked = questions.smb_server(facts.server(library))
    answered = facts.evidence.reply(asked)
    if isinstance(answered, Gap) and answered.reason is Reason.UNRESOLVABLE:
        return Outcome(Verdict.WARN, "UNRESOLVED", values, (*evidence, asked.id))
    seconds = apart(facts.evidence, facts.server(library), server.domain)
    if seconds is not None and seconds >= SKEW_SECONDS:
        clocks = (questions.clock(facts.server(library)).id, questions.root_dse(server.domain).id)
        values["seconds"] = round(seconds)
        return Outcome(Verdict.WARN, "CLOCK_SKEW", values, (*evidence, *clocks))
    reached = isinstance(answered, Answer) and facts.server(library).startswith(name)
    remarks = (Remark("RESOLVED_HERE" if reached else "NOT_RESOLVED", values),)
    if reached:
        evidence += (asked.id,)
    if name in (server.dns_name, server.name.rstrip("$").lower()):
        return Outcome(Verdict.PASS, "", values, evidence, remarks)
    if server.has_spn(f"cifs/{name}") or server.has_spn(f"HOST/{name}"):
        return _alias(facts, library, values, evidence, remarks)
    return Outcome(Verdict.WARN, "OTHER_NAME", values, evidence)


def _alias(
    facts: Facts,
    library: Library,
    values: dict[str, Value],
    evidence: tuple[str, ...],
    remarks: tuple[Remark, ...],
) -> Outcome:
    """A further name has to be one that the SMB server itself takes for its own."""
    asked = questions.registry(facts.server(library), *questions.NAME_HARDENING)
    level = facts.services.name_hardening(facts.server(library))
    remarks = (Remark("ALIAS", values), *remarks)
    if isinstance(level, Missing):
        unread = Remark("HARDENING_UNREAD", values)
        return Outcome(Verdict.PASS, "", values, (*evidence, asked.id), (*remarks, unread))
    verdict, code = (Verdict.WARN, "NAME_HARDENING") if level else (Verdict.PASS, "")
    return Outcome(verdict, code, {**values, "level": level}, (*evidence, asked.id), remarks)


NET_03 = Control(
    id="NET-03",
    version=3,
    severity=Severity.MEDIUM,
    origin=Origin.VENDOR,
    references=(
        "MS-SFU 3.2.5.2.1",
        "RFC 4120 8.2",
        "Microsoft Learn: Microsoft network server: Server SPN target name validation level",
    ),
    mapping=mapping.NETWORK,
    cases=_cases,
)
