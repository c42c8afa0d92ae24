"""Searches in one domain: the controllers in turn, pages and ranges to their end."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import ldap3
from ldap3.core.exceptions import LDAPException
from ldap3.operation.search import search_operation
from ldap3.protocol import rfc4511
from ldap3.protocol.controls import build_control
from ldap3.protocol.rfc2696 import paged_search_control
from ldap3.utils.asn1 import encode  # type: ignore[attr-defined]

from vmmaudit.collect import ber, names, sealed
from vmmaudit.collect.credentials import Credentials, Vault
from vmmaudit.collect.wire import WireError
from vmmaudit.evidence import Answer, Gap, Question, Reason, Row
from vmmaudit.scope import Domain

MOST_PAGES: Final = 20_000
"""Of one search: twenty million objects. A directory that goes on telling never ends."""
MOST_BYTES: Final = 512 * 1024 * 1024
"""Of one search, as they come over the wire."""
SECONDS: Final = 600
"""One page at most, however steadily it drips; a thousand objects need less than one."""
PAGE: Final = 1000
"""MaxPageSize of Active Directory by default (MS-ADTS 3.1.1.3.4.6)."""
_SCOPES: Final = {"base": ldap3.BASE, "one": ldap3.LEVEL, "sub": ldap3.SUBTREE}
_SD_FLAGS: Final = ("1.2.840.113556.1.4.801", True, b"\x30\x03\x02\x01\x07", False)
"""Owner, group and DACL, not the SACL: a reader has no right to it (MS-ADTS 3.1.1.3.4.1.11)."""
_DESCRIPTORS: Final = frozenset(
    {"ntsecuritydescriptor", "msds-allowedtoactonbehalfofotheridentity"}
)
_RANGE: Final = re.compile(r"(?P<name>[^;]+);range=(?P<first>\d+)-(?P<last>\d+|\*)", re.IGNORECASE)
_READINGS_AGAIN: Final = 2
_SMALLEST_RANGE: Final = 2
"""Fewer bring nothing new, since the first value of a range is known already."""
_AT_ONCE: Final = 65536
_RESULTS: Final = {
    3: (Reason.TIMEOUT, "gave up on its time limit"),
    4: (Reason.INCOMPLETE, "cut the result at its size limit"),
    8: (Reason.SIGNING_REQUIRED, "requires signing before it answers; use transport: sealed"),
    10: (Reason.INCOMPLETE, "referred to another server; name a controller of the right domain"),
    11: (Reason.INCOMPLETE, "cut the result at an administrative limit"),
    12: (Reason.NOT_SUPPORTED, "does not know a control that is needed"),
    32: (Reason.NOT_FOUND, "has no such object"),
    34: (Reason.NOT_SUPPORTED, "does not take the base of this search for a DN"),
    50: (Reason.ACCESS_DENIED, "refused this to the account that reads"),
    51: (Reason.UNREACHABLE, "is busy"),
    52: (Reason.UNREACHABLE, "is not available"),
    53: (Reason.NOT_SUPPORTED, "is unwilling to perform this search"),
}
_ELSEWHERE: Final = frozenset(
    {
        Reason.UNRESOLVABLE,
        Reason.UNREACHABLE,
        Reason.TIMEOUT,
        Reason.CERTIFICATE_UNTRUSTED,
        Reason.MALFORMED_REPLY,
    }
)
"""What another controller may do better. A refused logon is not among it: the same wrong
password at every controller locks the account."""
_INTERRUPTED: Final = "The run was interrupted before this was answered."


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search; no cookie at all (None) says that the server did not page.

    `size` counts its bytes on the wire.
    """

    entries: tuple[ber.Entry, ...]
    code: int
    cookie: bytes | None
    size: int = 0


class DirectoryClient(Protocol):
    """A connection to one controller, logged on."""

    def search(
        self, base: str, scope: str, query: str, attributes: Sequence[str], cookie: bytes | None
    ) -> Page:
        """The page after `cookie` (`b""`: the first one, None: do not page).

        Raises:
            OSError: the connection is lost, or its time is out (TimeoutError).
            BerError: the server sent what cannot be read.
        """
        ...

    def close(self) -> None:
        """End the connection; never raises."""
        ...


Opener = Callable[[Domain, str, Credentials], DirectoryClient]


