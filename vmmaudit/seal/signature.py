"""One signature, as it was found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from vmmaudit.scope import Role

if TYPE_CHECKING:
    from asn1crypto import x509


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature, and every sentence about what is wrong with it.

    Attributes:
        file: the file it is in.
        role: as which it was made.
        name: the person, as the certificate has it.
        issuer: who issued the certificate.
        moment: when; the authority's time if `stamped`, else the signer's own clock.
        certificate: for comparing persons.
        intact: what was signed is what is there, whoever signed it.
        problems: sentences; empty when the signature is good.
    """

    file: str
    role: Role
    name: str
    issuer: str
    moment: datetime | None
    stamped: bool
    certificate: x509.Certificate
    intact: bool = True
    problems: tuple[str, ...] = ()
