"""The ways into a domain controller: sealed by Kerberos or NTLM, or inside verified TLS.

ldap3 2.9.1 cannot sign or seal. Here the security context wraps the socket after the
bind (RFC 4422 3.7: each buffer is preceded by its length), so whatever reads from and
writes to the socket stays as it is.
"""

from __future__ import annotations

import hashlib
import math
import socket
import ssl
from typing import Any, Final

import ldap3
import spnego
import spnego.channel_bindings
from cryptography import x509
from ldap3.core.exceptions import LDAPException, LDAPSocketOpenError, LDAPStartTLSError
from ldap3.core.tls import Tls
from ldap3.protocol.sasl.sasl import send_sasl_negotiation

from vmmaudit.collect import failures, names
from vmmaudit.collect.credentials import Credentials
from vmmaudit.collect.tls import trusted
from vmmaudit.collect.wire import WireError
from vmmaudit.evidence import Reason
from vmmaudit.scope import Domain

_MOST: Final = 16 * 1024 * 1024
"""The largest sealed buffer that is accepted; controllers send at most a few hundred KiB."""
_SASL_BIND_IN_PROGRESS: Final = 14
_UNREADABLE: Final = (ValueError, LookupError, TypeError)
"""What ldap3 runs into while it decodes the reply to a bind that is no LDAP."""


def connect(
    domain: Domain,
    name: str,
    credentials: Credentials,
    connect_seconds: float,
    receive_seconds: float,
) -> ldap3.Connection:
    """A connection to the controller `name` that is logged on, with its socket secured.

    Raises:
        WireError: no connection, no trust or no logon; the sentence names the controller.
    """
    names.resolve(name)
    secure, simple = domain.transport != "sealed", credentials.protocol == "simple"
    if simple and not secure:
        raise WireError(
            Reason.SIGNING_REQUIRED,
            f"No password is sent to {name} in clear; set transport: ldaps.",
        )
    server = ldap3.Server(
        name,
        port=636 if domain.transport == "ldaps" else 389,
        use_ssl=domain.transport == "ldaps",
        # Made here, since ldap3 copies whatever is raised later and so loses its meaning.
        tls=_VerifiedTls(trusted(domain)) if secure else None,
        get_info=ldap3.NONE,
        connect_timeout=connect_seconds,
    )
    options: dict[str, Any] = {
        "check_names": False,
        "receive_timeout": math.ceil(receive_seconds),  # ldap3 packs it as whole seconds
        "auto_referrals": False,
    }
    if simple:
        connection = ldap3.Connection(server, credentials.user, credentials.password, **options)
    else:
        connection = NegotiatedConnection(server, credentials, **options)
    try:
        _log_on(connection, name, starttls=domain.transport == "starttls")
    except BaseException:
        disconnect(connection)
        raise
    return connection


def disconnect(connection: ldap3.Connection) -> None:
    """Close the socket; nobody waits for a goodbye."""
    plain = connection.socket
    if plain is None:
        return
    try:
        plain.shutdown(socket.SHUT_RDWR)  # wakes a thread that still reads from it
    except OSError:
        pass
    finally:
        plain.close()


def _log_on(connection: ldap3.Connection, name: str, *, starttls: bool) -> None:
    try:
        connection.open(read_server_info=False)
        if starttls:
            connection.start_tls(read_server_info=False)
        bound = connection.bind(read_server_info=False)
    except (LDAPSocketOpenError, LDAPStartTLSError, ssl.SSLError) as error:
        raise _not_open(name, connection.server.port, error) from error
    except (LDAPException, OSError) as error:
        if isinstance(error, TimeoutError) or "timed out" in str(error):
            raise WireError(
                Reason.TIMEOUT,
                f"{name} does not answer the logon; check whether it is overloaded or hangs.",
            ) from error
        raise WireError(
            Reason.UNREACHABLE,
            f"{name} ended the connection while logging on; look into its event log.",
        ) from error
    except _UNREADABLE as error:
        raise WireError(
            Reason.MALFORMED_REPLY,
            f"{name} answers on port {connection.server.port}, but does not speak LDAP there; "
            "check the name and what stands in between.",
        ) from error
    if not bound:
        result = connection.result
        raise failures.of_bind(name, result["result"], result.get("message") or "")


def _not_open(name: str, port: int, error: BaseException) -> WireError:
    text = str(error)
    if "timed out" in text or "timeout" in text:
        return WireError(
            Reason.TIMEOUT, f"{name} does not answer on port {port}; check the firewall."
        )
    if isinstance(error, LDAPStartTLSError | ssl.SSLError) or "ssl" in text.lower():
        return failures.of_tls(name, error)
    return WireError(
        Reason.UNREACHABLE,
        f"{name} cannot be reached on port {port}; check that it is up and the firewall.",
    )


