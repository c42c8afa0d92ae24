"""What the parts of the report are made from: the inputs, and what is computed from them once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Final

from vmmaudit.assessment import Assessment, Judgement, Readiness, Ternary, Verdict
from vmmaudit.commit import MODIFIED
from vmmaudit.compare import Comparison, compare, repeats
from vmmaudit.controls.texts import Fill, Texts
from vmmaudit.display import Tone
from vmmaudit.report.document import (
    Block,
    Cell,
    ControlInfo,
    Paragraph,
    Rich,
    Run,
    Style,
)
from vmmaudit.report.properties import kept_until, years_kept
from vmmaudit.report.prose import rich
from vmmaudit.report.register import EvidenceSummary
from vmmaudit.scope import Scope

SEVERITIES: Final = ("critical", "high", "medium", "low", "info")
_NEVER: Final = frozenset({"LOCAL", "ESX"})
SECTIONS: Final = (
    "control_data",
    "summary",
    "mandate",
    "scope",
    "method",
    "scheme",
    "results",
    "matrix",
    "findings",
    "actions",
    "changes",
    "waivers",
    "positive",
    "response",
    "signoff",
)
ANNEXES: Final = ("evidence", "extracts", "queries", "gaps", "glossary", "abbreviations")


@dataclass(frozen=True)
class Tool:
    """A vmmaudit: its name with the version, and the commit of its source where it is known."""

    name: str
    commit: str = ""

    def shown(self, texts: Texts) -> Rich:
        """As a document prints it; nothing where no tool is named."""
        if not self.name:
            return ()
        plain = self.commit.removesuffix(MODIFIED)
        how = "modified" if plain != self.commit else "known" if plain else "unknown"
        return rich(texts.sentence("tool", how), {"tool": self.name, "commit": plain}, texts)


NOBODY: Final = Tool("")


@dataclass(frozen=True)
class Group:
    """Judgements that say the same of several subjects: one control, one verdict, one code."""

    control: str
    verdict: Verdict
    code: str
    members: tuple[Judgement, ...]
    number: str = ""

    @property
    def waived(self) -> int:
        """How many of them a waiver lies over."""
        return sum(member.waiver is not None for member in self.members)


@dataclass(frozen=True)
class Material:
    """The inputs of a report and what several parts need of them."""

    assessment: Assessment
    evidence: EvidenceSummary
    scope: Scope
    texts: Texts
    catalogue: Mapping[str, ControlInfo]
    previous: Assessment | None = None
    software: tuple[str, ...] = ()
    maker: Tool = NOBODY

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """All judgements, grouped, in the order of the catalogue."""
        found: defaultdict[tuple[str, Verdict, str], list[Judgement]] = defaultdict(list)
        for judgement in self.assessment.verdicts:
            found[judgement.control, judgement.verdict, judgement.code].append(judgement)
        order = {name: index for index, name in enumerate(self.catalogue)}
        verdicts = list(Verdict)
        keys = sorted(
            found, key=lambda k: (order.get(k[0], len(order)), k[0], verdicts.index(k[1]), k[2])
        )
        return tuple(Group(*key, tuple(found[key])) for key in keys)

    @cached_property
    def findings(self) -> tuple[Group, ...]:
        """What is not met or worth a warning, the gravest first, numbered."""
        grave = [g for g in self.groups if g.verdict in (Verdict.FAIL, Verdict.WARN)]
        grave.sort(key=lambda g: (self.rank(g.control), g.verdict is Verdict.WARN))
        return tuple(
            Group(g.control, g.verdict, g.code, g.members, f"F-{index:02}")
            for index, g in enumerate(grave, 1)
        )

    @cached_property
    def numbers(self) -> Mapping[tuple[str, Verdict, str], str]:
        """The finding a group of judgements belongs to."""
        return {(g.control, g.verdict, g.code): g.number for g in self.findings}

    @cached_property
    def pairs(self) -> tuple[tuple[Readiness, Tone], ...]:
        """Every host × share with what its place in the matrix shows."""
        return tuple((pair, tone(pair)) for pair in self.assessment.readiness)

    @cached_property
    def states(self) -> Counter[Tone]:
        """How often each symbol stands in the matrix."""
        return Counter(state for _, state in self.pairs)

    @cached_property
    def broken(self) -> Counter[str]:
        """In how many pairs a control breaks the chain."""
        return Counter(
            control for pair in self.assessment.readiness for control in set(pair.broken)
        )

    @cached_property
    def comparison(self) -> Comparison | None:
        """What moved since the previous audit; None where there is none."""
        return compare(self.previous, self.assessment) if self.previous else None

    @cached_property
    def repeats(self) -> frozenset[tuple[str, str]]:
        """Controls and subject ids that were findings in the previous audit already."""
        return repeats(self.previous, self.assessment) if self.previous else frozenset()

    @property
    def classification(self) -> str:
        """The label of the document's classification, the customer's own if there is one."""
        return label_of(self.scope, self.texts)

    def info(self, control: str) -> ControlInfo:
        """The catalogue's record; a control it no longer has is of medium severity."""
        return self.catalogue.get(control) or ControlInfo(control, 0, "medium", "seed")

    def rank(self, control: str) -> int:
        """0 is the gravest."""
        return SEVERITIES.index(self.info(control).severity)

    def say(self, *path: str, **values: Fill) -> Rich:
        """A sentence of the report, filled."""
        return rich(self.texts.sentence(*path), values, self.texts)

    def paragraph(self, *path: str, **values: Fill) -> Paragraph:
        """A sentence of the report as a paragraph."""
        return Paragraph(self.say(*path, **values))

    def lead(self, *path: str, **values: Fill) -> Paragraph:
        """A sentence of the report that opens a section."""
        return Paragraph(self.say(*path, **values), "lead")

    def note(self, *path: str, **values: Fill) -> Paragraph:
        """A sentence of the report in small print."""
        return Paragraph(self.say(*path, **values), "note")

    def section(self, anchor: str) -> str:
        """The number of a section, the letter of an annex."""
        if anchor in SECTIONS:
            return str(SECTIONS.index(anchor) + 1)
        return chr(ord("A") + ANNEXES.index(anchor))

    def verdict(self, verdict: Verdict) -> Cell:
        """The badge of a verdict."""
        return Cell(text(self.texts.label("verdict", verdict.value)), verdict.tone)

    def severity(self, control: str) -> Cell:
        """The badge of a control's severity."""
        name = self.info(control).severity
        tones = (Tone.BAD, Tone.BAD, Tone.WARN, Tone.NONE, Tone.NONE)
        return Cell(
            text(self.texts.label("severity", name)), tones[SEVERITIES.index(name)], marked=False
        )

    def sentence(self, judgement: Judgement) -> Rich:
        """What a judgement says, in words."""
        template = self.texts.finding(judgement.control, judgement.code)
        return rich(template, judgement.values, self.texts)

    def settled(self, group: Group, shown: int = 2) -> Rich:
        """What would settle what was left open: a way to the system, a right or an export."""
        ways: dict[str, None] = {}
        for item in dict.fromkeys(item for member in group.members for item in member.evidence):
            entry = self.evidence.by_id.get(item)
            if entry is not None and entry.reason is not None:
                ways.setdefault(self.texts.settles(entry.kind, entry.reason))
        if not ways and group.code.lower() in self.texts.reasons:  # it was never asked
            ways[self.texts.settles("", "")] = None
        said: Rich = ()
        for way in list(ways)[:shown]:
            said += (*(text("; ") if said else ()), *rich(way, {}, self.texts))
        return said

    def several(self, names: Sequence[str], shown: int, room: int = 400) -> Rich:
        """Some names, as many as `room` characters hold, and how many there are besides."""
        first = list(dict.fromkeys(names))
        ends = accumulate(len(name) for name in first)
        shown = min(shown, max(1, sum(end <= room for end in ends)))
        if len(first) <= shown:
            return values(first)
        return (*values(first[:shown]), *text(f" (+\u00a0{self.texts.number(len(first) - shown)})"))


