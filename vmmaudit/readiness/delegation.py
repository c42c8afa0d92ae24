"""Whether a host may delegate to the name in a UNC (MS-SFU 3.2.5.2)."""

from __future__ import annotations

from vmmaudit import questions
from vmmaudit.assessment import Ternary, Value
from vmmaudit.facts import Facts, Missing, Principal
from vmmaudit.readiness.link import Link
from vmmaudit.scope import Host, Library
from vmmaudit.windows.access import FileRight, Token, check


def delegation(facts: Facts, host: Host, library: Library) -> Link:
    """H may delegate to the name in the UNC: constrained, or resource-based on L."""
    computer = facts.host(host)
    if isinstance(computer, Missing):
        return Link.unknown(computer)
    aim = target(facts, library)
    server = facts.library(library)
    if isinstance(server, Principal) and server.sid == computer.sid:
        return Link(Ternary.YES, "LOCAL", {"host": computer.shown}, (computer.evidence,))
    if not computer.enabled:
        return Link(Ternary.NO, "HOST_DISABLED", {"host": computer.shown}, (computer.evidence,))
    if aim.state is not Ternary.YES:
        return aim
    if isinstance(server, Missing):
        return Link.unknown(server)
    by_host = constrained(computer, server, library)
    if by_host.state is Ternary.YES:
        return by_host
    by_server = resource_based(facts, computer, server)
    return by_host if by_server.state is Ternary.NO else by_server


def target(facts: Facts, library: Library) -> Link:
    """The UNC's name leads by SPN to exactly one enabled account, and it is L's."""
    name = library.unc_name
    owners = facts.directory.owners(name)
    if isinstance(owners, Missing):
        return Link.unknown(owners)
    evidence = tuple(questions.spn(d.name, name).id for d in facts.scope.domains)
    values: dict[str, Value] = {"name": name, "share": library.share}
    enabled = [owner for owner in owners if owner.enabled]
    if not owners:
        return Link(Ternary.NO, "NO_SPN", values, evidence)
    values["owners"] = tuple(owner.shown for owner in owners)
    if len(owners) > 1:
        return Link(Ternary.NO, "DUPLICATE_SPN", values, evidence)
    if not enabled:
        return Link(Ternary.NO, "OWNER_DISABLED", values, evidence)
    server = facts.library(library)
    if isinstance(server, Missing):
        return Link.unknown(server)
    if server.sid != enabled[0].sid:
        values["server"] = server.shown
        return Link(Ternary.NO, "OTHER_OWNER", values, (*evidence, server.evidence))
    return Link(Ternary.YES, "", values, evidence)


def constrained(computer: Principal, server: Principal, library: Library) -> Link:
    """Constrained delegation with protocol transition (MS-SFU 3.2.5.2.1)."""
    wanted = f"cifs/{library.unc_name}"
    values: dict[str, Value] = {
        "host": computer.shown,
        "spn": wanted,
        "share": library.share,
        "listed": computer.delegates_to,
    }
    evidence = (computer.evidence, server.evidence)
    if computer.domain != server.domain:
        return Link(Ternary.NO, "OTHER_DOMAIN", values, evidence)
    if not computer.delegates_to:
        return Link(Ternary.NO, "LIST_EMPTY", values, evidence)
    if not computer.delegates_to_spn(wanted):
        return Link(Ternary.NO, "NOT_LISTED", values, evidence)
    if not computer.may_transition:
        return Link(Ternary.NO, "KERBEROS_ONLY", values, evidence)
    return Link(Ternary.YES, "", values, evidence)


def resource_based(facts: Facts, computer: Principal, server: Principal) -> Link:
    """L itself lets H delegate to it (MS-SFU 3.2.5.2.3); flag set or H's own list empty."""
    values: dict[str, Value] = {"host": computer.shown, "server": server.shown}
    evidence: tuple[str, ...] = (computer.evidence, server.evidence)
    if server.allowed_to_act is None:
        return Link(Ternary.NO, "NO_RBCD", values, evidence)
    groups = facts.directory.groups(computer)
    if isinstance(groups, Missing):
        return Link.unknown(groups)
    held = Token(groups.all | {computer.sid})
    granted = check(server.allowed_to_act, held, FileRight.READ_DATA).granted
    if not granted:
        code = "RBCD_NOT_GRANTED" if granted is False else "RBCD_UNDECIDABLE"
        return Link(Ternary.of(granted), code, values, (*evidence, groups.evidence))
    if not computer.may_transition and computer.delegates_to:
        return Link(Ternary.NO, "RBCD_LIST_NOT_EMPTY", values, evidence)
    return Link(Ternary.YES, "RBCD", values, (*evidence, groups.evidence))
