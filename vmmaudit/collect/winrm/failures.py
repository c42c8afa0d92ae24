"""Why a server did not answer over WinRM, in one sentence each.

Texts of libraries are looked at, never passed on: they may hold names and secrets.
"""

from __future__ import annotations

import struct
import xml.etree.ElementTree as ET
from typing import Final

from pypsrp.exceptions import (
    AuthenticationError,
    InvalidPSRPOperation,
    InvalidRunspacePoolStateError,
    WinRMError,
    WinRMTransportError,
    WSManFaultError,
)
from requests.exceptions import ConnectTimeout, ReadTimeout, RequestException, SSLError

from vmmaudit.collect.failures import SECURITY_ERRORS, of_security_context, of_tls
from vmmaudit.collect.wire import WireError
from vmmaudit.evidence import Reason

LIBRARY_ERRORS: Final[tuple[type[Exception], ...]] = (
    WinRMError,
    AuthenticationError,
    RequestException,
    ET.ParseError,
    *SECURITY_ERRORS,
    # What pypsrp raises itself where an answer is not as it expects one.
    AttributeError,
    LookupError,  # an encoding that nobody knows is one, too
    TypeError,
    ValueError,
    struct.error,
)
FOR_GOOD: Final = frozenset(
    {
        Reason.UNRESOLVABLE,
        Reason.UNREACHABLE,
        Reason.TIMEOUT,
        Reason.AUTHENTICATION_FAILED,
        Reason.NO_SERVICE_PRINCIPAL,
        Reason.CREDENTIALS_EXPIRED,
        Reason.CLOCK_SKEW,
        Reason.CERTIFICATE_UNTRUSTED,
    }
)
"""What costs a server all its answers, and is not tried again."""
_DENIED: Final = (5, 0x8007_0005, 0x8004_1003, 0x8033_8104, 0x8033_8105, 0x8033_8106)
_UNKNOWN_RESOURCE: Final = (
    *(0x8033_8000, 0x8033_8002, 0x8033_801A),  # no such resource, URI or filter (wsmerror.h)
    *(0x8004_1002, 0x8004_100E, 0x8004_1010),  # no such object, namespace or class (wbemcli.h)
)
_RIGHT: Final = (
    "the account needs to be in Remote Management Users there, and for this question a local "
    "administrator"
)


def explained(error: BaseException, server: str) -> WireError:
    """The one place where an exception of WinRM becomes a reason and a sentence."""
    match error:
        case WireError():
            return error
        case SSLError():
            return of_tls(server, error)
        case ConnectTimeout():
            return WireError(Reason.UNREACHABLE, f"WinRM of {server} cannot be reached in time.")
        case ReadTimeout():
            return WireError(Reason.TIMEOUT, f"WinRM of {server} did not answer in time.")
        case RequestException():
            problem = "nothing listens there, the name is unknown or a firewall closes the port"
            return WireError(Reason.UNREACHABLE, f"WinRM of {server} cannot be reached: {problem}.")
        case AuthenticationError() if str(error).startswith("Failed to authenticate"):
            return WireError(
                Reason.AUTHENTICATION_FAILED,
                f"WinRM of {server} refuses the Kerberos ticket: Kerberos may be switched off "
                "there, this account may be denied a logon from the network, or the domain has "
                "another key of that computer than it has itself.",
            )
        case AuthenticationError() | ValueError() if "auth" in str(error):
            return WireError(
                Reason.AUTHENTICATION_FAILED,
                f"WinRM of {server} offers no logon by Kerberos; nothing else is used.",
            )
        case WSManFaultError(code=code) if code in _DENIED:
            return WireError(Reason.ACCESS_DENIED, f"WinRM of {server} refuses this: {_RIGHT}.")
        case WSManFaultError(code=code) if code in _UNKNOWN_RESOURCE:
            return WireError(
                Reason.NOT_SUPPORTED, f"{server} does not know what it was asked over WinRM."
            )
        case WSManFaultError(code=code):
            shown = f"0x{code & 0xFFFF_FFFF:08x}" if isinstance(code, int) else "no code"
            return WireError(Reason.INCOMPLETE, f"WinRM of {server} failed with {shown}.")
        case WinRMTransportError(code=401 | 403):
            return WireError(Reason.ACCESS_DENIED, f"WinRM of {server} refuses this: {_RIGHT}.")
        case WinRMTransportError(code=code):
            return WireError(
                Reason.MALFORMED_REPLY, f"WinRM of {server} answers with HTTP status {code}."
            )
        case InvalidPSRPOperation() | InvalidRunspacePoolStateError():
            return WireError(
                Reason.ACCESS_DENIED, f"{server} opens no remote session of PowerShell: {_RIGHT}."
            )
    if isinstance(error, SECURITY_ERRORS):
        return of_security_context(server, str(error))
    return WireError(
        Reason.MALFORMED_REPLY, f"WinRM of {server} answers in a form that it has not."
    )
