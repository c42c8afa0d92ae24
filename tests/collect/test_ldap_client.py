"""The client on a socket, against a stand-in controller that pages and cuts as Windows does.

Samba has neither a page limit nor a limit of values, so it would not notice their neglect.
"""

import itertools
import socket
import threading
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from ldap3.protocol import rfc4511
from ldap3.protocol.rfc2696 import paged_search_control
from ldap3.utils.asn1 import decoder

from tests.collect.test_ldap_ber import entry, packed
from vmmaudit import questions
from vmmaudit.collect import ber, ldap
from vmmaudit.collect.credentials import Vault
from vmmaudit.collect.ldap import Client, Directory
from vmmaudit.collect.sealed import SealedSocket
from vmmaudit.evidence import Answer, Gap, Reason
from vmmaudit.scope import Domain

VALUES_AT_ONCE = 5
PEOPLE = {f"CN=u{number:03}": {"cn": [b"u%03d" % number]} for number in range(23)}
GROUP = {"CN=g": {"member": [f"CN=m{number}".encode() for number in range(17)]}}


def done(number: int, code: int = 0, cookie: bytes | None = None) -> bytes:
    content = rfc4511.SearchResultDone()
    content["resultCode"] = rfc4511.ResultCode(code)
    content["matchedDN"] = rfc4511.LDAPDN("")
    content["diagnosticMessage"] = rfc4511.LDAPString("")
    controls = [] if cookie is None else [paged_search_control(False, 0, cookie)]
    return packed(number, "searchResDone", content, controls)


def reference(number: int) -> bytes:
    content = rfc4511.SearchResultReference()
    content.setComponentByPosition(0, rfc4511.URI("ldap://ForestDnsZones.contoso.com/"))
    return packed(number, "searchResRef", content)


class Controller:
    """Answers searches in a thread, in pieces of a few bytes so that every seam is met."""

    def __init__(self, objects: dict, piece: int = 7, page_limit: int = 4) -> None:
        self.objects, self.piece, self.page_limit = objects, piece, page_limit
        self.sizes: list[int | None] = []
        self.requests: list = []
        self.ours, self._theirs = socket.socketpair()
        self._numbers = itertools.count(1)
        threading.Thread(target=self._serve, daemon=True).start()

    def client(self) -> Client:
        server = SimpleNamespace(next_message_id=lambda: next(self._numbers))
        return Client(SimpleNamespace(socket=self.ours, server=server))

    def _serve(self) -> None:
        while data := self._theirs.recv(65536):
            request, _ = decoder.decode(data, asn1Spec=rfc4511.LDAPMessage())
            self.requests.append(request)
            reply = self.reply(request)
            for at in range(0, len(reply), self.piece):
                self._theirs.sendall(reply[at : at + self.piece])

    def reply(self, request) -> bytes:
        number = int(request["messageID"])
        search = request["protocolOp"]["searchRequest"]
        base, wanted = str(search["baseObject"]), [str(name) for name in search["attributes"]]
        found = [(dn, has) for dn, has in self.objects.items() if dn.endswith(base)]
        asked = self._paging(request)
        self.sizes.append(asked[0] if asked else None)
        start = int(asked[1] or b"0") if asked else 0
        stop = min(len(found), start + min(self.page_limit, asked[0] if asked else len(found)))
        cookie = str(stop).encode() if stop < len(found) else b""
        entries = [
            entry(number, dn, [self._cut(name, has) for name in wanted])
            for dn, has in found[start:stop]
        ]
        end = done(number, 0, cookie) if asked else done(number, 4 if cookie else 0)
        return b"".join([*entries, reference(number), end])

    @staticmethod
    def _paging(request) -> tuple[int, bytes] | None:
        for control in request["controls"] if request["controls"].isValue else ():
            if bytes(control["controlType"]) == ber.PAGED:
                assert bool(control["criticality"])
                value, _ = decoder.decode(bytes(control["controlValue"]))
                return int(value[0]), bytes(value[1])
        return None

    @staticmethod
    def _cut(wanted: str, has: dict) -> tuple[str, list[bytes]]:
        name, _, asked = wanted.partition(";range=")
        first = int(asked.partition("-")[0] or 0)
        values = has[name]
        if first == 0 and len(values) <= VALUES_AT_ONCE:
            return name, values
        last = first + VALUES_AT_ONCE - 1
        end = "*" if last + 1 >= len(values) else str(last)
        return f"{name};range={first}-{end}", values[first : last + 1]


def directory(client: Client) -> Directory:
    domain = Domain(name="contoso.com", controllers=("dc01.contoso.com",))
    return Directory(domain, Vault(), opener=lambda *_: client)


def search(base: str, scope: str, *attributes: str):
    return questions.search("contoso.com", base, scope, "(objectClass=*)", attributes)


