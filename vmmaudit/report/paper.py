"""The short documents beside the audit report: one cover, one look, the same marks on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from vmmaudit.assessment import Assessment
from vmmaudit.branding import logo
from vmmaudit.controls.texts import Texts, fill
from vmmaudit.display import Tone
from vmmaudit.evidence import Origin
from vmmaudit.report.data import own_templates
from vmmaudit.report.document import Column, Cover, Document, Facts, Rich, Section, Table
from vmmaudit.report.material import Tool, cells, code, kept, label_of, text, value
from vmmaudit.report.properties import person, properties
from vmmaudit.scope import Role, Scope

_WORDS: Final = ("all", "contents", "digest", "filter", "none_found", "page", "severity", "skip")


@dataclass(frozen=True)
class Paper:
    """What tells such a document from another.

    Attributes:
        prefix: what its id begins with.
        kind, title, subject: as printed on the cover.
        assessment: of the evidence that it is about.
        origin: who read that evidence, when and where.
        opinion: what the cover says at once.
        previous: SHA-256 of the evidence that it is compared with.
    """

    prefix: str
    kind: str
    title: str
    subject: str
    assessment: Assessment
    origin: Origin
    opinion: tuple[Tone, str]
    previous: str = ""


def here(texts: Texts, scope: Scope) -> Texts:
    """The texts, which tell times where the audit's people live."""
    return replace(texts, zone=scope.audit.zone)


def signatures(texts: Texts, caption: str, roles: Sequence[str]) -> Table:
    """Lines for a pen, one for each role."""
    columns = (("role", 3), ("name", 3), ("date", 2), ("signature", 3))
    return Table(
        caption,
        tuple(
            Column(
                texts.word("change", "column", name), width, "text" if name == "role" else "blank"
            )
            for name, width in columns
        ),
        tuple(cells(text(texts.word("change", "role", role)), (), (), ()) for role in roles),
    )


def write(texts: Texts, scope: Scope, paper: Paper, sections: Sequence[Section]) -> Document:
    """A document with the customer's brand, and with its document control at the end.

    Raises:
        ScopeError: the logo or a template cannot be read.
    """
    moment, digest = paper.assessment.moment, paper.assessment.evidence
    facts = _facts(texts, scope, paper)
    picture, picture_type = logo(scope.branding)
    tone, headline = paper.opinion
    on_cover = ("document", "classification", "date", "retention", "previous", "digest")
    shown = [name for name in facts if name != "date"]
    control = Section(
        "control_data",
        str(len(sections) + 1),
        texts.sentence("title", "control_data"),
        (Facts(tuple((texts.label("field", name), facts[name]) for name in shown)),),
    )
    return Document(
        language=texts.language,
        direction="rtl" if texts.right_to_left else "ltr",
        title=paper.title,
        identifier=_identifier(scope, paper),
        author=scope.branding.sender,
        classification=label_of(scope, texts),
        colour=scope.branding.colour,
        digest=digest,
        moment=moment,
        cover=Cover(
            kind=paper.kind,
            title=paper.title,
            subject=paper.subject,
            client=scope.audit.client,
            status=texts.label("status", "draft"),
            facts=tuple(
                (texts.label("field", name), facts[name]) for name in on_cover if name in facts
            ),
            tone=tone,
            headline=headline,
            logo=picture or None,
            logo_type=picture_type,
            sender=scope.branding.sender,
        ),
        sections=(*sections, control),
        properties=properties(
            _identifier(scope, paper),
            scope,
            paper.assessment,
            paper.origin,
            texts,
            paper.previous,
        ),
        templates=own_templates(scope.branding),
        words={
            **{name: texts.label("layout", name) for name in _WORDS},
            "locale": texts.locale.replace("_", "-"),
        },
    )


def _identifier(scope: Scope, paper: Paper) -> str:
    moment, digest = paper.assessment.moment, paper.assessment.evidence
    places = {"date": f"{moment:%Y%m%d}", "year": f"{moment:%Y}", "digest": digest[:8].upper()}
    scheme = scope.branding.document_id or "{{date}}-{{digest}}"
    return f"{paper.prefix}-{fill(scheme, places)}"


def _facts(texts: Texts, scope: Scope, paper: Paper) -> dict[str, Rich]:
    """What is known of the document, in the order of its control section."""
    audit, found = scope.audit, paper.assessment
    facts = {
        "document": value(_identifier(scope, paper)),
        "classification": text(label_of(scope, texts)),
        "date": text(texts.day(found.moment.date())),
        "language": text(texts.label("language", "name")),
        "client": value(audit.client),
        "sender": value(scope.branding.sender),
        "author": value(person(scope, Role.AUDITOR)),
        "reviewer": value(person(scope, Role.REVIEWER)),
        "approver": value(person(scope, Role.APPROVER)),
        "distribution": value("; ".join(audit.distribution)),
        "retention": text(kept(scope, found, texts)),
        "moment": text(texts.moment(found.moment)),
        "who": value(paper.origin.who),
        "machine": value(paper.origin.machine),
        "tool": Tool(found.tool, found.commit).shown(texts),
        "catalogue": value(found.catalogue),
        "scope": code(found.scope),
        "previous": code(paper.previous),
        "digest": code(found.evidence),
    }
    return {name: content for name, content in facts.items() if content}
