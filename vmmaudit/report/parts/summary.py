"""The management summary: the opinion in words, the numbers, and what stands out."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Final

from vmmaudit.assessment import Verdict
from vmmaudit.display import Tone
from vmmaudit.report.document import (
    Block,
    Column,
    Opinion,
    Rich,
    Section,
    Table,
    Tile,
    Tiles,
)
from vmmaudit.report.material import Material, cells, link, text
from vmmaudit.report.parts.changes import repeated
from vmmaudit.waivers import standings

_SHOWN: Final = 6
"""Findings named here: the summary is one page, and the gravest come first."""


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
        without = [g.control for g in material.groups if g.verdict is Verdict.NOT_ASSESSABLE]
        said.append(
            material.say("opinion", "unassessed", unassessed=unassessed)
            + text(" ")
            + material.several(without, 12)
            + text(" ")
            + material.say("opinion", "see", section=material.section("method"))
        )
    day = material.assessment.moment.date()
    ending = [s.waiver for s in standings(material.scope, (), day) if s.soon]
    if ending:
        names = [f"{waiver.control} ({waiver.until})" for waiver in ending]
        said.append(material.say("opinion", "ending") + text(" ") + material.several(names, 4, 120))
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
            Column(texts.label("column", "control"), 1.2, "id"),
            Column(texts.label("column", "objects"), 0.9, "number"),
        ),
        tuple(
            cells(
                link(group.number, group.number),
                material.severity(group.control),
                text(texts.control(group.control).title)
                + (
                    text(f" · {texts.label('status', 'repeated')}")
                    if repeated(material, group.members)
                    else ()
                ),
                text(group.control),
                text(texts.number(len(group.members))),
            )
            for group in material.findings[:_SHOWN]
        ),
    )
    more = len(material.findings) - _SHOWN
    if more <= 0:
        return (table,)
    section = material.section("findings")
    return (
        table,
        material.note("summary", "more", more=more, section=section),
    )
