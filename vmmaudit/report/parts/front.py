"""Cover, document control and management summary."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Final

from vmmaudit.assessment import Verdict
from vmmaudit.errors import ScopeError
from vmmaudit.report.document import (
    Block,
    Column,
    Cover,
    Facts,
    Opinion,
    Rich,
    Section,
    Table,
    Tile,
    Tiles,
    Tone,
)
from vmmaudit.report.material import Material, cells, code, link, text, value
from vmmaudit.report.prose import plain
from vmmaudit.scope import Role

_LOGOS: Final = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}
_SHOWN: Final = 20


def identifier(material: Material) -> str:
    """The document's id: the scope's, else made from the day and the evidence."""
    given = material.scope.audit.document_id
    day = material.assessment.moment.strftime("%Y%m%d")
    return given or f"VMMA-{day}-{material.evidence.digest[:8].upper()}"


def person(material: Material, role: Role) -> str:
    """The name of whoever has a role; empty where the scope names nobody."""
    return next((p.name for p in material.scope.people if p.role is role), "")


def cover(material: Material) -> Cover:
    """The first page."""
    texts, audit = material.texts, material.scope.audit
    facts = (
        ("document", value(identifier(material))),
        ("classification", text(texts.label("classification", audit.classification))),
        ("date", text(texts.day(material.assessment.moment.date()))),
        ("period", _period(material)),
        ("author", _named(material, Role.AUDITOR)),
        ("digest", code(material.evidence.digest)),
    )
    logo = material.scope.branding.logo
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
        logo=_logo(logo) if logo else None,
        logo_type=_LOGOS[logo.suffix.lower()] if logo else "",
        sender=material.scope.branding.sender,
    )


def control_data(material: Material) -> Section:
    """Who made what, when, from what, and for whom."""
    texts, audit, origin = material.texts, material.scope.audit, material.evidence.origin
    times = [entry.at for entry in material.evidence.entries if entry.at]
    sources = sorted(
        {e.source for e in material.evidence.entries if e.kind.startswith("ldap") and e.source}
    )
    years = audit.retention_years
    facts: list[tuple[str, Rich]] = [
        ("document", value(identifier(material))),
        ("status", text(texts.label("status", "draft"))),
        ("classification", text(texts.label("classification", audit.classification))),
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


def summary(material: Material) -> Section:
    """The opinion in words, the numbers, what could not be assessed, the findings at a glance."""
    texts = material.texts
    tone, headline = opinion(material)
    states = material.states
    unassessed = material.assessment.counts()[Verdict.NOT_ASSESSABLE]
    tiles = (
        ("ready", states[Tone.GOOD] + states[Tone.WARN], Tone.GOOD),
        ("broken", states[Tone.BAD], Tone.BAD),
        ("findings", len(material.findings), Tone.WARN),
        ("unassessed", unassessed, Tone.UNKNOWN),
    )
    return Section(
        "summary",
        material.section("summary"),
        texts.sentence("title", "summary"),
        (
            Opinion(tone, headline, _grounds(material, unassessed)),
            Tiles(
                tuple(
                    Tile(texts.number(count), texts.sentence("tile", name), mark)
                    for name, count, mark in tiles
                )
            ),
        ),
        (
            Section(
                "areas",
                "",
                texts.sentence("title", "areas"),
                (_areas(material), material.note("summary", "areas")),
            ),
            Section("top", "", texts.sentence("title", "top"), _top(material)),
            Section(
                "not_assessed",
                "",
                texts.sentence("title", "not_assessed"),
                _not_assessed(material),
            ),
        ),
        page=True,
    )


def opinion(material: Material) -> tuple[Tone, str]:
    """The overall opinion: a colour and a sentence."""
    states = material.states
    ready = states[Tone.GOOD] + states[Tone.WARN]
    broken, unknown = states[Tone.BAD], states[Tone.UNKNOWN]
    if broken:
        tone, name = Tone.BAD, "some" if ready or unknown else "none"
    elif unknown:
        tone, name = Tone.UNKNOWN, "partly" if ready else "unknown"
    elif states[Tone.WARN]:
        tone, name = Tone.WARN, "all_ready"
    elif ready:
        tone, name = Tone.GOOD, "all_in_force"
    else:
        tone, name = Tone.UNKNOWN, "nothing"
    return tone, material.texts.sentence("opinion", name)


def _grounds(material: Material, unassessed: int) -> tuple[Rich, ...]:
    states = material.states
    serious = sum(material.rank(group.control) <= 1 for group in material.findings)
    said = [
        material.say(
            "opinion",
            "pairs",
            pairs=len(material.pairs),
            hosts=len({pair.host for pair, _ in material.pairs}),
            shares=len({pair.share.lower() for pair, _ in material.pairs}),
            ready=states[Tone.GOOD] + states[Tone.WARN],
            broken=states[Tone.BAD],
            open=states[Tone.UNKNOWN],
        )
    ]
    if states[Tone.WARN]:
        said.append(material.say("opinion", "pending", pending=states[Tone.WARN]))
    if serious:
        said.append(material.say("opinion", "serious", serious=serious))
    else:
        said.append(material.say("opinion", "no_serious"))
    if unassessed:
        said.append(material.say("opinion", "unassessed", unassessed=unassessed))
    return tuple(said)


def _areas(material: Material) -> Table:
    texts = material.texts
    counts: defaultdict[str, Counter[Verdict]] = defaultdict(Counter)
    for judgement in material.assessment.verdicts:
        counts[judgement.control.split("-")[0]][judgement.verdict] += 1
    areas = list(dict.fromkeys([*(c.split("-")[0] for c in material.catalogue), *counts]))
    return Table(
        texts.sentence("title", "areas"),
        (
            Column(texts.label("column", "area"), 1.5),
            *(Column(texts.label("verdict", v.value), 1, "number") for v in Verdict),
        ),
        tuple(
            cells(
                text(texts.label("area", area)),
                *(text(texts.number(counts[area][v])) if counts[area][v] else () for v in Verdict),
            )
            for area in areas
            if counts[area]
        ),
    )


def _top(material: Material) -> tuple[Block, ...]:
    texts = material.texts
    if not material.findings:
        return (material.paragraph("summary", "no_findings"),)
    table = Table(
        texts.sentence("title", "top"),
        (
            Column(texts.label("column", "id"), 0.7, "id"),
            Column(texts.label("column", "severity"), 1.4),
            Column(texts.label("column", "title"), 4.4),
            Column(texts.label("column", "control"), 1, "id"),
            Column(texts.label("column", "objects"), 0.9, "number"),
        ),
        tuple(
            cells(
                link(group.number, group.number),
                material.severity(group.control),
                text(texts.control(group.control).title),
                text(group.control),
                text(texts.number(len(group.members))),
            )
            for group in material.findings
        ),
    )
    return (table,)


def _not_assessed(material: Material) -> tuple[Block, ...]:
    texts = material.texts
    groups = [group for group in material.groups if group.verdict is Verdict.NOT_ASSESSABLE]
    if not groups:
        return (material.paragraph("summary", "all_assessed"),)
    table = Table(
        texts.sentence("title", "not_assessed"),
        (
            Column(texts.label("column", "control"), 1, "id"),
            Column(texts.label("column", "title"), 3),
            Column(texts.label("column", "gap"), 3.4),
            Column(texts.label("column", "objects"), 0.9, "number"),
        ),
        tuple(
            cells(
                text(group.control),
                text(texts.control(group.control).title),
                material.sentence(group.members[0]),
                text(texts.number(len(group.members))),
            )
            for group in groups[:_SHOWN]
        ),
    )
    return (
        material.paragraph("summary", "not_assessed", annex=material.section("gaps")),
        table,
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


def _logo(path: Path) -> bytes:
    if path.suffix.lower() not in _LOGOS:
        raise ScopeError(f"The logo {path} is not a PNG or JPEG picture.")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ScopeError(f"The logo {path} cannot be read: {error.strerror or error}.") from error
