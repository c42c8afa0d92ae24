"""Whether a host may delegate to the name in a UNC (MS-SFU 3.2.5.2)."""

from __future__ import annotations

import ipaddress
from typing import Final

from vmmaudit import questions
from vmmaudit.assessment import Ternary, Value
from vmmaudit.facts import Facts, Groups, Missing, Principal
from vmmaudit.readiness.link import Link
from vmmaudit.scope import Host, Library
from vmmaudit.windows import sid
from vmmaudit.windows.access import Token, check

CONTROL_ACCESS: Final = 0x0000_0100
"""ADS_RIGHT_DS_CONTROL_ACCESS (MS-ADTS 5.1.3.2): the right that the KDC asks of L's descriptor."""


def delegation(facts: Facts, host: Host, library: Library) -> Link:
    """H may delegate to the name in the UNC: constrained, or resource-based on L."""
    computer = facts.host(host)
    if isinstance(computer, Missing):
        return Link.unknown(computer)
    server = facts.library(library)
    if isinstance(server, Principal) and server.sid == computer.sid:
        return Link(Ternary.YES, "LOCAL", {"host": computer.shown}, (computer.evidence,))
    if not computer.enabled:
        return Link(Ternary.NO, "HOST_DISABLED", {"host": computer.shown}, (computer.evidence,))
    aim = target(facts, library)
    way = _either(facts, computer, server, library)
    if aim.state is Ternary.NO or (aim.state is Ternary.UNKNOWN and way.state is not Ternary.NO):
        return aim
    return way


def _either(
    facts: Facts, computer: Principal, server: Principal | Missing, library: Library
) -> Link:
    """Constrained on H, else resource-based on L."""
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


def is_address(name: str) -> bool:
    """Whether a UNC names its server by an IP address, for which Windows seldom asks a ticket."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


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
    """L itself lets H delegate to it (MS-SFU 3.2.5.2.3); flag set or H's own list empty.

    The KDC of L's domain makes the token from the PAC: H's own domain-local groups are not in
    it where L is of another domain, and whether well-known and local groups are is not known.
    """
    values: dict[str, Value] = {"host": computer.shown, "server": server.shown}
    evidence: tuple[str, ...] = (computer.evidence, server.evidence)
    if server.allowed_to_act is None:
        return Link(Ternary.NO, "NO_RBCD", values, evidence)
    blocked = bool(computer.delegates_to) and not computer.may_transition
    groups = facts.directory.groups(computer)
    if isinstance(groups, Missing):
        if blocked:
            return Link(Ternary.NO, "RBCD_LIST_NOT_EMPTY", values, evidence)
        return Link.unknown(groups)
    evidence += (groups.evidence,)
    token = _at_controller(computer, server, groups)
    granted = check(server.allowed_to_act, token, CONTROL_ACCESS).granted
    if granted is False:
        return Link(Ternary.NO, "RBCD_NOT_GRANTED", values, evidence)
    if blocked:
        return Link(Ternary.NO, "RBCD_LIST_NOT_EMPTY", values, evidence)
    if granted is None:
        return Link(Ternary.UNKNOWN, "RBCD_UNDECIDABLE", values, evidence)
    return Link(Ternary.YES, "RBCD", values, evidence)


def _at_controller(computer: Principal, server: Principal, groups: Groups) -> Token:
    """H's token at the KDC of L's domain: what is certain, and what may be in it."""
    same_domain = computer.domain == server.domain
    of_domain = groups.all if same_domain else groups.global_and_universal
    held = {computer.sid, *computer.sid_history}
    held |= {found for found in of_domain if not sid.is_builtin(found)}
    possible = {sid.EVERYONE, sid.NETWORK, sid.AUTHENTICATED_USERS}
    possible |= {found for found in groups.all if sid.is_builtin(found)}
    if not same_domain and server.allowed_to_act:
        own = sid.domain_of(server.sid)
        named = {ace.sid for ace in server.allowed_to_act.aces if ace.sid}
        possible |= {found for found in named if sid.domain_of(found) == own}
    return Token(frozenset(held), frozenset(possible - held))
