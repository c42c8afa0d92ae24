"""The token that a library server builds when a host or an account logs on over the network.

`token(P, L)` as defined in docs/semantics.md: what the domain says of P, what L's own
local groups add, and the well-known SIDs of a network logon. Nothing that only an
interactive or local logon would have.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from vmmaudit import questions
from vmmaudit.evidence import Reason
from vmmaudit.facts.directory import Directory
from vmmaudit.facts.missing import Missing
from vmmaudit.facts.principal import Principal
from vmmaudit.facts.servers import Servers
from vmmaudit.scope import Library, Scope, TokenProfile
from vmmaudit.windows import sid as sids
from vmmaudit.windows.access import Token


class Identity(StrEnum):
    """How the logon came about, which shows as one SID in the token (MS-KILE 3.3.5.6.4.2)."""

    PASSWORD = "password"  # noqa: S105 - H$ with its own key
    DELEGATED = "delegated"


class Holding(StrEnum):
    """Why a SID is in a token."""

    SELF = "self"
    HISTORY = "history"
    GROUP = "group"
    LOCAL_GROUP = "local-group"
    NETWORK_LOGON = "network-logon"


@dataclass(frozen=True, slots=True)
class TokenFact:
    """The token, why each SID is in it, and why some are uncertain."""

    token: Token
    why: dict[str, Holding]
    doubt: Missing | None
    evidence: tuple[str, ...]

    def __hash__(self) -> int:
        """Equal tokens hash alike; `why` follows from them."""
        return hash(self.token)


_NETWORK_LOGON = (
    sids.EVERYONE,
    sids.NETWORK,
    sids.AUTHENTICATED_USERS,
    sids.THIS_ORGANIZATION,
)


def build_token(
    directory: Directory,
    servers: Servers,
    scope: Scope,
    principal: Principal,
    library: Library,
    identity: Identity,
) -> TokenFact | Missing:
    """The token of `principal` at the server of `library`, or why it cannot be known."""
    groups = directory.groups(principal)
    if isinstance(groups, Missing):
        return groups
    target = directory.computer(questions.computer_name(library))
    if isinstance(target, Missing):
        return target
    why = {principal.sid: Holding.SELF}
    why |= dict.fromkeys(principal.sid_history, Holding.HISTORY)
    same_domain = principal.domain == target.domain
    of_domain = groups.all if same_domain else groups.global_and_universal
    keeps_builtin = target.is_domain_controller and same_domain
    for sid in of_domain:
        if keeps_builtin or not sids.is_builtin(sid):
            why.setdefault(sid, Holding.GROUP)
    why |= dict.fromkeys(_NETWORK_LOGON, Holding.NETWORK_LOGON)
    asserted = (
        sids.SERVICE_ASSERTED
        if identity is Identity.DELEGATED
        else sids.AUTHENTICATION_AUTHORITY_ASSERTED
    )
    why[asserted] = Holding.NETWORK_LOGON
    evidence = [principal.evidence, groups.evidence, target.evidence]
    doubt: Missing | None = None
    possible: frozenset[str] = frozenset()
    if not target.is_domain_controller:
        if library.token_profile is TokenProfile.WINDOWS_MEMBER:
            # BUILTIN\Users holds Authenticated Users on every Windows machine.
            why[sids.USERS] = Holding.LOCAL_GROUP
        doubt, own = _add_local_groups(
            servers, questions.file_server(scope, library), why, evidence
        )
        if doubt:
            possible = could_be_local(directory, servers, library, own)
    if not same_domain:
        possible |= _named_sids(servers, library, sids.domain_of(target.sid))
        doubt = doubt or Missing(
            Reason.NOT_ASKED,
            f"{principal.shown} is of another domain than {target.shown}; the domain-local "
            "groups that it is in there were not read.",
            (groups.evidence,),
        )
    held = frozenset(why)
    return TokenFact(Token(held, possible - held), why, doubt, tuple(evidence))


def _add_local_groups(
    servers: Servers, server: str, why: dict[str, Holding], evidence: list[str]
) -> tuple[Missing | None, str | None]:
    """Adds the server's own groups that hold a SID of the token; tells what is unknown of them."""
    local = servers.local_groups(server)
    if isinstance(local, Missing):
        return local, None
    held = set(why)
    for group in local.groups:
        if group.members & held:
            why.setdefault(group.sid, Holding.LOCAL_GROUP)
            evidence.append(group.evidence)
    return local.missing, local.domain_sid


def could_be_local(
    directory: Directory, servers: Servers, library: Library, own: str | None
) -> frozenset[str]:
    """SIDs in this library's descriptors that may be local groups whose members are unknown.

    Where the server does not tell the SID of its own domain (`own`), any SID may be of it that is
    of no domain of which something was read.
    """

    def may_be(sid: str) -> bool:
        domain = sids.domain_of(sid)
        if own or sids.is_builtin(sid):
            return domain in (own, sids.BUILTIN)
        return sids.is_domain_account(sid) and domain not in directory.domains_read

    return frozenset(filter(may_be, servers.named_sids(library)))


def _named_sids(servers: Servers, library: Library, domain: str) -> frozenset[str]:
    """The SIDs of one SID domain that the descriptors of a library name."""
    return frozenset(sid for sid in servers.named_sids(library) if sids.domain_of(sid) == domain)
