"""The signer's key: from a PKCS#12 file, or on a token or smart card that keeps it (PKCS#11)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asn1crypto import keys as asn1_keys
from asn1crypto import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from pyhanko.sign.signers import SimpleSigner
from pyhanko_certvalidator.registry import CertificateStore, SimpleCertificateStore

from vmmaudit.seal.errors import SealError
from vmmaudit.secret import Secret

if TYPE_CHECKING:
    from pyhanko.sign.signers import Signer


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A PKCS#12 file (.p12, .pfx)."""

    path: Path


@dataclass(frozen=True, slots=True)
class Token:
    """A key that stays on its device.

    Attributes:
        module: the vendor's PKCS#11 library.
        label: the token's label; needed where there are several.
        key: the label of the key and of its certificate.
    """

    module: Path
    label: str
    key: str


@contextmanager
def opened(key: KeyFile | Token, secret: Secret) -> Iterator[Signer]:
    """The signer, usable inside the `with`.

    Raises:
        SealError: wrong passphrase or PIN, no such file, token or key.
    """
    if isinstance(key, KeyFile):
        yield _from_file(key.path, secret)
    else:
        from vmmaudit.seal.token import session  # noqa: PLC0415 - needs the extra [pkcs11]

        with session(key, secret) as signer:
            yield signer


def _from_file(path: Path, secret: Secret) -> SimpleSigner:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SealError(
            f"The key file {path} cannot be read: {error.strerror or error}."
        ) from error
    try:
        key, certificate, others = pkcs12.load_key_and_certificates(
            data, secret.reveal().encode() or None
        )
    except ValueError as error:
        raise SealError(
            f"{path} cannot be opened: the passphrase is wrong, or it is no PKCS#12 file."
        ) from error
    except UnsupportedAlgorithm as error:
        raise SealError(
            f"{path} is encrypted in a way that is not supported; export it again with AES-256."
        ) from error
    if key is None or certificate is None:
        raise SealError(
            f"{path} holds no key with its certificate; export it with the private key."
        )
    store: CertificateStore = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    store.register_multiple(
        x509.Certificate.load(other.public_bytes(serialization.Encoding.DER)) for other in others
    )
    return SimpleSigner(
        signing_cert=x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER)),
        signing_key=asn1_keys.PrivateKeyInfo.load(
            key.private_bytes(
                serialization.Encoding.DER,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        ),
        cert_registry=store,
    )
