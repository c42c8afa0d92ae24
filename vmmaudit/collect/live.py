"""The wire to real servers: one session per domain and per server, opened when first asked."""

from __future__ import annotations

import getpass
import platform
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from vmmaudit import __version__, questions
from vmmaudit.collect.credentials import Vault
from vmmaudit.collect.ldap import Directory
from vmmaudit.collect.smb import FileServer
from vmmaudit.evidence import Answer, Gap, Origin, Question, Reason
from vmmaudit.scope import Domain, nearest

_NO_WINRM: Final = (
    "The boot time of {server} was not asked over WinRM; this version asks over SMB only, "
    "whose counter wraps every 49.7 days."
)


class Live:
    """Implements `wire.Wire` over LDAP, SMB and RPC; read-only, always."""

    def __init__(
        self, domains: Sequence[Domain], prompt: Callable[[str], str] | None = None
    ) -> None:
        self._known = domains
        self._vault = Vault(prompt)
        self._domains = {domain.name: Directory(domain, self._vault) for domain in domains}
        self._controllers: dict[str, Directory] = {}
        self._servers: dict[str, FileServer] = {}
        self._lock = threading.Lock()
        self._origin = Origin(
            moment=datetime.now(UTC).replace(microsecond=0),
            who=self._who(),
            machine=platform.node().lower(),
            tool=f"vmmaudit {__version__}",
        )

    @property
    def origin(self) -> Origin:
        """The moment the wire was made, who runs it, and where."""
        return self._origin

    def ask(self, questions_: Sequence[Question]) -> list[Answer | Gap]:
        """Replies in the order of the questions; those to one server go out together."""
        replies: dict[Question, Answer | Gap] = {}
        by_server: dict[str, list[Question]] = {}
        for question in questions_:
            if question.kind == questions.SEARCH:
                replies[question] = self._domains[question.server].answer(question)
            elif question.kind == questions.CONTROLLER:
                domain, *detail = question.detail
                asked_there = Question(domain, questions.SEARCH, tuple(detail))
                replies[question] = self._controller(domain, question.server).answer(asked_there)
            elif question.kind == questions.BOOT:
                text = _NO_WINRM.format(server=question.server)
                replies[question] = Gap(Reason.NOT_SUPPORTED, text, self._origin.moment)
            elif question.kind == questions.REACH:
                text = f"Only {question.server} itself can try to reach {question.detail[0]}."
                replies[question] = Gap(Reason.NOT_ASKED, text, self._origin.moment)
            else:
                by_server.setdefault(question.server, []).append(question)
        for server, asked in by_server.items():
            replies |= dict(zip(asked, self._server(server).answer(asked), strict=True))
        return [replies[question] for question in questions_]

    def close(self) -> None:
        """End all sessions."""
        with self._lock:
            servers = list(self._servers.values())
            controllers = list(self._controllers.values())
        for server in servers:
            server.close()
        for domain in (*self._domains.values(), *controllers):
            domain.close()

    def _controller(self, domain: str, name: str) -> Directory:
        """The domain as this one controller has it."""
        with self._lock:
            if name not in self._controllers:
                known = next(found for found in self._known if found.name == domain)
                alone = known.model_copy(update={"controllers": (name,)})
                self._controllers[name] = Directory(alone, self._vault)
            return self._controllers[name]

    def _server(self, name: str) -> FileServer:
        with self._lock:
            if name not in self._servers:
                self._servers[name] = FileServer(name, nearest(self._known, name), self._vault)
            return self._servers[name]

    def _who(self) -> str:
        declared = [domain.auth.user for domain in self._known if domain.auth.user]
        try:
            return declared[0] if declared else getpass.getuser()
        except (OSError, KeyError):  # no name for this uid, as in some containers
            return "unknown"
