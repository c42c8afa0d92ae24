"""Cover and document control."""

from __future__ import annotations

from typing import Final

from vmmaudit.branding import logo
from vmmaudit.controls.texts import fill
from vmmaudit.report.document import (
    Column,
    Cover,
    Facts,
    Rich,
    Section,
    Table,
)
from vmmaudit.report.material import Material, cells, code, text, value
from vmmaudit.report.parts.summary import opinion
from vmmaudit.report.prose import plain
from vmmaudit.scope import Role

_SCHEME: Final = "VMMA-{{date}}-{{digest}}"


def identifier(material: Material) -> str:
    """The document's id: the scope's, else made from the day and the evidence."""
    given = material.scope.audit.document_id
    scheme = material.scope.branding.document_id or _SCHEME
    moment = material.assessment.moment
    places = {
        "date": f"{moment:%Y%m%d}",
        "year": f"{moment:%Y}",
        "digest": material.evidence.digest[:8].upper(),
    }
    return given or fill(scheme, places)


def person(material: Material, role: Role) -> str:
    """The name of whoever has a role; empty where the scope names nobody."""
    return next((p.name for p in material.scope.people if p.role is role), "")


def cover(material: Material) -> Cover:
    """The first page."""
    texts, audit = material.texts, material.scope.audit
    facts = (
        ("document", value(identifier(material))),
        ("classification", text(material.classification)),
        ("date", text(texts.day(material.assessment.moment.date()))),
        ("period", _period(material)),
        ("author", _named(material, Role.AUDITOR)),
        ("digest", code(material.evidence.digest)),
    )
    picture, kind = logo(material.scope.branding)
    tone, headline = opinion(material)
    return Cover(
        kind=texts.sentence("cover", "kind"),
        title=audit.title,
        subject=texts.sentence("cover", "subject"),
        client=audit.client,
        status=texts.label("status", "draft"),
        facts=tuple((texts.label("field", name), content) for name, content in facts),
        tone=tone,
        headline=headline,
        logo=picture or None,
        logo_type=kind,
        sender=material.scope.branding.sender,
    )


def control_data(material: Material) -> Section:
    """Who made what, when, from what, and for whom."""
    texts, audit, origin = material.texts, material.scope.audit, material.evidence.origin
    times = [entry.at for entry in material.evidence.entries if entry.at]
    sources = sorted(
        {e.source for e in material.evidence.entries if e.kind.startswith("ldap") and e.source}
    )
    years = audit.retention_years or material.scope.branding.retention_years
    facts: list[tuple[str, Rich]] = [
        ("document", value(identifier(material))),
        ("status", text(texts.label("status", "draft"))),
        ("classification", text(material.classification)),
        ("language", text(texts.label("language", "name"))),
        ("client", text(audit.client)),
        ("sender", text(material.scope.branding.sender)),
        ("author", _named(material, Role.AUDITOR)),
        ("reviewer", _named(material, Role.REVIEWER)),
        (
            "distribution",
            text("; ".join(audit.distribution)) or material.say("control", "distribution_none"),
        ),
        (
            "retention",
            material.say("control", "retention", years=years)
            if years
            else material.say("control", "retention_none"),
        ),
        ("previous", _previous(material)),
    ]
    provenance: list[tuple[str, Rich]] = [
        ("moment", text(texts.moment(origin.moment))),
        (
            "collected",
            material.say(
                "control",
                "collected",
                start=texts.moment(min(times)),
                end=texts.moment(max(times)),
            )
            if times
            else (),
        ),
        ("who", value(origin.who)),
        ("machine", value(origin.machine)),
        ("controllers", material.several(sources, 12)),
        ("tool", value(material.assessment.tool)),
        ("catalogue", value(material.assessment.catalogue)),
        ("software", value("; ".join(material.software))),
        ("run", code(material.run)),
        ("scope", code(material.assessment.scope)),
        ("digest", code(material.evidence.digest)),
    ]
    history = Table(
        texts.sentence("title", "history"),
        (
            Column(texts.label("column", "version"), 1),
            Column(texts.label("column", "date"), 2),
            Column(texts.label("column", "change"), 5),
            Column(texts.label("column", "name"), 3),
        ),
        (
            cells(
                text("0.1"),
                text(texts.day(material.assessment.moment.date())),
                material.say("history", "first"),
                value(person(material, Role.AUDITOR)),
            ),
        ),
    )
    return Section(
        "control_data",
        material.section("control_data"),
        texts.sentence("title", "control_data"),
        (_facts(material, facts), history, material.note("control", "draft")),
        (
            Section(
                "provenance",
                "",
                texts.sentence("title", "provenance"),
                (_facts(material, provenance), material.note("method", "personal")),
            ),
        ),
        page=True,
    )


def _facts(material: Material, facts: list[tuple[str, Rich]]) -> Facts:
    return Facts(
        tuple(
            (material.texts.label("field", name), content)
            for name, content in facts
            if plain(content)
        )
    )


def _period(material: Material) -> Rich:
    period = material.scope.audit.period
    if period is None:
        return material.say("scope", "period_none")
    return material.say("scope", "period", start=period.start, end=period.end)


def _named(material: Material, role: Role) -> Rich:
    return value(person(material, role)) or material.say("control", "nobody")


def _previous(material: Material) -> Rich:
    if material.previous is None:
        return material.say("control", "previous_none")
    return code(material.previous.evidence)
