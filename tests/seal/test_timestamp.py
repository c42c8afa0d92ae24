"""A time-stamping authority on this machine, asked over HTTP as any other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from asn1crypto import keys as asn1_keys
from asn1crypto import tsp, x509
from cryptography.hazmat.primitives import serialization
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from tests.seal.conftest import Hand
from tests.seal.people import NOW, Authority
from vmmaudit.errors import UsageError
from vmmaudit.scope import Role
from vmmaudit.seal.errors import SealError
from vmmaudit.seal.timestamp import authority as time_authority
from vmmaudit.seal.trust import roots
from vmmaudit.seal.verify import verify


@pytest.fixture(scope="module")
def clock() -> Authority:
    return Authority("Clock CA")


class Server(HTTPServer):
    """Stamps what is posted, and hands out revocation lists by path."""

    lists: dict[str, bytes]
    stamper: DummyTimeStamper

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answering(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        asked = tsp.TimeStampReq.load(self.rfile.read(int(self.headers["Content-Length"])))
        self._say(
            self.server.stamper.request_tsa_response(asked).dump(), "application/timestamp-reply"
        )

    def do_GET(self) -> None:
        self._say(self.server.lists[self.path], "application/pkix-crl")

    def _say(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server(clock: Authority, authority: Authority) -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Answering)
    server.lists = {"/clock": clock.revoking(), "/people": authority.revoking()}
    identity = clock.issue("Time Stamp Unit", time_stamping=True, crl=f"{server.address}/clock")
    key = identity.key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    server.stamper = DummyTimeStamper(
        x509.Certificate.load(identity.certificate.public_bytes(serialization.Encoding.DER)),
        asn1_keys.PrivateKeyInfo.load(key),
        SimpleCertificateStore(),
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def address(server: Server) -> str:
    return f"{server.address}/"


def test_the_time_is_the_authoritys(
    pack: Path, hand: Hand, address: str, clock: Authority, root: Path, tmp_path: Path
) -> None:
    hand(pack, Role.AUDITOR, stamper=time_authority(address))
    found = verify(pack, [root, clock.pem(tmp_path / "clock.pem")])
    assert found.failures == ()
    (signature,) = found.signatures
    assert signature.stamped
    assert abs(signature.moment - NOW) < timedelta(hours=1)
    assert not any("own clock" in note for note in found.notes)


def test_an_authority_that_nobody_vouches_for(
    pack: Path, hand: Hand, address: str, root: Path
) -> None:
    hand(pack, Role.AUDITOR, stamper=time_authority(address))
    (failure,) = verify(pack, [root]).failures
    assert failure == (
        "The time stamp of Änne Prüfer (auditor) was issued by 'Clock CA', which no "
        "--trust file vouches for."
    )


def test_an_authority_that_does_not_answer(pack: Path, hand: Hand) -> None:
    with pytest.raises(SealError, match="The time-stamping authority gave no time stamp"):
        hand(pack, Role.AUDITOR, stamper=time_authority("http://127.0.0.1:9/"))
    assert not (pack / "signatures").exists()


def test_what_is_no_address() -> None:
    with pytest.raises(UsageError, match="is no address"):
        time_authority("ftp://x")


def test_the_long_term(
    pack: Path,
    hand: Hand,
    server: Server,
    authority: Authority,
    clock: Authority,
    root: Path,
    tmp_path: Path,
) -> None:
    """The proof that nothing was revoked is embedded, twice, and the next signature may follow."""
    trust = [root, clock.pem(tmp_path / "clock.pem")]
    given = {"stamper": time_authority(server.address), "anchors": roots(trust)}
    for role in (Role.AUDITOR, Role.APPROVER):
        person = authority.issue(f"Longterm {role.value}", crl=f"{server.address}/people")
        hand(pack, role, person.p12(tmp_path / "key.p12"), **given)
    found = verify(pack, trust)
    assert found.failures == ()
    assert found.missing == (Role.REVIEWER,)
    report = pack / "signatures/2-approver/report.en.pdf"
    assert b"/DSS" in report.read_bytes()
    assert verify(report, trust).failures == ()


def test_the_long_term_refuses_who_was_revoked(
    pack: Path,
    hand: Hand,
    server: Server,
    authority: Authority,
    clock: Authority,
    root: Path,
    tmp_path: Path,
) -> None:
    person = authority.issue("Rita Revoked", crl=f"{server.address}/revoked")
    server.lists["/revoked"] = authority.revoking(person)
    trust = [root, clock.pem(tmp_path / "clock.pem")]
    with pytest.raises(SealError, match=r"cannot be signed.*revoked"):
        hand(
            pack,
            Role.AUDITOR,
            person.p12(tmp_path / "key.p12"),
            stamper=time_authority(server.address),
            anchors=roots(trust),
        )
    assert not (pack / "signatures").exists()
