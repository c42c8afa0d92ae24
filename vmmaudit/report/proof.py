"""The proof of a change: what moved between two packs, and whether it was planned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from vmmaudit.assessment import Assessment, Ternary
from vmmaudit.change.moved import ENTRIES, WHOLE, Key, Moved, outcome
from vmmaudit.change.plan import Plan, Step
from vmmaudit.change.words import sentence
from vmmaudit.controls.texts import Fill, Texts
from vmmaudit.display import Tone
from vmmaudit.evidence import Origin
from vmmaudit.report.document import (
    Block,
    Bullets,
    Cell,
    Column,
    Document,
    Facts,
    Paragraph,
    Section,
    Table,
)
from vmmaudit.report.material import cells, text, value
from vmmaudit.report.paper import Paper, here, signatures, write
from vmmaudit.report.permission import entry
from vmmaudit.report.request import Request
from vmmaudit.scope import Scope

_ROLES = ("implementer", "reviewer")
_SHOWN: Final = 200
_HEADLINES: Final = {Ternary.YES: "good", Ternary.NO: "bad", Ternary.UNKNOWN: "unclear"}


@dataclass(frozen=True)
class Proof:
    """Two assessments, what moved between them, and the plan made from the first."""

    before: Assessment
    after: Assessment
    moves: tuple[Moved, ...]
    missing: tuple[Step, ...]
    unread: tuple[Key, ...]
    plan: Plan
    scope: Scope
    origin: Origin
    texts: Texts
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def outcome(self) -> Ternary:
        """Whether all that was planned moved and nothing else, as far as both audits tell."""
        return outcome(self.moves, self.missing, self.unread)

    def closing(self) -> dict[str, str]:
        """What closes the change record, by the field names of ServiceNow's `change_request`."""
        if self.outcome is Ternary.YES:
            result = "successful"
        elif self.missing and self.outcome is Ternary.NO:
            result = "unsuccessful"
        else:
            result = "successful_issues"
        return {
            "number": self.scope.change.number,
            "state": "Review",
            "close_code": result,
            "close_notes": "\n".join(self.sentences()),
            "evidence_sha256": self.after.evidence,
        }

    def sentences(self) -> tuple[str, ...]:
        """How it went, what was compared, and how many pairs are ready."""
        told: list[tuple[tuple[str, str], dict[str, Fill]]] = [
            (("proof", self.headline), {"count": len(self.moves)}),
            self.compared,
            *([self.incomparable] if self.unread else []),
            self.ready,
        ]
        return tuple(self.request.fill(*path, **values) for path, values in told)

    @property
    def headline(self) -> str:
        """The key of the sentence that says how it went."""
        if not self.plan.steps:
            return "headline_plain"
        return f"headline_{_HEADLINES[self.outcome]}"

    @property
    def incomparable(self) -> tuple[tuple[str, str], dict[str, Fill]]:
        """The sentence about what could not be compared, by its key, and its values."""
        return ("proof", "unread"), {"count": len(self.unread)}

    @property
    def compared(self) -> tuple[tuple[str, str], dict[str, Fill]]:
        """The sentence about what was compared, by its key, and its values."""
        return ("proof", "compared" if self.plan.steps else "compared_plain"), {
            "before": self.before.moment,
            "after": self.after.moment,
            "count": len(self.moves),
            "unplanned": sum(move.planned is False for move in self.moves),
        }

    @property
    def ready(self) -> tuple[tuple[str, str], dict[str, Fill]]:
        """The sentence about readiness, by its key, and its values."""
        before, after = (
            sum(entry.ready is Ternary.YES for entry in found.readiness)
            for found in (self.before, self.after)
        )
        return ("proof", "ready"), {
            "before": before,
            "after": after,
            "all": len(self.after.readiness),
        }

    @property
    def request(self) -> Request:
        """The same words and sentences as the request's."""
        return Request(
            self.plan, self.before, self.after, self.scope, self.origin, self.texts, self.names
        )