def grade(verdict: Verdict, severity: str | None, texts: Texts) -> str:
    """What an ISO auditor calls a verdict; only what is not met depends on the severity."""
    if verdict is not Verdict.FAIL:
        return texts.sentence("scheme", "iso", verdict.value)
    return texts.label("grade", "major" if severity in SEVERITIES[:2] else "minor")


def label_of(scope: Scope, texts: Texts) -> str:
    """The label of the classification, the customer's own if there is one."""
    level = scope.audit.classification
    own = scope.branding.classifications.get(level, "")
    return (own if isinstance(own, str) else own.get(texts.language, "")) or texts.label(
        "classification", level
    )


def kept(scope: Scope, assessment: Assessment, texts: Texts) -> str:
    """How long the document is kept, in words; empty where nobody said."""
    until = kept_until(scope, assessment.moment)
    if until is None:
        return ""
    template = texts.sentence("control", "retention")
    return texts.fill(template, {"years": years_kept(scope), "until": until})


def tone(pair: Readiness) -> Tone:
    """What the matrix shows of a pair."""
    if pair.reason in _NEVER and pair.ready is Ternary.UNKNOWN:
        return Tone.NONE
    if pair.ready is Ternary.NO:
        return Tone.BAD
    if pair.ready is Ternary.UNKNOWN:
        return Tone.UNKNOWN
    return Tone.GOOD if pair.in_force is Ternary.YES else Tone.WARN


def text(content: str) -> Rich:
    """Words of the catalogue."""
    return (Run(content),) if content else ()


def value(content: str) -> Rich:
    """A name or value as found."""
    return (Run(content, Style.VALUE),) if content else ()


def code(content: str) -> Rich:
    """An identifier or command."""
    return (Run(content, Style.CODE),) if content else ()


def link(content: str, target: str, style: Style = Style.PLAIN) -> Rich:
    """A reference to an anchor of the document."""
    return (Run(content, style, target),)


def values(names: Iterable[str]) -> Rich:
    """Several names, each a run of its own."""
    runs: list[Run] = []
    for name in names:
        if runs:
            runs.append(Run(", "))
        runs.append(Run(name, Style.VALUE))
    return tuple(runs)


def cells(*contents: Rich | Cell) -> tuple[Cell, ...]:
    """A row of a table."""
    return tuple(item if isinstance(item, Cell) else Cell(item) for item in contents)


def listed(blocks: Iterable[Block | None]) -> tuple[Block, ...]:
    """The blocks that are there."""
    return tuple(block for block in blocks if block is not None)
