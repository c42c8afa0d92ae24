"""What each control found: required, actual, verdict, evidence; and the positive findings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from vmmaudit.assessment import Verdict
from vmmaudit.report.document import (
    Block,
    Bullets,
    Cell,
    Column,
    ControlInfo,
    Paragraph,
    Rich,
    Section,
    Table,
)
from vmmaudit.report.material import (
    Group,
    Material,
    cells,
    link,
    text,
)
from vmmaudit.report.parts.sources import data
from vmmaudit.report.prose import blocks, rich

_NAMES: Final = 6
_ROOM: Final = 90
_EVIDENCE: Final = 3
_REMARKS: Final = 8


def results(material: Material) -> Section:
    """Control by control."""
    texts = material.texts
    by_control: defaultdict[str, list[Group]] = defaultdict(list)
    for group in material.groups:
        by_control[group.control].append(group)
    manual = [group for group in material.groups if group.verdict is Verdict.MANUAL]
    parts = [_control(material, name, groups) for name, groups in by_control.items()]
    if manual:
        parts.append(_manual(material, manual))
    return Section(
        "results",
        material.section("results"),
        texts.sentence("title", "results"),
        (material.paragraph("results", "intro"),),
        tuple(parts),
        page=True,
    )


def positive(material: Material) -> Section:
    """The controls that were met throughout."""
    texts = material.texts
    verdicts: defaultdict[str, list[Group]] = defaultdict(list)
    for group in material.groups:
        verdicts[group.control].append(group)
    met = {
        control: sum(len(group.members) for group in groups if group.verdict is Verdict.PASS)
        for control, groups in verdicts.items()
        if {group.verdict for group in groups} - {Verdict.NOT_APPLICABLE} == {Verdict.PASS}
    }
    found: tuple[Block, ...] = (material.paragraph("positive", "none"),)
    if met:
        table = Table(
            texts.sentence("title", "positive"),
            (
                Column(texts.label("column", "control"), 1.2, "id"),
                Column(texts.label("column", "requirement"), 5),
                Column(texts.label("column", "objects"), 0.8, "number"),
            ),
            tuple(
                cells(
                    link(control, f"c-{control}"),
                    text(texts.control(control).title),
                    text(texts.number(count)),
                )
                for control, count in met.items()
            ),
        )
        found = (material.paragraph("positive", "intro"), table)
    return Section(
        "positive", material.section("positive"), texts.sentence("title", "positive"), found
    )


def _control(material: Material, name: str, groups: Sequence[Group]) -> Section:
    texts, info = material.texts, material.info(name)
    words = texts.control(name)
    table = Table(
        words.title,
        (
            Column(texts.label("column", "verdict"), 1.75),
            Column(texts.label("column", "actual"), 4.2),
            Column(texts.label("column", "objects"), 2.6, "id"),
            Column(texts.label("column", "evidence"), 1.45, "id"),
        ),
        tuple(_row(material, group) for group in groups),
    )
    return Section(
        f"c-{name}",
        name,
        words.title,
        (
            *blocks(words.requirement, {}, texts),
            Paragraph(_about(material, info, groups), "note"),
            table,
            *_remarks(material, groups),
        ),
    )


def _about(material: Material, info: ControlInfo, groups: Sequence[Group]) -> Rich:
    """Severity, origin, references and, where there is any, how the evidence was obtained."""
    texts = material.texts
    said = [
        (texts.label("field", "severity"), texts.label("severity", info.severity)),
        (texts.label("field", "origin"), texts.label("origin", info.origin)),
        (texts.label("field", "mapping"), ", ".join(info.mapping)),
        (texts.label("field", "references"), "; ".join(info.references)),
    ]
    cited = dict.fromkeys(i for group in groups for m in group.members for i in m.evidence)
    obtained = data(material, cited)
    return (
        *text(" · ".join(f"{name}: {content}" for name, content in said if content)),
        *(text(" · ") + obtained if obtained else ()),
    )


def _row(material: Material, group: Group) -> tuple[Cell, ...]:
    texts = material.texts
    number = material.numbers.get((group.control, group.verdict, group.code))
    actual = list(_common(material, group))
    if number:
        actual += [*text(" → "), *link(number, number)]
    names = material.several([member.subject.name for member in group.members], _NAMES, _ROOM)
    waiver = next((member.waiver for member in group.members if member.waiver), None)
    if waiver is not None:
        names += text(" · ") + material.say("results", "waived", until=waiver.until)
    evidence = [item for member in group.members for item in member.evidence]
    return cells(
        Cell(text(texts.label("verdict", group.verdict.value)), group.verdict.tone),
        tuple(actual),
        names,
        material.several(evidence, _EVIDENCE),
    )


def _common(material: Material, group: Group) -> Rich:
    """The sentence all members share, else the first one's as an instance."""
    first = material.sentence(group.members[0])
    if all(material.sentence(member) == first for member in group.members[1:]):
        return first
    instance = material.say("results", "instance", name=group.members[0].subject.name)
    return (*instance, *text(" "), *first)


def _remarks(material: Material, groups: Sequence[Group]) -> tuple[Block, ...]:
    texts = material.texts
    said: dict[Rich, None] = {}
    for group in groups:
        for member in group.members:
            for remark in member.remarks:
                if len(said) < _REMARKS:
                    said.setdefault(
                        rich(texts.remark(group.control, remark.code), remark.values, texts)
                    )
    if not said:
        return ()
    return (Paragraph(text(texts.label("field", "remarks")), "note"), Bullets(tuple(said)))


def _manual(material: Material, groups: Sequence[Group]) -> Section:
    texts = material.texts
    table = Table(
        texts.sentence("title", "manual"),
        (
            Column(texts.label("column", "control"), 1.2, "id"),
            Column(texts.label("column", "requirement"), 4.4),
            Column(texts.label("column", "subject"), 2, "id"),
            Column(texts.label("column", "answer"), 2.6, "blank"),
        ),
        tuple(
            cells(
                text(group.control),
                text(texts.control(group.control).title),
                material.several([member.subject.name for member in group.members], 3),
                (),
            )
            for group in groups
        ),
    )
    return Section(
        "manual",
        "",
        texts.sentence("title", "manual"),
        (material.paragraph("results", "manual"), table),
    )
