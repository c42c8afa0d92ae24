"""SCP-01: what the scope declares is what the directory tells of, or the scope says why not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
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
from vmmaudit.evidence import Reason, Row
from vmmaudit.facts import Facts, Missing, Principal
from vmmaudit.facts.discovered import Discovered, LeftOut, is_cluster_name, is_stale, targets
from vmmaudit.facts.inventory import Inventory, told


def _cases(world: World) -> Iterator[Case]:
    facts = world.facts
    for domain in facts.scope.domains:
        found = facts.discovered(domain.name)
        yield given(subjects.domain(domain.name), found, partial(_check, facts, domain.name))


@dataclass
class _Declared:
    """What the scope names in one domain, and what the domain knows of it."""

    hosts: dict[str, Principal] = field(default_factory=dict)
    servers: dict[str, Principal] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    unknown: list[str] = field(default_factory=list)
    missing: Missing | None = None
    evidence: list[str] = field(default_factory=list)

    def add(self, name: str, found: Principal | Missing, to: dict[str, Principal]) -> None:
        """A server of the scope, as the domain answered for it."""
        self.names |= _forms(name)
        if isinstance(found, Principal):
            to[found.sid] = found
            self.names |= _forms(found.dns_name)
            self.evidence.append(found.evidence)
        elif found.reason is Reason.NOT_IN_DIRECTORY:
            self.unknown.append(name)
            self.evidence += found.evidence
        else:
            self.missing = self.missing or found


def _check(facts: Facts, domain: str, found: Discovered) -> Outcome:
    declared = _declared(facts, domain)
    new, stale = _undeclared(facts, found, declared)
    servers = [name for name in found.vmm if not _forms(name) & declared.names]
    marked = {mark.computer.sid for mark in found.hosts}
    shown = (host.computer for host in found.hosts if host.left_out is None)
    reached = targets([*declared.hosts.values(), *shown], domain)
    hosts = {host.computer.dns_name for host in found.hosts}
    libraries = [
        name for name in reached if not _forms(name) & declared.names and name not in hosts
    ]
    listed = _listed(facts, domain)
    managed = [name for name in listed if not _forms(name) & declared.names]
    everything = sorted({*new, *servers, *libraries, *managed})
    excluded = [name for name in everything if _is_named(name, facts.scope.audit.exclusions)]
    open_ = [name for name in everything if name not in excluded]
    values: dict[str, Value] = {
        "domain": domain,
        "unknown": tuple(sorted(declared.unknown)),
        "undeclared": tuple(open_),
        "excluded": tuple(excluded),
        "sample": facts.scope.audit.sample,
        "hosts": _among(new, open_),
        "servers": _among(servers, open_),
        "libraries": _among(libraries, open_),
        "managed": _among(managed, open_),
        "unmanaged": _unmanaged(facts, domain, listed),
        "accounts": _accounts(facts, listed),
        "stale": tuple(sorted(stale)),
        "unmarked": tuple(sorted(h.shown for s, h in declared.hosts.items() if s not in marked)),
    }
    remarks = list(_remarks(values))
    if not listed:
        remarks.append(Remark("INVENTORY_UNREAD", values))
    evidence = tuple(dict.fromkeys([*found.evidence, *declared.evidence]))
    if declared.unknown:
        return Outcome(Verdict.FAIL, "NOT_FOUND", values, evidence, tuple(remarks))
    if open_ and not facts.scope.audit.sample:
        return Outcome(Verdict.WARN, "UNDECLARED", values, evidence, tuple(remarks))
    if values["accounts"]:
        return Outcome(Verdict.WARN, "OTHER_ACCOUNT", values, evidence, tuple(remarks))
    if declared.missing:
        return not_assessable(declared.missing)
    return Outcome(Verdict.PASS, "", values, evidence, tuple(remarks))


def _declared(facts: Facts, domain: str) -> _Declared:
    declared, scope = _Declared(), facts.scope
    for host in scope.hyper_v_hosts:
        if scope.domain_of(host.name).name == domain:
            declared.add(host.name, facts.host(host), declared.hosts)
    for vmm in scope.vmm:
        if scope.domain_of(vmm.server).name == domain:
            declared.add(vmm.server, facts.directory.computer(vmm.server), declared.servers)
            own = facts.services.own_spns(questions.vmm_server(scope, vmm))
            for text in own if isinstance(own, tuple) else ():
                declared.names |= _forms(text.partition("/")[2].lower())
    for library in scope.libraries:
        name = questions.computer_name(library)
        # An alias of another domain may stand in the UNC, so it is known everywhere.
        declared.names |= _forms(library.unc_name)
        if scope.domain_of(name).name == domain:
            declared.add(name, facts.library(library), declared.servers)
        else:
            declared.names |= _forms(name)
    return declared


def _undeclared(
    facts: Facts, found: Discovered, declared: _Declared
) -> tuple[list[str], list[str]]:
    """Hosts that the scope does not name: those in use, and those that seem to be gone."""
    new: list[str] = []
    stale: list[str] = []
    # By name too: the account of a host that is declared may not have been read.
    names = {form for host in facts.scope.hyper_v_hosts for form in _forms(host.name)}
    for mark in found.hosts:
        computer = mark.computer
        is_declared = computer.sid in declared.hosts or _forms(computer.dns_name) & names
        if is_declared or is_cluster_name(computer):
            continue
        name = computer.dns_name or computer.name
        gone = mark.left_out is LeftOut.DISABLED or is_stale(computer, facts.moment)
        (stale if gone else new).append(name)
    return new, stale


def _remarks(values: dict[str, Value]) -> Iterator[Remark]:
    if values["undeclared"] and values["sample"]:
        yield Remark("SAMPLE", values)
    if values["unknown"] and values["undeclared"]:
        yield Remark("UNDECLARED", values)
    for key, code in (
        ("hosts", "HOSTS"),
        ("servers", "VMM_SERVERS"),
        ("libraries", "LIBRARIES"),
        ("managed", "MANAGED"),
        ("unmanaged", "UNMANAGED"),
        ("excluded", "EXCLUDED"),
        ("stale", "STALE"),
        ("unmarked", "UNMARKED"),
    ):
        if values[key]:
            yield Remark(code, values)


def _listed(facts: Facts, domain: str) -> dict[str, Row]:
    """The hosts of a domain that VMM itself lists, where its list was read."""
    found: dict[str, Row] = {}
    for vmm in facts.scope.vmm:
        hosts = facts.inventory(vmm, "Get-SCVMHost")
        for row in hosts.rows if isinstance(hosts, Inventory) else ():
            if "vmware" in told(row, "VirtualizationPlatform").lower():
                continue
            names = (told(row, key) for key in ("FullyQualifiedDomainName", "FQDN", "Name"))
            name = next((name.lower() for name in names if "." in name), "")
            if name.endswith(f".{domain}"):
                found[name] = row
    return found


def _unmanaged(facts: Facts, domain: str, listed: Mapping[str, Row]) -> tuple[str, ...]:
    """Hosts of the scope that VMM does not list."""
    if not listed:
        return ()
    known = {form for name in listed for form in _forms(name)}
    mine = (
        h.name for h in facts.scope.hyper_v_hosts if facts.scope.domain_of(h.name).name == domain
    )
    return tuple(sorted(name for name in mine if not _forms(name) & known))


def _accounts(facts: Facts, listed: Mapping[str, Row]) -> tuple[str, ...]:
    """Hosts for which VMM uses another account than the scope says."""
    differing = []
    for host in facts.scope.hyper_v_hosts:
        row = next((row for name, row in listed.items() if _forms(name) & _forms(host.name)), None)
        used = told(row, "VMHostManagementCredential.UserName") if row else ""
        declared = facts.scope.account_of(host) or ""
        if used and declared and _bare(used) != _bare(declared):
            differing.append(f"{host.name}: {used}")
    return tuple(differing)


def _bare(account: str) -> str:
    return account.rpartition("\\")[2].partition("@")[0].lower()


def _among(names: Iterable[str], wanted: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names) & set(wanted)))


def _forms(name: str) -> set[str]:
    """The full and the short form of a server's name."""
    return {name.lower(), name.lower().split(".", maxsplit=1)[0]} - {""}


def _is_named(name: str, exclusions: Iterable[str]) -> bool:
    """Whether an exclusion of the scope speaks of this server."""
    wanted = {re.escape(form) for form in _forms(name)}
    pattern = re.compile(rf"(?<![\w.-])(?:{'|'.join(sorted(wanted))})(?![\w-])")
    return any(pattern.search(text.lower()) for text in exclusions)


SCP_01 = Control(
    id="SCP-01",
    version=2,
    severity=Severity.MEDIUM,
    origin=Origin.SECURITY,
    references=("KB 2961630",),
    mapping=mapping.SAMPLE,
    cases=_cases,
)
