"""LDAP against a real domain controller: every way in, and every way to be turned away."""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import ldap3
import pytest
from ldap3.protocol import rfc4511
from ldap3.utils.asn1 import decoder

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


def said(reply: Answer | Gap) -> tuple[Reason, str]:
    assert isinstance(reply, Gap)
    return reply.reason, reply.text


def ask(domain: Domain, *questions_: Question, seconds: float = 5) -> list[Answer | Gap]:
    directory = Directory(domain, Vault(), connect_seconds=3, receive_seconds=seconds)
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
    assert said(second) == said(first)  # remembered, not tried again


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


def test_the_root_of_the_directory(lab: Lab):
    (found,) = ask(Domain(name=DOMAIN, auth=TICKET), questions.root_dse(DOMAIN))
    assert isinstance(found, Answer)
    assert [row.name for row in found.rows] == [""]
    assert found.rows[0].first("defaultNamingContext") == b"DC=contoso,DC=com"


def test_references_to_other_partitions_are_no_entries(lab: Lab):
    nobody = questions.search(DOMAIN, questions.base_dn(DOMAIN), "sub", "(cn=nobody-such)", ["cn"])
    (found,) = ask(Domain(name=DOMAIN, auth=TICKET), nobody)
    assert isinstance(found, Answer)
    assert found.rows == ()


def test_an_ordinary_account_reads_descriptors(lab: Lab):
    wanted = questions.search(
        DOMAIN, questions.base_dn(DOMAIN), "sub", "(cn=HYPER01)", ["nTSecurityDescriptor"]
    )
    (found,) = ask(Domain(name=DOMAIN, auth=TICKET), wanted)
    assert isinstance(found, Answer)
    assert len(found.rows[0].first("nTSecurityDescriptor") or b"") > 100


@pytest.mark.parametrize("transport", ["ldaps", "starttls"])
def test_a_ca_file_that_is_none(lab: Lab, tmp_path: Path, transport: str):
    ca = tmp_path / "ca.pem"
    ca.write_text("nothing")
    (found,) = ask(Domain(name=DOMAIN, auth=TICKET, transport=transport, ca=ca))
    assert isinstance(found, Gap)
    assert (found.reason, str(ca) in found.text) == (Reason.CERTIFICATE_UNTRUSTED, True)


def test_a_certificate_for_another_name(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    address = socket.gethostbyname("dc01.contoso.com")
    leads_to(monkeypatch, address, 636)
    domain = Domain(
        name=DOMAIN, auth=TICKET, transport="ldaps", ca=lab.ca, controllers=("hyper01.contoso.com",)
    )
    (found,) = ask(domain)
    assert isinstance(found, Gap)
    assert (found.reason, "another name" in found.text) == (Reason.CERTIFICATE_UNTRUSTED, True)


@pytest.mark.parametrize("seconds", [1200, -1200])
def test_a_clock_that_is_wrong(lab: Lab, tmp_path: Path, monkeypatch, seconds: int):
    """The cache's header tells by how much the KDC's clock differs; here it lies."""
    cache = lab.ccache("auditor").read_bytes()
    version, length = struct.unpack(">HH", cache[:4])
    assert version == 0x0504
    wrong = tmp_path / "tickets"
    header = struct.pack(">HHHHii", version, 12, 1, 8, seconds, 0)
    wrong.write_bytes(header + cache[4 + length :])
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{wrong}")
    (found,) = ask(Domain(name=DOMAIN, auth=TICKET))
    assert isinstance(found, Gap)
    assert (found.reason, "clock" in found.text) == (Reason.CLOCK_SKEW, True)


@pytest.mark.parametrize(
    ("protocol", "transport"), [("kerberos", "sealed"), ("simple", "ldaps"), ("ntlm", "sealed")]
)
def test_a_disabled_account(lab: Lab, monkeypatch, protocol: str, transport: str):
    monkeypatch.setenv("SERVICE", lab.password("service.vmm"))
    ((dn, values),) = lab.search("(sAMAccountName=service.vmm)", ["userAccountControl"])
    control = int(values["userAccountControl"][0])
    change = {"do": "modify", "dn": dn}
    user = "CONTOSO\\service.vmm" if protocol == "ntlm" else f"service.vmm@{DOMAIN.upper()}"
    auth = Authentication(user=user, secret="env:SERVICE", protocol=protocol)
    lab.change({**change, "replace": {"userAccountControl": [str(control | 2)]}})
    try:
        (found,) = ask(Domain(name=DOMAIN, auth=auth, transport=transport, ca=lab.ca))
    finally:
        lab.change({**change, "replace": {"userAccountControl": [str(control)]}})
    assert isinstance(found, Gap)
    assert (found.reason, "disabled" in found.text) == (Reason.AUTHENTICATION_FAILED, True)


@pytest.fixture
def connected(lab: Lab) -> Iterator[Directory]:
    """A directory whose connection stands; the controller runs again afterwards."""
    directory = Directory(
        Domain(name=DOMAIN, auth=TICKET), Vault(), connect_seconds=3, receive_seconds=2.5
    )
    assert isinstance(directory.answer(HYPER01), Answer)
    yield directory
    directory.close()
    lab.resume("dc01")
    if not lab.running("dc01"):
        lab.start("dc01")


def test_a_controller_that_hangs_costs_one_question(lab: Lab, connected: Directory):
    lab.suspend("dc01")
    began = time.monotonic()
    found = connected.answer(questions.root_dse(DOMAIN))
    assert isinstance(found, Gap)
    assert (found.reason, time.monotonic() - began < 6) == (Reason.TIMEOUT, True)
    lab.resume("dc01")
    assert isinstance(connected.answer(questions.root_dse(DOMAIN)), Answer)


def test_a_controller_that_is_restarted_in_between(lab: Lab, connected: Directory):
    lab.stop("dc01")
    lab.start("dc01")
    assert isinstance(connected.answer(questions.root_dse(DOMAIN)), Answer)


def test_a_controller_that_goes_away_for_good(lab: Lab, connected: Directory):
    lab.stop("dc01")
    found = connected.answer(questions.root_dse(DOMAIN))
    assert isinstance(found, Gap)
    assert (found.reason, "dc01.contoso.com" in found.text) == (Reason.UNREACHABLE, True)
    lab.start("dc01")
    assert said(connected.answer(HYPER01)) == said(found)  # remembered


def test_closing_ends_the_wait_for_a_controller_that_hangs(lab: Lab, connected: Directory):
    lab.suspend("dc01")
    threading.Timer(0.3, connected.close).start()
    began = time.monotonic()
    found = connected.answer(questions.root_dse(DOMAIN))
    assert isinstance(found, Gap)
    assert (found.reason, time.monotonic() - began < 4) == (Reason.INTERRUPTED, True)


def leads_to(monkeypatch: pytest.MonkeyPatch, address: str, port: int) -> None:
    """Whatever the name of a controller, its connections go to another server."""
    found = [socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port), None, None]
    monkeypatch.setattr(ldap3.Server, "candidate_addresses", lambda _: [found])


