"""A certificate authority that issues whatever it is asked for."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.directory.conftest import CONTROLLER

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


class Authority:
    """Issues whatever it is asked for."""

    def __init__(self, folder: Path, name: str = "Test CA") -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.pem = folder / "ca.pem"
        certificate = self._sign(self.name, self.key.public_key(), (-DAY, 9 * DAY), authority=True)
        self.pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(
        self,
        name: str = CONTROLLER,
        valid: tuple[timedelta, timedelta] = (-DAY, DAY),
        usage: x509.ObjectIdentifier | None = ExtendedKeyUsageOID.SERVER_AUTH,
        *,
        by_itself: bool = False,
    ) -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._sign(
            subject, key.public_key(), valid, signer=key if by_itself else None, usage=usage
        )
        path = self.folder / f"{secrets.token_hex(4)}.pem"
        path.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return path

    def _sign(
        self, subject, public, valid, *, signer=None, usage=None, authority=False
    ) -> x509.Certificate:
        names = [x509.DNSName(subject.rdns[0]._attributes[0].value.replace(" ", "-"))]
        draft = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if signer else self.name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW + valid[0])
            .not_valid_after(NOW + valid[1])
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        )
        if usage:
            draft = draft.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if not signer:
            above = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
            draft = draft.add_extension(above, critical=False)
        sign = x509.KeyUsage(*[not authority, *[False] * 4, authority, authority, False, False])
        return draft.add_extension(sign, critical=True).sign(signer or self.key, hashes.SHA256())