def build_proof(proof: Proof) -> Document:
    """The proof as a document that every renderer takes."""
    proof = replace(proof, texts=here(proof.texts, proof.scope))
    request, texts, scope = proof.request, proof.texts, proof.scope
    headline = request.fill("proof", proof.headline, count=len(proof.moves))
    parts: tuple[tuple[str, tuple[Block, ...]], ...] = (
        ("summary", tuple(_summary(proof, request))),
        ("moves", tuple(_moves(proof, request))),
        ("missing", tuple(_missing(proof, request))),
        *([("incomparable", tuple(_unread(proof, request)))] if proof.unread else []),
        ("approval", (signatures(texts, request.word("proof", "approval"), _ROLES),)),
    )
    about = Paper(
        prefix="CHP",
        kind=request.word("proof", "kind"),
        title=request.word("proof", "title"),
        subject=request.word("document", "subject"),
        assessment=proof.after,
        origin=proof.origin,
        opinion=(Tone.GOOD if proof.outcome is Ternary.YES else Tone.WARN, headline),
        previous=proof.before.evidence,
    )
    sections = [
        Section(name, str(number), request.word("proof", name), blocks)
        for number, (name, blocks) in enumerate(parts, 1)
    ]
    return write(texts, scope, about, sections)


def _summary(proof: Proof, request: Request) -> Iterator[Block]:
    for path, values in (proof.compared, proof.ready):
        yield request.paragraph(*path, **values)
    yield Facts(
        (
            (request.word("field", "number"), value(proof.scope.change.number)),
            (
                request.word("field", "close_code"),
                request.say("close_code", proof.closing()["close_code"]),
            ),
        )
    )


def table(proof: Proof) -> tuple[list[str], list[tuple[str, ...]]]:
    """The head and the rows of what moved, in words."""
    request = proof.request
    names = ("place", "what", "gone", "new", "planned")
    head = [request.word("proof_column", name) for name in names]
    return head, [_row(request, move) for move in proof.moves]


def _row(request: Request, move: Moved) -> tuple[str, ...]:
    none = request.word("document", "none")
    gone, new = (
        "; ".join(_shown(request, move, one) for one in values) or none
        for values in (move.gone, move.new)
    )
    said = "–"
    if move.planned is not None:
        said = request.word("planned", "yes" if move.planned else "no")
    return move.place, _named(request, move.what), gone, new, said


def _moves(proof: Proof, request: Request) -> Iterator[Block]:
    if not proof.moves:
        yield request.paragraph("proof", "nothing")
        return
    head, rows = table(proof)
    ids = [Column(name, width, "id") for name, width in zip(head, (3, 2, 2.6, 2.6), strict=False)]
    yield Table(
        request.word("proof", "moves"),
        (*ids, Column(head[-1], 1.2)),
        tuple(
            (*cells(*map(value, row[:-1])), _planned(move, row[-1]))
            for move, row in zip(proof.moves, rows, strict=True)
        ),
    )


def _planned(move: Moved, said: str) -> Cell:
    if move.planned is None:
        return Cell(text(said))
    return Cell(text(said), Tone.GOOD if move.planned else Tone.WARN)


def _named(request: Request, what: str) -> str:
    """The name of an attribute, or in words what is none."""
    return request.word("moved", what.replace(" ", "_")) if what in WHOLE else what


def _shown(request: Request, move: Moved, one: str) -> str:
    """An entry in the reader's words; anything else as it is."""
    kind, _, rest = one.partition(" ")
    if move.what != ENTRIES or kind not in ("allow", "deny"):
        return one
    sid, mask, _, flags = rest.split(" ")
    return entry(kind, sid, int(mask, 16), int(flags, 16), request.names, request.texts)


def _unread(proof: Proof, request: Request) -> Iterator[Block]:
    path, values = proof.incomparable
    yield request.paragraph(*path, **values)
    yield Table(
        request.word("proof", "incomparable"),
        tuple(
            Column(request.word("proof_column", name), width, "id")
            for name, width in (("place", 3), ("what", 2))
        ),
        tuple(
            cells(value(place), value(_named(request, what)))
            for place, what in proof.unread[:_SHOWN]
        ),
    )
    if (more := len(proof.unread) - _SHOWN) > 0:
        yield Paragraph(text(request.fill("document", "more", more=more)), "note")


def _missing(proof: Proof, request: Request) -> Iterator[Block]:
    if not proof.missing:
        yield request.paragraph("proof", "all_made")
    else:
        yield request.paragraph("proof", "not_made")
        yield Bullets(
            tuple(
                text(sentence(change, proof.texts))
                for step in proof.missing
                for change in step.changes
            )
        )
    yield request.paragraph("proof", "restarts")
