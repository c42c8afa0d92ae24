"""Evidence decoded: frozen values, and the questions that controls ask of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache, cached_property

from vmmaudit import questions
from vmmaudit.evidence import Evidence, Reason
from vmmaudit.facts.directory import Directory, DomainFact, Groups, Trust
from vmmaudit.facts.missing import Missing
from vmmaudit.facts.principal import Principal
from vmmaudit.facts.servers import (
    Boot,
    FileGroup,
    Item,
    LocalGroup,
    LocalGroups,
    Servers,
    ShareFact,
    Tree,
)
from vmmaudit.facts.token import Holding, Identity, TokenFact, build_token
from vmmaudit.scope import Host, Library, Scope
from vmmaudit.windows.sid import is_builtin

__all__ = [
    "AccountFact",
    "AccountSource",
    "Boot",
    "Directory",
    "DomainFact",
    "Facts",
    "FileGroup",
    "Groups",
    "Holding",
    "Identity",
    "Item",
    "LocalGroup",
    "LocalGroups",
    "Missing",
    "Principal",
    "Servers",
    "ShareFact",
    "TokenFact",
    "Tree",
    "Trust",
    "decode",
]


class AccountSource(StrEnum):
    """How it is known which account VMM uses on a host."""

    RUN_AS = "run-as"
    DECLARED = "declared"
    SPN_OWNER = "spn-owner"


@dataclass(frozen=True, slots=True)
class AccountFact:
    """A(H): the account VMM uses on a host (`semantics` 1)."""

    principal: Principal
    source: AccountSource


class Facts:
    """Everything that is known, looked up by what the scope names."""

    def __init__(self, evidence: Evidence, scope: Scope) -> None:
        self.evidence = evidence
        self.scope = scope
        self.directory = Directory(evidence, scope)
        self.servers = Servers(evidence, scope)
        self.account = cache(self._account)
        self.token = cache(self._token)

    @property
    def moment(self) -> datetime:
        """When it was read; nobody asks for the time after that."""
        return self.evidence.origin.moment

    def host(self, host: Host) -> Principal | Missing:
        """The host's computer account."""
        return self.directory.computer(host.name)

    def library(self, library: Library) -> Principal | Missing:
        """The computer account of the server behind a library share."""
        return self.directory.computer(questions.computer_name(library))

    def server(self, library: Library) -> str:
        """The server that was asked about a library share."""
        return questions.file_server(self.scope, library)

    def _account(self, host: Host) -> AccountFact | Missing:
        """A(H): Run As account, else the declared service account, else the owner of SCVMM SPNs."""
        declared = self.scope.account_of(host)
        if declared:
            found = self.directory.account(declared)
            source = AccountSource.RUN_AS if host.run_as else AccountSource.DECLARED
            return found if isinstance(found, Missing) else AccountFact(found, source)
        owners = self.directory.vmm_owners()
        if isinstance(owners, Missing):
            return owners
        asked = tuple(questions.vmm_spns(domain.name).id for domain in self.scope.domains)
        if not owners:
            return Missing(
                Reason.NOT_IN_DIRECTORY,
                "The scope names no VMM service account, and no account owns an SCVMM SPN.",
                asked,
            )
        if len(owners) > 1:
            names = ", ".join(owner.shown for owner in owners)
            return Missing(
                Reason.AMBIGUOUS,
                f"The scope names no VMM service account, and SCVMM SPNs belong to {names}.",
                asked,
            )
        return AccountFact(owners[0], AccountSource.SPN_OWNER)

    def accounts(self) -> tuple[tuple[str, AccountFact | Missing], ...]:
        """Every distinct A(H) of the scope, by the name it is declared under."""
        found: dict[str, AccountFact | Missing] = {}
        for host in self.scope.hyper_v_hosts:
            found.setdefault(self.account_label(host), self.account(host))
        return tuple(found.items())

    def name_of(self, sid: str) -> str:
        """The name of an account, of a server's own group, or of a well-known SID; else the SID."""
        return self._local_names.get(sid) or self.directory.name_of(sid)

    @cached_property
    def _local_names(self) -> dict[str, str]:
        """Groups of the library servers themselves; BUILTIN ones have the same name everywhere."""
        names: dict[str, str] = {}
        for library in self.scope.libraries:
            server = self.server(library)
            found = self.servers.local_groups(server)
            if not isinstance(found, Missing):
                short = server.split(".", maxsplit=1)[0].upper()
                names |= {
                    group.sid: f"{short}\\{group.name}"
                    for group in found.groups
                    if not is_builtin(group.sid)
                }
        return names

    def account_label(self, host: Host) -> str:
        """A stable name for A(H), known or not."""
        return (self.scope.account_of(host) or "SCVMM").lower()

    def _token(
        self, principal: Principal, library: Library, identity: Identity
    ) -> TokenFact | Missing:
        """The token of a network logon of `principal` at a library's server."""
        return build_token(self.directory, self.servers, self.scope, principal, library, identity)


def decode(evidence: Evidence, scope: Scope) -> Facts:
    """Facts are decoded when first asked for and kept; the evidence never changes."""
    return Facts(evidence, scope)
