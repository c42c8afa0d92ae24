"""NET-03: VMM knows the library server by a name that is its own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from vmmaudit.assessment import Remark, Value, Verdict
from vmmaudit.controls import subjects
from vmmaudit.controls.control import Case, Control, Origin, Outcome, Severity, World, given
from vmmaudit.facts import Principal
from vmmaudit.readiness.delegation import is_address
from vmmaudit.scope import Library


def _cases(world: World) -> Iterator[Case]:
    for library in world.facts.scope.libraries:
        found = world.facts.library(library)
        yield given(subjects.share(library), found, partial(_check, library))


def _check(library: Library, server: Principal) -> Outcome:
    name = library.unc_name.lower()
    values: dict[str, Value] = {"share": library.share, "name": name, "server": server.shown}
    values["own"] = server.dns_name or server.name.rstrip("$").lower()
    evidence = (server.evidence,)
    remarks = (Remark("NOT_RESOLVED", values),)
    if is_address(name):
        return Outcome(Verdict.WARN, "ADDRESS", values, evidence)
    if name in (server.dns_name, server.name.rstrip("$").lower()):
        return Outcome(Verdict.PASS, "", values, evidence, remarks)
    if server.has_spn(f"cifs/{name}") or server.has_spn(f"HOST/{name}"):
        return Outcome(Verdict.PASS, "", values, evidence, (Remark("ALIAS", values), *remarks))
    return Outcome(Verdict.WARN, "OTHER_NAME", values, evidence)


NET_03 = Control(
    id="NET-03",
    version=1,
    severity=Severity.MEDIUM,
    origin=Origin.VENDOR,
    references=("MS-SFU 3.2.5.2.1",),
    cases=_cases,
)
