"""What a control is: a pure function from facts to outcomes, and what it needs to be known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from vmmaudit.assessment import Remark, Subject, Ternary, Value, Verdict
from vmmaudit.facts import Facts, Missing
from vmmaudit.readiness import Chain, Link
from vmmaudit.scope import Library

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")


class Severity(StrEnum):
    """How much a failure matters."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


class Origin(StrEnum):
    """Who asks for it: the procedure, Microsoft, or security practice beyond both."""

    SEED = "seed"
    VENDOR = "vendor"
    SECURITY = "security"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a control found for one subject; `code` names the sentence in its texts."""

    verdict: Verdict
    code: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True)
class World:
    """What a control may look at: the facts, and the links computed from them once."""

    facts: Facts
    chain: Chain


@dataclass(frozen=True, slots=True)
class Case:
    """One subject of a control, and how its outcome is found."""

    subject: Subject
    outcome: Callable[[], Outcome]


def given(subject: Subject, fact: T | Missing, check: Callable[[T], Outcome]) -> Case:
    """A case that needs a fact: without it the outcome is NOT_ASSESSABLE and nothing is checked."""
    if isinstance(fact, Missing):
        return Case(subject, lambda: not_assessable(fact))
    return Case(subject, lambda: check(fact))


def both(first: A | Missing, second: B | Missing) -> tuple[A, B] | Missing:
    """Two facts that are needed together; the first missing one is the reason."""
    if isinstance(first, Missing):
        return first
    return second if isinstance(second, Missing) else (first, second)


def not_assessable(missing: Missing) -> Outcome:
    """The verdict for want of a fact; its code is the reason's."""
    return Outcome(
        Verdict.NOT_ASSESSABLE, missing.reason.value, {"problem": missing.text}, missing.evidence
    )


def unseen(world: World, library: Library) -> tuple[Remark, ...]:
    """That a part of a share could not be read, beside what was found in the rest."""
    missing = world.facts.servers.unseen(library)
    values: dict[str, Value] = {"share": library.share}
    return (Remark("UNSEEN", {**values, "problem": missing.text}),) if missing else ()


@dataclass(frozen=True, slots=True)
class Control:
    """One entry of the catalogue; its words stand in `texts/<language>/<id>.toml`.

    Attributes:
        version: changes with the requirement, so that an old report keeps its meaning.
        references: the sources of what it demands.
        cases: its subjects; none means that the scope has no such thing.
        mapping: requirements of the IT-Grundschutz-Kompendium, Edition 2023, by identifier.
    """

    id: str
    version: int
    severity: Severity
    origin: Origin
    references: tuple[str, ...]
    cases: Callable[[World], Iterable[Case]]
    mapping: tuple[str, ...] = ()


def passed(link: Link, *remarks: Remark) -> Outcome:
    """A plain PASS resting on a link."""
    return Outcome(Verdict.PASS, "", link.values, link.evidence, remarks)


def failed(link: Link, *remarks: Remark) -> Outcome:
    """A FAIL for the reason that the link gives."""
    return Outcome(Verdict.FAIL, link.code, link.values, link.evidence, remarks)


def by_link(link: Link, *remarks: Remark) -> Outcome:
    """Yes is PASS, no is FAIL, unknown is not assessable: for links that rest on facts alone."""
    if link.state is Ternary.YES:
        return passed(link, *remarks)
    if link.state is Ternary.NO:
        return failed(link, *remarks)
    if link.missing:
        return not_assessable(link.missing)
    return Outcome(Verdict.NOT_ASSESSABLE, link.code, link.values, link.evidence, remarks)