class Directory:
    """One domain; the connection is made when first needed and a failure is remembered.

    One thread at a time asks; any thread may close.
    """

    def __init__(
        self,
        domain: Domain,
        vault: Vault,
        connect_seconds: float = 10,
        receive_seconds: float = 60,
        opener: Opener | None = None,
    ) -> None:
        self._domain = domain
        self._vault = vault
        self._open: Opener = opener or (
            lambda domain, name, credentials: Client(
                sealed.connect(domain, name, credentials, connect_seconds, receive_seconds)
            )
        )
        self._client: DirectoryClient | None = None
        self._server = ""
        self._waiting: list[str] | None = None
        self._failure: WireError | None = None
        self._closed = False

    def answer(self, question: Question) -> Answer | Gap:
        """The reply to an `ldap.search`; a connection lost half-way is tried once more."""
        tried = ""
        while not self._closed:
            try:
                rows = self._search(*question.detail)
            except WireError as error:
                return Gap(error.reason, error.sentence, _now())
            except ber.BerError:
                self._drop()
                text = f"{self._server} sent a reply that is not LDAP as RFC 4511 has it."
                return Gap(Reason.MALFORMED_REPLY, text, _now())
            except OSError as error:
                self._drop()
                if self._closed:
                    break
                late = isinstance(error, TimeoutError)
                if tried or (late and not self._next()):
                    return self._lost(late=late)
                tried = self._server
            else:
                return Answer(tuple(rows), self._server, _now())
        return Gap(Reason.INTERRUPTED, _INTERRUPTED, _now())

    def close(self) -> None:
        """End the connection for good: a search that is under way ends too."""
        self._closed = True
        self._drop()

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _next(self) -> bool:
        """Put the controller that is too slow behind the others, if there are any."""
        waiting = self._waiting or []
        waiting.append(waiting.pop(0))
        return len(waiting) > 1

    def _lost(self, *, late: bool) -> Gap:
        if late:
            text = f"{self._server} did not answer a search in time; ask it again when it is idle."
            return Gap(Reason.TIMEOUT, text, _now())
        text = f"The connection to {self._server} was lost in mid-search; run the audit again."
        return Gap(Reason.UNREACHABLE, text, _now())

    # -- connecting -----------------------------------------------------------------------

    def _connected(self) -> DirectoryClient:
        if self._client is not None:
            return self._client
        if self._failure is not None:
            raise WireError(self._failure.reason, self._failure.sentence)
        try:
            self._client = self._first_that_opens()
        except WireError as error:
            self._failure = error
            raise
        if self._closed:  # by another thread, in the meantime
            raise ConnectionAbortedError
        return self._client

    def _first_that_opens(self) -> DirectoryClient:
        credentials = self._vault.credentials(self._domain.auth, self._domain.name)
        if self._waiting is None:
            self._waiting = names.controllers(self._domain)
        failure: WireError | None = None
        while self._waiting:
            self._server = self._waiting[0]
            try:
                with self._vault.trying(self._domain.auth):
                    return self._open(self._domain, self._server, credentials)
            except WireError as error:
                if error.reason not in _ELSEWHERE:
                    raise
                failure = failure or error
                self._waiting.pop(0)
        raise failure or WireError(
            Reason.UNREACHABLE, f"No domain controller of {self._domain.name} is left to ask."
        )

    # -- searching ------------------------------------------------------------------------

    def _search(self, base: str, scope: str, query: str, wanted: str) -> list[Row]:
        client, attributes = self._connected(), wanted.split(",")
        rows: list[Row] = []
        cookie = None if scope == "base" else b""  # one entry is one page
        size = 0
        for _ in range(MOST_PAGES):
            page = client.search(base, scope, query, attributes, cookie)
            self._check(page.code)
            size += page.size
            if size > MOST_BYTES:
                break
            rows += [self._row(client, entry) for entry in page.entries]
            if cookie is None or page.cookie == b"":
                return rows
            if page.cookie is None:
                raise WireError(
                    Reason.INCOMPLETE,
                    f"{self._server} did not say whether there are more results; use another "
                    "controller.",
                )
            if not page.entries and page.cookie == cookie:
                raise WireError(Reason.MALFORMED_REPLY, f"{self._server} repeats an empty page.")
            cookie = page.cookie
        self._drop()  # what it would still send belongs to nothing
        raise WireError(Reason.MALFORMED_REPLY, f"The answer of {self._server} does not end.")

    def _row(self, client: DirectoryClient, entry: ber.Entry) -> Row:
        values: dict[str, tuple[bytes, ...]] = {}
        for name, found in entry.attributes:
            partial = _RANGE.fullmatch(name) if ";" in name else None
            plain = partial["name"] if partial else name
            complete = found
            if partial and partial["last"] != "*":
                complete = self._whole(client, entry.dn, plain, found)
            if complete:
                values[plain] = complete
        return Row(entry.dn, values)

    def _whole(
        self, client: DirectoryClient, dn: str, name: str, first: tuple[bytes, ...]
    ) -> tuple[bytes, ...]:
        """All values of an attribute of which the first range is there.

        A range is counted from the first value there is at that moment, so whoever changes the
        attribute in between moves what follows; then it is read again from the start.
        """
        for known in (first, *[()] * _READINGS_AGAIN):
            values = self._rest(client, dn, name, known)
            if values is not None:
                return values
        raise WireError(
            Reason.INCOMPLETE,
            f"{name} of {dn} changed each time {self._server} was telling it; run the audit again "
            "when nobody works on it.",
        )

    def _rest(
        self, client: DirectoryClient, dn: str, name: str, known: tuple[bytes, ...]
    ) -> tuple[bytes, ...] | None:
        """What is known and the values after it (MS-ADTS 3.1.1.3.1.3.3); None if they moved.

        Each range begins with the last value of the one before, which shows whether it moved.
        """
        values = list(known)
        size = 0
        for _ in range(MOST_PAGES):
            first = max(0, len(values) - 1)
            wanted = [f"{name};range={first}-*"]
            page = client.search(dn, "base", "(objectClass=*)", wanted, None)
            self._check(page.code)
            size += page.size
            if size > MOST_BYTES:
                break
            ranges = [
                (partial, found)
                for key, found in (page.entries[0].attributes if page.entries else ())
                if (partial := _RANGE.fullmatch(key))
            ]
            partial, found = ranges[0] if len(ranges) == 1 else (None, ())
            if partial is None or int(partial["first"]) != first:
                raise WireError(
                    Reason.INCOMPLETE, f"{self._server} stopped in the middle of {name} of {dn}."
                )
            if values and found[:1] != (values[-1],):
                return None
            ended = partial["last"] == "*"
            values[first:] = found
            if not ended and (
                int(partial["last"]) != len(values) - 1 or len(found) < _SMALLEST_RANGE
            ):
                raise WireError(
                    Reason.MALFORMED_REPLY, f"{self._server} repeats values of {name} of {dn}."
                )
            if ended:
                return tuple(values) if len(set(values)) == len(values) else None
        raise WireError(
            Reason.MALFORMED_REPLY, f"{self._server} tells values of {name} of {dn} without end."
        )

    def _check(self, code: int) -> None:
        if code != 0:
            reason, problem = _RESULTS.get(
                code, (Reason.MALFORMED_REPLY, f"answered the search with LDAP result {code}")
            )
            raise WireError(reason, f"{self._server} {problem}.")


