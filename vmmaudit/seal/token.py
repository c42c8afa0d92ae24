"""A key on a smart card or token, through its vendor's PKCS#11 library."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vmmaudit.seal.errors import SealError

try:
    import pkcs11
    from pkcs11 import exceptions as refusals
    from pyhanko.sign.pkcs11 import PKCS11Signer
except ImportError as error:
    raise SealError(
        "Signing with a token needs python-pkcs11; install vmmaudit[pkcs11]."
    ) from error

if TYPE_CHECKING:
    from vmmaudit.seal.keys import Token
    from vmmaudit.secret import Secret


@contextmanager
def session(token: Token, pin: Secret) -> Iterator[PKCS11Signer]:
    """The signer, logged on to its token; logged off at the end.

    The PIN is tried once: tokens lock themselves after a few failures.

    Raises:
        SealError: no such library, token or key, or the PIN is refused.
    """
    device = _token(token)
    try:
        opened = device.open(user_pin=pin.reveal())
    except (refusals.PinIncorrect, refusals.PinInvalid, refusals.PinLenRange) as error:
        raise SealError(f"The token '{_label(device)}' refused the PIN.") from error
    except refusals.PinLocked as error:
        raise SealError(f"The token '{_label(device)}' is locked after wrong PINs.") from error
    except refusals.PKCS11Error as error:
        raise _trouble(device, error) from error
    with opened:
        _has_key(opened, device, token.key)
        yield PKCS11Signer(opened, cert_label=token.key, key_label=token.key)


def _token(token: Token) -> pkcs11.Token:
    if not token.module.is_file():
        raise SealError(f"There is no PKCS#11 library {token.module}.")
    try:
        found = [slot.get_token() for slot in pkcs11.lib(str(token.module)).get_slots(True)]
    except (refusals.PKCS11Error, RuntimeError, AttributeError, OSError) as error:
        raise SealError(f"{token.module} cannot be used as a PKCS#11 library.") from error
    found = [device for device in found if device.flags & pkcs11.TokenFlag.TOKEN_INITIALIZED]
    usable = [device for device in found if not token.label or _label(device) == token.label]
    if token.label and not usable:
        there = ", ".join(_label(device) for device in found) or "none"
        raise SealError(f"There is no token '{token.label}'; there is: {there}.")
    if not usable:
        raise SealError("There is no token; insert the card.")
    if len(usable) > 1:
        named = ", ".join(map(_label, usable))
        raise SealError(f"There are several tokens; name one with --token: {named}.")
    return usable[0]


def _has_key(opened: pkcs11.Session, device: pkcs11.Token, label: str) -> None:
    for kind, word in (
        (pkcs11.ObjectClass.PRIVATE_KEY, "key"),
        (pkcs11.ObjectClass.CERTIFICATE, "certificate"),
    ):
        query = {pkcs11.Attribute.CLASS: kind, pkcs11.Attribute.LABEL: label}
        try:
            there = len(list(opened.get_objects(query)))
        except refusals.PKCS11Error as error:
            raise _trouble(device, error) from error
        if there != 1:
            raise SealError(
                f"The token '{_label(device)}' has {there or 'no'} {word}"
                f"{'s' if there > 1 else ''} labelled '{label}'."
            )


def _label(device: pkcs11.Token) -> str:
    return str(device.label).strip()


def _trouble(device: pkcs11.Token, error: Exception) -> SealError:
    return SealError(f"The token '{_label(device)}' does not work: {type(error).__name__}.")
