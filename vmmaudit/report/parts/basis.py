"""Mandate and criteria, scope, method and limits, rating scheme."""

from __future__ import annotations

from typing import Final

from vmmaudit.assessment import Verdict
from vmmaudit.report.document import Bullets, Column, Facts, Paragraph, Section, Table
from vmmaudit.report.material import Material, cells, listed, text, value, values
from vmmaudit.scope import Scope

_HOSTS: Final = 100


def mandate(material: Material) -> Section:
    """Why it was done and against what."""
    given = material.scope.audit.mandate
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
        page=True,
    )


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
    limits = [
        material.say("method", name)
        for name in ("limit_moment", "limit_test", "limit_network", "limit_replication")
    ]
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
    return Section(
        "method",
        material.section("method"),
        material.texts.sentence("title", "method"),
        listed(
            [
                material.paragraph("method", "read_only"),
                material.paragraph("method", "evidence"),
                material.paragraph("method", "effective"),
                material.paragraph("method", "limits"),
                Bullets(tuple(limits)),
                None if gaps else material.paragraph("method", "no_gap", questions=questions),
            ]
        ),
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