@pytest.mark.parametrize("piece", [1, 7, 65536])
def test_pages_in_the_servers_order_and_no_references(piece: int):
    controller = Controller(PEOPLE, piece)
    found = directory(controller.client()).answer(search("", "sub", "cn"))
    assert isinstance(found, Answer)
    assert [row.name for row in found.rows] == list(PEOPLE)
    assert controller.sizes == [ldap.PAGE] * 6


def test_values_in_ranges():
    controller = Controller(GROUP)
    found = directory(controller.client()).answer(search("CN=g", "base", "member"))
    assert isinstance(found, Answer)
    assert found.rows[0].values == {"member": tuple(GROUP["CN=g"]["member"])}
    assert len(controller.requests) == 4


def controls_of(*attributes: str) -> dict[bytes, bytes]:
    controller = Controller({"CN=g": {name: [b"x"] for name in attributes}})
    directory(controller.client()).answer(search("CN=g", "base", *attributes))
    controls = controller.requests[0]["controls"]
    return {bytes(c["controlType"]): bytes(c["controlValue"]) for c in controls if c.isValue}


@pytest.mark.parametrize(
    "name", ["nTSecurityDescriptor", "msDS-AllowedToActOnBehalfOfOtherIdentity"]
)
def test_descriptors_are_asked_for_without_the_sacl(name: str):
    assert controls_of("cn", name) == {b"1.2.840.113556.1.4.801": bytes.fromhex("3003020107")}
    assert controls_of("cn") == {}


def sent(reply: Callable[[int], bytes], *, close: bool = True):
    """What the client makes of a reply to its first request, whose number is 1."""
    ours, theirs = socket.socketpair()
    ours.settimeout(0.2)
    server = SimpleNamespace(next_message_id=lambda: 1)
    theirs.sendall(reply(1))
    if close:
        theirs.shutdown(socket.SHUT_WR)
    with ours, theirs:
        client = Client(SimpleNamespace(socket=ours, server=server))
        return client.search("", "base", "(objectClass=*)", ["cn"], None)


GOODBYE = b"\x30\x24\x02\x01\x00\x78\x1f\x0a\x01\x34\x04\x00\x04\x00\x8a\x16" + ber.DISCONNECTION


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (lambda _: b"", ConnectionResetError),
        (lambda number: entry(number, "CN=a", [("cn", [b"a"])]), ConnectionResetError),
        (lambda number: done(number)[:-1], ConnectionResetError),
        (lambda _: GOODBYE, ConnectionResetError),
        (lambda number: done(number + 1), ber.BerError),
        (lambda _: b"HTTP/1.1 400 Bad Request\r\n", ber.BerError),
        (lambda _: b"\x30\x84\x7f\xff\xff\xff" + bytes(20), ber.BerError),
    ],
)
def test_what_is_no_end_of_a_search(reply, error):
    with pytest.raises(error):
        sent(reply)


def test_waiting_ends():
    with pytest.raises(TimeoutError):
        sent(lambda _: b"", close=False)


def test_a_filter_that_is_none():
    question = questions.search("contoso.com", "", "base", "(cn=a", ["cn"])
    found = directory(Controller(PEOPLE).client()).answer(question)
    assert isinstance(found, Gap)
    assert found.reason is Reason.NOT_SUPPORTED


class Reversing:
    """In the place of Kerberos: it seals by reversing, and adds one byte."""

    def wrap(self, data: bytes):
        return SimpleNamespace(data=data[::-1] + b"#")

    def unwrap(self, data: bytes):
        return SimpleNamespace(data=data[-2::-1])


def sealed(*buffers: bytes) -> bytes:
    return b"".join((len(b) + 1).to_bytes(4, "big") + b[::-1] + b"#" for b in buffers)


@pytest.mark.parametrize("count", [1, 3, 65536])
def test_sealed_buffers_end_wherever_they_like(count: int):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        socket_ = SealedSocket(ours, Reversing())
        theirs.sendall(sealed(b"abc", b"", b"d", b"efghijkl"))
        theirs.shutdown(socket.SHUT_WR)
        assert b"".join(iter(lambda: socket_.recv(count), b"")) == b"abcdefghijkl"
        socket_.sendall(b"hello")
        assert theirs.recv(100) == b"\0\0\0\x06olleh#"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (sealed(b"abc")[:-1], "ended inside a sealed buffer"),
        (b"\0\0\0\4", "ended inside a sealed buffer"),
        (b"\x7f\xff\xff\xff" + bytes(9), "more than is accepted"),
    ],
)
def test_a_sealed_buffer_that_is_cut_or_too_long(data: bytes, problem: str):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data)
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(OSError, match=problem):
            SealedSocket(ours, Reversing()).recv(10)