class _VerifiedTls(Tls):
    """TLS with the certificate and its name verified; ldap3 by itself does neither."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._context = context

    def wrap_socket(self, connection: ldap3.Connection, do_handshake: bool = False) -> None:
        """Replace the connection's socket."""
        del do_handshake  # always: an unverified connection is of no use
        connection.socket = self._context.wrap_socket(
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


class SealedSocket:
    """A socket whose every buffer is wrapped by a security context."""

    def __init__(self, plain: socket.socket, context: Any) -> None:
        self._socket = plain
        self._context = context
        self._unread = b""

    def sendall(self, data: bytes) -> None:
        """Seal and send."""
        sealed = self._context.wrap(data).data
        self._socket.sendall(len(sealed).to_bytes(4, "big") + sealed)

    def recv(self, count: int) -> bytes:
        """Unsealed bytes, at most `count`; empty at the end of the connection."""
        while not self._unread:  # an empty buffer is no end of the connection
            head = self._exactly(4)
            if not head:
                return b""
            size = int.from_bytes(head, "big")
            if size > _MOST:
                raise OSError(f"a sealed buffer of {size} bytes is more than is accepted")
            sealed = self._exactly(size)
            if not sealed:
                raise ConnectionResetError("the connection ended inside a sealed buffer")
            try:
                self._unread = self._context.unwrap(sealed).data
            except failures.SECURITY_ERRORS as error:
                raise OSError("a sealed buffer could not be opened") from error
        data, self._unread = self._unread[:count], self._unread[count:]
        return data

    def _exactly(self, count: int) -> bytes:
        parts = bytearray()
        while len(parts) < count:
            part = self._socket.recv(count - len(parts))
            if not part:
                return b""
            parts += part
        return bytes(parts)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


class NegotiatedConnection(ldap3.Connection):
    """An ldap3 connection that binds by GSS-SPNEGO (MS-ADTS 5.1.1.1.1)."""

    def __init__(self, server: ldap3.Server, credentials: Credentials, **options: Any) -> None:
        self._credentials = credentials
        # ldap3 knows no GSS-SPNEGO; it looks at the name in `bind` and then calls do_sasl_bind.
        super().__init__(server, authentication=ldap3.SASL, sasl_mechanism=ldap3.GSSAPI, **options)

    def do_sasl_bind(self, controls: Any) -> dict[str, Any]:
        """Exchange tokens until both sides agree, then seal the socket unless TLS does it."""
        tls = isinstance(self.socket, ssl.SSLSocket)
        name = self.server.host
        try:
            context = self._context(name, tls=tls)
            self.sasl_mechanism = "GSS-SPNEGO"
            token = context.step()
            result = self._send(controls, token)
            while result["result"] == _SASL_BIND_IN_PROGRESS and not context.complete:
                token = context.step(result["saslCreds"])
                result = self._send(controls, token or b"")
            if result["result"] == 0:
                if not context.complete and result["saslCreds"]:
                    context.step(result["saslCreds"])
                if not context.complete:  # it has not shown that it is the controller
                    raise WireError(
                        Reason.AUTHENTICATION_FAILED,
                        f"{name} did not prove that it is a controller of the domain; check what "
                        "answers under this name.",
                    )
                if not tls:
                    self._seal(context, name)
        except failures.SECURITY_ERRORS as error:
            raise failures.of_security_context(name, str(error)) from error
        except ImportError as error:
            raise failures.of_security_context(name, "not available") from error
        return result

    def _send(self, controls: Any, token: bytes) -> dict[str, Any]:
        result: dict[str, Any] = send_sasl_negotiation(self, controls, token)  # type: ignore[no-untyped-call]
        return result

    def _context(self, name: str, *, tls: bool) -> Any:
        flags = spnego.ContextReq.mutual_auth | spnego.ContextReq.sequence_detect
        if tls:  # Active Directory refuses a security layer inside TLS
            flags |= spnego.ContextReq.no_integrity
        else:
            flags |= spnego.ContextReq.integrity | spnego.ContextReq.confidentiality
        return spnego.client(
            self._credentials.user,
            self._credentials.password,
            hostname=name,
            service="ldap",
            protocol=self._credentials.protocol,
            context_req=flags,
            channel_bindings=_end_point(self.socket) if tls else None,
        )

    def _seal(self, context: Any, name: str) -> None:
        if not context.context_attr & spnego.ContextReq.confidentiality:
            raise WireError(
                Reason.SIGNING_REQUIRED,
                f"{name} did not agree to encrypt the connection; use transport: ldaps.",
            )
        self.socket = SealedSocket(self.socket, context)


def _end_point(connection: ssl.SSLSocket) -> spnego.channel_bindings.GssChannelBindings:
    """tls-server-end-point (RFC 5929 4.1): a hash of the server's certificate."""
    data = connection.getpeercert(binary_form=True) or b""
    algorithm = x509.load_der_x509_certificate(data).signature_hash_algorithm
    name = algorithm.name if algorithm else "sha256"
    digest = hashlib.new("sha256" if name in ("md5", "sha1") else name, data).digest()
    return spnego.channel_bindings.GssChannelBindings(
        application_data=b"tls-server-end-point:" + digest
    )
