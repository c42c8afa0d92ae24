"""References become secrets once, and secrets become nothing else."""

import copy
import json
import pickle

import keyring
import keyring.backend
import keyring.backends.fail
import keyring.errors
import pytest

from vmmaudit.collect.credentials import Credentials, Vault
from vmmaudit.collect.wire import WireError
from vmmaudit.evidence import Reason
from vmmaudit.scope import Authentication
from vmmaudit.secret import Secret

PASSWORD = "s3hr-geheim"


def secret_of(reference: str, vault: Vault | None = None, **more) -> Credentials:
    auth = Authentication(user=r"CONTOSO\auditor", secret=reference, **more)
    return (vault or Vault()).credentials(auth, "contoso.com")


def refused(reference: str, vault: Vault | None = None, **more) -> str:
    with pytest.raises(WireError) as raised:
        secret_of(reference, vault, **more)
    assert raised.value.reason is Reason.AUTHENTICATION_FAILED
    assert raised.value.sentence.endswith(".")
    return raised.value.sentence


class Ring(keyring.backend.KeyringBackend):
    """A key ring of one entry."""

    priority = 1

    def __init__(self, value: str | None = PASSWORD, error: Exception | None = None) -> None:
        super().__init__()
        self.value, self.error = value, error

    def get_password(self, service: str, username: str) -> str | None:
        if self.error:
            raise self.error
        return self.value if (service, username) == ("vmm", "a/b") else None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError


@pytest.fixture
def ring(monkeypatch):
    def use(backend: keyring.backend.KeyringBackend) -> None:
        monkeypatch.setattr(keyring.core, "_keyring_backend", backend)

    return use


def test_a_secret_shows_itself_to_nobody():
    secret = Secret(PASSWORD)
    shown = [repr(secret), str(secret), f"{secret}", f"{secret!r:>40}", "%s" % secret]  # noqa: UP031
    shown.append(repr(Credentials("auditor", secret, "kerberos")))
    assert not any(PASSWORD in text for text in shown)
    for save in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps):
        with pytest.raises(TypeError):
            save(secret)
    with pytest.raises(TypeError):
        pickle.dumps(Credentials("auditor", secret, "kerberos"))
    assert not hasattr(secret, "__dict__")


@pytest.mark.parametrize("reference", ["sso", "ccache"])
def test_the_logon_of_the_session_has_no_secret(reference: str):
    found = Vault().credentials(Authentication(secret=reference))
    assert (found.user, found.password, found.protocol) == (None, None, "kerberos")


def test_from_the_environment(monkeypatch):
    monkeypatch.setenv("PW", PASSWORD)
    found = secret_of("env:PW")
    assert found == Credentials("auditor@CONTOSO.COM", found.secret, "kerberos")
    assert found.password == PASSWORD
    assert secret_of("env:PW", protocol="ntlm").user == r"CONTOSO\auditor"


def test_what_is_missing_or_empty_in_the_environment(monkeypatch):
    monkeypatch.delenv("PW", raising=False)
    assert "PW is not set" in refused("env:PW")
    monkeypatch.setenv("PW", "")  # a simple bind with it would succeed, as nobody
    assert "PW is empty" in refused("env:PW")


def test_from_the_key_ring(ring):
    ring(Ring())
    assert secret_of("keyring:vmm/a/b").password == PASSWORD
    assert "holds nothing for other under vmm" in refused("keyring:vmm/other")
    ring(Ring(value=""))
    assert "empty password" in refused("keyring:vmm/a/b")


def test_no_key_ring_or_a_locked_one(ring):
    ring(keyring.backends.fail.Keyring())
    assert "no key ring on this machine" in refused("keyring:vmm/a")
    ring(Ring(error=keyring.errors.KeyringLocked(f"locked {PASSWORD}")))
    sentence = refused("keyring:vmm/a")
    assert "unlock" in sentence
    assert PASSWORD not in sentence


def test_a_person_is_asked_once():
    asked: list[str] = []
    vault = Vault(lambda question: asked.append(question) or PASSWORD)
    assert [secret_of("prompt", vault).password for _ in range(3)] == [PASSWORD] * 3
    assert asked == ["Password of CONTOSO\\auditor: "]


@pytest.mark.parametrize("error", [EOFError(), OSError("not a terminal")])
def test_nobody_there_to_ask(error: Exception):
    asked: list[str] = []

    def prompt(question: str) -> str:
        asked.append(question)
        raise error

    vault = Vault(prompt)
    assert [refused("prompt", vault) for _ in range(2)] == [refused("prompt")] * 2
    assert len(asked) == 1
    assert "no terminal" in refused("prompt", vault)


def test_nothing_typed():
    assert "no password was typed" in refused("prompt", Vault(lambda _: ""))


def test_ctrl_c_at_the_prompt_gets_through():
    def prompt(_: str) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        secret_of("prompt", Vault(prompt))


@pytest.mark.parametrize("protocol", ["simple", "ntlm"])
def test_protocols_that_need_a_password(protocol: str):
    assert f"{protocol} needs a user and a password" in refused("ccache", protocol=protocol)


def test_a_password_needs_a_user(monkeypatch):
    monkeypatch.setenv("PW", PASSWORD)
    with pytest.raises(WireError, match=r"auth\.user is missing"):
        Vault().credentials(Authentication(secret="env:PW"))


def test_negotiate_never_becomes_ntlm(monkeypatch):
    monkeypatch.setenv("PW", PASSWORD)
    assert secret_of("env:PW", protocol="negotiate").protocol == "kerberos"


def test_a_refused_password_is_not_offered_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PASSWORD", "falsch")
    auth = Authentication(user="auditor@contoso.com", secret="env:PASSWORD")
    vault = Vault()
    vault.credentials(auth)
    with pytest.raises(WireError, match="wrong"), vault.trying(auth):
        raise WireError(Reason.AUTHENTICATION_FAILED, "The password is wrong.")
    offered = []
    with pytest.raises(WireError, match="wrong"), vault.trying(auth):
        offered.append("again")
    assert not offered


def test_an_unreachable_server_does_not_condemn_the_password(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PASSWORD", "richtig")
    auth = Authentication(user="auditor@contoso.com", secret="env:PASSWORD")
    vault = Vault()
    vault.credentials(auth)
    for reason in (Reason.UNREACHABLE, Reason.NO_SERVICE_PRINCIPAL):
        with pytest.raises(WireError), vault.trying(auth):
            raise WireError(reason, "It does not answer.")
    with vault.trying(auth):
        pass
