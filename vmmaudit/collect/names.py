"""Domain controllers of a domain, and addresses of names."""

from __future__ import annotations

import socket
from typing import Final

import dns.exception
import dns.resolver

from vmmaudit.collect.wire import WireError
from vmmaudit.evidence import Reason
from vmmaudit.scope import Domain

_SECONDS: Final = 10.0


def controllers(domain: Domain) -> list[str]:
    """Those of the scope, else those that DNS names for the domain, in the order to try them.

    Raises:
        WireError: DNS knows none.
    """
    if domain.controllers:
        return list(domain.controllers)
    question = f"_ldap._tcp.dc._msdcs.{domain.name}"
    try:
        answer = dns.resolver.resolve(question, "SRV", lifetime=_SECONDS)
    except (dns.exception.DNSException, OSError) as error:
        raise WireError(
            Reason.UNRESOLVABLE,
            f"DNS names no domain controller of {domain.name} ({question}); use a DNS server "
            "of that domain, or list its controllers in the scope.",
        ) from error
    found = sorted(answer, key=lambda record: (record.priority, -record.weight))
    # The target "." says that there is no such service (RFC 2782).
    names = [name for record in found if (name := record.target.to_text().rstrip(".").lower())]
    if domain.auth.protocol == "simple":
        # The password goes to whoever has a certificate for the name that DNS gave, and DNS may
        # lie; a name inside the domain is what a stranger gets no certificate for.
        names = [name for name in names if name.endswith("." + domain.name)]
    if not names:
        raise WireError(
            Reason.UNRESOLVABLE,
            f"DNS names no usable domain controller of {domain.name} ({question}); list its "
            "controllers in the scope.",
        )
    return names


def resolve(name: str) -> None:
    """Make sure that a name has an address.

    Raises:
        WireError: it has none.
    """
    try:
        socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise WireError(
            Reason.UNRESOLVABLE,
            f"The name {name} has no address; check its spelling in the scope and the DNS server "
            "of this machine.",
        ) from error
