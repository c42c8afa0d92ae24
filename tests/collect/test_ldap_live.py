"""LDAP against a real domain controller: every way in, and every way to be turned away."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import worlds
from tests.lab.apply import apply
from tests.lab.lab import Lab
from tests.live.collecting import log_on
from tests.worlds import DOMAIN, Group
from vmmaudit import questions
from vmmaudit.collect import ldap
from vmmaudit.collect.credentials import Vault
from vmmaudit.collect.ldap import Directory
from vmmaudit.evidence import Answer, Gap, Question, Reason
from vmmaudit.scope import Authentication, Domain

pytestmark = pytest.mark.live
TICKET = Authentication(secret="ccache")
HYPER01 = questions.computer(DOMAIN, f"hyper01.{DOMAIN}")


@pytest.fixture(autouse=True)
def _conforming(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    apply(lab, worlds.conforming())
    log_on(lab, "auditor")
    monkeypatch.setenv("RIGHT", lab.password("auditor"))
    monkeypatch.setenv("WRONG", "falsch")


def ask(domain: Domain, *questions_: Question) -> list[Answer | Gap]:
    directory = Directory(domain, Vault(), connect_seconds=3, receive_seconds=5)
    try:
        return [directory.answer(question) for question in questions_ or (HYPER01,)]
    finally:
        directory.close()


@pytest.mark.parametrize("transport", ["sealed", "ldaps", "starttls"])
def test_kerberos_over_every_transport(lab: Lab, transport: str):
    (found,) = ask(Domain(name=DOMAIN, auth=TICKET, transport=transport, ca=lab.ca))
    assert isinstance(found, Answer)
    assert found.source == f"dc01.{DOMAIN}"
    assert found.rows[0].first("sAMAccountName") == b"HYPER01$"
    assert len(found.rows[0].values["msDS-AllowedToDelegateTo"]) == 4


@pytest.mark.parametrize(
    ("auth", "transport"),
    [
        (Authentication(user=f"auditor@{DOMAIN.upper()}", secret="env:RIGHT"), "sealed"),
        (Authentication(user="CONTOSO\\auditor", secret="env:RIGHT"), "sealed"),
        (Authentication(user="CONTOSO\\auditor", secret="env:RIGHT", protocol="ntlm"), "sealed"),
        (
            Authentication(user=f"auditor@{DOMAIN}", secret="env:RIGHT", protocol="simple"),
            "ldaps",
        ),
        (
            Authentication(user=f"auditor@{DOMAIN}", secret="env:RIGHT", protocol="simple"),
            "starttls",
        ),
    ],
)
def test_passwords_by_reference(lab: Lab, auth: Authentication, transport: str):
    (found,) = ask(Domain(name=DOMAIN, auth=auth, transport=transport, ca=lab.ca))
    assert isinstance(found, Answer)


def test_a_sealed_connection_shows_nothing_to_a_listener(lab: Lab, monkeypatch):
    sent: list[bytes] = []
    plain = socket.socket.sendall
    monkeypatch.setattr(
        socket.socket, "sendall", lambda s, data: (sent.append(bytes(data)), plain(s, data))[1]
    )
    (found,) = ask(Domain(name=DOMAIN, auth=TICKET))
    assert isinstance(found, Answer)
    assert b"sAMAccountName" not in b"".join(sent)


@pytest.mark.parametrize(
    ("changes", "reason", "sentence"),
    [
        ({"transport": "ldaps", "ca": "wrong"}, Reason.CERTIFICATE_UNTRUSTED, "trusted CA"),
        ({"transport": "starttls", "ca": "wrong"}, Reason.CERTIFICATE_UNTRUSTED, "trusted CA"),
        ({"transport": "ldaps"}, Reason.CERTIFICATE_UNTRUSTED, "trusted CA"),
        ({"controllers": ("nix.contoso.com",)}, Reason.UNRESOLVABLE, "nix.contoso.com"),
        ({"controllers": ("library01.contoso.com",)}, Reason.UNREACHABLE, "port 389"),
        (
            {"secret": "env:WRONG", "user": "auditor@CONTOSO.COM"},
            Reason.AUTHENTICATION_FAILED,
            "wrong",
        ),
        (
            {"secret": "env:RIGHT", "user": "nix@CONTOSO.COM"},
            Reason.AUTHENTICATION_FAILED,
            "does not know",
        ),
        (
            {"secret": "env:WRONG", "user": "CONTOSO\\auditor", "protocol": "ntlm"},
            Reason.AUTHENTICATION_FAILED,
            "wrong",
        ),
        (
            {"secret": "env:MISSING", "user": "auditor"},
            Reason.AUTHENTICATION_FAILED,
            "MISSING is not set",
        ),
        ({"secret": "prompt", "user": "auditor"}, Reason.AUTHENTICATION_FAILED, "no terminal"),
    ],
)
def test_every_refusal_has_its_reason_and_one_sentence(lab: Lab, changes, reason, sentence):
    auth = {key: changes.pop(key) for key in ("secret", "user", "protocol") if key in changes}
    if "ca" in changes:
        changes["ca"] = lab.wrong_ca
    domain = Domain(name=DOMAIN, auth=Authentication(**auth) if auth else TICKET, **changes)
    first, second = ask(domain, HYPER01, questions.root_dse(DOMAIN))
    assert isinstance(first, Gap)
    assert first.reason is reason
    assert sentence in first.text
    assert "falsch" not in first.text
    assert second == first  # remembered, not tried again


def test_no_ticket(lab: Lab, monkeypatch, tmp_path: Path):
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path / 'none'}")
    (found,) = ask(Domain(name=DOMAIN, auth=TICKET))
    assert isinstance(found, Gap)
    assert (found.reason, "kinit" in found.text) == (Reason.AUTHENTICATION_FAILED, True)


def test_the_second_controller_is_asked_when_the_first_is_away(lab: Lab):
    controllers = ("library01.contoso.com", "dc01.contoso.com")
    (found,) = ask(Domain(name=DOMAIN, auth=TICKET, controllers=controllers))
    assert isinstance(found, Answer)
    assert found.source == "dc01.contoso.com"


def test_pages_are_followed_to_the_end(lab: Lab, monkeypatch):
    everything = questions.search(
        DOMAIN, questions.base_dn(DOMAIN), "sub", "(objectClass=*)", ["cn"]
    )
    whole = ask(Domain(name=DOMAIN, auth=TICKET), everything)[0]
    monkeypatch.setattr(ldap, "PAGE", 7)
    paged = ask(Domain(name=DOMAIN, auth=TICKET), everything)[0]
    assert isinstance(whole, Answer)
    assert isinstance(paged, Answer)
    assert len(paged.rows) > 70
    assert {row.name for row in paged.rows} == {row.name for row in whole.rows}


def test_ranges_are_followed_to_the_end(lab: Lab):
    users = tuple(worlds.User(f"u{number}") for number in range(12))
    world = worlds.conforming()
    world = worlds.replace(
        world,
        users=(*world.users, *users),
        groups=(*world.groups, Group("Viele", "global", tuple(u.name for u in users))),
    )
    apply(lab, world)
    ranged = questions.search(
        DOMAIN,
        f"CN=Viele,OU=Gruppen,{questions.base_dn(DOMAIN)}",
        "base",
        "(objectClass=*)",
        ["member;range=0-4"],
    )
    (found,) = ask(Domain(name=DOMAIN, auth=TICKET), ranged)
    assert isinstance(found, Answer)
    assert len(found.rows[0].values["member"]) == 12


def test_what_does_not_exist_is_not_found(lab: Lab):
    nowhere = questions.search(
        DOMAIN, "CN=Nix,DC=contoso,DC=com", "base", "(objectClass=*)", ["cn"]
    )
    (found,) = ask(Domain(name=DOMAIN, auth=TICKET), nowhere)
    assert isinstance(found, Gap)
    assert found.reason is Reason.NOT_FOUND


def test_token_groups_hold_nested_groups(lab: Lab):
    dn = f"CN=HYPER01,CN=Computers,{questions.base_dn(DOMAIN)}"
    (found,) = ask(Domain(name=DOMAIN, auth=TICKET), questions.token_groups(DOMAIN, dn))
    assert isinstance(found, Answer)
    assert len(found.rows[0].values["tokenGroups"]) >= 3


@pytest.fixture
def silent() -> Iterator[int]:
    """A server that accepts and never answers."""
    listening = socket.create_server(("127.0.0.1", 0))
    kept: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                kept.append(listening.accept()[0])
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    yield listening.getsockname()[1]
    listening.close()


def test_a_server_that_never_answers_costs_its_time_out(lab: Lab, silent: int, monkeypatch):
    real = ldap.ldap3.Server
    monkeypatch.setattr(
        ldap.ldap3, "Server", lambda name, port, **more: real("127.0.0.1", port=silent, **more)
    )
    began = time.monotonic()
    (found,) = ask(Domain(name=DOMAIN, auth=TICKET, controllers=("localhost",)))
    assert isinstance(found, Gap)
    assert time.monotonic() - began < 20
