"""STAND-IN for WinRM of a Windows server: HTTP, Kerberos, encrypted messages, CIM and PSRP.

It is no Windows and runs no PowerShell: it knows the scripts of `vmmaudit` by their text
and answers what a `Machine` says. The protocols are real: the ticket is accepted with the
machine's own key, messages are sealed (MS-WSMV 2.2.9.1), and psrpcore speaks for PowerShell.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import socket
import ssl
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import psrpcore
import spnego
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from psrpcore.types import ErrorCategoryInfo, NETException
from pypsrp.encryption import WinRMEncryption
from spnego.channel_bindings import GssChannelBindings

from tests.winrm import soap
from tests.winrm.soap import Request

Properties = Mapping[str, str | None]
_WQL = re.compile(
    r"SELECT (?P<wanted>[\w,]+) FROM (?P<of>\w+)"
    r"(?: WHERE (?P<key>\w+)='(?P<value>(?:\\.|[^'\\])*)')?"
)


@dataclass
class Machine:
    """What a server says of itself.

    Attributes:
        cim: instances by class.
        scripts: what each script of the product writes, by its text and then its arguments; a
            script or argument that is not here ends in an error.
        may: the accounts that may ask, in lower case with realm; None lets everybody.
    """

    cim: Mapping[str, Sequence[Properties]] = field(default_factory=dict)
    scripts: Mapping[str, Mapping[tuple[Any, ...], Sequence[object]]] = field(default_factory=dict)
    may: frozenset[str] | None = None


class StandIn:
    """Listens while it is entered.

    Args:
        machine: what it says.
        address: where it listens, and the port (5985, or 5986 with `tls`).
        tls: PEM file with its certificate and key.
        offers: what it writes into WWW-Authenticate.
        page: instances at once.
        raw: sent instead of every answer: status, headers, body.
        clear: what it calls its answers, which it does not seal.
        idle: seconds after which it closes a connection.
        busy: what runs in PowerShell does not come to an end.
        status: of what it answers well.
    """

    def __init__(
        self,
        machine: Machine,
        host: str,
        address: tuple[str, int],
        *,
        tls: str = "",
        offers: Sequence[str] = ("Negotiate", "Kerberos"),
        page: int = 1,
        raw: tuple[int, Mapping[str, str], bytes] | None = None,
        endless: bool = False,
        clear: str = "",
        idle: float | None = None,
        busy: bool = False,
        status: int = 200,
    ) -> None:
        self.machine, self.host = machine, host
        self.offers, self.page, self.raw = offers, page, raw
        self.endless, self.clear = endless, clear
        self.busy, self.status = busy, status
        self.authorizations: list[str] = []
        self.bound = False
        self.asked: list[str] = []
        self.bodies: list[bytes] = []
        self.sessions: dict[str, _Shell] = {}
        stand_in = self

        class Handler(_Handler):
            owner = stand_in
            timeout = idle

        self._http = ThreadingHTTPServer(address, Handler)
        self._http.daemon_threads = True
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)
            self._http.socket = context.wrap_socket(
                self._http.socket, server_side=True, do_handshake_on_connect=False
            )
        self.sealed, self.tls = not tls, tls

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()


class _Handler(BaseHTTPRequestHandler):
    owner: StandIn
    protocol_version = "HTTP/1.1"
    context: Any = None
    user = ""

    def handle(self) -> None:
        with contextlib.suppress(ssl.SSLError, ConnectionError, socket.timeout):
            super().handle()

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        owner = self.owner
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        owner.bodies.append(body)
        given = self.headers.get("Authorization", "")
        if given:
            owner.authorizations.append(given)
        if owner.raw is not None:
            status, headers, data = owner.raw
            self._send(status, data, headers)
            return
        token = self._accepted(given) if given else b""
        if self.context is None or not self.context.complete:
            self._refuse()
            return
        headers = (
            {"WWW-Authenticate": "Negotiate " + base64.b64encode(token).decode()} if token else {}
        )
        if not body:
            self._send(200, b"", headers)
            return
        status, answer = self._answered(self._opened(body))
        self._reply(status, answer, headers)

    def _accepted(self, header: str) -> bytes:
        """The token that answers the client's."""
        try:
            binding = self._binding()
            self.context = spnego.server(
                hostname=self.owner.host,
                service="WSMAN",
                protocol="negotiate",
                options=spnego.NegotiateOptions.wrapping_winrm,
                channel_bindings=binding,
            )
            token = self.context.step(base64.b64decode(header.partition(" ")[2]))
        except spnego.exceptions.SpnegoError:
            self.context = None
            return b""
        self.user = str(self.context.client_principal or "").lower()
        return token or b""

    def _binding(self) -> Any:
        """tls-server-end-point of our own certificate (RFC 5929 4.1); it is then required."""
        if self.owner.sealed:
            return None
        text = Path(self.owner.tls).read_text(encoding="ascii")
        der = x509.load_pem_x509_certificate(text.encode()).public_bytes(Encoding.DER)
        self.owner.bound = True
        return GssChannelBindings(
            application_data=b"tls-server-end-point:" + hashlib.sha256(der).digest()
        )

    def _refuse(self) -> None:
        self.send_response(401)
        for offer in self.owner.offers:
            self.send_header("WWW-Authenticate", offer)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _opened(self, body: bytes) -> bytes:
        if not self.owner.sealed:
            return body
        sealing = WinRMEncryption(self.context, WinRMEncryption.SPNEGO)
        return sealing.unwrap_message(body, "Encrypted Boundary")

    def _reply(self, status: int, answer: bytes, headers: Mapping[str, str]) -> None:
        kind = "application/soap+xml;charset=UTF-8"
        if self.owner.clear:
            kind = self.owner.clear
        elif self.owner.sealed:
            sealing = WinRMEncryption(self.context, WinRMEncryption.SPNEGO)
            kind, answer = sealing.wrap_message(answer)
            kind += f';protocol="{sealing.protocol}";boundary="Encrypted Boundary"'
        self._send(status, answer, {**headers, "Content-Type": kind})

    def _send(self, status: int, data: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _answered(self, data: bytes) -> tuple[int, bytes]:
        request = Request(data)
        machine = self.owner.machine
        if machine.may is not None and self.user not in machine.may:
            return 500, soap.fault(request, 5, "Access is denied.")
        match request.action:
            case "Enumerate":
                return self._enumerated(request)
            case "Pull":
                return self._pulled(request)
            case "Create":
                shell = _Shell(machine, request)
                self.owner.sessions[shell.id] = shell
                return 200, shell.created(request)
        shell_id = next((e.text or "" for e in request.all("w:Selector")), "")
        found = self.owner.sessions.get(shell_id)
        if found is None:
            return 500, soap.fault(request, 0x8033805B, "The shell was not found.")
        if self.owner.busy and request.text("rsp:DesiredStream") and request.action == "Receive":
            wanted = request.all("rsp:DesiredStream")[0].get("CommandId")
            if wanted:
                return 500, soap.fault(request, 0x80338029, "The operation timed out.")
        return self.owner.status, found.answered(request)

    def _enumerated(self, request: Request) -> tuple[int, bytes]:
        wql = request.text("w:Filter")
        self.owner.asked.append(wql)
        parts = _WQL.fullmatch(wql)
        if parts is None or parts["of"] not in self.owner.machine.cim:
            return 500, soap.fault(request, 0x8033801A, "The class is not known.")
        value = re.sub(r"\\(.)", r"\1", parts["value"] or "")
        fitting = [
            {name: each[name] for name in parts["wanted"].split(",") if name in each}
            for each in self.owner.machine.cim[parts["of"]]
            if parts["key"] is None or (each.get(parts["key"]) or "").lower() == value.lower()
        ]
        context = f"uuid:{uuid.uuid4()}"
        self.owner.sessions[context] = (parts["of"], fitting)  # type: ignore[assignment]
        return self.owner.status, self._page(request, context, "EnumerateResponse", "w")

    def _pulled(self, request: Request) -> tuple[int, bytes]:
        return 200, self._page(request, request.text("n:EnumerationContext"), "PullResponse", "n")

    def _page(self, request: Request, context: str, name: str, space: str) -> bytes:
        of, left = self.owner.sessions[context]  # type: ignore[misc]
        here, rest = left[: self.owner.page], left[self.owner.page :]
        if not self.owner.endless:
            self.owner.sessions[context] = (of, rest)  # type: ignore[assignment]
        end = "" if rest or self.owner.endless else f"<{space}:EndOfSequence/>"
        return soap.envelope(
            request,
            f"<n:{name}><n:EnumerationContext>{context}</n:EnumerationContext>"
            f"<{space}:Items>{soap.objects(of, here)}</{space}:Items>{end}</n:{name}>",
        )


class _Shell:
    """A remote session of PowerShell, in which nothing is run."""

    def __init__(self, machine: Machine, request: Request) -> None:
        self.id = str(uuid.uuid4()).upper()
        given = next((e.get("ShellId") for e in request.all("rsp:Shell")), None)
        self.id = given or self.id
        self._machine = machine
        self._pool = psrpcore.ServerRunspacePool()
        self._waiting: dict[str, list[bytes]] = {"": []}
        self._pipelines: dict[str, psrpcore.ServerPipeline] = {}
        self._take(request.text("p:creationXml"), "")

    def _take(self, encoded: str, command: str) -> None:
        data = psrpcore.PSRPPayload(
            base64.b64decode(encoded),
            psrpcore.StreamType.default,
            uuid.UUID(command) if command else None,
        )
        if command:
            self._pipelines[command] = psrpcore.ServerPipeline(self._pool, uuid.UUID(command))
        self._pool.receive_data(data)
        while (event := self._pool.next_event()) is not None:
            if isinstance(event, psrpcore.CreatePipelineEvent):
                self._run(event)
        self._flush()

    def _flush(self) -> None:
        while (out := self._pool.data_to_send()) is not None:
            key = str(out.pipeline_id).upper() if out.pipeline_id else ""
            self._waiting.setdefault(key, []).append(out.data)

    def _run(self, event: psrpcore.CreatePipelineEvent) -> None:
        pipeline = self._pipelines[str(event.pipeline_id).upper()]
        pipeline.start()
        (command,) = event.pipeline.commands
        arguments = tuple(value for _, value in command.parameters)
        written = self._machine.scripts.get(command.command_text, {}).get(arguments)
        if written is None:
            pipeline.write_error(NETException("Access is denied."), ErrorCategoryInfo())
        for one in written or ():
            pipeline.write_output(one if isinstance(one, str) else json.dumps(one))
        pipeline.complete()
        pipeline.close()

    def created(self, request: Request) -> bytes:
        return soap.envelope(
            request,
            "<x:ResourceCreated><a:Address>/wsman</a:Address><a:ReferenceParameters>"
            f'<w:SelectorSet><w:Selector Name="ShellId">{self.id}</w:Selector></w:SelectorSet>'
            "</a:ReferenceParameters></x:ResourceCreated>"
            f"<rsp:Shell><rsp:ShellId>{self.id}</rsp:ShellId></rsp:Shell>",
        )

    def answered(self, request: Request) -> bytes:
        match request.action:
            case "Command":
                (line,) = request.all("rsp:CommandLine")
                command = (line.get("CommandId") or "").upper()
                self._take(request.text("rsp:Arguments"), command)
                body = f"<rsp:CommandId>{command}</rsp:CommandId>"
                body = f"<rsp:CommandResponse>{body}</rsp:CommandResponse>"
            case "Receive":
                body = self._received(request)
            case "Signal":
                body = "<rsp:SignalResponse/>"
            case _:
                body = ""
        return soap.envelope(request, body)

    def _received(self, request: Request) -> str:
        wanted = next(
            (e.get("CommandId") or "" for e in request.all("rsp:DesiredStream")), ""
        ).upper()
        streams = "".join(soap.stream(data, wanted) for data in self._waiting.pop(wanted, []))
        done = ""
        if wanted:
            state = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/CommandState/Done"
            done = f'<rsp:CommandState CommandId="{wanted}" State="{state}"/>'
        return f"<rsp:ReceiveResponse>{streams}{done}</rsp:ReceiveResponse>"
