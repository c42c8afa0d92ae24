"""The document as a Word file, for customers whose document system asks for one.

The template in `templates/audit-docx` is a .docx taken apart: its styles are the
document's look, its parts are reviewed as text. Equal input gives equal bytes.
"""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC
from typing import Any, Final

import docx
from docx.image.exceptions import (
    InvalidImageStreamError,
    UnexpectedEndOfFileError,
    UnrecognizedImageError,
)
from docx.shared import Mm
from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from vmmaudit.display import visible
from vmmaudit.errors import ScopeError
from vmmaudit.report.data import template_loader
from vmmaudit.report.document import Document
from vmmaudit.report.ooxml import escaped
from vmmaudit.report.word import Body

_PARTS: Final = {
    "[Content_Types].xml": "content-types.xml",
    "_rels/.rels": "package-rels.xml",
    "docProps/app.xml": "app.xml",
    "docProps/custom.xml": "custom.xml",
    "word/_rels/document.xml.rels": "document-rels.xml",
    "word/document.xml": "document.xml",
    "word/fontTable.xml": "fontTable.xml",
    "word/footer1.xml": "footer1.xml",
    "word/header1.xml": "header1.xml",
    "word/numbering.xml": "numbering.xml",
    "word/settings.xml": "settings.xml",
    "word/styles.xml": "styles.xml",
}
_PLACES: Final = re.compile(r"(\{\{pages?\}\})")
_PROPERTY: Final = 255
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


def render_docx(document: Document) -> bytes:
    """The document as one .docx file.

    Raises:
        ScopeError: the logo is no picture that can be embedded.
    """
    file = docx.Document(io.BytesIO(_template(document)))
    _picture(document, file)
    _describe(document, file.core_properties)
    written = io.BytesIO()
    file.save(written)
    return _dated(written.getvalue())


def _template(document: Document) -> bytes:
    """The template with the document's words, colour and language, put together again."""
    environment = SandboxedEnvironment(
        loader=template_loader("audit-docx", document.templates),
        autoescape=False,
        undefined=StrictUndefined,
    )
    words = {
        "body": Body(document).text(),
        "brand": document.colour.removeprefix("#").upper(),
        "language": document.words["locale"],
        "rtl": document.direction == "rtl",
        "title": escaped(document.title),
        "identifier": escaped(document.identifier),
        "classification": escaped(document.classification),
        "digest": escaped(document.words["digest"]),
        "short": escaped(document.digest[:16]),
        "properties": [
            (name, escaped(visible(content)[:_PROPERTY]))
            for name, content in document.properties.items()
        ],
        "page": _PLACES.split(escaped(document.words["page"])),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, source in _PARTS.items():
            archive.writestr(name, environment.get_template(source).render(words))
    return packed.getvalue()


def _picture(document: Document, file: Any) -> None:
    """The logo at the end of the cover's first line, with its alternative text."""
    if document.cover.logo is None:
        return
    line = file.paragraphs[0].add_run("\t")
    try:
        picture = line.add_picture(io.BytesIO(document.cover.logo), height=Mm(14))
    except (InvalidImageStreamError, UnexpectedEndOfFileError, UnrecognizedImageError) as error:
        raise ScopeError("The logo is not a PNG or JPEG picture that can be embedded.") from error
    picture._inline.docPr.set("descr", visible(document.cover.sender or document.title))


def _describe(document: Document, properties: Any) -> None:
    """The file's own properties; Word takes 255 characters for each."""
    moment = document.moment.astimezone(UTC).replace(tzinfo=None)
    for name, text in (
        ("title", document.title),
        ("author", document.author),
        ("last_modified_by", document.author),
        ("subject", document.cover.subject),
        ("identifier", document.identifier),
        ("keywords", document.identifier),
        ("category", document.classification),
        ("language", document.words["locale"]),
    ):
        setattr(properties, name, visible(text)[:_PROPERTY])
    properties.created = properties.modified = moment
    properties.revision = 1


def _dated(file: bytes) -> bytes:
    """The same archive without the time of its making."""
    written = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(file)) as old,
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name, _EPOCH), old.read(name), zipfile.ZIP_DEFLATED)
    return written.getvalue()
