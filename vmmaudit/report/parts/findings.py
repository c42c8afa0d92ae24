"""The findings with all their fields, and the action plan made from them."""

from __future__ import annotations

from typing import Final

from vmmaudit.assessment import Judgement
from vmmaudit.report.document import (
    Block,
    Code,
    Column,
    Facts,
    Finding,
    Paragraph,
    Rich,
    Section,
    Table,
)
from vmmaudit.report.material import (
    Group,
    Material,
    cells,
    grade,
    link,
    text,
    value,
    values,
)
from vmmaudit.report.parts.changes import repeated
from vmmaudit.report.prose import blocks, closed, rich

_EACH: Final = 40
_NAMED: Final = 1_500
_EVIDENCE: Final = 12
_REFERENCES: Final = 12


def findings(material: Material) -> Section:
    """All findings, the gravest first."""
    found: list[Block] = [material.paragraph("findings", "none")]
    if material.findings:
        found = [material.paragraph("findings", "intro")]
        found += [_finding(material, group) for group in material.findings]
    return Section(
        "findings",
        material.section("findings"),
        material.texts.sentence("title", "findings"),
        tuple(found),
        page=True,
    )


def actions(material: Material) -> Section:
    """Who does what until when: the last two are for the audited unit to fill in."""
    texts = material.texts
    found: tuple[Block, ...] = (material.paragraph("actions", "none"),)
    if material.findings:
        table = Table(
            texts.sentence("title", "actions"),
            (
                Column(texts.label("column", "id"), 0.75, "id"),
                Column(texts.label("column", "measure"), 4.3),
                Column(texts.label("column", "severity"), 1.5),
                Column(texts.label("column", "owner"), 1.8, "blank"),
                Column(texts.label("column", "due"), 1.4, "blank"),
                Column(texts.label("column", "status"), 1.4),
            ),
            tuple(
                cells(
                    link(group.number, group.number),
                    _measure(material, group),
                    material.severity(group.control),
                    (),
                    (),
                    text(_status(material, group)),
                )
                for group in material.findings
            ),
        )
        found = (material.paragraph("actions", "intro"), table)
    return Section(
        "actions",
        material.section("actions"),
        texts.sentence("title", "actions"),
        found,
        page=True,
    )


def _finding(material: Material, group: Group) -> Finding:
    texts, info = material.texts, material.info(group.control)
    words = texts.control(group.control)
    first = group.members[0]
    sentences = [material.sentence(member) for member in group.members]
    alike = all(sentence == sentences[0] for sentence in sentences[1:])
    names = [member.subject.name for member in group.members]
    fact: Rich = sentences[0] if alike else _several(material, group)
    impact = (
        material.say("findings", "impact", pairs=material.broken[group.control])
        if material.broken[group.control]
        else material.say("findings", "impact_none")
    )
    evidence = [item for member in group.members for item in member.evidence]
    head = Facts(
        _rows(
            material,
            ("requirement", _first_paragraph(blocks(words.requirement, {}, texts))),
            ("fact", fact),
            ("objects", material.several(names, _EVIDENCE)),
            ("cause", _cause(material, group)),
            ("impact", impact),
            ("risk", _first_paragraph(blocks(words.rationale, {}, texts))),
            ("grade", text(grade(group.verdict, info.severity, texts))),
            ("evidence", material.several(evidence, _EVIDENCE)),
            ("mapping", value(", ".join(info.mapping))),
            ("references", value("; ".join(info.references[:_REFERENCES]))),
        )
    )
    tail = Facts(
        _rows(
            material,
            ("status", _state(material, group)),
            ("repeated", text(_repeated(material, group))),
        )
        + tuple((texts.label("field", name), ()) for name in ("owner", "due", "measure", "comment"))
    )
    return Finding(
        number=group.number,
        title=words.title,
        severity=texts.label("severity", info.severity),
        rank=info.severity,
        tone=group.verdict.tone,
        verdict=texts.label("verdict", group.verdict.value),
        control=texts.fill(
            texts.sentence("findings", "version"),
            {"control": group.control, "version": str(first.version)},
        ),
        blocks=(
            head,
            *_recommendation(material, group),
            *_each(material, group, sentences, alike),
            tail,
        ),
    )


def _rows(material: Material, *rows: tuple[str, Rich]) -> tuple[tuple[str, Rich], ...]:
    return tuple(
        (material.texts.label("field", name), content) for name, content in rows if content
    )


