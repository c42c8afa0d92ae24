"""The wire to real servers: one session per domain and per server, opened when first asked."""

from __future__ import annotations

import getpass
import platform
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from vmmaudit import __version__, questions
from vmmaudit.collect import gather, winrm
from vmmaudit.collect.credentials import Vault
from vmmaudit.collect.ldap import Directory
from vmmaudit.collect.smb import FileServer
from vmmaudit.commit import commit
from vmmaudit.evidence import Answer, Gap, Origin, Question, Reason
from vmmaudit.scope import Domain, nearest

if TYPE_CHECKING:
    from vmmaudit.collect.winrm.management import RemoteManagement

_NO_WINRM: Final = (
    "The boot time of {server} was not asked over WinRM, which the scope does not allow (winrm: of "
    "its domain); over SMB its counter wraps every 49.7 days."
)
_NO_CMDLETS: Final = (
    "VMM tells this only through its cmdlet {cmdlet}; allow WinRM in the scope (winrm: of its "
    "domain), or hand over what it returns (Export-Clixml), or what the reading script writes."
)
_NO_EXTRA: Final = (
    "The scope allows WinRM, but the package for it is missing: pip install 'vmmaudit[winrm]'."
)


class Live:
    """Implements `wire.Wire` over LDAP, SMB and RPC; read-only, always."""

    def __init__(
        self,
        domains: Sequence[Domain],
        prompt: Callable[[str], str] | None = None,
        vault: Vault | None = None,
    ) -> None:
        self._known = domains
        self._vault = vault or Vault(prompt)
        self._domains = {domain.name: Directory(domain, self._vault) for domain in domains}
        self._controllers: dict[str, Directory] = {}
        self._servers: dict[str, FileServer] = {}
        self._management: dict[str, RemoteManagement] = {}
        self._lock = threading.Lock()
        self._origin = Origin(
            moment=datetime.now(UTC).replace(microsecond=0),
            who=self._who(),
            machine=platform.node().lower(),
            tool=f"vmmaudit {__version__}",
            commit=commit(),
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
            elif question.kind in winrm.ALONE:
                replies[question] = self._untold(question)
            else:
                by_server.setdefault(question.server, []).append(question)
        for server, asked in by_server.items():
            replies |= dict(zip(asked, self._server(server).answer(asked), strict=True))
        self._fall_back(replies)
        return [replies[question] for question in questions_]

    def _untold(self, question: Question) -> Gap:
        """Why a question that only WinRM answers was not asked."""
        if question.kind == questions.REACH:
            text = f"Only {question.server} itself can try to reach {question.detail[0]}."
            return Gap(Reason.NOT_ASKED, text, self._origin.moment)
        cmdlet = next(iter(question.detail), "")
        text = _NO_WINRM if question.kind == questions.BOOT else _NO_CMDLETS
        text = text.format(server=question.server, cmdlet=cmdlet)
        return Gap(Reason.NOT_SUPPORTED, text, self._origin.moment)

    def _fall_back(self, replies: dict[Question, Answer | Gap]) -> None:
        """Ask over WinRM, where it is allowed, what was refused or cannot be asked otherwise.

        If that fails too, what the pipes said stands, unless they say nothing of it at all.
        """
        by_server: dict[str, list[Question]] = {}
        for question, reply in replies.items():
            if question.kind in winrm.KINDS and (isinstance(reply, Gap) or _is_bare(reply)):
                by_server.setdefault(question.server, []).append(question)
        for server, asked in by_server.items():
            if nearest(self._known, server).winrm == "off":
                continue
            replies |= {
                question: told
                for question, told in zip(asked, self._managed(server, asked), strict=True)
                if isinstance(told, Answer) or question.kind in winrm.ALONE
            }

    def _managed(self, server: str, asked: Sequence[Question]) -> list[Answer | Gap]:
        if not winrm.installed():
            return [Gap(Reason.NOT_SUPPORTED, _NO_EXTRA, self._origin.moment)] * len(asked)
        from vmmaudit.collect.winrm.management import RemoteManagement  # noqa: PLC0415 - an extra

        with self._lock:
            if server not in self._management:
                domain = nearest(self._known, server)
                self._management[server] = RemoteManagement(server, domain, self._vault)
            session = self._management[server]
        return session.answer(asked)

    def close(self) -> None:
        """End all sessions."""
        with self._lock:
            servers = list(self._servers.values())
            controllers = list(self._controllers.values())
            management = list(self._management.values())
        ends = [*(each.close for each in servers), *(each.close for each in management)]
        # One after the other, a thousand servers far away would take minutes to say goodbye to.
        with ThreadPoolExecutor(gather.TARGETS_AT_ONCE, thread_name_prefix="close") as pool:
            ended = [pool.submit(end) for end in ends]
        for done in ended:
            done.result()
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


def _is_bare(reply: Answer) -> bool:
    """Whether a share was told without its permissions, as a plain user is (MS-SRVS level 1)."""
    return any(row.first("level") == b"1" for row in reply.rows)
