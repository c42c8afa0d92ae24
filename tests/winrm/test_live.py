"""Over HTTP with a real ticket: what pipes refuse is told, and nothing is told to the wrong one."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests import worlds
from tests.lab.apply import apply
from tests.lab.lab import Lab
from tests.lab.recipe import MACHINES, MEMBERS
from tests.live.collecting import lab_scope, log_on
from tests.winrm.standin import Machine, StandIn
from tests.worlds import DOMAIN, DOMAIN_SID, SHARE
from vmmaudit import questions
from vmmaudit.collect.credentials import Vault
from vmmaudit.collect.live import Live
from vmmaudit.collect.winrm import scripts, transport
from vmmaudit.collect.winrm.management import RemoteManagement
from vmmaudit.evidence import Answer, Gap, Question, Reason
from vmmaudit.facts import replies
from vmmaudit.scope import Authentication, Domain
from vmmaudit.windows.descriptor import decode
from vmmaudit.windows.sid import sid_from_bytes

pytestmark = pytest.mark.live
HOST = f"hyper01.{DOMAIN}"
ADDRESS = (MACHINES["hyper01"].address, 5985)
OWN = "S-1-5-21-7-8-9"
ORPHAN = "S-1-5-21-1-2-3-4444"
GROUPS = (
    {"name": "Administratoren", "sid": "S-1-5-32-544", "members": [f"{DOMAIN_SID}-512", ORPHAN]},
    {"name": "Niemand", "sid": f"{OWN}-1000", "members": []},
)
HOSTS = ({"Name": HOST, "VirtualizationPlatform": "HyperV"},)
MACHINE = Machine(
    cim={
        "Win32_OperatingSystem": [{"LastBootUpTime": "2026-09-30T10:11:12.5+02:00"}],
        "Win32_Service": [
            {
                "Name": "Spooler",
                "StartName": "LocalSystem",
                "StartMode": "Auto",
                "State": "Running",
            },
            {
                "Name": "SCVMMAgent",
                "StartName": "LocalSystem",
                "StartMode": "Manual",
                "State": "Stopped",
            },
        ],
        "MSFT_SmbShare": [
            {"Name": "x", "Path": "C:\\x", "SecurityDescriptor": None},
            {
                "Name": SHARE,
                "Path": "D:\\VMM",
                "SecurityDescriptor": "O:SYG:SYD:(A;;0x1200a9;;;BA)",
            },
        ],
    },
    scripts={
        scripts.LOCAL_GROUPS: {(): GROUPS},
        scripts.RIGHTS: {(): [{"administrator": True}]},
        scripts.REACH: {("library01.contoso.com", 445): [{"open": True}]},
        scripts.VMM_OBJECTS: {("Get-SCVMHost",): HOSTS, ("Get-SCISO",): [{"problem": "module"}]},
    },
)
ASKED = (
    questions.boot(HOST),
    questions.service(HOST, "SCVMMAgent"),
    questions.service(HOST, "SCVMMService"),
    questions.share(HOST, SHARE),
    questions.share(HOST, "x"),
    questions.share(HOST, "y'\\ OR Name='x"),
    questions.sam_domains(HOST),
    questions.aliases(HOST, "S-1-5-32"),
    questions.aliases(HOST, OWN),
    questions.administrators(HOST),
    questions.members(HOST, f"{OWN}-1000"),
    questions.members(HOST, f"{OWN}-1001"),
    questions.reach(HOST, "library01.contoso.com", 445),
    questions.reach(HOST, "library02.contoso.com", 445),
    questions.vmm_objects(HOST, "Get-SCVMHost"),
    questions.vmm_objects(HOST, "Get-SCISO"),
)


@pytest.fixture
def domain(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Domain:
    """Members with the SPN that WinRM of Windows registers, and their keys for the stand-in."""
    apply(lab, worlds.conforming())
    keytab = lab.private("keytabs", "winrm")
    keytab.unlink(missing_ok=True)
    for member in MEMBERS:
        name = f"WSMAN/{member.fqdn}"
        lab.run("dc01", ["samba-tool", "spn", "add", name, f"{member.name}$"], check=False)
        export = ["samba-tool", "domain", "exportkeytab", f"--principal={name}", str(keytab)]
        lab.run("dc01", export)
    monkeypatch.setenv("KRB5_KTNAME", f"FILE:{keytab}")
    log_on(lab, "auditadmin")
    (found,) = lab_scope(worlds.conforming()).domains
    return found.model_copy(update={"winrm": "http"})


def told(domain: Domain, *asked: Question) -> list[Answer | Gap]:
    session = RemoteManagement(HOST, domain, Vault(), seconds=3)
    try:
        return session.answer(asked)
    finally:
        session.close()


def test_everything_that_winrm_tells(domain: Domain):
    with StandIn(MACHINE, HOST, ADDRESS) as server:
        found = dict(zip(ASKED, told(domain, *ASKED), strict=True))

    def answer(question: Question) -> Answer:
        reply = found[question]
        assert isinstance(reply, Answer), reply
        assert reply.source == f"{HOST} (WinRM)"
        return reply

    def reason(question: Question) -> Reason:
        reply = found[question]
        assert isinstance(reply, Gap), reply
        assert HOST in reply.text
        assert reply.text.endswith(".")
        return reply.reason

    assert answer(ASKED[0]).rows[0].values == {"LastBootUpTime": (b"20260930081112.000000+000",)}
    assert replies.service(answer(ASKED[1])) == ("LocalSystem", 3, 1)
    assert answer(ASKED[2]).rows == ()
    share, known = replies.share(answer(ASKED[3]), SHARE)
    assert known
    assert share.path == "D:\\VMM"
    assert share.descriptor is not None
    (entry,) = decode(share.descriptor).aces
    assert (entry.sid, entry.mask) == ("S-1-5-32-544", 0x1200A9)
    assert reason(ASKED[4]) is Reason.ACCESS_DENIED
    assert reason(ASKED[5]) is Reason.NOT_FOUND
    sids = {sid_from_bytes(row.first("sid") or b"") for row in answer(ASKED[6]).rows}
    assert sids == {"S-1-5-32", OWN}
    assert [(row.name, row.first("rid")) for row in answer(ASKED[7]).rows] == [
        ("Administratoren", b"544")
    ]
    assert [row.name for row in answer(ASKED[8]).rows] == ["Niemand"]
    assert replies.members(answer(ASKED[9])) == (f"{DOMAIN_SID}-512", ORPHAN)
    assert replies.members(answer(ASKED[10])) == ()
    assert reason(ASKED[11]) is Reason.NOT_FOUND
    assert answer(ASKED[12]).rows[0].values == {"open": (b"true",)}
    assert reason(ASKED[13]) is Reason.ACCESS_DENIED
    assert answer(ASKED[14]).rows[0].values["Name"] == (HOST.encode(),)
    assert reason(ASKED[15]) is Reason.NOT_SUPPORTED
    assert len(server.authorizations) == 1, "one logon is enough"
    assert not any(b"Envelope" in body for body in server.bodies), "all of it is sealed"


def test_an_account_that_may_not(domain: Domain):
    with StandIn(Machine(may=frozenset()), HOST, ADDRESS):
        for reply in told(domain, *ASKED):
            assert isinstance(reply, Gap)
            assert reply.reason is Reason.ACCESS_DENIED
            assert "Remote Management Users" in reply.text


def test_nobody_listens(domain: Domain):
    assert {gap.reason for gap in told(domain, *ASKED) if isinstance(gap, Gap)} == {
        Reason.UNREACHABLE
    }


def test_a_name_that_no_account_has(domain: Domain):
    session = RemoteManagement(ADDRESS[0], domain, Vault(), seconds=3)
    with StandIn(MACHINE, HOST, ADDRESS) as server:
        (reply,) = session.answer([questions.boot(ADDRESS[0])])
    assert isinstance(reply, Gap)
    assert reply.reason is Reason.NO_SERVICE_PRINCIPAL
    assert server.authorizations == []


@pytest.mark.parametrize("offers", [("Basic realm=x",), ("NTLM",), ("Basic", "NTLM"), ()])
def test_nothing_is_given_to_a_server_that_wants_less_than_kerberos(
    domain: Domain, offers: tuple[str, ...]
):
    with StandIn(MACHINE, HOST, ADDRESS, offers=offers) as server:
        (reply,) = told(domain, ASKED[0])
    assert isinstance(reply, Gap)
    assert reply.reason is Reason.AUTHENTICATION_FAILED
    assert server.authorizations == []


@pytest.mark.parametrize("protocol", ["ntlm", "simple"])
def test_another_logon_is_not_made(domain: Domain, monkeypatch, protocol: str):
    monkeypatch.setenv("P", "x")
    auth = Authentication(protocol=protocol, user="auditor", secret="env:P")
    with StandIn(MACHINE, HOST, ADDRESS) as server:
        (reply,) = told(domain.model_copy(update={"auth": auth}), ASKED[0])
    assert isinstance(reply, Gap)
    assert reply.reason is Reason.AUTHENTICATION_FAILED
    assert "Kerberos" in reply.text
    assert server.bodies == []


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/soap+xml;charset=UTF-8", 200),
        ("application/soap+xml;charset=UTF-8", 202),
        ("multipart/encrypted", 200),
        ("Multipart/Encrypted;boundary=x", 200),
    ],
)
def test_an_answer_in_the_clear_is_not_believed(domain: Domain, kind: str, status: int):
    with StandIn(MACHINE, HOST, ADDRESS, clear=kind, status=status):
        (reply,) = told(domain, ASKED[0])
    assert isinstance(reply, Gap)
    assert reply.reason is Reason.MALFORMED_REPLY
    assert "in the clear" in reply.text


def test_a_connection_that_was_idle_is_logged_on_to_again(domain: Domain):
    session = RemoteManagement(HOST, domain, Vault(), seconds=3)
    groups = questions.administrators(HOST)
    with StandIn(MACHINE, HOST, ADDRESS, idle=0.5) as server:
        first = session.answer([ASKED[0], groups, ASKED[14]])
        time.sleep(1.5)
        later = session.answer([ASKED[0], groups, ASKED[14]])
        session.close()
    assert [type(reply) for reply in (*first, *later)] == [Answer] * 6
    assert len(server.authorizations) == 2


def test_what_runs_without_end_costs_its_own_answer(domain: Domain, monkeypatch):
    monkeypatch.setattr(transport.Guard.begin, "__defaults__", (2,))
    with StandIn(MACHINE, HOST, ADDRESS, busy=True):
        listed, boot = told(domain, ASKED[14], ASKED[0])
    assert isinstance(listed, Gap)
    assert listed.reason is Reason.INCOMPLETE
    assert isinstance(boot, Answer)


def test_closing_ends_what_runs(domain: Domain):
    session = RemoteManagement(HOST, domain, Vault(), seconds=3)
    replies: list[Answer | Gap] = []
    with StandIn(MACHINE, HOST, ADDRESS, busy=True) as server:
        asking = threading.Thread(target=lambda: replies.extend(session.answer([ASKED[14]])))
        asking.start()
        while not server.sessions:
            time.sleep(0.05)
        session.close()
        asking.join(10)
    (reply,) = replies
    assert isinstance(reply, Gap)
    assert reply.reason is Reason.INTERRUPTED


def test_answers_that_drip_come_to_an_end(domain: Domain, monkeypatch):
    monkeypatch.setattr(transport.Guard.begin, "__defaults__", (2,))
    began = threading.Event()
    with socket.create_server((ADDRESS[0], 5985)) as listening:

        def drip() -> None:
            connection, _ = listening.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 500 x\r\nContent-Length: 1000000\r\n\r\n")
                began.set()
                while True:
                    connection.sendall(b"x")
                    time.sleep(0.1)

        dripping = threading.Thread(target=drip, daemon=True)
        dripping.start()
        (reply,) = told(domain, ASKED[0])
        dripping.join(10)
    assert began.is_set()
    assert not dripping.is_alive()
    assert isinstance(reply, Gap)
    assert reply.reason is Reason.INCOMPLETE


def test_a_ticket_that_is_refused_is_said_to_be(domain: Domain):
    raw = (401, {"WWW-Authenticate": "Negotiate"}, b"")
    with StandIn(MACHINE, HOST, ADDRESS, raw=raw) as server:
        (reply,) = told(domain, ASKED[0])
    assert isinstance(reply, Gap)
    assert reply.reason is Reason.AUTHENTICATION_FAILED
    assert "refuses the Kerberos ticket" in reply.text
    assert len(server.authorizations) == 1


def test_a_node_tells_the_shares_of_its_roles_too(domain: Domain):
    def share(scope: str, rights: str) -> dict[str, str | None]:
        written = f"O:SYG:SYD:(A;;{rights};;;BA)"
        return {"Name": SHARE, "ScopeName": scope, "Path": "D:\\", "SecurityDescriptor": written}

    short = HOST.partition(".")[0].upper()
    other, mine, third = share("OTHER", "FR"), share(short, "FA"), share("THIRD", "FR")
    asked = questions.share(HOST, SHARE)
    with StandIn(Machine(cim={"MSFT_SmbShare": [other, mine]}), HOST, ADDRESS):
        (own,) = told(domain, asked)
    with StandIn(Machine(cim={"MSFT_SmbShare": [other, third]}), HOST, ADDRESS):
        (unknown,) = told(domain, asked)
    assert isinstance(own, Answer)
    descriptor = replies.share(own, SHARE)[0].descriptor
    assert descriptor is not None
    assert decode(descriptor).aces[0].mask == 0x1F01FF
    assert isinstance(unknown, Gap)
    assert unknown.reason is Reason.AMBIGUOUS


def test_what_is_not_shown_is_not_taken_for_nothing(domain: Domain):
    machine = Machine(
        cim={"Win32_Service": [{"Name": "SCVMMAgent", "StartName": None, "State": "Running"}]},
        scripts={
            scripts.LOCAL_GROUPS: {(): [GROUPS[0], {**GROUPS[1], "members": None}]},
            scripts.RIGHTS: {(): [{"administrator": False}]},
        },
    )
    nobody = questions.members(HOST, f"{OWN}-1000")
    asked = [questions.service(HOST, "SCVMMAgent"), nobody, questions.administrators(HOST)]
    with StandIn(machine, HOST, ADDRESS):
        service, members, administrators, hidden = told(
            domain, *asked, questions.service(HOST, "SCVMMService")
        )
    assert isinstance(hidden, Gap)
    assert hidden.reason is Reason.ACCESS_DENIED
    assert isinstance(service, Gap)
    assert service.reason is Reason.ACCESS_DENIED
    assert isinstance(members, Gap)
    assert members.reason is Reason.INCOMPLETE
    assert isinstance(administrators, Answer)


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b"]><b>&j;</b>"
)


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (302, {"Location": "http://hyper02.contoso.com:5985/wsman"}, b""),
        (200, {"Content-Type": "text/html"}, b"<h1>IIS</h1>"),
        (200, {"Content-Type": 'multipart/encrypted;boundary="Encrypted Boundary"'}, b"garbage"),
        (500, {"Content-Type": "application/soap+xml"}, BOMB),
        (500, {}, b"\xff" * 1000),
        (404, {}, b"not here"),
        (200, {"Content-Type": "multipart/encrypted;"}, b""),
        (401, {"WWW-Authenticate": "Negotiate"}, b"x" * 70_000),
        (200, {"Content-Type": "multipart/encrypted;b"}, b"x" * (33 << 20)),
    ],
    ids=["redirect", "page", "garbage", "bomb", "bytes", "404", "no boundary", "long 401", "long"],
)
def test_whatever_answers_it_ends_in_a_gap(
    domain: Domain, status: int, headers: dict[str, str], body: bytes
):
    with (
        StandIn(MACHINE, HOST, ADDRESS, raw=(status, headers, body)) as server,
        StandIn(MACHINE, HOST, (MACHINES["hyper02"].address, 5985)) as other,
    ):
        replies = told(domain, *ASKED[:2])
    for reply in replies:
        assert isinstance(reply, Gap)
        assert HOST in reply.text
    assert server.authorizations == []
    assert other.bodies == []


def test_a_query_without_end_is_a_gap(domain: Domain):
    with StandIn(MACHINE, HOST, ADDRESS, endless=True):
        (reply,) = told(domain, questions.service(HOST, "Spooler"))
    assert isinstance(reply, Gap)
    assert reply.reason is Reason.MALFORMED_REPLY
    assert "without end" in reply.text


@pytest.mark.parametrize(
    "written",
    [["no JSON"], [[1]], ["[" * 100_000], [{"sid": 1}], [{"sid": "x", "name": "", "members": []}]],
    ids=["text", "list", "deep", "number", "no SID"],
)
def test_what_a_script_never_writes_is_a_gap(domain: Domain, written: list[object]):
    machine = Machine(scripts={scripts.LOCAL_GROUPS: {(): written}})
    with StandIn(machine, HOST, ADDRESS):
        (reply,) = told(domain, questions.sam_domains(HOST))
    assert isinstance(reply, Gap)
    assert reply.reason is Reason.MALFORMED_REPLY


def certificate(folder: Path, name: str, days: int = 1) -> Path:
    """A self-signed certificate and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=9))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    place = folder / f"{name}{days}.pem"
    place.write_bytes(
        made.public_bytes(Encoding.PEM)
        + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return place


def by_tls(domain: Domain, place: Path, trusted: bool = True) -> tuple[list[Answer | Gap], StandIn]:
    update = {"winrm": "https", "ca": place if trusted else None}
    with StandIn(MACHINE, HOST, (ADDRESS[0], 5986), tls=str(place)) as server:
        return told(domain.model_copy(update=update), *ASKED), server


def test_over_tls_the_same_is_told(domain: Domain, tmp_path: Path):
    found, server = by_tls(domain, certificate(tmp_path, HOST))
    assert [type(reply) for reply in found].count(Answer) == 11
    assert server.bound, "the logon is bound to the certificate (RFC 5929)"


@pytest.mark.parametrize(
    ("name", "days", "trusted", "said"),
    [
        ("other.contoso.com", 1, True, "another name"),
        (HOST, -1, True, "expired"),
        (HOST, 1, False, "trusted CA"),
    ],
)
def test_a_certificate_that_is_not_right(
    domain: Domain, tmp_path: Path, name: str, days: int, trusted: bool, said: str
):
    found, server = by_tls(domain, certificate(tmp_path, name, days), trusted)
    for reply in found:
        assert isinstance(reply, Gap)
        assert reply.reason is Reason.CERTIFICATE_UNTRUSTED
        assert said in reply.text
    assert server.authorizations == []
    assert server.bodies == []


def test_the_live_wire_falls_back(domain: Domain):
    """What pipes tell stays theirs; what they do not tell comes over WinRM."""
    wire = Live([domain])
    reach = questions.reach(HOST, "library01.contoso.com", 445)
    asked = [questions.boot(HOST), questions.clock(HOST), reach]
    with StandIn(MACHINE, HOST, ADDRESS):
        boot, clock, reached = wire.ask(asked)
        wire.close()
    assert isinstance(boot, Answer)
    assert boot.source == f"{HOST} (WinRM)"
    assert isinstance(clock, Answer)
    assert clock.source == HOST
    assert isinstance(reached, Answer)
    assert reached.source == f"{HOST} (WinRM)"


def test_where_the_scope_forbids_it_nothing_is_sent(domain: Domain):
    wire = Live([domain.model_copy(update={"winrm": "off"})])
    with StandIn(MACHINE, HOST, ADDRESS) as server:
        (boot,) = wire.ask([questions.boot(HOST)])
        wire.close()
    assert isinstance(boot, Gap)
    assert boot.reason is Reason.NOT_SUPPORTED
    assert "winrm:" in boot.text
    assert server.bodies == []
