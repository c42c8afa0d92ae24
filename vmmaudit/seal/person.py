"""Who a certificate belongs to, and when two certificates belong to one person."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from asn1crypto import x509

_UPN: Final = "1.3.6.1.4.1.311.20.2.3"
"""Subject alternative name that holds the user's logon name (MS-WCCE 2.2.2.7.7.4)."""
SIGNING: Final = frozenset({"digital_signature", "non_repudiation"})
"""Key usages of which one must be present, where usages are named at all (RFC 5280 4.2.1.3)."""


def name_of(certificate: x509.Certificate) -> str:
    """The common name, else the whole subject."""
    return _common(certificate.subject)


def issuer_of(certificate: x509.Certificate) -> str:
    """The issuer's common name, else its whole name."""
    return _common(certificate.issuer)


def same_person(one: x509.Certificate, other: x509.Certificate) -> str:
    """What the two certificates have in common that makes them one person's, or nothing."""
    if one.public_key.sha256 == other.public_key.sha256:
        return "the same key"
    if one.subject.hashable == other.subject.hashable:
        return "the same subject"
    if _accounts(one) & _accounts(other):
        return "the same account"
    return ""


def unfit(certificate: x509.Certificate, moment: datetime) -> str:
    """Why the certificate cannot have signed at that time, or nothing."""
    if moment > certificate.not_valid_after:
        return f"expired on {certificate.not_valid_after:%Y-%m-%d}"
    if moment < certificate.not_valid_before:
        return f"is not valid before {certificate.not_valid_before:%Y-%m-%d}"
    if certificate.key_usage_value is not None and not signing_usages(certificate):
        return "is not meant for signatures"
    return ""


def signing_usages(certificate: x509.Certificate) -> set[str]:
    """Those of the signing usages that the certificate names."""
    usage = certificate.key_usage_value
    return set() if usage is None else set(usage.native & SIGNING)


def _common(name: x509.Name) -> str:
    found = name.native.get("common_name", "")
    if isinstance(found, list):
        found = found[-1]
    return " ".join(str(found or name.human_friendly).split())


def _accounts(certificate: x509.Certificate) -> set[str]:
    """Mail addresses and logon names, without case."""
    found = {
        str(address).lower() for address in certificate.subject.native.values() if "@" in address
    }
    for general in certificate.subject_alt_name_value or ():
        if general.name == "rfc822_name":
            found.add(str(general.native).lower())
        elif general.name == "other_name" and general.chosen["type_id"].dotted == _UPN:
            found.add(str(general.chosen["value"].native).lower())
    return found
