"""Which queries were sent: one line for all that differ only in the objects they name."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from vmmaudit import questions
from vmmaudit.report.document import Block, Cell, Column, Facts, Rich, Table
from vmmaudit.report.material import Material, cells, code, text
from vmmaudit.report.register import Entry

_DIRECTORY: Final = (questions.SEARCH, questions.CONTROLLER)
_BY_NAME: Final = (questions.SERVICE, questions.REGISTRY, questions.VMM_OBJECTS)
"""What is read is named by the query itself, so all the names stand in place of an example."""
_VALUE: Final = re.compile(r"(?<==)[^()]+")
_AGAIN: Final = re.compile(r"(\([^()]*\))\1+")
_ROOM: Final = 240


def asked(material: Material) -> tuple[Block, ...]:
    """The queries by their form, and the attributes that searches of the directory asked for."""
    texts = material.texts
    forms: defaultdict[tuple[str, ...], list[Entry]] = defaultdict(list)
    for entry in material.evidence.entries:
        forms[_form(entry)].append(entry)
    if not forms:
        return (material.paragraph("annex", "queries_none"),)
    ordered = [forms[form] for form in sorted(forms)]
    sets = _sets(material, ordered)
    table = Table(
        texts.sentence("title", "queries"),
        (
            Column(texts.label("column", "operation"), 2.2),
            Column(texts.label("column", "example"), 4.4, "id"),
            Column(texts.label("column", "queries"), 1.1, "number"),
            Column(texts.label("column", "systems"), 1.1, "number"),
            Column(texts.label("column", "unanswered"), 1.2, "number"),
        ),
        tuple(_row(material, entries, sets) for entries in ordered),
    )
    found: list[Block] = [material.paragraph("annex", "queries"), table]
    if sets:
        found.append(material.lead("annex", "attributes"))
        found.append(Facts(tuple((name, code(", ".join(key))) for key, name in sets.items())))
    return tuple(found)


def _form(entry: Entry) -> tuple[str, ...]:
    """What a query has in common with those that only name other objects."""
    if _is_search(entry):
        _, depth, query, attributes = entry.detail[-4:]
        return entry.kind, depth, _AGAIN.sub(r"\1", _VALUE.sub("…", query)), attributes
    return (entry.kind,)


def _is_search(entry: Entry) -> bool:
    return entry.kind in _DIRECTORY and len(entry.detail) >= 4


def _sets(material: Material, forms: Sequence[Sequence[Entry]]) -> Mapping[tuple[str, ...], str]:
    """The short name of each list of attributes, in the order of their use."""
    lists = dict.fromkeys(_attributes(entry) for entry, *_ in forms if _is_search(entry))
    name = material.texts.sentence("annex", "set")
    return {
        found: material.texts.fill(name, {"number": number})
        for number, found in enumerate(lists, 1)
    }


def _attributes(entry: Entry) -> tuple[str, ...]:
    return tuple(entry.detail[-1].split(","))


def _row(
    material: Material, entries: Sequence[Entry], sets: Mapping[tuple[str, ...], str]
) -> tuple[Cell, ...]:
    first, texts = entries[0], material.texts
    unanswered = sum(entry.reason is not None for entry in entries)
    operation = texts.report["query"].get(first.kind, "")
    return cells(
        (*text(f"{operation} " if operation else ""), *code(first.kind)),
        _example(entries, sets),
        text(texts.number(len(entries))),
        text(texts.number(len({entry.server for entry in entries}))),
        text(texts.number(unanswered)) if unanswered else (),
    )


def _example(entries: Sequence[Entry], sets: Mapping[tuple[str, ...], str]) -> Rich:
    """One of the queries as it was sent; where the query itself varies, what it varied in."""
    first = entries[0]
    if first.kind in _BY_NAME:
        return code("; ".join(sorted({" · ".join(entry.detail) for entry in entries})))
    searched = _is_search(first)
    parts = (first.server, *(first.detail[:-1] if searched else first.detail))
    shown = code(" · ".join(_short(part) for part in parts if part))
    return (*shown, *text(f" · {sets[_attributes(first)]}")) if searched else shown


def _short(part: str) -> str:
    return part if len(part) <= _ROOM else f"{part[:_ROOM]}…"
