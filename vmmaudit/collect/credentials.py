"""Secrets are references; they are resolved here, kept in memory, and never shown."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from vmmaudit.collect.wire import WireError
from vmmaudit.evidence import Reason
from vmmaudit.scope import Authentication
from vmmaudit.secret import Secret

UNUSABLE: Final = "No logon is possible"
"""How a sentence begins where no password was found, so that none was tried."""
_NO_TERMINAL: Final = "a password is to be prompted for, but there is no terminal"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Whom to log on as; without a secret it is the session's own logon or ticket cache."""

    user: str | None
    secret: Secret | None
    protocol: str

    @property
    def password(self) -> str | None:
        """The password, where there is one."""
        return self.secret.reveal() if self.secret else None


class Vault:
    """Resolves each reference once, so that a password is prompted for once per run."""

    def __init__(self, prompt: Callable[[str], str] | None = None) -> None:
        self._prompt = prompt
        self._known: dict[tuple[str, str | None], Secret | WireError | None] = {}
        self._rejected: dict[tuple[str, str | None], WireError] = {}
        self._proved: set[tuple[str, str | None]] = set()
        self._lock = threading.Lock()
        self._trial = threading.Lock()

    def credentials(self, authentication: Authentication, realm: str = "") -> Credentials:
        r"""What to log on with; Kerberos wants `name@REALM` where a user is written `DOMAIN\name`.

        Raises:
            WireError: the reference leads to nothing; the sentence says which.
        """
        key = (authentication.secret, authentication.user)
        with self._lock:
            if key not in self._known:
                try:
                    self._known[key] = self._resolve(authentication)
                except WireError as error:  # nobody is asked again for what was not given
                    self._known[key] = error
            secret = self._known[key]
        if isinstance(secret, WireError):
            raise WireError(secret.reason, secret.sentence)
        if authentication.protocol in ("simple", "ntlm") and secret is None:
            raise _unusable(
                f"{authentication.protocol} needs a user and a password; set auth.secret to "
                "prompt, env:NAME or keyring:service/user"
            )
        if secret is not None and not authentication.user:
            raise _unusable("auth.user is missing beside auth.secret")
        # Negotiate must never end in NTLM by itself: it would hand a crackable answer to
        # whoever answers in the server's place.
        protocol = authentication.protocol
        protocol = "kerberos" if protocol == "negotiate" else protocol
        user = authentication.user
        if user and protocol == "kerberos" and "\\" in user and realm:
            user = f"{user.rpartition(chr(92))[2]}@{realm.upper()}"
        return Credentials(user, secret, protocol)

    @contextmanager
    def trying(self, authentication: Authentication) -> Iterator[None]:
        """Around a logon: a wrong password is tried at one server, not at thirty at once.

        Until a password has once been accepted, one logon at a time is made with it; a password
        that was refused is not offered again, since accounts are locked after a few failures.

        Raises:
            WireError: the password was refused before.
        """
        key = (authentication.secret, authentication.user)
        if self._known.get(key) is None or key in self._proved:
            yield
            return
        with self._trial:
            if key in self._rejected:
                raise WireError(self._rejected[key].reason, self._rejected[key].sentence)
            try:
                yield
            except WireError as error:
                if error.reason is Reason.AUTHENTICATION_FAILED:
                    self._rejected[key] = error
                raise
            self._proved.add(key)

    def _resolve(self, authentication: Authentication) -> Secret | None:
        kind, _, name = authentication.secret.partition(":")
        if kind in ("sso", "ccache"):
            return None
        if kind == "env":
            value = os.environ.get(name)
            if value is None:
                raise _unusable(f"the environment variable {name} is not set")
            return _password(value, f"the environment variable {name} is empty")
        if kind == "keyring":
            return _from_keyring(*name.partition("/")[::2])
        if self._prompt is None:
            raise _unusable(_NO_TERMINAL)
        try:
            value = self._prompt(f"Password of {authentication.user}: ")
        except (EOFError, OSError) as error:
            raise _unusable(_NO_TERMINAL) from error
        return _password(value, "no password was typed")


def _from_keyring(service: str, user: str) -> Secret:
    import keyring  # noqa: PLC0415 - it looks for desktop services when imported
    import keyring.errors  # noqa: PLC0415

    try:
        value = keyring.get_password(service, user)
    except keyring.errors.NoKeyringError as error:
        raise _unusable(
            "there is no key ring on this machine; use ccache, prompt or env:NAME"
        ) from error
    except keyring.errors.KeyringError as error:
        raise _unusable("the key ring cannot be opened; unlock it first") from error
    if value is None:
        raise _unusable(f"the key ring holds nothing for {user} under {service}")
    return _password(value, f"the key ring holds an empty password for {user} under {service}")


def _password(value: str, problem: str) -> Secret:
    # A simple bind with an empty password is an anonymous one that succeeds (RFC 4513 5.1.2).
    if not value:
        raise _unusable(problem)
    return Secret(value)


def _unusable(problem: str) -> WireError:
    return WireError(Reason.AUTHENTICATION_FAILED, f"{UNUSABLE}: {problem}.")
