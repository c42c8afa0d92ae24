"""What went wrong with a logon, in one sentence: the words of Kerberos, SSPI and LDAP mapped.

Texts of libraries are looked at, never passed on: they may hold names and secrets.
"""

from __future__ import annotations

import importlib
import re
from typing import Final

import spnego.exceptions

from vmmaudit.collect.wire import WireError
from vmmaudit.evidence import Reason


def _security_errors() -> tuple[type[Exception], ...]:
    """What an exchange can raise: pyspnego's own, and what it lets through from its backends."""
    found: list[type[Exception]] = [spnego.exceptions.SpnegoError]
    for module, name in (("krb5", "Krb5Error"), ("gssapi.exceptions", "GSSError")):
        try:
            found.append(getattr(importlib.import_module(module), name))
        except (ImportError, OSError):  # an optional package, or one without its C library
            continue
    return tuple(found)


SECURITY_ERRORS: Final = _security_errors()
_KERBEROS: Final = (
    (
        r"clock skew|0x80090324|time.?skew",
        Reason.CLOCK_SKEW,
        "the clocks of this machine and of {server} differ by more than Kerberos allows, which "
        "is 5 minutes; set this machine's clock",
    ),
    (
        r"ticket expired|credentials? (have |has )?expired|expired credential",
        Reason.CREDENTIALS_EXPIRED,
        "the Kerberos ticket has expired; get a new one (kinit)",
    ),
    (
        r"preauthentication failed|integrity check|logon denied|0x8009030c|password incorrect",
        Reason.AUTHENTICATION_FAILED,
        "user name or password is wrong",
    ),
    (
        r"revoked|disabled|locked",
        Reason.AUTHENTICATION_FAILED,
        "the account is disabled, locked or expired",
    ),
    (
        r"client.*not found in kerberos|client not found",
        Reason.AUTHENTICATION_FAILED,
        "the domain does not know this user",
    ),
    (
        r"server.*not found in kerberos|server not found|0x80090322|target.*unknown|0x80090303",
        Reason.NO_SERVICE_PRINCIPAL,
        "the domain knows no service principal name for {server}; use the name that the server is "
        "registered under",
    ),
    (
        r"cannot (contact|resolve|find).*(kdc|realm)|kdc.*(unreachable|not found)",
        Reason.UNREACHABLE,
        "no Kerberos server (KDC) of the realm can be reached; check DNS, port 88 and krb5.conf",
    ),
    (
        r"no kerberos cred|no credential|cache.*not found|can't find|0x8009030e|no such file",
        Reason.AUTHENTICATION_FAILED,
        "there is no Kerberos ticket; log on to the domain or run kinit first",
    ),
    (
        r"not (available|installed)|no module|bad mech|unsupported mech",
        Reason.NOT_SUPPORTED,
        "Kerberos is not available to Python here; on Linux install vmmaudit[kerberos]",
    ),
)

_BIND_DATA: Final = {
    "525": "the domain does not know this user",
    "52e": "user name or password is wrong",
    "530": "the account may not log on at this time",
    "531": "the account may not log on from this machine",
    "532": "the password has expired",
    "533": "the account is disabled",
    "701": "the account has expired",
    "773": "the password must be changed first",
    "775": "the account is locked out",
}


def of_security_context(server: str, text: str) -> WireError:
    """A failed Kerberos, NTLM or SSPI exchange."""
    for pattern, reason, problem in _KERBEROS:
        if re.search(pattern, text, re.IGNORECASE):
            return WireError(reason, f"Logon to {server} failed: {problem.format(server=server)}.")
    return WireError(
        Reason.AUTHENTICATION_FAILED,
        f"Logon to {server} failed: the security package refused it for a reason that it did not "
        "name clearly; try kinit and klist by hand.",
    )


def of_bind(server: str, code: int, diagnostic: str) -> WireError:
    """An LDAP bind that was refused (RFC 4511 4.1.9; Windows adds `data xxx`)."""
    if code == 8:
        return WireError(
            Reason.SIGNING_REQUIRED,
            f"{server} requires signing (strongerAuthRequired); use transport: sealed with "
            "Kerberos, or ldaps.",
        )
    if "80090346" in diagnostic:
        return WireError(
            Reason.SIGNING_REQUIRED,
            f"{server} requires channel binding and did not accept ours (80090346); something "
            "between here and the controller may end TLS, or use transport: sealed.",
        )
    found = re.search(r"data ([0-9a-f]{3})", diagnostic)
    problem = _BIND_DATA.get(found[1] if found else "", "user name or password is wrong")
    if code == 49:
        return WireError(Reason.AUTHENTICATION_FAILED, f"Logon to {server} failed: {problem}.")
    return WireError(
        Reason.AUTHENTICATION_FAILED, f"{server} refused the logon with LDAP result {code}."
    )


def of_tls(server: str, error: BaseException) -> WireError:
    """A TLS connection that did not come about, most often for the certificate's sake."""
    # ldap3 makes exception classes of its own out of those of ssl, without their attributes.
    text = str(getattr(error, "verify_message", "") or error)
    if "ostname" in text or "IP address mismatch" in text:
        problem = "its certificate is for another name; use the name in the certificate"
    elif "expired" in text:
        problem = "its certificate has expired"
    elif "CERTIFICATE" in text.upper():
        problem = "its certificate was not issued by a trusted CA; name the CA in the scope (ca:)"
    else:
        problem = "the TLS handshake failed; the server may offer no TLS 1.2 or no certificate"
    return WireError(Reason.CERTIFICATE_UNTRUSTED, f"{server} is not trusted: {problem}.")
