"""What servers send: LDAP, against ldap3's decoder; RPC over a pipe in any pieces; WinRM."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace

from ldap3.utils.asn1 import decode_message_fast
from pypsrp.exceptions import WinRMTransportError
from pypsrp.wsman import WSMan

from tests.collect.test_ldap_ber import done, entry
from tests.collect.test_rpc import DOMAIN, HANDLE, MadeUpPipe, response
from tests.fuzz.target import Target
from tests.windows.test_ndr_dcerpc import BIND_ACK
from tests.winrm import soap
from vmmaudit.collect import ber, machine, rpc
from vmmaudit.collect.ber import BerError, Entry, Reference
from vmmaudit.collect.winrm import cim
from vmmaudit.collect.winrm.failures import LIBRARY_ERRORS, explained
from vmmaudit.collect.wire import WireError
from vmmaudit.errors import FormatError


def read_ldap(data: bytes) -> None:
    """Message after message, as they come from a connection."""
    at = 0
    while at < len(data):
        length = ber.size(data, at)
        if length is None or at + length > len(data):
            return
        assert length > 0
        number, found = ber.message(data, at, at + length)
        if isinstance(found, Reference):  # not followed, so nothing of it is read
            at += length
            continue
        theirs = decode_message_fast(data[at : at + length])  # what we take, the oracle takes too
        assert number == theirs["messageID"]
        if isinstance(found, Entry):
            assert [list(values) for _, values in found.attributes] == [
                [bytes(value[3]) for value in attribute[3][1][3]]
                for attribute in theirs["payload"][1][3]
            ]
        at += length


class HostilePipe(MadeUpPipe):
    """Says what the input holds, in pieces whose sizes the input holds as well."""

    def __init__(self, data: bytes) -> None:
        piece, honest, *_ = (*data[:2], 0, 0)
        self.said = data[2:]
        super().__init__(self._answer, piece or 65_536, BIND_ACK if honest & 1 else b"")
        self.framed = bool(honest & 2)
        if not self.ack:
            self.ack, self.said = self.said, b""

    def _answer(self, call: int, _operation: int, _stub: bytes) -> bytes:
        if not self.framed:
            said, self.said = self.said, b""
            return said
        length, self.said = int.from_bytes(self.said[:2], "little"), self.said[2:]
        stub, self.said = self.said[:length], self.said[length:]
        return response(call, stub)


def read_rpc(data: bytes) -> None:
    """Each service in turn hears the same."""
    calls = (
        lambda pipe: rpc.server_service(pipe, "server").shares(),
        lambda pipe: rpc.server_service(pipe, "server").share("ISOs"),
        lambda pipe: rpc.accounts(pipe, "server").domains(),
        lambda pipe: rpc.accounts(pipe, "server").aliases(DOMAIN),
        lambda pipe: rpc.accounts(pipe, "server").members(f"{DOMAIN}-1000"),
        lambda pipe: machine.services(pipe, "server").service("scvmmservice"),
        lambda pipe: machine.registry(pipe, "server").value("SYSTEM", "Start"),
        lambda pipe: machine.names(pipe, "server").lookup([DOMAIN]),
    )
    for call in calls:
        try:
            call(lambda _: HostilePipe(data))
        except (FormatError, rpc.FaultError, rpc.NtError, rpc.Win32Error):
            continue


class HostileManagement:
    """Says the same to each request, as it should or, after a `!`, as a fault (status 500)."""

    endpoint = "http://server:5985/wsman"

    def __init__(self, data: bytes) -> None:
        self.data = data

    def send(self, message: bytes, **_: object) -> bytes:
        if self.data[:1] == b"!":
            raise WinRMTransportError("http", 500, self.data[1:].decode("utf-8", "replace"))
        return self.data.replace(b"uuid:1", f"uuid:{soap.Request(message).id[5:]}".encode())


@cache
def _management() -> WSMan:
    return WSMan("server", ssl=False, auth="negotiate", username="a", password="b")


def read_winrm(data: bytes) -> None:
    """A reply that came sealed, from a server that means harm."""
    connection = _management()
    connection.transport = HostileManagement(data)
    try:
        found = cim.select(connection, "server", cim.CIMV2, "Win32_Service", ["Name"], Name="x")
    except LIBRARY_ERRORS as error:
        raise explained(error, "server") from error
    for each in found:
        assert all(isinstance(part, str) for pair in each.items() for part in pair)


def _enumerated() -> tuple[bytes, ...]:
    to = SimpleNamespace(action="Enumerate", id="uuid:1")
    items = soap.objects("p", [{"Name": "Spooler", "State": None, "LastBootUpTime": "2026"}])
    body = "<n:{0}><w:Items>{1}</w:Items><w:EndOfSequence/></n:{0}>"
    return (soap.envelope(to, body.format("EnumerateResponse", items)),)  # type: ignore[arg-type]


XML = (
    *(b"<n:Items>", b"</n:Items>", b"<w:EndOfSequence/>", b"<n:EnumerationContext/>", b"&#xD800;"),
    *(b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"<![CDATA[", b"]]>", b"<s:Fault>", b"</s:Fault>"),
    *(b'xsi:nil="true"', b'Code="5"', b"<s:Body/>", b"<?xml version='1.0' encoding='utf-16'?>"),
)


def _framed(*stubs: bytes) -> bytes:
    return b"\0\3" + b"".join(len(stub).to_bytes(2, "little") + stub for stub in stubs)


TARGETS = (
    Target(
        "ldap",
        read_ldap,
        (BerError,),
        (
            entry(1, "CN=HYPER01,DC=contoso,DC=com", [("cn", [b"HYPER01"]), ("objectSid", [])]),
            done(0, b"cookie") + done(4, None, "too many"),
        ),
    ),
    Target(
        "rpc",
        read_rpc,
        (),
        (
            _framed(HANDLE + bytes(4), HANDLE + bytes(4), bytes(40)),
            b"\1\1" + response(2, bytes(40)),
            b"\0\0" + BIND_ACK,
        ),
    ),
    Target("winrm", read_winrm, (WireError,), _enumerated(), 8192, XML),
)
