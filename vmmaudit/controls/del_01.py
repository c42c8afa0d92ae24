"""DEL-01: each host may delegate to the service cifs of the name in each library's UNC."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from vmmaudit.assessment import Remark, Ternary, Value, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import (
    Case,
    Control,
    Origin,
    Outcome,
    Severity,
    World,
    by_link,
    given,
    not_assessable,
)
from vmmaudit.facts import Missing, Principal
from vmmaudit.readiness.delegation import is_address, resource_based
from vmmaudit.scope import Library
from vmmaudit.windows import spn


def _cases(world: World) -> Iterator[Case]:
    for subject, host, library in subjects.host_shares(world.facts):
        yield given(subject, host, partial(_check, world, library))


def _check(world: World, library: Library, host: Principal) -> Outcome:
    server, name = world.facts.library(library), library.unc_name
    values: dict[str, Value] = {
        "host": host.shown,
        "identity": host.name,
        "domain": host.domain,
        "share": library.share,
        "spn": f"cifs/{name}",
        "other": f"cifs/{_other_form(name, host.domain)}",
    }
    if isinstance(server, Principal):
        values |= {"server": server.shown, "server_domain": server.domain}
        if server.sid == host.sid:
            return Outcome(Verdict.NOT_APPLICABLE, "LOCAL", values, (host.evidence,))
    if not host.enabled:
        return Outcome(Verdict.FAIL, "HOST_DISABLED", values, (host.evidence,))
    if isinstance(server, Missing):
        return not_assessable(server)
    evidence = (host.evidence, server.evidence)
    if server.domain != host.domain:
        return Outcome(Verdict.NOT_APPLICABLE, "OTHER_DOMAIN", values, evidence)
    if host.delegates_to_spn(f"cifs/{name}"):
        if host.delegates_to_spn(str(values["other"])):
            return Outcome(Verdict.PASS, "", values, evidence)
        return Outcome(Verdict.WARN, "OTHER_FORM_MISSING", values, evidence)
    by_server = resource_based(world.facts, host, server)
    if by_server.state is Ternary.YES:
        remark = Remark("RBCD", values)
        return Outcome(Verdict.PASS, "", values, (*evidence, *by_server.evidence), (remark,))
    if by_server.state is Ternary.UNKNOWN:
        return by_link(by_server)
    code, values["found"] = _instead(host, server, name)
    blocked = by_server.code == "RBCD_LIST_NOT_EMPTY"
    remarks = (Remark("RBCD_LIST_NOT_EMPTY", values),) if blocked else ()
    return Outcome(Verdict.FAIL, code, values, evidence, remarks)


def _instead(host: Principal, server: Principal, name: str) -> tuple[str, tuple[str, ...]]:
    """What the list holds in the place of `cifs/name`, which the KDC compares as text."""
    if not host.delegates_to:
        return "LIST_EMPTY", ()
    own = {server.dns_name, server.name.removesuffix("$").lower()}
    own |= {found.host for text in server.spns if (found := spn.parse(text))}
    kinds: dict[str, list[str]] = {"VARIANT": [], "OTHER_NAME": [], "OTHER_CLASS": []}
    for text in host.delegates_to:
        entry = spn.parse(text)
        if entry and entry.host == name:
            kinds["VARIANT" if entry.service == "cifs" else "OTHER_CLASS"].append(text)
        elif entry and entry.service == "cifs" and entry.host in own:
            kinds["OTHER_NAME"].append(text)
    for code, texts in kinds.items():
        if texts:
            return code, tuple(texts)
    return "NOT_LISTED", host.delegates_to


def _other_form(name: str, domain: str) -> str:
    """The short form of a full name, the full form of a short one; an address has but one."""
    if is_address(name):
        return name
    short, dot, _ = name.partition(".")
    return short if dot else f"{name}.{domain}"


DEL_01 = Control(
    id="DEL-01",
    version=1,
    severity=Severity.CRITICAL,
    origin=Origin.SEED,
    references=(
        "Microsoft Learn: VMM, Enable shared ISOs",
        "KB 2689989",
        "MS-SFU 3.2.5.2.1",
        "MS-ADA2 (msDS-AllowedToDelegateTo)",
    ),
    mapping=mapping.DELEGATION,
    cases=_cases,
)
