"""The envelopes of WS-Management, as the stand-in writes and reads them (DSP0226, MS-WSMV)."""

from __future__ import annotations

import base64
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from xml.sax.saxutils import escape

NAMESPACES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "n": "http://schemas.xmlsoap.org/ws/2004/09/enumeration",
    "x": "http://schemas.xmlsoap.org/ws/2004/09/transfer",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "f": "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault",
    "rsp": "http://schemas.microsoft.com/wbem/wsman/1/windows/shell",
    "p": "http://schemas.microsoft.com/powershell",
    "cim": "http://schemas.dmtf.org/wbem/wscim/1/common",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
}


class Request:
    """One message of a client."""

    def __init__(self, data: bytes) -> None:
        self.root = ET.fromstring(data)  # noqa: S314 - our own client's
        self.action = self.text("a:Action").rpartition("/")[2]
        self.id = self.text("a:MessageID")
        self.resource = self.text("w:ResourceURI")

    def text(self, name: str) -> str:
        found = self.root.find(f".//{name}", NAMESPACES)
        return (found.text or "") if found is not None else ""

    def all(self, name: str) -> list[ET.Element]:
        return self.root.findall(f".//{name}", NAMESPACES)


def envelope(request: Request, body: str) -> bytes:
    """The answer to a request."""
    spaces = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
    return (
        f"<s:Envelope {spaces}><s:Header>"
        f"<a:Action>{request.action}Response</a:Action>"
        f"<a:MessageID>uuid:{uuid.uuid4()}</a:MessageID>"
        f"<a:RelatesTo>{request.id}</a:RelatesTo>"
        f"</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def fault(request: Request, code: int, text: str) -> bytes:
    """What a server sends with status 500."""
    return envelope(
        request,
        "<s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code>"
        f"<s:Reason><s:Text>{escape(text)}</s:Text></s:Reason><s:Detail>"
        f'<f:WSManFault Code="{code}" Machine="x"><f:Message>{escape(text)}</f:Message>'
        "</f:WSManFault></s:Detail></s:Fault>",
    )


def objects(of: str, found: Iterable[Mapping[str, str | None]]) -> str:
    """Instances of a class; a time stands in an element of its own, as Windows writes it."""
    return "".join(
        f"<{of}>{''.join(_property(*one) for one in each.items())}</{of}>" for each in found
    )


def _property(name: str, value: str | None) -> str:
    if value is None:
        return f'<{name} xsi:nil="true"/>'
    if name == "LastBootUpTime":
        return f"<{name}><cim:Datetime>{escape(value)}</cim:Datetime></{name}>"
    return f"<{name}>{escape(value)}</{name}>"


def stream(data: bytes, command: str = "") -> str:
    """Output of a shell or of one of its commands."""
    of = f' CommandId="{command}"' if command else ""
    return f'<rsp:Stream Name="stdout"{of}>{base64.b64encode(data).decode()}</rsp:Stream>'
