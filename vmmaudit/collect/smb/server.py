r"""File servers over SMB 2 and 3: settings, shares, folders and descriptors, all read-only.

Requests go out raw and several at a time. Nothing is ever asked for but rights to read;
only named pipes are also written to, since that is how a remote procedure is called.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias

from smbprotocol.exceptions import (
    SMBResponseException,
)

from vmmaudit import questions
from vmmaudit.collect import machine, rpc
from vmmaudit.collect.credentials import Credentials, Vault
from vmmaudit.collect.smb.connection import LIBRARY_ERRORS, LOST, LostError
from vmmaudit.collect.smb.failures import BY_SHARE, explained, gap_of, of_status
from vmmaudit.collect.smb.messages import descriptor_requests, list_requests
from vmmaudit.collect.smb.offer import offered, reached
from vmmaudit.collect.smb.reading import (
    Rows,
    negotiated,
    now,
    patient_registry,
    read_descriptor,
    read_listing,
    row,
    service_rows,
)
from vmmaudit.collect.smb.session import Session
from vmmaudit.collect.wire import WireError
from vmmaudit.errors import FormatError
from vmmaudit.evidence import Answer, Gap, Question, Reason, Row
from vmmaudit.scope import Domain
from vmmaudit.windows import srvsvc
from vmmaudit.windows.sid import sid_to_bytes

_COMPOUND: Final = 3  # messages that are sent as one, each for a credit
_CREDITS_OF_ONE: Final = _COMPOUND + 1  # and a message to close what it opened

REMOTE_ERRORS: Final = (rpc.FaultError, rpc.NtError, rpc.Win32Error)
_NOT_THERE: Final = (Reason.UNRESOLVABLE, Reason.TIMEOUT)
"""No use to knock once more."""
ONE_QUESTION: Final = (SMBResponseException, FormatError, WireError, *REMOTE_ERRORS)
"""What costs one question its answer, and nothing else."""

_BY_PIPE: Final = (
    questions.SHARES,
    questions.SHARE,
    questions.TIME,
    questions.SAM_DOMAIN,
    questions.ALIASES,
    questions.MEMBERS,
    questions.SERVICE,
    questions.REGISTRY,
    questions.LOCAL_NAMES,
)
Reply: TypeAlias = Answer | Gap


class FileServer:
    """Answers every question about one server but those of LDAP and CIM.

    Raises nothing: what fails is a `Gap`. A server that cannot be reached or logged on to is
    asked once; a session that ends is opened again while that brings answers.
    """

    def __init__(
        self,
        name: str,
        domain: Domain,
        vault: Vault,
        *,
        connect_seconds: float = 10,
        request_seconds: float = 60,
        window: int = 20,
    ) -> None:
        self._name = name
        self._domain = domain
        self._vault = vault
        self._times = (connect_seconds, request_seconds)
        self._window = window
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._session: Session | None = None
        self._services: dict[Callable[[rpc.Opener, str], Any], Any] = {}
        self._failure: WireError | None = None
        self._fruitless = 0

    def answer(self, asked: Sequence[Question]) -> list[Reply]:
        """One reply per question, in their order."""
        replies: dict[int, Reply] = {}
        suspect: int | None = None
        with self._lock:
            # Nobody logs on for it, so a server tells it that lets nobody in.
            replies |= {
                index: self._legacy(question)
                for index, question in enumerate(asked)
                if question.kind == questions.LEGACY_SMB
            }
            while waiting := [item for item in enumerate(asked) if item[0] not in replies]:
                known = len(replies)
                first = waiting[0][0]
                try:
                    session = self._connected()
                    # After a loss the next question goes alone, so that the right one is blamed.
                    self._ask(session, waiting[:1] if first == suspect else waiting, replies)
                    continue
                except WireError as error:
                    replies |= {index: gap_of(error) for index, _ in waiting}
                    continue
                except (LostError, *LIBRARY_ERRORS) as error:
                    self._forget()
                    lost = explained(error, self._name)
                if len(replies) > known:
                    self._fruitless = 0
                first = next(index for index, _ in waiting if index not in replies)
                if first != suspect:
                    suspect = first
                    continue
                replies[first] = gap_of(lost)
                self._fruitless += 1
                if self._fruitless > 1:  # it is not the questions, it is the server
                    self._failure = lost
        return [replies[index] for index in range(len(asked))]

    def close(self) -> None:
        """Log off; never raises, and ends what another thread is waiting for."""
        self._closed.set()
        session = self._session
        if session is None:
            return
        if self._lock.acquire(blocking=False):
            try:
                session.hurry()
                with contextlib.suppress(LostError, WireError, *ONE_QUESTION, *LIBRARY_ERRORS):
                    self._end_services()
                session.close()
            finally:
                self._lock.release()
        else:
            session.hang_up()
        self._session = None

    # -- SMB 1 ------------------------------------------------------------------------

    def _legacy(self, question: Question) -> Reply:
        """What it says to an offer of SMB 1.

        That it hangs up tells something only of a server that speaks with us otherwise: others
        hang up on everybody.
        """
        try:
            reply = self._offered()
            if not reply:
                self._connected()
        except (FormatError, LostError, WireError, *LIBRARY_ERRORS) as error:
            return gap_of(explained(error, self._name, question))
        return Answer((row(reply=reply),), self._name, now())

    def _offered(self) -> bytes:
        self._go_on()
        if self._failure is not None and self._failure.reason in _NOT_THERE:
            raise WireError(self._failure.reason, self._failure.sentence)
        seconds = self._times[0]
        try:
            stream = reached(self._name, seconds)
        except (OSError, UnicodeError) as error:
            self._failure = self._failure or explained(error, self._name)
            raise
        with stream:
            return offered(stream, seconds)

    # -- sessions ---------------------------------------------------------------------

    def _go_on(self) -> None:
        if self._closed.is_set():
            raise WireError(
                Reason.INTERRUPTED, f"The run was interrupted before {self._name} answered this."
            )

    def _connected(self) -> Session:
        """The session, opened if need be; a failure to open it is final."""
        self._go_on()
        if self._failure is not None:
            raise WireError(self._failure.reason, self._failure.sentence)
        if self._session is None:
            try:
                credentials = self._vault.credentials(self._domain.auth, self._domain.name)
                with self._vault.trying(self._domain.auth):
                    session = self._opened(credentials)
            except WireError as error:
                self._failure = error
                raise
            self._session = session
            if self._closed.is_set():  # while it was being opened
                self._forget()
                return self._connected()
        return self._session

    def _opened(self, credentials: Credentials) -> Session:
        try:
            return Session(self._name, credentials, *self._times)
        except (LostError, ImportError, *LIBRARY_ERRORS) as error:
            raise explained(error, self._name) from error

    def _forget(self) -> None:
        session, self._session = self._session, None
        self._services.clear()
        if session is not None:
            session.hang_up()

    # -- questions --------------------------------------------------------------------

    def _ask(
        self, session: Session, waiting: Iterable[tuple[int, Question]], replies: dict[int, Reply]
    ) -> None:
        """Ask with several requests on their way; replies are taken in the order of questions."""
        flying: deque[tuple[int, Question, Callable[[], Rows]]] = deque()
        for index, question in waiting:
            while flying and (
                len(flying) >= self._window or session.connection.credits < _CREDITS_OF_ONE
            ):
                self._land(flying, replies)
            if session.connection.credits < _CREDITS_OF_ONE:
                session.refill()
            try:
                flying.append((index, question, self._start(session, question)))
            except ONE_QUESTION as error:
                replies[index] = self._gap(question, error)
        while flying:
            self._land(flying, replies)

    def _land(
        self,
        flying: deque[tuple[int, Question, Callable[[], Rows]]],
        replies: dict[int, Reply],
    ) -> None:
        index, question, finish = flying.popleft()
        try:
            rows = finish()
        except ONE_QUESTION as error:
            replies[index] = self._gap(question, error)
        else:
            replies[index] = Answer(rows, self._name, now())

    def _start(self, session: Session, question: Question) -> Callable[[], Rows]:
        """Send what can be sent at once; what is returned waits for the reply."""
        if question.kind not in (questions.DESCRIPTOR, questions.LIST):
            return lambda: tuple(self._other(session, question))
        share, path = question.detail
        try:
            tree = session.tree(share)
        except SMBResponseException as error:
            if error.status in LOST:
                raise
            raise of_status(
                rf"\\{self._name}\{share} could not be opened", BY_SHARE, error.status
            ) from error
        if session.connection.credits < _COMPOUND:
            raise WireError(
                Reason.INCOMPLETE,
                f"{self._name} lets fewer requests be under way at once (SMB credits) than it "
                "takes to read a file: it is overloaded, or set so (Samba: smb2 max credits).",
            )
        if question.kind == questions.DESCRIPTOR:
            sent = session.send(tree, *descriptor_requests(path))
            return lambda: read_descriptor(session, tree, sent)
        sent = session.send(tree, *list_requests(path))
        return lambda: read_listing(session, tree, path, sent)

    def _other(self, session: Session, question: Question) -> Iterable[Row]:
        """Questions that wait for each of their replies."""
        match question.kind, question.detail:
            case questions.SERVER, ():
                return [negotiated(session.connection)]
            case questions.SHARES, ():
                return [row(reply=self._shares(session).shares())]
            case questions.SHARE, (name,):
                level, reply = self._shares(session).share(name)
                if level == srvsvc.LEVEL_1:
                    refused = Reason.ACCESS_DENIED.value.encode()
                    return [row(level=b"1", reply=reply, refused=refused)]
                return [row(level=str(level).encode(), reply=reply)]
            case questions.TIME, ():
                return [row(reply=self._shares(session).time())]
            case questions.SAM_DOMAIN, ():
                found = self._accounts(session).domains()
                return [Row(name, {"sid": (sid_to_bytes(sid),)}) for name, sid in found]
            case questions.ALIASES, (sid,):
                return [Row("", {"reply": tuple(self._accounts(session).aliases(sid))})]
            case questions.MEMBERS, (sid,):
                return [row(reply=self._accounts(session).members(sid))]
            case questions.SERVICE, (name,):
                return service_rows(self._service(session, machine.services).service(name))
            case questions.REGISTRY, (key, name):
                value = self._service(session, patient_registry).value(key, name)
                return [] if value is None else [row(reply=value)]
            case questions.LOCAL_NAMES, sids:
                operation, reply = self._service(session, machine.names).lookup(sids)
                return [row(operation=str(operation).encode(), reply=reply)]
        raise WireError(
            Reason.NOT_SUPPORTED, f"{question.kind} is not something to ask a file server."
        )

    def _shares(self, session: Session) -> rpc.ServerService:
        service: rpc.ServerService = self._service(session, rpc.server_service)
        return service

    def _accounts(self, session: Session) -> rpc.Accounts:
        service: rpc.Accounts = self._service(session, rpc.accounts)
        return service

    def _service(self, session: Session, bind: Callable[[rpc.Opener, str], Any]) -> Any:
        """A service, bound once in a session; a refusal is remembered as well."""
        known = self._services.get(bind)
        if known is None:
            try:
                known = bind(session.open_pipe, self._name)
            except ONE_QUESTION as error:
                known = error
            self._services[bind] = known
        if isinstance(known, Exception):
            raise known
        return known

    def _end_services(self) -> None:
        services, self._services = list(self._services.values()), {}
        for service in services:
            if not isinstance(service, Exception):
                service.close()

    def _gap(self, question: Question, error: Exception) -> Gap:
        """The gap that a failure of this one question leaves; the loss of a session is none."""
        if isinstance(error, SMBResponseException) and error.status in LOST:
            raise error
        if question.kind in _BY_PIPE and not isinstance(error, (*REMOTE_ERRORS, WireError)):
            self._end_services()  # a pipe that broke may work when opened again
        return gap_of(explained(error, self._name, question))