def _several(material: Material, group: Group) -> Rich:
    return material.say("findings", "several", count=len(group.members))


def _cause(material: Material, group: Group) -> Rich:
    """The technical cause, where the catalogue knows it, and who is to name the other one."""
    known = material.texts.control(group.control).cause_for(group.code)
    said = rich(known, {}, material.texts)
    return (*said, *text(" " if said else ""), *material.say("findings", "cause"))


def _first_paragraph(found: tuple[Block, ...]) -> Rich:
    """The paragraphs of a text run together, for a field."""
    runs: list[Rich] = [block.content for block in found if isinstance(block, Paragraph)]
    return tuple(
        run for index, content in enumerate(runs) for run in (text(" ") if index else ()) + content
    )


def _recommendation(material: Material, group: Group) -> tuple[Block, ...]:
    texts = material.texts
    template = texts.control(group.control).remedy_for(group.code)
    label = Paragraph(text(texts.label("field", "recommendation")), "lead")
    if not template:
        return (label, material.paragraph("findings", "no_remedy"))
    first = blocks(template, group.members[0].values, texts)
    differs = any(blocks(template, m.values, texts) != first for m in group.members[1:])
    note = (material.note("findings", "example", name=group.members[0].subject.name),)
    return (label, *first, *(note if differs else ()))


def _each(
    material: Material, group: Group, sentences: list[Rich], alike: bool
) -> tuple[Block, ...]:
    """The table of objects: each with its sentence, unless one sentence is true of all."""
    texts = material.texts
    if alike and len(group.members) <= _EVIDENCE:
        return ()
    shown = list(zip(group.members, sentences, strict=True))[:_EACH]
    found: list[Block] = []
    if not alike:
        found.append(
            Table(
                texts.sentence("findings", "each"),
                (
                    Column(texts.label("column", "object"), 2.4, "id"),
                    Column(texts.label("column", "actual"), 5),
                    Column(texts.label("column", "evidence"), 1.5, "id"),
                ),
                tuple(
                    cells(
                        value(member.subject.name) + _waived(material, member),
                        sentence,
                        material.several(member.evidence, 4),
                    )
                    for member, sentence in shown
                ),
            )
        )
    rest = [member.subject.name for member in group.members[0 if alike else _EACH :]]
    if rest:
        name = "more" if len(rest) <= _NAMED else "more_cut"
        listed = "\0"
        before, after = _around(material, name, listed, len(rest))
        found.append(Paragraph((*before, *values(rest[:_NAMED]), *after)))
    return tuple(found)


def _around(material: Material, name: str, mark: str, count: int) -> tuple[Rich, Rich]:
    """The sentence before and after its list of names, each of which is a run of its own."""
    runs = material.say("findings", name, names=mark, count=count)
    at = next(index for index, run in enumerate(runs) if run.text == mark)
    return runs[:at], runs[at + 1 :]


def _waived(material: Material, member: Judgement) -> Rich:
    if member.waiver is None:
        return ()
    return text(" · ") + material.say("results", "waived", until=member.waiver.until)


def _measure(material: Material, group: Group) -> Rich:
    texts = material.texts
    template = texts.control(group.control).remedy_for(group.code)
    found = blocks(template, group.members[0].values, texts) if template else ()
    title: Rich = text(texts.control(group.control).title + ". ")
    first = next((block for block in found if isinstance(block, Paragraph)), None)
    if first is None or any(isinstance(block, Code) for block in found[:1]):
        return title
    return closed(first.content)


def _status(material: Material, group: Group) -> str:
    status = _open(material, group)
    if repeated(material, group.members):
        return f"{status} · {material.texts.label('status', 'repeated')}"
    return status


def _open(material: Material, group: Group) -> str:
    if group.waived == len(group.members):
        return material.texts.label("status", "accepted")
    return material.texts.label("status", "partly" if group.waived else "open")


def _state(material: Material, group: Group) -> Rich:
    state = text(_open(material, group))
    if not group.waived:
        return state
    said = material.say(
        "findings", "waived", count=group.waived, section=material.section("waivers")
    )
    return (*state, *text(". "), *said)


def _repeated(material: Material, group: Group) -> str:
    if material.previous is None:
        return material.texts.label("answer", "unknown")
    again = repeated(material, group.members)
    return material.texts.label("answer", "yes" if again else "no")
