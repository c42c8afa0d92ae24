"""The subjects that controls speak of, with their stable ids, and the order of broken links."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from vmmaudit import questions
from vmmaudit.assessment import Subject, SubjectKind
from vmmaudit.facts import AccountFact, Facts, Missing, Principal
from vmmaudit.scope import Host, Library, VmmServer

BROKEN_ORDER: Final = (
    "ENV-04",
    "DEL-01",
    "DEL-02",
    "DEL-04",
    "ACC-02",
    "ACC-06",
    "PRM-03",
    "PRM-06",
    "PRM-01",
    "PRM-04",
)
"""In which order a chain is said to break; PRM-09 comes directly after the PRM it explains."""
DENY: Final = "PRM-09"


def domain(name: str) -> Subject:
    """An Active Directory domain."""
    return Subject(SubjectKind.DOMAIN, name, name)


def audit() -> Subject:
    """The audit itself, and the unit that is audited."""
    return Subject(SubjectKind.AUDIT, "audit", "Audit")


def host(facts: Facts, of: Host) -> Subject:
    """A Hyper-V host."""
    found = facts.host(of)
    return Subject(SubjectKind.HOST, of.name, _shown(found, of.name))


def vmm(facts: Facts, of: VmmServer) -> Subject:
    """A VMM server."""
    return Subject(
        SubjectKind.VMM, of.server, _shown(facts.directory.computer(of.server), of.server)
    )


def library(facts: Facts, of: Library) -> Subject:
    """A library server."""
    found = facts.library(of)
    name = questions.computer_name(of)
    return Subject(SubjectKind.LIBRARY, name, _shown(found, name))


def share(of: Library) -> Subject:
    """A library share."""
    return Subject(SubjectKind.SHARE, of.share.lower(), of.share)


def account(label: str, found: AccountFact | Missing) -> Subject:
    """An account that VMM uses; `label` is its name in the scope."""
    shown = found.principal.shown if isinstance(found, AccountFact) else label
    return Subject(SubjectKind.ACCOUNT, label, shown)


def host_share(facts: Facts, of: Host, at: Library) -> Subject:
    """A host and a share."""
    return _pair(SubjectKind.HOST_SHARE, host(facts, of), share(at))


def host_shares(facts: Facts) -> Iterator[tuple[Subject, Principal | Missing, Library]]:
    """Every Hyper-V host with every share: the subject, the host's account, the library."""
    for of in facts.scope.hyper_v_hosts:
        for at in facts.scope.libraries:
            yield host_share(facts, of, at), facts.host(of), at


def host_library(facts: Facts, of: Host, at: Library) -> Subject:
    """A host and a library server."""
    return _pair(SubjectKind.HOST_LIBRARY, host(facts, of), library(facts, at))


def account_share(label: str, found: AccountFact | Missing, at: Library) -> Subject:
    """An account and a share."""
    return _pair(SubjectKind.ACCOUNT_SHARE, account(label, found), share(at))


def vmm_share(server: str, found: Principal | Missing, at: Library) -> Subject:
    """A VMM server and a share."""
    name = Subject(SubjectKind.VMM_SHARE, server, _shown(found, server))
    return _pair(SubjectKind.VMM_SHARE, name, share(at))


def vmm_host(facts: Facts, server: VmmServer, of: Host) -> Subject:
    """A VMM server and a host."""
    return _pair(SubjectKind.VMM_HOST, vmm(facts, server), host(facts, of))


def broken_by(
    facts: Facts, of: Host, at: Library, failing: set[tuple[str, str]]
) -> tuple[str, ...]:
    """The failing controls of one host and share, the first broken link first."""
    label = facts.account_label(of)
    found = facts.account(of)
    by_host = host_share(facts, of, at).id
    by_account = account_share(label, found, at).id
    ids = {
        "ENV-04": host_library(facts, of, at).id,
        "DEL-01": by_host,
        "DEL-02": by_host,
        "DEL-04": share(at).id,
        "ACC-02": account(label, found).id,
        "ACC-06": account(label, found).id,
        "PRM-03": by_account,
        "PRM-06": by_account,
        "PRM-01": by_host,
        "PRM-04": by_host,
    }
    broken: list[str] = []
    for control in BROKEN_ORDER:
        if (control, ids[control]) in failing:
            broken.append(control)
            if control.startswith("PRM") and (DENY, ids[control]) in failing:
                broken += [DENY] if DENY not in broken else []
    return tuple(broken)


def _pair(kind: SubjectKind, first: Subject, second: Subject) -> Subject:
    return Subject(kind, f"{first.id} -> {second.id}", f"{first.name} → {second.name}")


def _shown(found: Principal | Missing, name: str) -> str:
    return found.shown if isinstance(found, Principal) else name
