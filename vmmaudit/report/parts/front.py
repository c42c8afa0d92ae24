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
from vmmaudit.report.material import Material, Tool, cells, code, kept, text, value
from vmmaudit.report.parts.sources import controllers, exports, reader
from vmmaudit.report.parts.summary import opinion
from vmmaudit.report.properties import VERSION, person, run
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


def cover(material: Material) -> Cover:
    """The first page."""
    texts, audit = material.texts, material.scope.audit
    facts = (
        ("document", value(identifier(material))),
        ("version", text(VERSION)),
        ("status", _status(material)),
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
        title=audit.titled(texts.language),
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
    times = material.evidence.times
    facts: list[tuple[str, Rich]] = [
        ("document", value(identifier(material))),
        ("version", text(VERSION)),
        ("status", _status(material)),
        ("classification", text(material.classification)),
        ("language", text(texts.label("language", "name"))),
        ("client", text(audit.client)),
        ("sender", text(material.scope.branding.sender)),
        ("author", _named(material, Role.AUDITOR)),
        ("reviewer", _named(material, Role.REVIEWER)),
        ("approver", _named(material, Role.APPROVER)),
        (
            "distribution",
            text("; ".join(audit.distribution)) or material.say("control", "distribution_none"),
        ),
        (
            "retention",
            text(kept(material.scope, material.assessment, texts))
            or material.say("control", "retention_none"),
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
        ("who", reader(material)),
        ("machine", value(origin.machine)),
        ("readers", material.several(sorted(material.evidence.readers), 12)),
        ("controllers", material.several(controllers(material), 12)),
        ("exports", material.several(exports(material), 12, 4_000)),
        ("tool", Tool(material.assessment.tool, material.assessment.commit).shown(texts)),
        ("maker", material.maker.shown(texts)),
        ("catalogue", value(material.assessment.catalogue)),
        ("software", value("; ".join(material.software))),
        ("run", code(run(material.evidence.digest))),
        ("scope", code(material.assessment.scope)),
        ("digest", code(material.evidence.digest)),
    ]
    history = Table(
        texts.sentence("title", "history"),
        (
            Column(texts.label("column", "version"), 1.2),
            Column(texts.label("column", "date"), 2),
            Column(texts.label("column", "change"), 5),
            Column(texts.label("column", "name"), 3),
        ),
        (
            cells(
                text(VERSION),
                text(texts.day(material.assessment.moment.date())),
                material.say("history", "first"),
                value(person(material.scope, Role.AUDITOR)),
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


def _status(material: Material) -> Rich:
    return material.say("control", "status", section=material.section("signoff"))


def _period(material: Material) -> Rich:
    period = material.scope.audit.period
    if period is None:
        return material.say("scope", "period_none")
    return material.say("scope", "period", start=period.start, end=period.end)


def _named(material: Material, role: Role) -> Rich:
    return value(person(material.scope, role)) or material.say("control", "nobody")


def _previous(material: Material) -> Rich:
    if material.previous is None:
        return material.say("control", "previous_none")
    return code(material.previous.evidence)
