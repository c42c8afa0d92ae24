"""The authorities whose certificates are believed: PEM or DER files named by whoever verifies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from asn1crypto import pem, x509
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext

from vmmaudit.errors import DAMAGED, UsageError
from vmmaudit.seal.person import SIGNING


def roots(files: Iterable[Path]) -> tuple[x509.Certificate, ...]:
    """All certificates in the files.

    Raises:
        UsageError: a file cannot be read, or holds no certificate.
    """
    found: list[x509.Certificate] = []
    for path in files:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror or error}.") from error
        try:
            parts = [part for _, _, part in pem.unarmor(data, True)] if pem.detect(data) else [data]
            certificates = [x509.Certificate.load(part, strict=True) for part in parts]
            for certificate in certificates:
                _ = certificate.subject.native, certificate.public_key.algorithm
        except DAMAGED as error:
            raise UsageError(f"{path} holds no certificate; name a PEM or DER file.") from error
        found += certificates
    return tuple(found)


def context(
    trusted: Sequence[x509.Certificate],
    moment: datetime | None,
    others: Sequence[x509.Certificate] = (),
    crls: Sequence[bytes] = (),
    ocsps: Sequence[bytes] = (),
) -> ValidationContext:
    """What a chain is built from, as of `moment`; nothing is fetched."""
    return ValidationContext(
        trust_roots=list(trusted),
        other_certs=list(others),
        moment=moment,
        allow_fetching=False,
        crls=list(crls),
        ocsps=list(ocsps),
        revocation_mode="soft-fail",
        retroactive_revinfo=True,
    )


def fetching(trusted: Sequence[x509.Certificate]) -> ValidationContext:
    """A context that gets what tells whether a certificate was revoked (CRL, OCSP), or fails."""
    return ValidationContext(
        trust_roots=list(trusted), allow_fetching=True, revocation_mode="hard-fail"
    )


def usages() -> KeyUsageConstraints:
    """One of the signing usages suffices: many companies issue no non-repudiation."""
    return KeyUsageConstraints(key_usage=set(SIGNING))
