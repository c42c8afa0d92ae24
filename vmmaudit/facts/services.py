"""What machines say of the services that VMM consists of, and of its settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final, TypeVar

from vmmaudit import questions
from vmmaudit.errors import FormatError
from vmmaudit.evidence import Answer, Evidence, Gap, Question, Reason
from vmmaudit.facts import replies
from vmmaudit.facts.missing import Missing
from vmmaudit.windows import svcctl, winreg
from vmmaudit.windows.winreg import RegistryValue

T = TypeVar("T")
_SYSTEM: Final = frozenset({"localsystem", r".\localsystem", r"nt authority\system"})
_NETWORK_SERVICE: Final = frozenset(
    {r"nt authority\networkservice", r"nt authority\network service"}
)
_NO_DOMAIN: Final = frozenset({".", "nt authority", "nt-autorität", "nt service"})
"""What stands before the name of an account that no domain has."""


class ServiceSource(StrEnum):
    """Who told about a service: the service control manager, or its database in the registry."""

    MANAGER = "manager"
    REGISTRY = "registry"


@dataclass(frozen=True, slots=True)
class ServiceFact:
    r"""A service as configured, and its state.

    Attributes:
        account: as stored: `LocalSystem`, `DOMAIN\name`, `name@domain`, `.\name`.
        start: one of `svcctl.Start`; the registry's copy may be missing.
        state: one of `svcctl.State`.
    """

    server: str
    name: str
    account: str
    start: int | Missing
    state: int | Missing
    source: ServiceSource
    evidence: tuple[str, ...]

    @property
    def is_local_system(self) -> bool:
        """Whether it runs as the machine itself."""
        return self.account.lower() in _SYSTEM

    @property
    def acts_as_computer(self) -> bool:
        """Whether it is the machine's account on the network."""
        return self.is_local_system or self.account.lower() in _NETWORK_SERVICE

    @property
    def is_local_account(self) -> bool:
        """Whether its account is the machine's own or built in, and so of no domain."""
        prefix, backslash, _ = self.account.lower().partition("\\")
        if not backslash:
            return "@" not in prefix
        return prefix in _NO_DOMAIN or prefix == self.server.partition(".")[0]

    @property
    def running(self) -> bool | Missing:
        """Whether it runs."""
        return self.state if isinstance(self.state, Missing) else self.state == svcctl.State.RUNNING


@dataclass(frozen=True, slots=True)
class Absence:
    """A machine has none of the services that were asked for, as it says itself."""

    server: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LegacySmb:
    """Whether a server has SMB 1 on.

    Attributes:
        tried: it was offered to the server, which chose it or not; else its configuration told.
    """

    on: bool
    tried: bool
    evidence: str


