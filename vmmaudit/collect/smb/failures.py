"""Why a file server did not answer, in one sentence each."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from typing import Final

from smbprotocol.exceptions import (
    SMBAuthenticationError,
    SMBConnectionClosed,
    SMBException,
    SMBResponseException,
)

from vmmaudit import questions
from vmmaudit.collect import failures, rpc
from vmmaudit.collect.smb.connection import PORT, LateError, UnsignedError
from vmmaudit.collect.wire import WireError
from vmmaudit.errors import FormatError
from vmmaudit.evidence import Gap, Question, Reason
from vmmaudit.windows import status
from vmmaudit.windows.status import NtStatus, Win32

_TEXTS: Final[dict[int, tuple[Reason, str]]] = {
    NtStatus.BAD_NETWORK_NAME: (Reason.NOT_FOUND, "the server has no such share"),
    NtStatus.OBJECT_NAME_NOT_FOUND: (Reason.NOT_FOUND, "it does not exist"),
    NtStatus.OBJECT_PATH_NOT_FOUND: (Reason.NOT_FOUND, "a folder above it does not exist"),
    NtStatus.OBJECT_NAME_INVALID: (Reason.NOT_FOUND, "the server takes this for no valid name"),
    NtStatus.OBJECT_PATH_INVALID: (Reason.NOT_FOUND, "the server takes this for no valid path"),
    NtStatus.OBJECT_PATH_SYNTAX_BAD: (Reason.NOT_FOUND, "the server takes this for no valid path"),
    NtStatus.NOT_A_DIRECTORY: (Reason.NOT_FOUND, "it is not a folder (any more)"),
    NtStatus.DELETE_PENDING: (Reason.NOT_FOUND, "it is being deleted"),
    NtStatus.NO_SUCH_DOMAIN: (Reason.NOT_FOUND, "the server has no such account domain"),
    NtStatus.NO_SUCH_ALIAS: (Reason.NOT_FOUND, "the server has no such local group"),
    NtStatus.PATH_NOT_COVERED: (
        Reason.NOT_SUPPORTED,
        "it lies behind a DFS link, which is not followed; put the share that the link leads to "
        "into the scope",
    ),
    NtStatus.STOPPED_ON_SYMLINK: (
        Reason.NOT_SUPPORTED,
        "a symbolic link lies on the way, which is not followed; name the place it leads to",
    ),
    NtStatus.BUFFER_TOO_SMALL: (Reason.NOT_SUPPORTED, "it is larger than 64 KiB"),
    NtStatus.NOT_SUPPORTED: (Reason.NOT_SUPPORTED, "the server does not support this request"),
    NtStatus.SHARING_VIOLATION: (
        Reason.INCOMPLETE,
        "another program holds it exclusively; ask again later",
    ),
    NtStatus.INSUFFICIENT_RESOURCES: (
        Reason.INCOMPLETE,
        "the server is short of resources; ask again later",
    ),
    NtStatus.REQUEST_NOT_ACCEPTED: (
        Reason.INCOMPLETE,
        "the server accepts no more connections; ask again later",
    ),
    NtStatus.PIPE_BUSY: (Reason.INCOMPLETE, "the service is busy; ask again later"),
    NtStatus.PIPE_NOT_AVAILABLE: (Reason.INCOMPLETE, "the service is busy; ask again later"),
    NtStatus.IO_TIMEOUT: (Reason.TIMEOUT, "the server gave up waiting; ask again later"),
    NtStatus.LOGON_FAILURE: (Reason.AUTHENTICATION_FAILED, "user name or password is wrong"),
    NtStatus.WRONG_PASSWORD: (Reason.AUTHENTICATION_FAILED, "the password is wrong"),
    NtStatus.ACCOUNT_RESTRICTION: (
        Reason.AUTHENTICATION_FAILED,
        "a restriction of the account forbids this logon, such as Protected Users with NTLM",
    ),
    NtStatus.INVALID_LOGON_HOURS: (
        Reason.AUTHENTICATION_FAILED,
        "the account may not log on at this time",
    ),
    NtStatus.INVALID_WORKSTATION: (
        Reason.AUTHENTICATION_FAILED,
        "the account may not log on from this machine",
    ),
    NtStatus.PASSWORD_EXPIRED: (Reason.CREDENTIALS_EXPIRED, "the password has expired"),
    NtStatus.PASSWORD_MUST_CHANGE: (
        Reason.CREDENTIALS_EXPIRED,
        "the password must be changed first",
    ),
    NtStatus.ACCOUNT_EXPIRED: (Reason.CREDENTIALS_EXPIRED, "the account has expired"),
    NtStatus.ACCOUNT_DISABLED: (Reason.AUTHENTICATION_FAILED, "the account is disabled"),
    NtStatus.ACCOUNT_LOCKED_OUT: (Reason.AUTHENTICATION_FAILED, "the account is locked out"),
    NtStatus.LOGON_TYPE_NOT_GRANTED: (
        Reason.AUTHENTICATION_FAILED,
        "the server's policy does not let this account log on over the network",
    ),
    NtStatus.NTLM_BLOCKED: (
        Reason.AUTHENTICATION_FAILED,
        "the server refuses NTLM; use Kerberos and the server's full name",
    ),
    NtStatus.NO_LOGON_SERVERS: (
        Reason.AUTHENTICATION_FAILED,
        "the server reaches no domain controller to check the logon",
    ),
    NtStatus.TIME_DIFFERENCE_AT_DC: (
        Reason.CLOCK_SKEW,
        "the clocks of the server and of its domain controller differ too much",
    ),
    NtStatus.NETWORK_SESSION_EXPIRED: (
        Reason.CREDENTIALS_EXPIRED,
        "the session expired and a new one expired as well; get a new ticket (kinit)",
    ),
}

BY_SHARE: Final = "the permissions of the share do not let this account in"
_BY_LOGON: Final = "the server lets this account not log on over the network"
_BY_FILE: Final = "this account may not read that; Read permission is enough"
_BY_SERVICE: Final = "the server service refuses this account"
_BY_ACCOUNTS: Final = (
    "local groups are told to local administrators only (policy RestrictRemoteSam); give the "
    "account that right there"
)
_BY_MANAGER: Final = (
    "the service control manager is open to local administrators only; give the account that "
    "right there, or have an administrator file the output of Get-CimInstance Win32_Service"
)
_BY_REGISTRY: Final = (
    "the remote registry is open to local administrators and Backup Operators only (ACL of "
    "SecurePipeServers\\winreg); give the account one of these rights there"
)
_BY_AUTHORITY: Final = (
    "this account may not look up names there (POLICY_LOOKUP_NAMES, which all authenticated "
    "users have by default); give it that right"
)


def explained(error: Exception, server: str, question: Question | None = None) -> WireError:
    """The one place where an exception becomes a reason and a sentence.

    Texts of libraries are looked at, never passed on: they may hold names and secrets.
    """
    subject, refused = _subject(question) if question else (f"Logon to {server} failed", _BY_LOGON)
    cause = error.__cause__
    match error:
        case WireError():
            return error
        case rpc.FaultError():
            return _of_fault(subject, refused, error.status)
        case rpc.NtError():
            return of_status(subject, refused, error.status)
        case rpc.Win32Error():
            return _of_win32(subject, refused, error.status)
        case SMBResponseException():
            return of_status(subject, refused, error.status)
        case FormatError():
            return WireError(
                Reason.MALFORMED_REPLY,
                f"{subject}: the server's reply is not understood ({error}).",
            )
        case LateError():
            return WireError(
                Reason.TIMEOUT,
                f"{server} did not reply in time; look whether it is overloaded or hangs.",
            )
        case UnsignedError():
            return WireError(
                Reason.SIGNING_REQUIRED,
                f"A reply of {server} was not signed as agreed, so it may have been changed on "
                "the way and is not used; look for devices in between that rewrite SMB.",
            )
        case SMBAuthenticationError():
            return failures.of_security_context(server, str(cause or error))
        case _ if isinstance(error, failures.SECURITY_ERRORS):
            return failures.of_security_context(server, str(error))
        case ImportError():
            return failures.of_security_context(server, "not available")
        case _ if isinstance(cause or error, ConnectionRefusedError):
            return WireError(
                Reason.UNREACHABLE,
                f"{server} refuses connections on port {PORT}; look whether it offers file "
                "sharing (service LanmanServer).",
            )
        case SMBConnectionClosed() | ConnectionError():
            return WireError(
                Reason.UNREACHABLE,
                f"{server} closed the connection on port {PORT}; it may be restarting, or offer "
                "SMB 1 only.",
            )
        case _ if isinstance(cause or error, socket.gaierror | UnicodeError):
            return WireError(
                Reason.UNRESOLVABLE,
                f"The name {server} has no address; check its spelling in the scope and the DNS "
                "server of this machine.",
            )
        case _ if isinstance(cause or error, TimeoutError):
            return WireError(
                Reason.TIMEOUT,
                f"{server} does not answer on port {PORT}; look whether it runs, and whether a "
                "firewall is in between.",
            )
        case _ if isinstance(cause or error, OSError):
            return WireError(
                Reason.UNREACHABLE,
                f"There is no way to {server} on port {PORT}; check network and firewall.",
            )
        case SMBException() if "guest" in str(error):
            return WireError(
                Reason.AUTHENTICATION_FAILED,
                f"{server} let the account in as guest only, which cannot be signed; use an "
                "account that it knows.",
            )
        case SMBException() if "encryption is required" in str(error):
            return WireError(
                Reason.NOT_SUPPORTED,
                f"{server} demands encryption, but did not agree on how to encrypt.",
            )
    return WireError(
        Reason.MALFORMED_REPLY,
        f"{server} sent something that is not SMB 2 or 3 as specified; look what listens on port "
        f"{PORT} there.",
    )


def of_status(subject: str, refused: str, code: int) -> WireError:
    """MS-ERREF 2.3, as SMB and SAMR use it."""
    if code in (NtStatus.ACCESS_DENIED, NtStatus.NETWORK_ACCESS_DENIED):
        return WireError(Reason.ACCESS_DENIED, f"{subject}: access denied; {refused}.")
    reason, text = _TEXTS.get(
        code, (Reason.NOT_SUPPORTED, f"the server refused with {status.name(code)}")
    )
    return WireError(reason, f"{subject}: {text}.")


def _of_win32(subject: str, refused: str, code: int) -> WireError:
    """MS-SRVS 2.2.2."""
    if code == Win32.ERROR_ACCESS_DENIED:
        return WireError(Reason.ACCESS_DENIED, f"{subject}: access denied; {refused}.")
    if code in (Win32.NERR_NetNameNotFound, Win32.ERROR_INVALID_NAME):  # Windows, Samba
        return WireError(Reason.NOT_FOUND, f"{subject}: the server has no such share.")
    known = {int(item): item.name for item in Win32}
    text = known.get(code, f"error {code}")
    return WireError(Reason.NOT_SUPPORTED, f"{subject}: the server refused with {text}.")


def _of_fault(subject: str, refused: str, code: int) -> WireError:
    """C706 appendix E."""
    if code == status.Fault.ERROR_ACCESS_DENIED:
        return WireError(Reason.ACCESS_DENIED, f"{subject}: access denied; {refused}.")
    known = {int(item): item.name for item in status.Fault}
    text = known.get(code, f"fault 0x{code:08X}")
    return WireError(
        Reason.NOT_SUPPORTED, f"{subject}: the server does not offer this call ({text})."
    )


def _subject(question: Question) -> tuple[str, str]:
    """What was to be read, and why that is refused where it is refused."""
    server, detail = question.server, question.detail
    place = "\\".join(["", "", server, *(part for part in detail if part)])
    return {
        questions.DESCRIPTOR: (f"The permissions of {place} could not be read", _BY_FILE),
        questions.LIST: (f"The content of {place} could not be read", _BY_FILE),
        questions.SHARE: (f"The share {place} could not be read", _BY_SERVICE),
        questions.LEGACY_SMB: (f"Whether {server} speaks SMB 1 could not be told", _BY_LOGON),
        questions.SHARES: (f"The shares of {server} could not be read", _BY_SERVICE),
        questions.TIME: (f"The clock of {server} could not be read", _BY_SERVICE),
        questions.SAM_DOMAIN: (f"The account database of {server} could not be read", _BY_ACCOUNTS),
        questions.ALIASES: (f"The local groups of {server} could not be read", _BY_ACCOUNTS),
        questions.MEMBERS: (
            f"Local group {detail[-1:][0] if detail else ''} of {server}",
            _BY_ACCOUNTS,
        ),
        questions.SERVICE: (
            f"The service {detail[-1:][0] if detail else ''} of {server} could not be read",
            _BY_MANAGER,
        ),
        questions.REGISTRY: (
            f"The registry value {chr(92).join(detail)} of {server} could not be read",
            _BY_REGISTRY,
        ),
        questions.LOCAL_NAMES: (
            f"{server} could not be asked for the names of {len(detail)} SIDs",
            _BY_AUTHORITY,
        ),
    }.get(question.kind, (f"{server} could not be asked", _BY_SERVICE))


def gap_of(error: WireError) -> Gap:
    """The gap of a failure, now."""
    return Gap(error.reason, error.sentence, datetime.now(UTC).replace(microsecond=0))