@pytest.fixture
def stranger(monkeypatch: pytest.MonkeyPatch) -> Iterator[list]:
    """A server in the controller's place with one reply to all; None: it never answers."""
    listening = socket.create_server(("127.0.0.1", 0))
    replies: list = []
    kept: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection = listening.accept()[0]
            except OSError:
                return
            kept.append(connection)
            if replies[0] is not None:
                asked = connection.recv(65536)
                connection.sendall(replies[0](asked) if callable(replies[0]) else replies[0])
                connection.close()

    threading.Thread(target=serve, daemon=True).start()
    leads_to(monkeypatch, *listening.getsockname())
    yield replies
    listening.close()
    for connection in kept:
        connection.close()


@pytest.mark.parametrize(
    ("reply", "transport", "reason"),
    [
        (None, "sealed", Reason.TIMEOUT),
        (None, "ldaps", Reason.TIMEOUT),
        (None, "starttls", Reason.TIMEOUT),
        (b"", "sealed", Reason.UNREACHABLE),
        (b"", "ldaps", Reason.CERTIFICATE_UNTRUSTED),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "ldaps", Reason.CERTIFICATE_UNTRUSTED),
        (bytes(40), "sealed", Reason.MALFORMED_REPLY),
        (bytes(40), "starttls", Reason.MALFORMED_REPLY),
        (b"\x30\x05\x02\x01\x00\x61\x00", "sealed", Reason.MALFORMED_REPLY),
    ],
)
def test_a_server_that_is_no_controller(lab: Lab, stranger, reply, transport: str, reason: Reason):
    stranger.append(reply)
    began = time.monotonic()
    (found,) = ask(Domain(name=DOMAIN, auth=TICKET, transport=transport, ca=lab.ca), seconds=1)
    assert isinstance(found, Gap)
    assert (found.reason, "dc01.contoso.com" in found.text) == (reason, True)
    assert time.monotonic() - began < 5


def test_a_success_without_proof_is_not_believed(lab: Lab, stranger):
    def success(asked: bytes) -> bytes:
        bind, _ = decoder.decode(asked, asn1Spec=rfc4511.LDAPMessage())
        number = int(bind["messageID"]).to_bytes(4, "big")
        return b"\x30\x0f\x02\x04%b\x61\x07\x0a\x01\x00\x04\x00\x04\x00" % number

    stranger.append(success)
    (found,) = ask(Domain(name=DOMAIN, auth=TICKET))
    assert isinstance(found, Gap)
    assert (found.reason, "did not prove" in found.text) == (Reason.AUTHENTICATION_FAILED, True)