class Client:
    """Implements `DirectoryClient` over the socket of a connection that ldap3 has logged on."""

    def __init__(self, connection: ldap3.Connection) -> None:
        self._connection = connection
        self._socket: Any = connection.socket
        self._unread, self._at = b"", 0

    def search(
        self, base: str, scope: str, query: str, attributes: Sequence[str], cookie: bytes | None
    ) -> Page:
        """Send one search and read until its end; references to elsewhere are not followed."""
        controls = []
        if cookie is not None:
            controls.append(paged_search_control(True, PAGE, cookie))
        if _DESCRIPTORS & {name.lower() for name in attributes}:
            controls.append(build_control(*_SD_FLAGS))
        number = self._connection.server.next_message_id()
        self._socket.sendall(_request(number, base, scope, query, attributes, controls))
        entries: list[ber.Entry] = []
        size, late = 0, time.monotonic() + SECONDS
        while True:
            found_number, found, length = self._message()
            size += length
            if size > MOST_BYTES:
                raise ber.BerError("a page that does not end")
            if time.monotonic() > late:
                raise TimeoutError
            if isinstance(found, ber.Notice) and found_number == 0:
                raise ConnectionResetError("the server says goodbye")
            if found_number != number:
                raise ber.BerError("a reply to something else")
            if isinstance(found, ber.Entry):
                entries.append(found)
            elif isinstance(found, ber.Done):
                return Page(tuple(entries), found.code, found.cookie, size)

    def close(self) -> None:
        """End the connection."""
        sealed.disconnect(self._connection)

    def _message(self) -> tuple[int, ber.Entry | ber.Done | ber.Reference | ber.Notice, int]:
        """The next message: its number, what it says, and its bytes."""
        late = time.monotonic() + SECONDS
        while (size := ber.size(self._unread, self._at)) is None or (
            len(self._unread) - self._at < size
        ):
            if time.monotonic() > late:
                raise TimeoutError
            data = self._socket.recv(_AT_ONCE)
            if not data:
                raise ConnectionResetError("the server closed the connection")
            self._unread, self._at = self._unread[self._at :] + data, 0
        start, self._at = self._at, self._at + size
        return *ber.message(self._unread, start, self._at), size


def _request(
    number: int, base: str, scope: str, query: str, attributes: Sequence[str], controls: list[Any]
) -> bytes:
    try:
        search = search_operation(
            base, query, _SCOPES[scope], ldap3.DEREF_NEVER, attributes, 0, 0, False, True, False
        )
    except LDAPException as error:
        raise WireError(Reason.NOT_SUPPORTED, "The filter of this search is not valid.") from error
    message = rfc4511.LDAPMessage()
    message["messageID"] = rfc4511.MessageID(number)
    message["protocolOp"] = rfc4511.ProtocolOp().setComponentByName("searchRequest", search)
    if controls:
        message["controls"] = rfc4511.Controls()
        message["controls"].extend(controls)
    return bytes(encode(message))


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
