"""A server in a controller's place that wants in: no password, no hash, no bind in the clear."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from typing import Any

import ldap3
import pytest
from ldap3.protocol.rfc4511 import LDAPMessage
from pyasn1.codec.ber import decoder
from pyasn1.error import PyAsn1Error

from tests.lab.lab import Lab
from tests.lab.recipe import CONTROLLER
from tests.live.collecting import log_on
from tests.live.test_hostile_server import NTLM_ONLY, _challenge
from tests.standins.listener import Listener
from tests.standins.relay import ADDRESS, redirected
from tests.worlds import DOMAIN
from vmmaudit import questions
from vmmaudit.collect.credentials import Vault
from vmmaudit.collect.ldap import Directory
from vmmaudit.evidence import Gap
from vmmaudit.scope import Authentication, Domain

pytestmark = pytest.mark.live
ASKED = (questions.root_dse(DOMAIN), questions.domain_object(DOMAIN))
SUCCESS, NOT_SUPPORTED, STRONGER, CONFIDENTIALITY, MORE, INAPPROPRIATE, WRONG = (
    *(0, 7, 8, 13, 14, 48, 49),
)


def short(tag: int, *parts: bytes) -> bytes:
    """BER of less than 128 bytes."""
    content = b"".join(parts)
    return bytes([tag, len(content)]) + content


class Impostor(Listener):
    """Ends every bind, or STARTTLS, with this result; keeps every byte, and every bind apart."""

    address = (ADDRESS, 389)

    def __init__(self, code: int, token: bytes = b"", diagnostic: bytes = b"") -> None:
        self.code, self.token, self.diagnostic = code, token, diagnostic
        self.heard = bytearray()
        self.binds: list[tuple[str, str]] = []

    def serve(self, client: socket.socket) -> None:
        pending = b""
        with contextlib.suppress(OSError), client:
            while data := client.recv(65536):
                self.heard += data
                pending += data
                with contextlib.suppress(PyAsn1Error):
                    message, pending = decoder.decode(pending, asn1Spec=LDAPMessage())
                    client.sendall(self._said(message))

    def _said(self, message: Any) -> bytes:
        operation = message["protocolOp"]
        number = short(0x02, int(message["messageID"]).to_bytes(4, "big"))
        kind = operation.getName()
        if kind == "bindRequest":
            how = operation["bindRequest"]["authentication"]
            mechanism = str(how["sasl"]["mechanism"]) if how.getName() == "sasl" else ""
            self.binds.append((how.getName(), mechanism))
        result = short(0x0A, bytes([self.code])) + short(0x04) + short(0x04, self.diagnostic)
        token = short(0x87, self.token) if self.token and kind == "bindRequest" else b""
        return short(0x30, number, short(0x61 if kind == "bindRequest" else 0x78, result, token))


SAID: dict[str, Callable[[], Impostor]] = {
    "only simple": lambda: Impostor(NOT_SUPPORTED, diagnostic=b"use simple"),
    "another way": lambda: Impostor(INAPPROPRIATE),
    "stronger": lambda: Impostor(STRONGER),
    "in TLS": lambda: Impostor(CONFIDENTIALITY),
    "a wrong password": lambda: Impostor(WRONG, diagnostic=b"80090308: data 52e"),
    "NTLM alone": lambda: Impostor(MORE, NTLM_ONLY),
    "NTLM's challenge": lambda: Impostor(MORE, _challenge()),
    "welcome": lambda: Impostor(SUCCESS),
}


@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize(
    ("auth", "transport"),
    [
        ("ticket", "sealed"),
        ("ticket", "starttls"),
        ("password", "sealed"),
        ("password", "starttls"),
        ("simple", "starttls"),  # without TLS no scope can ask for it: tests/test_scope.py
    ],
)
def test_an_impostor_gains_nothing(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, said: str, transport: str, auth: str
):
    """A ticket for the controller's name at most; in TLS it would have to prove its name first."""
    log_on(lab, "auditadmin")
    secret = lab.password("auditadmin")
    monkeypatch.setenv("LAB_PASSWORD", secret)
    how: dict[str, Any] = {"secret": "ccache"}
    if auth != "ticket":
        user = f"auditadmin@{DOMAIN.upper()}"
        how = {"user": user, "secret": "env:LAB_PASSWORD"}
        how |= {"protocol": "simple"} if auth == "simple" else {}
    domain = Domain(
        name=DOMAIN,
        controllers=(CONTROLLER.fqdn,),
        transport=transport,
        ca=lab.ca,
        auth=Authentication.model_validate(how),
    )
    with SAID[said]() as impostor, monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", redirected(socket.getaddrinfo, CONTROLLER.fqdn))
        directory = Directory(domain, Vault(), 2, 2)
        replies = [directory.answer(question) for question in ASKED]
        directory.close()
    assert all(isinstance(reply, Gap) for reply in replies), replies
    heard = bytes(impostor.heard)
    assert heard, "it was not even asked"
    for wanted in (b"NTLMSSP", secret.encode(), secret.encode("utf-16-le")):
        assert wanted not in heard
    allowed = {("sasl", "GSS-SPNEGO")} if transport == "sealed" else set()
    assert set(impostor.binds) == allowed


def test_the_impostor_would_hear_it(lab: Lab):
    """That it does hear what is said in the clear; the plain client of ldap3 as the witness."""
    secret = lab.password("auditadmin")
    with SAID["only simple"]() as impostor:
        to = ldap3.Server(ADDRESS, port=389, get_info=ldap3.NONE)
        ldap3.Connection(to, "auditadmin", secret).bind()
    assert impostor.binds == [("simple", "")]
    assert secret.encode() in impostor.heard
