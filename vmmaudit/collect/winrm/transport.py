"""One WS-Management connection to one server (MS-WSMV), by Kerberos alone.

The library speaks; what it would let pass is refused here: a proxy or a redirection, an answer
in the clear where the session is encrypted, an answer without end.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from typing import Any, Final

from pypsrp.wsman import WSMan
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectionError as NoConnectionError
from requests.exceptions import ReadTimeout
from urllib3.exceptions import HTTPError, ReadTimeoutError

from vmmaudit.collect.credentials import Credentials
from vmmaudit.collect.tls import trusted
from vmmaudit.collect.wire import WireError
from vmmaudit.evidence import Reason
from vmmaudit.scope import Domain

MOST: Final = 32 * 1024 * 1024
"""Bytes of one answer; the largest envelope that Windows sends by default is 500 KiB."""
MOST_TOLD: Final = 256 * 1024 * 1024
"""Bytes of all answers to one question."""
SECONDS: Final = 600
"""One question at most, however steadily its answers drip."""
_SEALED: Final = ("multipart/encrypted;", "multipart/x-multi-encrypted;")
"""Letter by letter as the library has it: it takes any other for an answer in the clear."""
_OPERATION: Final = 20
_PIECE: Final = 64 * 1024


class LogonLostError(WireError):
    """The server closed the connection that a logon was for, as Windows does with idle ones."""


class Guard(HTTPAdapter):
    """Sends the library's requests, and reads no more of an answer than there may be of it."""

    def __init__(self, server: str, context: ssl.SSLContext | None) -> None:
        self._server = server
        self._context = context
        self.begin()
        super().__init__(max_retries=0)

    def begin(self, seconds: float = SECONDS) -> None:
        """A question of its own begins, which may take this long."""
        self._until = time.monotonic() + seconds
        self._left = MOST_TOLD

    def stop(self) -> None:
        """No request is sent any more."""
        self._until = 0.0

    def init_poolmanager(self, *args: Any, **options: Any) -> Any:
        """With our own idea of whom to trust."""
        if self._context is not None:
            options["ssl_context"] = self._context
        return super().init_poolmanager(*args, **options)

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """The context decides, not a list of authorities that comes with the library."""

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> Response:
        """One exchange.

        Raises:
            WireError: the answer is not what such a server sends, or they have no end.
        """
        del stream, proxies
        self._check()
        response = super().send(request, stream=True, timeout=timeout, verify=verify, cert=cert)
        if 300 <= response.status_code < 400:
            response.close()
            raise self._malformed("it sends us elsewhere")
        if response.status_code == 401:
            if _is_sealed(request.headers) and "Authorization" not in request.headers:
                # A new logon would not open what was sealed for the old one.
                response.close()
                raise LogonLostError(
                    Reason.AUTHENTICATION_FAILED, f"WinRM of {self._server} forgot our logon."
                )
            # Left unread: the library still looks up the certificate behind it, to bind to it.
            if int(response.headers.get("content-length", -1)) not in range(_PIECE):
                response.close()
                raise self._malformed("it refuses at a length that it does not name")
            return response
        body = bytearray()
        try:
            # What is there, not a whole piece: one that drips would hold us in there.
            while piece := response.raw.read1(_PIECE, decode_content=False):
                body += piece
                self._left -= len(piece)
                if len(body) > MOST:
                    raise self._malformed("its answer has no end")
                self._check()
        except ReadTimeoutError as error:
            raise ReadTimeout(error) from error
        except HTTPError as error:
            raise NoConnectionError(error) from error
        finally:
            if not response.raw.isclosed():
                response.close()
        response._content = bytes(body)
        clear = self._context is None and not _is_sealed(response.headers)
        if clear and body and response.ok:
            raise self._malformed("it answers in the clear where the session is encrypted")
        return response

    def _check(self) -> None:
        if time.monotonic() > self._until or self._left < 0:
            raise WireError(
                Reason.INCOMPLETE,
                f"WinRM of {self._server} did not come to an end with one question.",
            )

    def _malformed(self, problem: str) -> WireError:
        return WireError(
            Reason.MALFORMED_REPLY, f"WinRM of {self._server} cannot be believed: {problem}."
        )


def _is_sealed(headers: Mapping[str, Any]) -> bool:
    return str(headers.get("content-type", "")).startswith(_SEALED)


def connect(
    server: str, domain: Domain, credentials: Credentials, seconds: float
) -> tuple[WSMan, Guard]:
    """A connection that logs on when it is first used, and what watches over it.

    Raises:
        WireError: the scope asks for a logon that is not made over WinRM.
    """
    if credentials.protocol != "kerberos":
        raise WireError(
            Reason.AUTHENTICATION_FAILED,
            f"WinRM of {server} is asked by Kerberos alone, and the scope logs on by "
            f"{credentials.protocol}; set auth.protocol: kerberos.",
        )
    by_tls = domain.winrm == "https"
    found = WSMan(
        server,
        ssl=by_tls,
        username=credentials.user,
        password=credentials.password,
        auth="kerberos",
        encryption="auto" if by_tls else "always",
        connection_timeout=int(seconds),
        read_timeout=_OPERATION + int(seconds),
        operation_timeout=_OPERATION,
        no_proxy=True,
        reconnection_backoff=0.1,
    )
    session = found.transport._build_session()
    session.trust_env = False
    guard = Guard(server, trusted(domain) if by_tls else None)
    session.mount("https://", guard)
    session.mount("http://", guard)
    found.transport.session = session
    return found, guard
