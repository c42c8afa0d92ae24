"""Searches in one domain: the controllers in turn, pages and ranges to their end."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final, Literal

import ldap3
import truststore
from ldap3.core.exceptions import LDAPException, LDAPSocketOpenError, LDAPStartTLSError
from ldap3.core.tls import Tls

from vmmaudit.collect import failures, names
from vmmaudit.collect.credentials import Credentials, Vault
from vmmaudit.collect.sealed import NegotiatedConnection
from vmmaudit.collect.wire import WireError
from vmmaudit.evidence import Answer, Gap, Question, Reason, Row
from vmmaudit.scope import Domain

PAGE: Final = 1000
"""MaxPageSize of Active Directory by default (MS-ADTS 3.1.1.3.4.6)."""
_SCOPES: Final[dict[str, Literal["BASE", "LEVEL", "SUBTREE"]]] = {
    "base": ldap3.BASE,
    "one": ldap3.LEVEL,
    "sub": ldap3.SUBTREE,
}
_SD_FLAGS: Final = ("1.2.840.113556.1.4.801", True, b"\x30\x03\x02\x01\x07")
"""Owner, group and DACL, not the SACL: a reader has no right to it (MS-ADTS 3.1.1.3.4.1.11)."""
_DESCRIPTORS: Final = frozenset({"ntsecuritydescriptor"})
_RANGE: Final = re.compile(r"(?P<name>[^;]+);range=(?P<first>\d+)-(?P<last>\d+|\*)", re.IGNORECASE)
_RESULTS: Final = {
    32: (Reason.NOT_FOUND, "has no such object"),
    50: (Reason.ACCESS_DENIED, "refused this to the account that reads"),
    3: (Reason.TIMEOUT, "gave up on its time limit"),
    4: (Reason.INCOMPLETE, "cut the result at its size limit"),
    10: (Reason.INCOMPLETE, "referred to another server"),
    51: (Reason.UNREACHABLE, "is busy"),
    52: (Reason.UNREACHABLE, "is not available"),
}


class Directory:
    """One domain; the connection is made when first needed and a failure is remembered."""

    def __init__(
        self, domain: Domain, vault: Vault, connect_seconds: float = 10, receive_seconds: float = 60
    ) -> None:
        self._domain = domain
        self._vault = vault
        self._connect_seconds = connect_seconds
        self._receive_seconds = receive_seconds
        self._connection: ldap3.Connection | None = None
        self._server = ""
        self._waiting: list[str] | None = None
        self._failure: WireError | None = None

    def answer(self, question: Question) -> Answer | Gap:
        """The reply to an `ldap.search`; a connection lost half-way is tried once more."""
        for attempt in (1, 2):
            try:
                rows = self._search(*question.detail)
            except WireError as error:
                return Gap(error.reason, error.sentence, _now())
            except (LDAPException, OSError) as error:
                self._drop()
                if attempt == 2:
                    reason = Reason.TIMEOUT if "time" in str(error).lower() else Reason.UNREACHABLE
                    sentence = f"The connection to {self._server} was lost in mid-search."
                    return Gap(reason, sentence, _now())
            else:
                return Answer(tuple(rows), self._server, _now())
        raise AssertionError  # pragma: no cover - the loop always returns

    def close(self) -> None:
        """End the connection; nobody waits for the goodbye."""
        self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.strategy.close()
            except (LDAPException, OSError):
                return

    # -- connecting -----------------------------------------------------------------------

    def _connected(self) -> ldap3.Connection:
        if self._connection is not None:
            return self._connection
        if self._failure is not None:
            raise self._failure
        try:
            credentials = self._vault.credentials(self._domain.auth, self._domain.name)
            if self._waiting is None:
                self._waiting = names.controllers(self._domain)
        except WireError as error:
            self._failure = error
            raise
        failure: WireError | None = None
        while self._waiting:
            name = self._waiting[0]
            try:
                self._connection = self._bound(name, credentials)
            except WireError as error:
                failure = failure or error
                self._waiting.pop(0)
            else:
                self._server = name
                return self._connection
        self._failure = failure or WireError(
            Reason.UNREACHABLE, f"No domain controller of {self._domain.name} is left to ask."
        )
        raise self._failure

    def _bound(self, name: str, credentials: Credentials) -> ldap3.Connection:
        names.resolve(name)
        secure = self._domain.transport != "sealed"
        server = ldap3.Server(
            name,
            port=636 if self._domain.transport == "ldaps" else 389,
            use_ssl=self._domain.transport == "ldaps",
            tls=_VerifiedTls(self._domain) if secure else None,
            get_info=ldap3.NONE,
            connect_timeout=self._connect_seconds,
        )
        options: dict[str, Any] = {
            "check_names": False,
            "auto_range": False,
            "return_empty_attributes": False,
            "receive_timeout": self._receive_seconds,
            "auto_referrals": False,
        }
        if credentials.protocol == "simple":
            user, password = credentials.user, credentials.password
            connection = ldap3.Connection(server, user, password, **options)
        else:
            connection = NegotiatedConnection(server, credentials, **options)
        try:
            connection.open(read_server_info=False)
            if self._domain.transport == "starttls":
                connection.start_tls(read_server_info=False)
            bound = connection.bind(read_server_info=False)
        except (LDAPSocketOpenError, LDAPStartTLSError, ssl.SSLError) as error:
            raise self._not_open(name, error) from error
        except (LDAPException, OSError) as error:
            raise WireError(
                Reason.UNREACHABLE, f"{name} ended the connection while logging on."
            ) from error
        if not bound:
            result = connection.result
            raise failures.of_bind(name, result["result"], result.get("message") or "")
        return connection

    def _not_open(self, name: str, error: BaseException) -> WireError:
        text = str(error)
        if isinstance(error, LDAPStartTLSError | ssl.SSLError) or "ssl" in text.lower():
            return failures.of_tls(name, error)
        port = 636 if self._domain.transport == "ldaps" else 389
        if "timed out" in text or "timeout" in text:
            return WireError(
                Reason.TIMEOUT, f"{name} does not answer on port {port}; check the firewall."
            )
        return WireError(
            Reason.UNREACHABLE,
            f"{name} cannot be reached on port {port}; check that it is up and the firewall.",
        )

    # -- searching ------------------------------------------------------------------------

    def _search(self, base: str, scope: str, query: str, wanted: str) -> list[Row]:
        connection = self._connected()
        attributes = wanted.split(",")
        controls = [_SD_FLAGS] if _DESCRIPTORS & {a.lower() for a in attributes} else None
        rows: list[Row] = []
        cookie: bytes | None = None
        while True:
            connection.search(
                base,
                query,
                _SCOPES[scope],
                attributes=attributes,
                controls=controls,
                paged_size=PAGE if base else None,
                paged_cookie=cookie,
            )
            result = connection.result
            if result["result"] != 0:
                raise self._refused(result["result"])
            rows += [self._row(connection, entry) for entry in _entries(connection.response)]
            control = (result.get("controls") or {}).get("1.2.840.113556.1.4.319")
            cookie = control["value"]["cookie"] if control else None
            if not cookie:
                return rows

    def _row(self, connection: ldap3.Connection, entry: dict[str, Any]) -> Row:
        values: dict[str, tuple[bytes, ...]] = {}
        for name, found in entry["raw_attributes"].items():
            partial = _RANGE.fullmatch(name)
            plain = partial["name"] if partial else name
            complete = list(found)
            if partial and partial["last"] != "*":
                complete += self._rest(connection, entry["dn"], plain, int(partial["last"]) + 1)
            if complete:
                values[plain] = tuple(bytes(value) for value in complete)
        return Row(entry["raw_dn"].decode("utf-8", "replace"), values)

    def _rest(self, connection: ldap3.Connection, dn: str, name: str, first: int) -> list[bytes]:
        """The values after the first range (MS-ADTS 3.1.1.3.1.3.3)."""
        values: list[bytes] = []
        while True:
            wanted = f"{name};range={first}-*"
            connection.search(dn, "(objectClass=*)", ldap3.BASE, attributes=[wanted])
            if connection.result["result"] != 0:
                raise self._refused(connection.result["result"])
            entries = list(_entries(connection.response))
            ranged = [
                (partial, found)
                for key, found in (entries[0]["raw_attributes"].items() if entries else ())
                if (partial := _RANGE.fullmatch(key))
            ]
            if not ranged:
                raise WireError(
                    Reason.INCOMPLETE, f"{self._server} stopped in the middle of {name} of {dn}."
                )
            partial, found = ranged[0]
            values += found
            if partial["last"] == "*":
                return values
            if int(partial["last"]) < first:
                raise WireError(
                    Reason.MALFORMED_REPLY, f"{self._server} repeats values of {name} of {dn}."
                )
            first = int(partial["last"]) + 1

    def _refused(self, code: int) -> WireError:
        reason, problem = _RESULTS.get(
            code, (Reason.MALFORMED_REPLY, f"answered the search with LDAP result {code}")
        )
        return WireError(reason, f"{self._server} {problem}.")


class _VerifiedTls(Tls):
    """TLS 1.2 or newer with the certificate and its name verified; ldap3 by itself does neither."""

    def __init__(self, domain: Domain) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._domain = domain

    def wrap_socket(self, connection: ldap3.Connection, do_handshake: bool = False) -> None:
        """Replace the connection's socket."""
        del do_handshake  # always: an unverified connection is of no use
        connection.socket = self._context().wrap_socket(
            connection.socket, server_hostname=connection.server.host
        )

    def start_tls(self, connection: ldap3.Connection) -> bool:
        """StartTLS (RFC 4511 4.14), then the same."""
        connection.starting_tls = True
        try:
            connection.extended("1.3.6.1.4.1.1466.20037")
            if connection.result["result"] != 0:
                raise LDAPStartTLSError("the server refused StartTLS")
            self.wrap_socket(connection)
        finally:
            connection.starting_tls = False
        connection.tls_started = True
        return True

    def _context(self) -> ssl.SSLContext:
        if self._domain.ca is None:
            context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        else:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            try:
                context.load_verify_locations(cafile=self._domain.ca)
            except (OSError, ssl.SSLError) as error:
                raise WireError(
                    Reason.CERTIFICATE_UNTRUSTED,
                    f"The CA file {self._domain.ca} holds no certificate that can be read.",
                ) from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


def _entries(response: Iterable[dict[str, Any]] | None) -> Iterable[dict[str, Any]]:
    """Entries alone: references to other domains are not followed."""
    return (found for found in response or () if found["type"] == "searchResEntry")


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
