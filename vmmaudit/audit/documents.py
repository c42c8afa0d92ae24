"""The documents of an audit in each format: equal input gives equal bytes."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from importlib.metadata import version
from typing import TYPE_CHECKING

from vmmaudit import __version__
from vmmaudit import pack as packs
from vmmaudit.commit import commit
from vmmaudit.controls import CATALOGUE
from vmmaudit.controls.texts import Texts
from vmmaudit.report import workbooks
from vmmaudit.report.build import build
from vmmaudit.report.csv import render_csv
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
        books = _workbooks(audit, pool, documents)
        pdfs = [pool.submit(_pdf, document, sources) for document in documents]
        files = {packs.OSCAL: _oscal(audit, sources)}
        for document in documents:
            files |= _renderings(audit, document)
        for document, pdf, book in zip(documents, pdfs, books, strict=True):
            files[f"report.{document.language}.pdf"] = pdf.result()
            files[f"workbook.{document.language}.xlsx"] = book()
    return files


def _renderings(audit: Audit, document: Document) -> Iterator[tuple[str, bytes]]:
    language = document.language
    yield f"report.{language}.html", render_html(document)
    yield f"report.{language}.docx", render_docx(document)
    table = render_csv(audit.assessment, _catalogue(), Texts.load(language))
    yield f"verdicts.{language}.csv", table


def _workbooks(
    audit: Audit, pool: Executor, documents: Sequence[Document]
) -> list[Callable[[], bytes]]:
    verdicts = audit.assessment.verdicts
    waivers = standings(audit.scope, verdicts, audit.evidence.origin.moment.date())
    common = (audit.assessment, audit.register, _catalogue(), audit.previous, waivers)
    own = [(document, Texts.load(document.language)) for document in documents]
    return workbooks.begin(pool, len(verdicts), common, own)


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
