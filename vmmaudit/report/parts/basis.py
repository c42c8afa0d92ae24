"""Mandate and criteria, scope, method and limits, rating scheme."""

from __future__ import annotations

from typing import Final

from vmmaudit.assessment import Verdict
from vmmaudit.questions import REACH
from vmmaudit.report.document import Block, Bullets, Column, Facts, Paragraph, Section, Table
from vmmaudit.report.material import Material, cells, listed, text, value, values
from vmmaudit.report.parts.sources import collected, requirements
from vmmaudit.scope import Scope

_HOSTS: Final = 100
_GROUPS: Final = 40


def mandate(material: Material) -> Section:
    """Why it was done and against what."""
    given = material.scope.audit.mandated(material.texts.language)
    controls = len({judgement.control for judgement in material.assessment.verdicts})
    return Section(
        "mandate",
        material.section("mandate"),
        material.texts.sentence("title", "mandate"),
        (
            Paragraph(text(given)) if given else material.paragraph("mandate", "no_mandate"),
            material.paragraph("mandate", "goal"),
            material.paragraph(
                "mandate",
                "criteria",
                catalogue=material.assessment.catalogue,
                controls=controls,
            ),
            material.paragraph("mandate", "chain"),
        ),
        _sources(material),
        page=True,
    )


def _sources(material: Material) -> tuple[Section, ...]:
    found = requirements(material)
    if found is None:
        return ()
    title = material.texts.sentence("title", "sources")
    return (Section("sources", "", title, (material.paragraph("mandate", "sources"), found)),)


def scope(material: Material) -> Section:
    """What was looked at, in which period, and what was left out."""
    texts, agreed = material.texts, material.scope
    audit, period = agreed.audit, agreed.audit.period
    facts = [
        (
            "period",
            material.say("scope", "period", start=period.start, end=period.end)
            if period
            else material.say("scope", "period_none"),
        ),
        ("domains", values(domain.name for domain in agreed.domains)),
        ("vmm", values(server.server for server in agreed.vmm)),
        ("libraries", values(library.share for library in agreed.libraries)),
        (
            "exclusions",
            text("; ".join(audit.exclusions)) or material.say("scope", "exclusions_none"),
        ),
        ("sample", text(audit.sample) or material.say("scope", "sample_full")),
    ]
    blocks = listed(
        [
            material.paragraph(
                "scope",
                "systems",
                hosts=len(agreed.hosts),
                libraries=len(agreed.libraries),
                section=material.section("control_data"),
            ),
            Facts(
                tuple((texts.label("field", name), content) for name, content in facts if content)
            ),
            _hosts(material, agreed),
            material.note("scope", "hosts_more", shown=_HOSTS, total=len(agreed.hosts))
            if len(agreed.hosts) > _HOSTS
            else None,
        ]
    )
    return Section("scope", material.section("scope"), texts.sentence("title", "scope"), blocks)


def method(material: Material) -> Section:
    """How it was done, and what that cannot show."""
    questions, gaps = len(material.evidence.entries), len(material.evidence.gaps)
    tried = any(e.kind == REACH and e.reason is None for e in material.evidence.entries)
    names = ("limit_moment", "limit_test", "limit_network", "limit_replication")
    limits = [material.say("method", n) for n in names if not (tried and n == "limit_network")]
    if gaps:
        limits.append(
            material.say(
                "method",
                "limit_gap",
                gaps=gaps,
                questions=questions,
                annex=material.section("gaps"),
            )
        )
    taken = material.evidence.taken
    return Section(
        "method",
        material.section("method"),
        material.texts.sentence("title", "method"),
        listed(
            [
                *(material.paragraph("method", name) for name in collected(material)),
                material.paragraph("method", "evidence"),
                _read_elsewhere(material) if material.evidence.readers else None,
                material.paragraph(
                    "method",
                    "taken",
                    taken=sum(taken.values()),
                    questions=questions,
                    digests=", ".join(sorted(taken)),
                    annex=material.section("evidence"),
                )
                if taken
                else None,
                material.paragraph("method", "effective"),
                material.paragraph("method", "limits"),
                Bullets(tuple(limits)),
                None if gaps else material.paragraph("method", "no_gap", questions=questions),
            ]
        ),
        (
            Section(
                "not_assessed",
                "",
                material.texts.sentence("title", "not_assessed"),
                _not_assessed(material),
            ),
        ),
    )


def _read_elsewhere(material: Material) -> Paragraph:
    """Which machines read besides the one that the audit was begun on."""
    readers = material.evidence.readers
    return material.paragraph(
        "method",
        "readers",
        machine=material.evidence.origin.machine,
        questions=sum(readers.values()),
        readers=", ".join(sorted(readers)),
        annex=material.section("evidence"),
    )


def _not_assessed(material: Material) -> tuple[Block, ...]:
    """Which controls had no verdict, and why."""
    texts = material.texts
    groups = [group for group in material.groups if group.verdict is Verdict.NOT_ASSESSABLE]
    if not groups:
        return (material.paragraph("method", "all_assessed"),)
    table = Table(
        texts.sentence("title", "not_assessed"),
        (
            Column(texts.label("column", "control"), 1.2, "id"),
            Column(texts.label("column", "title"), 2.2),
            Column(texts.label("column", "gap"), 2.6),
            Column(texts.label("column", "settles"), 2.6),
            Column(texts.label("column", "objects"), 0.9, "number"),
        ),
        tuple(
            cells(
                text(group.control),
                text(texts.control(group.control).title),
                material.sentence(group.members[0]),
                material.settled(group),
                text(texts.number(len(group.members))),
            )
            for group in groups[:_GROUPS]
        ),
    )
    return (
        material.paragraph("method", "not_assessed", annex=material.section("gaps")),
        table,
    )


def scheme(material: Material) -> Section:
    """The ratings, fixed before the audit, and what they correspond to elsewhere."""
    texts = material.texts
    table = Table(
        texts.sentence("scheme", "caption"),
        (
            Column(texts.label("column", "verdict"), 2),
            Column(texts.label("column", "meaning"), 4),
            Column(texts.label("column", "grundschutz"), 1.7),
            Column(texts.label("column", "iso"), 2),
        ),
        tuple(
            cells(
                material.verdict(verdict),
                material.say("scheme", "meaning", verdict.value),
                material.say("scheme", "grundschutz", verdict.value),
                material.say("scheme", "iso", verdict.value),
            )
            for verdict in Verdict
        ),
    )
    return Section(
        "scheme",
        material.section("scheme"),
        texts.sentence("title", "scheme"),
        (
            material.paragraph("scheme", "intro"),
            table,
            material.paragraph("scheme", "severity"),
            material.paragraph("scheme", "waiver"),
        ),
    )


def _hosts(material: Material, agreed: Scope) -> Table:
    texts = material.texts
    return Table(
        texts.sentence("scope", "hosts"),
        (
            Column(texts.label("column", "host"), 3, "id"),
            Column(texts.label("column", "run_as"), 3, "id"),
            Column(texts.label("column", "platform"), 1.2),
        ),
        tuple(
            cells(
                value(host.name),
                value(agreed.account_of(host) or "") or material.say("scope", "unknown_account"),
                text({"hyper-v": "Hyper-V", "esx": "ESX"}[host.platform]),
            )
            for host in agreed.hosts[:_HOSTS]
        ),
    )
