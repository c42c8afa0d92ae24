"""WQL over WS-Enumeration (MS-WSMV 3.1.4.1.8, DSP0227): objects as names and texts."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from typing import Final

from pypsrp.wsman import WSMan

from vmmaudit.collect.wire import WireError
from vmmaudit.evidence import Reason

CIMV2: Final = "root/cimv2"
SMB: Final = "root/Microsoft/Windows/SMB"
_WSEN: Final = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
_WSMAN: Final = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
_WMI: Final = "http://schemas.microsoft.com/wbem/wsman/1/wmi/{namespace}/*"
_WQL: Final = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
_NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_AT_ONCE: Final = 1000
_PULLS: Final = 100


def select(
    connection: WSMan, server: str, namespace: str, of: str, wanted: Sequence[str], **equal: str
) -> list[dict[str, str]]:
    """The objects of the class `of` with these values; what one has no value for is left out.

    Raises:
        WireError: the server never comes to an end.
    """
    wql = f"SELECT {','.join(wanted)} FROM {of}"  # noqa: S608 - WQL has no parameters
    if equal:
        wql += " WHERE " + " AND ".join(f"{key}={_text(value)}" for key, value in equal.items())
    resource = _WMI.format(namespace=namespace)
    question = ET.Element(f"{{{_WSEN}}}Enumerate")
    ET.SubElement(question, f"{{{_WSMAN}}}OptimizeEnumeration")
    ET.SubElement(question, f"{{{_WSMAN}}}MaxElements").text = str(_AT_ONCE)
    ET.SubElement(question, f"{{{_WSMAN}}}Filter", Dialect=_WQL).text = wql
    body = connection.enumerate(resource, question)
    found = list(_objects(body))
    for _ in range(_PULLS):
        if _find(body, "EndOfSequence") is not None:
            return found
        context = _find(body, "EnumerationContext")
        question = ET.Element(f"{{{_WSEN}}}Pull")
        going_on = ET.SubElement(question, f"{{{_WSEN}}}EnumerationContext")
        going_on.text = context.text if context is not None else ""
        ET.SubElement(question, f"{{{_WSEN}}}MaxElements").text = str(_AT_ONCE)
        body = connection.pull(resource, question)
        found += _objects(body)
    raise WireError(
        Reason.MALFORMED_REPLY, f"WinRM of {server} goes on telling of one query without end."
    )


def _text(value: str) -> str:
    """A WQL string, in which a backslash escapes."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _find(body: ET.Element, name: str) -> ET.Element | None:
    """An element of either namespace, which differ between the first answer and the others."""
    tags = (f"{{{_WSEN}}}{name}", f"{{{_WSMAN}}}{name}")
    return next((element for element in body.iter() if element.tag in tags), None)


def _objects(body: ET.Element) -> Iterator[dict[str, str]]:
    items = _find(body, "Items")
    for item in items if items is not None else ():
        yield {
            _local(each.tag): found
            for each in item
            if each.get(_NIL) != "true" and (found := "".join(each.itertext()).strip())
        }


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
