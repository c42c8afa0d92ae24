"""The documents of an audit in each format: equal input gives equal bytes."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import TYPE_CHECKING

from vmmaudit import __version__
from vmmaudit import pack as packs
from vmmaudit.commit import commit
from vmmaudit.controls import CATALOGUE
from vmmaudit.controls.texts import Texts
from vmmaudit.report import tables
from vmmaudit.report.build import build
from vmmaudit.report.document import ControlInfo, Document
from vmmaudit.report.docx import render_docx
from vmmaudit.report.html import render_html
from vmmaudit.report.material import Tool
from vmmaudit.report.oscal import render_oscal
from vmmaudit.waivers import standings

if TYPE_CHECKING:
    from vmmaudit.audit.audit import Audit


def document(audit: Audit, language: str) -> Document:
    """The audit report."""
    return build(
        audit.assessment,
        audit.register,
        audit.scope,
        _catalogue(),
        Texts.load(language),
        previous=audit.previous,
        software=_software(),
        maker=Tool(f"vmmaudit {__version__}", commit()),
    )


def rendered(
    audit: Audit, sources: Mapping[str, bytes], languages: Sequence[str]
) -> dict[str, bytes]:
    """Every document of a pack by its name.

    Args:
        audit: what is told.
        sources: evidence, scope and assessment as the pack has them, for documents to attach.
        languages: in each of which there is one of each kind.
    """
    documents = [audit.document(language) for language in languages]
    with ThreadPoolExecutor(2 + len(documents)) as pool:
        # What others work on, other processes and Typst, begins first and is waited for last.
        own = [tables.Own(document, Texts.load(document.language)) for document in documents]
        large = tables.begin(pool, common(audit), own)
        pdfs = [pool.submit(_pdf, document, sources) for document in documents]
        files = {packs.OSCAL: _oscal(audit, sources)}
        for document in documents:
            files[f"report.{document.language}.html"] = render_html(document)
            files[f"report.{document.language}.docx"] = render_docx(document)
        for document, pdf, made in zip(documents, pdfs, large, strict=True):
            language = document.language
            files[f"report.{language}.pdf"] = pdf.result()
            files[f"workbook.{language}.xlsx"], files[f"verdicts.{language}.csv"] = made()
    return files


def common(audit: Audit) -> tables.Common:
    """What the tables of all languages tell."""
    verdicts = audit.assessment.verdicts
    waivers = standings(audit.scope, verdicts, audit.evidence.origin.moment.date())
    return tables.Common(audit.assessment, audit.register, _catalogue(), audit.previous, waivers)


def _oscal(audit: Audit, sources: Mapping[str, bytes]) -> bytes:
    """In English: a format for systems."""
    named = {name: sources[name] for name in (packs.SCOPE, packs.EVIDENCE, packs.ASSESSMENT)}
    english = audit.document("en")
    return render_oscal(english, audit.assessment, audit.register, named, Texts.load("en"))


def _pdf(document: Document, attachments: Mapping[str, bytes]) -> bytes:
    from vmmaudit.report.pdf import render_pdf
    from vmmaudit.seal.fields import prepare

    return prepare(render_pdf(document, attachments))


def _catalogue() -> list[ControlInfo]:
    return [
        ControlInfo(c.id, c.version, c.severity.value, c.origin.value, c.references, c.mapping)
        for c in CATALOGUE
    ]


def _software() -> list[str]:
    """What took part in making the documents, for the page that says so."""
    return [f"Python {platform.python_version()}"] + [
        f"{name} {version(name)}" for name in ("ldap3", "smbprotocol", "pyspnego", "typst")
    ]
