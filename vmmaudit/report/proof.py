"""The proof of a change: what moved between two packs, and whether it was planned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vmmaudit.assessment import Assessment, Ternary
from vmmaudit.change.moved import Moved
from vmmaudit.change.plan import Plan, Step
from vmmaudit.change.words import sentence
from vmmaudit.controls.texts import Texts
from vmmaudit.report.change import Request
from vmmaudit.report.document import (
    Block,
    Bullets,
    Cell,
    Column,
    Cover,
    Document,
    Section,
    Table,
    Tone,
)
from vmmaudit.report.material import cells, code, text, value
from vmmaudit.scope import Scope

_ROLES = ("implementer", "reviewer")
_LAYOUT = ("all", "contents", "digest", "filter", "none_found", "page", "severity", "skip")


@dataclass(frozen=True)
class Proof:
    """Two assessments, what moved between them, and the plan made from the first."""

    before: Assessment
    after: Assessment
    moves: tuple[Moved, ...]
    missing: tuple[Step, ...]
    plan: Plan
    scope: Scope
    texts: Texts

    @property
    def as_planned(self) -> bool:
        """Whether everything planned moved and nothing else."""
        return not self.missing and all(move.planned for move in self.moves)

    @property
    def request(self) -> Request:
        """The same words and sentences as the request's."""
        return Request(self.plan, self.before, self.after, self.scope, self.texts)


def build_proof(proof: Proof) -> Document:
    """The proof as a document that every renderer takes."""
    request, texts, scope = proof.request, proof.texts, proof.scope
    identifier = f"CHP-{proof.after.moment:%Y%m%d}-{proof.after.evidence[:8].upper()}"
    label = texts.label("classification", scope.audit.classification)
    if proof.plan.steps:
        headline = request.word("proof", "headline_good" if proof.as_planned else "headline_bad")
    else:
        headline = texts.fill(request.word("proof", "headline_plain"), {"count": len(proof.moves)})
    parts: tuple[tuple[str, tuple[Block, ...]], ...] = (
        ("summary", tuple(_summary(proof, request))),
        ("moves", tuple(_moves(proof, request))),
        ("missing", tuple(_missing(proof, request))),
        ("approval", (_approval(request),)),
    )
    return Document(
        language=texts.language,
        direction="rtl" if texts.right_to_left else "ltr",
        title=request.word("proof", "title"),
        identifier=identifier,
        author=scope.branding.sender,
        classification=label,
        colour=scope.branding.colour,
        digest=proof.after.evidence,
        moment=proof.after.moment,
        cover=Cover(
            kind=request.word("proof", "kind"),
            title=request.word("proof", "title"),
            subject=request.word("document", "subject"),
            client=scope.audit.client,
            status=texts.label("status", "draft"),
            facts=(
                (texts.label("field", "document"), value(identifier)),
                (texts.label("field", "classification"), text(label)),
                (texts.label("field", "date"), text(texts.day(proof.after.moment.date()))),
                (texts.label("field", "previous"), code(proof.before.evidence)),
                (texts.label("field", "digest"), code(proof.after.evidence)),
            ),
            tone=Tone.GOOD if proof.as_planned else Tone.WARN,
            headline=headline,
            sender=scope.branding.sender,
        ),
        sections=tuple(
            Section(name, str(number), request.word("proof", name), blocks)
            for number, (name, blocks) in enumerate(parts, 1)
        ),
        words={
            **{name: texts.label("layout", name) for name in _LAYOUT},
            "locale": texts.locale.replace("_", "-"),
        },
    )


def _summary(proof: Proof, request: Request) -> Iterator[Block]:
    yield request.paragraph(
        "proof",
        "compared",
        before=proof.before.moment,
        after=proof.after.moment,
        count=len(proof.moves),
        unplanned=sum(move.planned is False for move in proof.moves),
    )
    ready = [
        sum(entry.ready is Ternary.YES for entry in found.readiness)
        for found in (proof.before, proof.after)
    ]
    yield request.paragraph(
        "proof", "ready", before=ready[0], after=ready[1], all=len(proof.after.readiness)
    )


def _moves(proof: Proof, request: Request) -> Iterator[Block]:
    if not proof.moves:
        yield request.paragraph("proof", "nothing")
        return
    none = request.word("document", "none")
    yield Table(
        request.word("proof", "moves"),
        (
            Column(request.word("proof_column", "place"), 3, "id"),
            Column(request.word("proof_column", "what"), 2, "id"),
            Column(request.word("proof_column", "gone"), 2.6, "id"),
            Column(request.word("proof_column", "new"), 2.6, "id"),
            Column(request.word("proof_column", "planned"), 1.2),
        ),
        tuple(
            (
                *cells(
                    value(move.place),
                    value(move.what),
                    value("; ".join(move.gone) or none),
                    value("; ".join(move.new) or none),
                ),
                Cell(
                    text(request.word("planned", "yes" if move.planned else "no")),
                    Tone.GOOD if move.planned else Tone.WARN,
                ),
            )
            for move in proof.moves
        ),
    )


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


def _approval(request: Request) -> Table:
    return Table(
        request.word("proof", "approval"),
        (
            Column(request.word("column", "role"), 3),
            Column(request.word("column", "name"), 3, "blank"),
            Column(request.word("column", "date"), 2, "blank"),
            Column(request.word("column", "signature"), 3, "blank"),
        ),
        tuple(cells(request.say("role", role), (), (), ()) for role in _ROLES),
    )
