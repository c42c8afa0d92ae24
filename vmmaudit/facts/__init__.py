"""Evidence decoded: frozen values, and the questions that controls ask of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache, cached_property

from vmmaudit import questions
from vmmaudit.evidence import Evidence, Gap, Reason
from vmmaudit.facts import clusters, replicas
from vmmaudit.facts import discovered as discoveries
from vmmaudit.facts.directory import Directory, DomainFact, Groups, Membership, Trust
from vmmaudit.facts.inventory import Inventory
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
from vmmaudit.facts.services import Absence, LegacySmb, ServiceFact, Services, ServiceSource
from vmmaudit.facts.token import Holding, Identity, TokenFact, build_token
from vmmaudit.scope import Host, Library, Scope, VmmServer
from vmmaudit.windows.sid import is_builtin

__all__ = [
    "Absence",
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
    "Inventory",
    "Item",
    "LegacySmb",
    "LocalGroup",
    "LocalGroups",
    "Membership",
    "Missing",
    "Principal",
    "Servers",
    "ServiceFact",
    "ServiceSource",
    "Services",
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
    SERVICE = "service"
    SPN_OWNER = "spn-owner"


@dataclass(frozen=True, slots=True)
class AccountFact:
    """A(H): the account VMM uses on a host (`semantics` 1)."""

    principal: Principal
    source: AccountSource


class Facts:
    """Everything that is known, looked up by what the scope names."""

    def __init__(
        self,
        evidence: Evidence,
        scope: Scope,
        directory: Directory | None = None,
        servers: Servers | None = None,
    ) -> None:
        self.evidence = evidence
        self.scope = scope
        self.directory = directory or Directory(evidence, scope)
        self.servers = servers or Servers(evidence, scope)
        self.services = Services(evidence)
        self.account = cache(self._account)
        self.service_account = cache(self._service_account)
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

    def vmm_service(self, vmm: VmmServer) -> ServiceFact | Absence | Missing:
        """The VMM service of a VMM server."""
        return self.services.vmm(questions.vmm_server(self.scope, vmm))

    def inventory(self, vmm: VmmServer, cmdlet: str) -> Inventory | Missing:
        """The objects that a cmdlet returned on a VMM server, or in an export of it."""
        question = questions.vmm_objects(questions.vmm_server(self.scope, vmm), cmdlet)
        reply = self.evidence.reply(question)
        if isinstance(reply, Gap):
            return Missing.of(reply, question)
        return Inventory(reply.rows, (question.id,))

    def running_as(self, vmm: VmmServer) -> Principal | Missing | None:
        """Whom the VMM service is on the network; None where the service itself did not tell."""
        service = self.vmm_service(vmm)
        return self.started_as(service) if isinstance(service, ServiceFact) else None

    def started_as(self, service: ServiceFact) -> Principal | Missing:
        """Whom a service is on the network."""
        if service.acts_as_computer:
            return self.directory.computer(self._as_in_scope(service.server))
        if service.is_local_account:
            return Missing(
                Reason.NOT_IN_DIRECTORY,
                f"The service {service.name} of {service.server} runs as {service.account}, which "
                "is no account of a domain.",
                service.evidence,
            )
        return self.directory.account(service.account)

    def _as_in_scope(self, server: str) -> str:
        """A VMM server's name as the scope has it, which is how the directory was asked."""
        names = (vmm.server for vmm in self.scope.vmm)
        return next((n for n in names if questions.qualified(self.scope, n) == server), server)

    def _service_account(self, vmm: VmmServer) -> AccountFact | Missing:
        """The VMM service account: as the service says, else as declared, else by SPN."""
        running = self.running_as(vmm)
        if isinstance(running, Missing):
            return running
        if running is not None:
            return AccountFact(running, AccountSource.SERVICE)
        if vmm.account:
            found = self.directory.account(vmm.account)
            return (
                found if isinstance(found, Missing) else AccountFact(found, AccountSource.DECLARED)
            )
        return self._spn_owner()

    def _account(self, host: Host) -> AccountFact | Missing:
        """A(H): Run As account, else the service account as declared, running, or by SPN."""
        declared = self.scope.account_of(host)
        if declared:
            found = self.directory.account(declared)
            source = AccountSource.RUN_AS if host.run_as else AccountSource.DECLARED
            return found if isinstance(found, Missing) else AccountFact(found, source)
        running = [one for vmm in self.scope.vmm if (one := self.running_as(vmm)) is not None]
        for one in running:
            if isinstance(one, Missing):
                return one
        known = {one.sid: one for one in running if isinstance(one, Principal)}
        if len(known) > 1:
            names = ", ".join(one.shown for one in known.values())
            return Missing(
                Reason.AMBIGUOUS,
                f"The scope names no VMM service account, and the VMM services run as {names}.",
                tuple(one.evidence for one in known.values()),
            )
        if known:
            return AccountFact(next(iter(known.values())), AccountSource.SERVICE)
        return self._spn_owner()

    def _spn_owner(self) -> AccountFact | Missing:
        """The one account that SPNs of the class SCVMM belong to."""
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

    def unresolved(self, sid: str) -> Missing | None:
        """Why nobody could say who has this SID; None where they could, if only that nobody has."""
        if self.name_of(sid) != sid:
            return None
        for question, gap in self.evidence.gaps.items():
            if questions.looks_up(question, sid):
                return Missing.of(gap, question)
        if self.directory.was_looked_up(sid):
            return None
        return Missing(Reason.NOT_ASKED, f"Nobody was asked who has the SID {sid}.")

    def service_accounts(self) -> tuple[tuple[str, AccountFact | Missing], ...]:
        """Every distinct VMM service account, by the name it is declared under."""
        found: dict[str, AccountFact | Missing] = {}
        for vmm in self.scope.vmm:
            found.setdefault((vmm.account or "SCVMM").lower(), self.service_account(vmm))
        return tuple(found.items())

    def controllers(self, domain: str) -> tuple[replicas.Controller, ...] | Missing:
        """The controllers of a domain."""
        return replicas.controllers(self.evidence, domain, self._netbios(domain))

    def discovered(self, domain: str) -> discoveries.Discovered | Missing:
        """The Hyper-V hosts and VMM servers that a domain tells of by itself."""
        return discoveries.discovered(self.evidence, domain, self._netbios(domain))

    def cluster_owners(self, domain: str) -> dict[str, str] | Missing:
        """Who owns the names of clusters and their roles, by SID."""
        return clusters.owners(self.evidence, domain)

    def _netbios(self, domain: str) -> str:
        found = self.directory.domain(domain)
        return "" if isinstance(found, Missing) else found.netbios

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
