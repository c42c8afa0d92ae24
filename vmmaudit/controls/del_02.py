"""DEL-02: a host with constrained delegation uses *any authentication protocol*."""

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
from vmmaudit.facts import Facts, Missing, Principal
from vmmaudit.readiness.delegation import resource_based
from vmmaudit.scope import Library


def _cases(world: World) -> Iterator[Case]:
    for subject, host, library in subjects.host_shares(world.facts):
        yield given(subject, host, partial(_check, world.facts, library))


def _check(facts: Facts, library: Library, host: Principal) -> Outcome:
    server = facts.library(library)
    values: dict[str, Value] = {
        "host": host.shown,
        "identity": host.name,
        "domain": host.domain,
        "share": library.share,
    }
    if isinstance(server, Missing):
        if host.may_transition:
            return Outcome(Verdict.PASS, "", values, (host.evidence,))
        return not_assessable(server)
    values["server"] = server.shown
    evidence = (host.evidence, server.evidence)
    if server.sid == host.sid:
        return Outcome(Verdict.NOT_APPLICABLE, "LOCAL", values, evidence)
    by_server = resource_based(facts, host, server)
    listed = host.may_transition and host.delegates_to_spn(f"cifs/{library.unc_name}")
    if listed or by_server.state is Ternary.YES:
        return _granted(facts, host, server, values, (*evidence, *by_server.evidence))
    if host.may_transition:
        return Outcome(Verdict.PASS, "", values, evidence)
    if by_server.state is Ternary.UNKNOWN:
        return by_link(by_server)
    if by_server.code == "RBCD_LIST_NOT_EMPTY":
        return Outcome(Verdict.FAIL, by_server.code, values, (*evidence, *by_server.evidence))
    if server.domain != host.domain:
        values |= {"host_domain": host.domain, "server_domain": server.domain}
        return Outcome(Verdict.NOT_APPLICABLE, "OTHER_DOMAIN", values, evidence)
    code = "KERBEROS_ONLY" if host.delegates_to else "NOT_TRUSTED"
    return Outcome(Verdict.FAIL, code, values, evidence)


def _granted(
    facts: Facts,
    host: Principal,
    server: Principal,
    values: dict[str, Value],
    evidence: tuple[str, ...],
) -> Outcome:
    """The class of a delegated ticket can be replaced, so it reaches every service of L."""
    remarks = () if host.may_transition else (Remark("RBCD", values),)
    vmm = [facts.directory.computer(vmm.server) for vmm in facts.scope.vmm]
    code = ""
    if server.is_domain_controller:
        code = "DOMAIN_CONTROLLER"
    elif any(isinstance(found, Principal) and found.sid == server.sid for found in vmm):
        code = "VMM_SERVER"
    return Outcome(Verdict.WARN if code else Verdict.PASS, code, values, evidence, remarks)


DEL_02 = Control(
    id="DEL-02",
    version=1,
    severity=Severity.CRITICAL,
    origin=Origin.SEED,
    references=(
        "Microsoft Learn: VMM, Enable shared ISOs",
        "MS-SFU 3.2.5.1.2",
        "Microsoft Tech Community: Live Migration via Constrained Delegation with Kerberos",
    ),
    mapping=(*mapping.DELEGATED, *mapping.DELEGATION),
    cases=_cases,
)
