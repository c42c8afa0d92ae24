"""What a change moved, as the command line and the notebooks see it.

proof = ChangeProof(open_audit(evidence="output/before"), open_audit(evidence="output/after"))
proof                                # what moved, and whether it was planned
proof.document("de")                 # the proof for the record
proof.write("output")                # the documents, and what closes the ticket
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from vmmaudit.assessment import Ternary
from vmmaudit.change.moved import ENTRIES, Key, Moved, missing, moved, outcome, unread
from vmmaudit.change.plan import Plan, Step
from vmmaudit.change.words import sentence
from vmmaudit.controls.texts import Texts
from vmmaudit.display import framed, safe, visible
from vmmaudit.pack import Pack
from vmmaudit.report.docx import render_docx
from vmmaudit.report.pdf import render_pdf
from vmmaudit.report.proof import Proof, build_proof, table
from vmmaudit.report.record import as_csv, as_json

if TYPE_CHECKING:
    import pandas as pd

    from vmmaudit.audit import Audit
    from vmmaudit.report.document import Document


@dataclass(frozen=True, repr=False)
class ChangeProof:
    """What moved between two audits, compared with a plan made from the first.

    Attributes:
        filed: the plan that was carried out; None is the one for every host and library.
        languages: the first of them is that of the words it is shown in; empty: the scope's.
    """

    before: Audit
    after: Audit
    filed: Plan | None = None
    languages: str = ""

    @cached_property
    def plan(self) -> Plan:
        """The plan to compare with."""
        return self.filed or self.before.plan().plan

    @cached_property
    def missing(self) -> tuple[Step, ...]:
        """Steps of the plan of which nothing moved."""
        return missing(self.moves, self.plan)

    @cached_property
    def moves(self) -> tuple[Moved, ...]:
        """Every value that was read in both and is different."""
        plan = self.plan if self.plan.steps else None
        return moved(self.before.evidence, self.after.evidence, plan)

    @cached_property
    def unread(self) -> tuple[Key, ...]:
        """Objects, and what of them was read in one of the audits and refused in the other."""
        return unread(self.before.evidence, self.after.evidence)

    @property
    def outcome(self) -> Ternary:
        """Whether all that was planned moved and nothing else, as far as both audits tell."""
        return outcome(self.moves, self.missing, self.unread)

    @property
    def as_planned(self) -> bool:
        """Whether everything planned moved, and nothing else, and all could be compared."""
        return self.outcome is Ternary.YES

    def not_made(self, language: str = "en") -> list[str]:
        """A sentence for every planned change that does not show in the later audit."""
        texts = Texts.load(language)
        changes = (change for step in self.missing for change in step.changes)
        return [visible(sentence(change, texts)) for change in changes]

    def _proof(self, language: str) -> Proof:
        return Proof(
            self.before.assessment,
            self.after.assessment,
            self.moves,
            self.missing,
            self.unread,
            self.plan,
            self.after.scope,
            self.after.evidence.origin,
            Texts.load(language),
            self._names,
        )

    @cached_property
    def _names(self) -> Mapping[str, str]:
        """Who the entries that moved are for, as the later audit knows them."""
        moves = [move for move in self.moves if move.what == ENTRIES]
        shown = (value.split(" ") for move in moves for value in (*move.gone, *move.new))
        sids = {sid for _, sid, *_ in (parts for parts in shown if len(parts) > 1)}
        return {sid: self.after.facts.name_of(sid) for sid in sids}

    def document(self, language: str = "") -> Document:
        """The proof in one language (default: the scope's first)."""
        return build_proof(self._proof(self.after.languages(language)[0]))

    def files(self, languages: Sequence[str]) -> dict[str, bytes]:
        """Everything that is written but the manifest."""
        found = {"moved.json": as_json([asdict(move) for move in self.moves])}
        attached = dict(found)
        for language in languages:
            proof = self._proof(language)
            document = build_proof(proof)
            closing = proof.closing()
            found[f"change-close.{language}.json"] = as_json(closing)
            found[f"change-close.{language}.csv"] = as_csv(closing)
            found[f"change-proof.{language}.pdf"] = render_pdf(document, attached)
            found[f"change-proof.{language}.docx"] = render_docx(document)
        return found

    def write(self, output: str | Path, languages: str = "") -> Pack | None:
        """Write the folder of this proof; an empty `output` writes nothing."""
        if not str(output):
            return None
        files = self.files(self.after.languages(languages))
        return self.after.put(Path(output), files, "change-proof")

    def to_frame(self, language: str = "en") -> pd.DataFrame:
        """One row per value that moved; `language` is for the likeness with a plan's."""
        import pandas as pd

        del language
        return pd.DataFrame(
            [
                {
                    "object": visible(move.place),
                    "attribute": move.what,
                    "gone": visible("; ".join(move.gone)),
                    "new": visible("; ".join(move.new)),
                    "planned": move.planned,
                }
                for move in self.moves
            ],
            columns=["object", "attribute", "gone", "new", "planned"],
        )

    @property
    def language(self) -> str:
        """The language it is shown in."""
        return self.after.languages(self.languages)[0]

    def listing(self) -> pd.DataFrame:
        """One row per value that moved, in the reader's words: headings and values."""
        import pandas as pd

        head, rows = table(self._proof(self.language))
        return pd.DataFrame(rows, columns=head).map(visible)

    @property
    def summary(self) -> str:
        """How it went, what was compared, and how many pairs are ready."""
        return " ".join(self._proof(self.language).sentences())

    def __repr__(self) -> str:
        return self.summary

    def _repr_html_(self) -> str:
        first, *others = self._proof(self.language).sentences()
        tone = "good" if self.as_planned else "warn"
        listed = "".join(f"<li>{safe(said)}</li>" for said in self.not_made(self.language))
        title = Texts.load(self.language).word("change", "proof", "missing")
        return framed(
            f"<p class='{tone}'><strong>{safe(first)}</strong></p>",
            *(f"<p>{safe(said)}</p>" for said in others),
            f"<h3>{safe(title)}</h3><ul>{listed}</ul>" if listed else "",
            language=self.language,
        )
