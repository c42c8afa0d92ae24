"""A key that never leaves its device: SoftHSM stands for the smart card."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from tests.seal.people import Authority
from vmmaudit.scope import Role
from vmmaudit.seal.errors import SealError
from vmmaudit.seal.keys import Token
from vmmaudit.seal.sign import sign
from vmmaudit.seal.verify import verify
from vmmaudit.secret import Secret

MODULE = next(
    (
        path
        for path in map(
            Path,
            (
                "/usr/lib/softhsm/libsofthsm2.so",
                "/usr/lib64/pkcs11/libsofthsm2.so",
                "/opt/homebrew/lib/softhsm/libsofthsm2.so",
            ),
        )
        if path.exists()
    ),
    None,
)
pytestmark = pytest.mark.skipif(MODULE is None, reason="needs SoftHSM: tests/lab/install.sh")
PIN = "734112"


@pytest.fixture(scope="module")
def card(
    authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """A token with the key and the certificate of one person."""
    folder = tmp_path_factory.mktemp("token")
    (folder / "tokens").mkdir()
    config = folder / "softhsm2.conf"
    config.write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
    environment = {"SOFTHSM2_CONF": str(config)}
    person = authority.issue("Karla Karte")
    key = folder / "key.pem"
    key.write_bytes(
        person.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    for arguments in (
        ["--init-token", "--free", "--label", "Card 1", "--pin", PIN, "--so-pin", "12345678"],
        ["--import", str(key), "--token", "Card 1", "--pin", PIN, "--label", "sig", "--id", "01"],
    ):
        subprocess.run(
            ["softhsm2-util", *arguments],
            env={**os.environ, **environment},
            check=True,
            capture_output=True,
        )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(config))
        import pkcs11
        from pkcs11.util.x509 import decode_x509_certificate

        library = pkcs11.lib(str(MODULE))
        with library.get_token(token_label="Card 1").open(rw=True, user_pin=PIN) as session:
            der = person.certificate.public_bytes(serialization.Encoding.DER)
            attributes = decode_x509_certificate(der)
            session.create_object(
                {**attributes, pkcs11.Attribute.LABEL: "sig", pkcs11.Attribute.TOKEN: True}
            )
        yield environment


def attempt(pack: Path, label: str = "", key: str = "sig", pin: str = PIN) -> str:
    assert MODULE is not None
    return sign(pack, Role.AUDITOR, Token(MODULE, label, key), lambda: Secret(pin)).name


def test_a_token_signs(card: dict[str, str], pack: Path, root: Path) -> None:
    assert attempt(pack, "Card 1") == "Karla Karte"
    found = verify(pack, [root])
    assert found.failures == ()
    assert [item.name for item in found.signatures] == ["Karla Karte"]


def test_the_command_line_takes_the_pin_by_reference(card: dict[str, str], pack: Path) -> None:
    said = subprocess.run(
        [
            *(sys.executable, "-m", "vmmaudit", "sign", str(pack), "--role", "auditor"),
            *("--pkcs11-module", str(MODULE), "--key-label", "sig", "--secret", "env:CARD_PIN"),
        ],
        env={**os.environ, **card, "CARD_PIN": PIN},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    assert said.stderr == "signed as auditor by Karla Karte (Contoso Issuing CA)\n"


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"pin": "000000"}, "The token 'Card 1' refused the PIN."),
        ({"label": "Card 9"}, "There is no token 'Card 9'; there is: Card 1"),
        ({"key": "other"}, "The token 'Card 1' has no key labelled 'other'."),
    ],
)
def test_what_goes_wrong_is_one_sentence(
    card: dict[str, str], pack: Path, changed: dict[str, str], sentence: str
) -> None:
    with pytest.raises(SealError, match=sentence):
        attempt(pack, **changed)
    assert not (pack / "signatures").exists()


def test_a_library_that_is_none(pack: Path, tmp_path: Path) -> None:
    with pytest.raises(SealError, match="There is no PKCS#11 library"):
        sign(pack, Role.AUDITOR, Token(tmp_path / "x.so", "", "sig"), lambda: Secret(PIN))
    (tmp_path / "y.so").write_bytes(b"no library")
    with pytest.raises(SealError, match="cannot be used as a PKCS#11 library"):
        sign(pack, Role.AUDITOR, Token(tmp_path / "y.so", "", "sig"), lambda: Secret(PIN))
