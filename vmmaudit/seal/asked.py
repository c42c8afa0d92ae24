"""What was typed, turned into a key, a role and a time-stamping authority."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from vmmaudit.errors import UsageError
from vmmaudit.scope import Role
from vmmaudit.seal import sign as signing
from vmmaudit.seal.keys import KeyFile, Token
from vmmaudit.seal.secret import resolve
from vmmaudit.seal.timestamp import authority
from vmmaudit.seal.trust import roots


def key(p12: Path | None, module: Path | None, token: str, label: str) -> KeyFile | Token:
    """A key file or a token, whichever was named.

    Raises:
        UsageError: neither or both, or a token without its key's label.
    """
    if (p12 is None) == (module is None):
        raise UsageError("Name the key: --p12 FILE, or --pkcs11-module LIBRARY with --key-label.")
    if p12 is not None:
        if token or label:
            raise UsageError("--token and --key-label belong to --pkcs11-module, not to --p12.")
        return KeyFile(p12)
    assert module is not None  # noqa: S101 - one of the two was given
    if not label:
        raise UsageError("--pkcs11-module needs --key-label: which key on the token signs.")
    return Token(module, token, label)


def sign(
    pack: Path,
    role: str,
    signer: KeyFile | Token,
    secret: str,
    prompt: Callable[[str], str] | None,
    tsa: str = "",
    trust: Sequence[Path] = (),
) -> signing.Signed:
    """Sign a pack, after looking at what was typed and before asking for the secret.

    Raises:
        UsageError: there is no such role, or the address is none.
        SealError: the signature cannot be made.
        PackError: it is no pack, or it was changed.
    """
    if role not in set(Role):
        raise UsageError(f"There is no role '{role}'; choose from {', '.join(Role)}.")
    if trust and not tsa:
        raise UsageError("--trust signs for the long term, which needs --tsa too.")
    stamper = authority(tsa) if tsa else None
    anchors = roots(trust)
    question = "Passphrase" if isinstance(signer, KeyFile) else "PIN"
    where = signer.path if isinstance(signer, KeyFile) else signer.label or signer.module
    return signing.sign(
        pack,
        Role(role),
        signer,
        lambda: resolve(secret, prompt, f"{question} of {where}"),
        stamper,
        anchors,
    )
