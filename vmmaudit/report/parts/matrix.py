"""The host × share matrix, worst host first, and the reasons of what is not ready."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from vmmaudit.assessment import Readiness, Ternary
from vmmaudit.display import Tone
from vmmaudit.report.document import (
    Block,
    Column,
    Legend,
    Matrix,
    Rich,
    Section,
    Table,
)
from vmmaudit.report.material import Material, cells, link, text, value

_ORDER: Final = (Tone.BAD, Tone.UNKNOWN, Tone.WARN, Tone.GOOD, Tone.NONE)
_COLUMNS: Final = 16
_DETAILS: Final = 150
_LINKS: Final = (
    "delegation",
    "delegatable",
    "account_share",
    "account_ntfs",
    "host_share",
    "host_ntfs",
)


def matrix(material: Material) -> Section:
    """The picture an auditor looks at first, and the same facts in words."""
    texts = material.texts
    found: tuple[Block, ...] = (material.paragraph("matrix", "empty"),)
    parts: tuple[Section, ...] = ()
    if material.pairs:
        shares = _shares(material)
        found = (material.paragraph("matrix", "intro"), _key(material, shares))
        found += _matrices(material, shares)
        parts = (Section("details", "", texts.sentence("title", "details"), _details(material)),)
    return Section(
        "matrix",
        material.section("matrix"),
        texts.sentence("title", "matrix"),
        found,
        parts,
        page=True,
    )


def _shares(material: Material) -> Mapping[str, tuple[str, Readiness]]:
    """The short name of each share, by its UNC without case."""
    first: dict[str, Readiness] = {}
    for pair, _ in material.pairs:
        first.setdefault(pair.share.lower(), pair)
    name = material.texts.sentence("matrix", "short")
    return {
        key: (material.texts.fill(name, {"number": index}), pair)
        for index, (key, pair) in enumerate(sorted(first.items()), 1)
    }


def _key(material: Material, shares: Mapping[str, tuple[str, Readiness]]) -> Table:
    texts = material.texts
    return Table(
        texts.sentence("matrix", "key"),
        (
            Column(texts.label("column", "id"), 0.5, "id"),
            Column(texts.label("column", "share"), 4, "id"),
            Column(texts.label("column", "library"), 3, "id"),
        ),
        tuple(
            cells(text(short), value(pair.share), value(pair.library))
            for short, pair in shares.values()
        ),
    )


def _matrices(
    material: Material, shares: Mapping[str, tuple[str, Readiness]]
) -> tuple[Matrix, ...]:
    texts = material.texts
    states: defaultdict[str, dict[str, Tone]] = defaultdict(dict)
    for pair, state in material.pairs:
        states[pair.host][pair.share.lower()] = state
    hosts = sorted(
        states, key=lambda host: (_badness(tuple(states[host].values())), _natural(host))
    )
    keys = list(shares)
    legend = tuple(
        Legend(state, texts.label("readiness", state.value), texts.number(material.states[state]))
        for state in reversed(_ORDER[:4])
    )
    if material.states[Tone.NONE]:
        count = texts.number(material.states[Tone.NONE])
        legend += (Legend(Tone.NONE, texts.label("readiness", "none"), count),)
    pages = [keys[at : at + _COLUMNS] for at in range(0, len(keys), _COLUMNS)]
    return tuple(
        Matrix(
            texts.sentence("matrix", "caption_one")
            if len(pages) == 1
            else texts.fill(
                texts.sentence("matrix", "caption"), {"part": index, "parts": len(pages)}
            ),
            texts.sentence("matrix", "corner"),
            tuple(shares[key][0] for key in page),
            tuple(
                (host, tuple(states[host].get(key, Tone.NONE) for key in page)) for host in hosts
            ),
            legend,
        )
        for index, page in enumerate(pages, 1)
    )


def _natural(name: str) -> list[tuple[int, str]]:
    """HYPER2 before HYPER10."""
    return [(int(p), "") if p.isdecimal() else (-1, p) for p in re.split(r"([0-9]+)", name) if p]


def _badness(states: Sequence[Tone]) -> tuple[int, ...]:
    return tuple(-states.count(state) for state in _ORDER[:3])


def _details(material: Material) -> tuple[Block, ...]:
    texts = material.texts
    worth = [(p, s) for p, s in material.pairs if s in (Tone.BAD, Tone.UNKNOWN, Tone.NONE)]
    worth.sort(key=lambda item: (_ORDER.index(item[1]), item[0].host, item[0].share.lower()))
    if not worth:
        return (material.paragraph("matrix", "all_good"),)
    table = Table(
        texts.sentence("title", "details"),
        (
            Column(texts.label("column", "host"), 2.3, "id"),
            Column(texts.label("column", "share"), 2.5, "id"),
            Column(texts.label("column", "account"), 1.9, "id"),
            Column(texts.label("column", "first_broken"), 3),
        ),
        tuple(
            cells(value(p.host), value(p.share), value(p.account), _why(material, p))
            for p, _ in worth[:_DETAILS]
        ),
    )
    blocks: tuple[Block, ...] = (material.paragraph("matrix", "details"), table)
    if len(worth) > _DETAILS:
        blocks += (material.note("matrix", "details_more", shown=_DETAILS, total=len(worth)),)
    return blocks


def _why(material: Material, pair: Readiness) -> Rich:
    texts = material.texts
    if pair.broken:
        control = pair.broken[0]
        title = texts.control(control).title
        return (*link(control, f"c-{control}"), *text(f" {title}"))
    if pair.reason in ("LOCAL", "ESX"):
        return material.say("matrix", pair.reason.lower())
    unread = [
        texts.label("link", name) for name in _LINKS if getattr(pair.links, name) is not Ternary.YES
    ]
    return material.say("matrix", "chain_open", links=tuple(unread))
