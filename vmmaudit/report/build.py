"""From an assessment to the document: the parts, in the order an auditor expects."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from vmmaudit.assessment import Assessment
from vmmaudit.controls.texts import Texts
from vmmaudit.report.data import own_templates
from vmmaudit.report.document import ControlInfo, Document
from vmmaudit.report.material import NOBODY, SEVERITIES, Material, Tool
from vmmaudit.report.parts import (
    basis,
    changes,
    closing,
    exceptions,
    findings,
    front,
    matrix,
    results,
    summary,
)
from vmmaudit.report.properties import person, properties
from vmmaudit.report.register import EvidenceSummary
from vmmaudit.scope import Role, Scope

_PARTS: Final = (
    front.control_data,
    summary.summary,
    basis.mandate,
    basis.scope,
    basis.method,
    basis.scheme,
    results.results,
    matrix.matrix,
    findings.findings,
    findings.actions,
    changes.changes,
    exceptions.waivers,
    results.positive,
    closing.response,
    closing.signoff,
    closing.evidence,
    closing.raw,
    closing.queries,
    closing.gaps,
    closing.glossary,
    closing.abbreviations,
)
_WORDS: Final = (
    "all",
    "contents",
    "digest",
    "filter",
    "none_found",
    "page",
    "severity",
    "skip",
)


def build(
    assessment: Assessment,
    evidence: EvidenceSummary,
    scope: Scope,
    catalogue: Iterable[ControlInfo],
    texts: Texts,
    *,
    previous: Assessment | None = None,
    software: Iterable[str] = (),
    maker: Tool = NOBODY,
) -> Document:
    """The audit report in the language of `texts`.

    Args:
        assessment: what was judged.
        evidence: the register of what it was judged from.
        scope: what was agreed.
        texts: the words, and with them the language.
        catalogue: the controls in document order.
        previous: the last audit's assessment, which tells repeat findings.
        software: name and version of what else took part, as printed.
        maker: the tool that judged, and builds this.

    Raises:
        TextError: the catalogue's texts lack a word this assessment needs.
        ScopeError: the logo cannot be read.
    """
    texts = replace(texts, zone=scope.audit.zone)
    material = Material(
        assessment,
        evidence,
        scope,
        texts,
        {info.id: info for info in catalogue},
        previous,
        tuple(software),
        maker,
    )
    audit, identifier = scope.audit, front.identifier(material)
    return Document(
        language=texts.language,
        direction="rtl" if texts.right_to_left else "ltr",
        title=audit.titled(texts.language),
        identifier=identifier,
        author=person(scope, Role.AUDITOR) or scope.branding.sender,
        classification=material.classification,
        colour=scope.branding.colour,
        digest=evidence.digest,
        moment=assessment.moment,
        cover=front.cover(material),
        sections=tuple(part(material) for part in _PARTS),
        properties=properties(
            identifier,
            scope,
            assessment,
            evidence.origin,
            texts,
            previous.evidence if previous else "",
            f"{maker.name} {maker.commit}".strip(),
        ),
        templates=own_templates(scope.branding),
        words={
            **{name: texts.label("layout", name) for name in _WORDS},
            "locale": texts.locale.replace("_", "-"),
            **{f"severity_{name}": texts.label("severity", name) for name in SEVERITIES},
        },
    )
