"""The lab's certificate authority, the controller's certificate, and an authority nobody trusts."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.lab.recipe import CONTROLLER, DNS_DOMAIN

_YEARS: Final = timedelta(days=3650)


def write_certificates(place: Path) -> None:
    """Write ca.pem, dc01.pem, dc01.key and wrong-ca.pem."""
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority_key = _key()
    authority = _authority("Lab CA", authority_key)
    server_key = _key()
    names = x509.SubjectAlternativeName(
        [
            x509.DNSName(CONTROLLER.fqdn),
            x509.DNSName(CONTROLLER.name),
            x509.DNSName(DNS_DOMAIN),
            x509.IPAddress(ipaddress.ip_address(CONTROLLER.address)),
        ]
    )
    server = (
        _draft(CONTROLLER.fqdn, authority.subject, server_key, authority_key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(names, critical=False)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    wrong = _authority("Wrong CA", _key())
    for name, certificate in (("ca", authority), ("dc01", server), ("wrong-ca", wrong)):
        data = certificate.public_bytes(serialization.Encoding.PEM)
        (place / f"{name}.pem").write_bytes(data)
    key_file = place / "dc01.key"
    key_file.touch(mode=0o600)
    key_file.write_bytes(
        server_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )


def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _authority(name: str, key: rsa.RSAPrivateKey) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        _draft(name, subject, key, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def _draft(
    name: str, issuer: x509.Name, key: rsa.RSAPrivateKey, issuer_key: rsa.RSAPrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _YEARS)
        .add_extension(identifier, critical=False)
        .add_extension(above, critical=False)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=not authority,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
