"""The four empty signature fields of the report, made from the places the template marks.

The template lays a link to `vmmaudit:sign/<role>/<label>` over each place. Typst has then
done what is hard already: the rectangle on the page, a structure element with its object
reference, the entry of the parent tree. Turning that link into a widget keeps PDF/A-3a and
PDF/UA-1; a field that a signing library adds by itself stands outside the structure tree
(ISO 14289-1, 7.18.4). An empty field needs an appearance (ISO 19005-3, 6.3.3).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Final

import pikepdf
from pikepdf import Array, Dictionary, Name, String

MARK: Final = "vmmaudit:sign/"
SIGNATURES_EXIST: Final = 1
"""Bit of /SigFlags: the document has signature fields (ISO 32000-1, table 219)."""
_PRINT: Final = 4


def prepare(pdf: bytes) -> bytes:
    """The report with an empty signature field at each marked place; equal input, equal bytes."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        marked = list(_marked(document))
        if not marked:
            return pdf
        widgets = [_widget(document, annotation) for annotation in marked]
        document.Root.AcroForm = document.make_indirect(
            Dictionary(Fields=Array(widgets), SigFlags=SIGNATURES_EXIST)
        )
        elements = dict(_links(document))
        for annotation in marked:
            element = elements[annotation.objgen]
            element.S = Name.Form
            element.K = element.K[0]  # pyHanko knows a field's own element by the path /K/Obj
        written = io.BytesIO()
        document.save(written, deterministic_id=True, preserve_pdfa=True)
    return written.getvalue()


def _marked(document: pikepdf.Pdf) -> Iterator[pikepdf.Object]:
    for page in document.pages:
        for annotation in page.obj.get("/Annots", Array()):
            target = annotation.get("/A", Dictionary()).get("/URI")
            if target is not None and str(target).startswith(MARK):
                annotation.P = page.obj
                yield annotation


def _widget(document: pikepdf.Pdf, annotation: pikepdf.Object) -> pikepdf.Object:
    # Typst writes a URI as the bytes of its UTF-8, not as a text string.
    role, _, label = bytes(annotation.A.URI).decode().removeprefix(MARK).partition("/")
    left, low, right, high = (float(number) for number in annotation.Rect)
    empty = document.make_stream(b"")
    empty.Type, empty.Subtype = Name.XObject, Name.Form
    empty.BBox = Array([0, 0, round(right - left, 4), round(high - low, 4)])
    empty.Resources = Dictionary()
    for key in ("/A", "/Border", "/Contents"):
        if key in annotation:
            del annotation[key]
    annotation.Subtype = Name.Widget
    annotation.FT = Name.Sig
    annotation.T = String(role)
    annotation.TU = String(label)
    annotation.F = _PRINT
    annotation.AP = Dictionary(N=empty)
    return annotation


def _links(document: pikepdf.Pdf) -> Iterator[tuple[tuple[int, int], pikepdf.Object]]:
    """The structure elements that stand for one annotation and nothing else, by its number."""
    for item in document.objects:
        if not isinstance(item, Dictionary) or item.get("/S") != Name.Link:
            continue
        children = item.get("/K")
        if isinstance(children, Array) and len(children) == 1:
            child = children[0]
            if isinstance(child, Dictionary) and child.get("/Type") == Name.OBJR:
                yield child.Obj.objgen, item
