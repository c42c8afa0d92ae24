"""LDAP signed and sealed by Kerberos or NTLM through pyspnego, under a stock ldap3 connection.

ldap3 2.9.1 cannot sign or seal. Here the security context wraps the socket after the
bind (RFC 4422 3.7: each buffer is preceded by its length), so ldap3's own reading and
writing stay as they are.
"""

from __future__ import annotations

import hashlib
import socket
import ssl
from typing import Any, Final

import ldap3
import spnego
import spnego.channel_bindings
from cryptography import x509
from ldap3.protocol.sasl.sasl import send_sasl_negotiation

from vmmaudit.collect import failures
from vmmaudit.collect.credentials import Credentials
from vmmaudit.collect.wire import WireError
from vmmaudit.evidence import Reason

_MOST: Final = 16 * 1024 * 1024
"""The largest sealed buffer that is accepted; controllers send at most a few hundred KiB."""
_SASL_BIND_IN_PROGRESS: Final = 14


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
        if not self._unread:
            head = self._exactly(4)
            if not head:
                return b""
            size = int.from_bytes(head, "big")
            if size > _MOST:
                raise OSError(f"a sealed buffer of {size} bytes is more than is accepted")
            try:
                self._unread = self._context.unwrap(self._exactly(size)).data
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
                if not context.complete:
                    context.step(result["saslCreds"])
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