class Services:
    """Questions asked of the evidence about services, settings and administrators of machines."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self.vmm = cache(self._vmm)
        self.agent = cache(self._agent)
        self.administrators = cache(self._administrators)

    def _vmm(self, server: str) -> ServiceFact | Absence | Missing:
        """The VMM service."""
        return self._first(server, questions.VMM_SERVICES)

    def _agent(self, server: str) -> ServiceFact | Absence | Missing:
        """The VMM agent."""
        return self._first(server, questions.VMM_AGENTS)

    def version(self, server: str) -> str | Missing | None:
        """The version of VMM as its setup wrote it; None where it wrote none."""
        return self._value(server, questions.VMM_VERSION, lambda value: value.texts()[0])

    def own_spns(self, server: str) -> tuple[str, ...] | Missing | None:
        """The service principal names that VMM was told to register."""
        return self._value(server, questions.VMM_OWN_SPNS, _parts)

    def bits_port(self, server: str) -> int | Missing | None:
        """The port that files are copied over, as the VMM server or else the agent has it."""
        port = self._value(server, questions.BITS_OF_SERVER, lambda value: value.number())
        if port is not None:
            return port
        return self._value(server, questions.BITS_OF_AGENT, lambda value: value.number())

    def agent_port(self, server: str) -> int | Missing | None:
        """The port that files are copied over, as the agent of a server has it."""
        return self._value(server, questions.BITS_OF_AGENT, lambda value: value.number())

    def name_hardening(self, server: str) -> int | Missing:
        """0: an SMB server takes a ticket for any of its SPNs; 1, 2: only for names it knows."""
        found = self._value(server, questions.NAME_HARDENING, lambda value: value.number())
        return 0 if found is None else found

    def ntlm_refused(self, server: str) -> int | Missing:
        """0: a server takes NTLM; 1: not from accounts of a domain; 2: from nobody."""
        found = self._value(server, questions.NTLM_RECEIVED, lambda value: value.number())
        return 0 if found is None else found

    def legacy_smb(self, server: str) -> LegacySmb | Missing:
        """Whether a server has SMB 1 on: as it was tried, else as it is configured.

        Which of the two it was is settled where it is asked: a configuration is only looked for
        where a try told nothing.
        """
        question = questions.legacy_smb(server)
        reply = self._evidence.reply(question)
        if isinstance(reply, Gap):
            return Missing.of(reply, question)
        return _decoded(lambda: LegacySmb(*replies.legacy_smb(reply), question.id), question)

    def _administrators(self, server: str) -> frozenset[str] | Missing:
        """The direct members of a machine's Administrators, as SIDs."""
        question = questions.administrators(server)
        reply = self._evidence.reply(question)
        if isinstance(reply, Gap):
            return Missing.of(reply, question)
        return _decoded(lambda: frozenset(replies.members(reply)), question)

    def _first(self, server: str, names: tuple[str, ...]) -> ServiceFact | Absence | Missing:
        """The first of the services that exists; it is absent only if every name is."""
        missing: Missing | None = None
        evidence: list[str] = []
        for name in names:
            found = self._service(server, name)
            if isinstance(found, ServiceFact):
                return found
            evidence += found.evidence
            if isinstance(found, Missing):
                missing = missing or found
        return missing or Absence(server, tuple(evidence))

    def _service(self, server: str, name: str) -> ServiceFact | Absence | Missing:
        """One service: as its manager says, else as the registry has it."""
        question = questions.service(server, name)
        reply = self._evidence.reply(question)
        if isinstance(reply, Answer) and reply.rows:
            return _decoded(lambda: _managed(reply, question), question)
        asked = questions.registered_service(server, name)
        account = self._registry(asked[0], lambda value: value.texts()[0])
        evidence = (question.id, *(found.id for found in asked))
        if isinstance(account, str):
            start = self._registry(asked[1], lambda value: value.number())
            if start is None:
                start = Missing(Reason.NOT_FOUND, f"{server} stores no start type.", (asked[1].id,))
            state = _stateless(reply, question)
            source = ServiceSource.REGISTRY
            return ServiceFact(server, name, account, start, state, source, evidence)
        if isinstance(reply, Gap) and isinstance(account, Missing):
            return Missing.of(reply, question, *asked)
        return Absence(server, evidence)

    def _value(
        self, server: str, place: tuple[str, str], read: Callable[[RegistryValue], T]
    ) -> T | Missing | None:
        return self._registry(questions.registry(server, *place), read)

    def _registry(
        self, question: Question, read: Callable[[RegistryValue], T]
    ) -> T | Missing | None:
        reply = self._evidence.reply(question)
        if isinstance(reply, Gap):
            return Missing.of(reply, question)
        if not reply.rows:
            return None
        return _decoded(lambda: read(winreg.decode_value(_only(reply, "reply"))), question)


def domain_account(service: ServiceFact | Absence | Missing) -> str | None:
    """The name of the domain account that a service runs as, if it does."""
    if isinstance(service, ServiceFact) and not service.is_local_account:
        return service.account
    return None


def _managed(reply: Answer, question: Question) -> ServiceFact:
    account, start, told = replies.service(reply)
    state: int | Missing
    if told is None:
        state = Missing(
            Reason.ACCESS_DENIED,
            f"{question.server} tells how {question.detail[0]} is configured, but not whether it "
            "runs; reading that needs SERVICE_QUERY_STATUS, which local administrators have.",
            (question.id,),
        )
    else:
        state = told
    unknown = f"{question.server} does not tell how {question.detail[0]} is started."
    return ServiceFact(
        question.server,
        question.detail[0],
        account,
        Missing(Reason.INCOMPLETE, unknown, (question.id,)) if start is None else start,
        state,
        ServiceSource.MANAGER,
        (question.id,),
    )


def _stateless(reply: Answer | Gap, question: Question) -> Missing:
    """Why the state of a service is unknown that only the registry knows."""
    if isinstance(reply, Gap):
        return Missing.of(reply, question)
    return Missing(
        Reason.INCOMPLETE,
        f"The registry of {question.server} has the service {question.detail[0]}, but its service "
        "control manager does not, so nothing is known of its state.",
        (question.id,),
    )


def _parts(value: RegistryValue) -> tuple[str, ...]:
    """Several texts, which setup may have stored as one, separated by commas or blanks."""
    return tuple(
        part for text in value.texts() for part in text.replace(",", " ").replace(";", " ").split()
    )


def _only(reply: Answer, key: str) -> bytes:
    return reply.rows[0].first(key) or b""


def _decoded(decode: Callable[[], T], question: Question) -> T | Missing:
    try:
        return decode()
    except (FormatError, IndexError) as error:
        return Missing(Reason.MALFORMED_REPLY, str(error), (question.id,))
