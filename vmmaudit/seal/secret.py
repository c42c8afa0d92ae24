"""The passphrase of a key file or the PIN of a token, by reference; never an argument."""

from __future__ import annotations

import os
from collections.abc import Callable

from vmmaudit.seal.errors import SealError
from vmmaudit.secret import Secret


def resolve(reference: str, prompt: Callable[[str], str] | None, question: str) -> Secret:
    """What `prompt`, `env:NAME` or `keyring:service/user` stands for.

    Raises:
        SealError: the reference is none, or leads to nothing.
    """
    kind, _, name = reference.partition(":")
    if reference == "prompt":
        if prompt is None:
            raise SealError(f"{question} must be typed, but there is no terminal.")
        try:
            return Secret(prompt(f"{question}: "))
        except (EOFError, OSError) as error:
            raise SealError(f"{question} must be typed, but there is no terminal.") from error
    if kind == "env" and name:
        value = os.environ.get(name)
        if value is None:
            raise SealError(f"The environment variable {name} is not set.")
        return Secret(value)
    service, slash, user = name.partition("/")
    if kind == "keyring" and service and slash and user:
        return _from_keyring(service, user)
    raise SealError(
        "--secret takes a reference: prompt, env:NAME or keyring:service/user, never the "
        "passphrase itself."
    )


def _from_keyring(service: str, user: str) -> Secret:
    import keyring  # noqa: PLC0415 - it looks for desktop services when imported
    import keyring.errors  # noqa: PLC0415

    try:
        value = keyring.get_password(service, user)
    except keyring.errors.NoKeyringError as error:
        raise SealError("There is no key ring on this machine; use prompt or env:NAME.") from error
    except keyring.errors.KeyringError as error:
        raise SealError("The key ring cannot be opened; unlock it first.") from error
    if value is None:
        raise SealError(f"The key ring holds nothing for {user} under {service}.")
    return Secret(value)
