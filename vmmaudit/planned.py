"""A change before and after, as the command line and the notebooks see it.

change = audit.plan()                # or audit.plan(hosts=["HYPER07"])
change                               # shows itself: one row per step
change.document("de")                # the change request
change.write("output")               # plan.json, change.ps1, rollback.ps1, documents

proof = open_change("output/before", "output/after")
proof                                # what moved, and whether it was planned
"""

from __future__ import annotations

import csv
import html
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vmmaudit import pack as packs
from vmmaudit.assessment import Assessment
from vmmaudit.change.moved import Moved, missing, moved
from vmmaudit.change.plan import Plan, dumps
from vmmaudit.change.scripts import script
from vmmaudit.change.words import actor, sentence
from vmmaudit.controls.texts import Texts
from vmmaudit.judge import assess
from vmmaudit.pack import Pack
from vmmaudit.report.change import Request, build_request
from vmmaudit.report.docx import render_docx
from vmmaudit.report.escape import csv_cell, visible
from vmmaudit.report.pdf import render_pdf
from vmmaudit.report.proof import Proof, build_proof

if TYPE_CHECKING:
    import pandas as pd

    from vmmaudit.audit import Audit
    from vmmaudit.report.document import Document

PLAN: Final = "plan.json"
CHANGE: Final = "change.ps1"
ROLLBACK: Final = "rollback.ps1"


@dataclass(frozen=True)
class PlannedChange:
    """The smallest set of changes for some hosts and libraries of an audit."""

    audit: Audit
    plan: Plan

    @cached_property
    def after(self) -> Assessment:
        """The assessment as it would be, judged on a changed copy of the facts."""
        return assess(self.audit.what_if(*self.plan.changes()).facts)

    def document(self, language: str = "") -> Document:
        """The change request in one language (default: the scope's first)."""
        return build_request(self._request(self.audit.languages(language)[0]))

    def _request(self, language: str) -> Request:
        texts = Texts.load(language)
        return Request(self.plan, self.audit.assessment, self.after, self.audit.scope, texts)

    def scripts(self) -> dict[str, bytes]:
        """`change.ps1` and `rollback.ps1`; neither was run on Windows by us."""
        return {CHANGE: script("change", self.plan), ROLLBACK: script("rollback", self.plan)}

    def files(self, languages: Sequence[str]) -> dict[str, bytes]:
        """Everything that is written but the manifest: equal input gives equal bytes."""
        found = {PLAN: dumps(self.plan), **self.scripts()}
        attached: Mapping[str, bytes] = dict(found)
        for language in languages:
            request = self._request(language)
            document = build_request(request)
            fields = request.fields()
            found[f"change.{language}.pdf"] = render_pdf(document, attached)
            found[f"change.{language}.docx"] = render_docx(document)
            found[f"change-request.{language}.json"] = _json(fields)
            found[f"change-request.{language}.csv"] = _csv(fields)
        return found

    def write(self, output: str | Path, languages: str = "") -> Pack | None:
        """Write the folder of this change; an empty `output` writes nothing."""
        if not str(output):
            return None
        origin = self.audit.evidence.origin
        return packs.write(
            Path(output),
            packs.name_of(f"{self.audit.name}-change", origin.moment),
            self.files(self.audit.languages(languages)),
            tool=origin.tool,
            moment=origin.moment,
            derived_from=self.audit.derived_from,
        )

    def to_frame(self, language: str = "en") -> pd.DataFrame:
        """One row per step."""
        import pandas as pd

        texts = Texts.load(language)
        return pd.DataFrame(
            {
                "step": number,
                "who": actor(change, texts),
                "what": visible(sentence(change, texts)),
            }
            for number, step in enumerate(self.plan.steps, 1)
            for change in step.changes
        )

    def _repr_html_(self) -> str:
        texts = Texts.load(self.audit.languages()[0])
        rows = "".join(
            f"<tr><td>{number}</td>"
            f"<td style='text-align:left'>{html.escape(visible(sentence(change, texts)))}</td>"
            f"<td style='text-align:left'>{html.escape(actor(change, texts))}</td></tr>"
            for number, step in enumerate(self.plan.steps, 1)
            for change in step.changes
        )
        if not rows:
            return f"<p>{html.escape(texts.word('change', 'document', 'headline_none'))}</p>"
        return f"<table class='mathjax_ignore tex2jax_ignore'>{rows}</table>"


@dataclass(frozen=True)
class ChangeProof:
    """What moved between two audits, compared with the plan that follows from the first."""

    before: Audit
    after: Audit

    @cached_property
    def plan(self) -> Plan:
        """The plan made from the first audit."""
        return self.before.plan().plan

    @cached_property
    def moves(self) -> tuple[Moved, ...]:
        """Every value that was read in both and is different."""
        return moved(self.before.evidence, self.after.evidence, self.plan)

    def _proof(self, language: str) -> Proof:
        return Proof(
            self.before.assessment,
            self.after.assessment,
            self.moves,
            missing(self.moves, self.plan),
            self.plan,
            self.after.scope,
            Texts.load(language),
        )

    def document(self, language: str = "") -> Document:
        """The proof in one language (default: the scope's first)."""
        return build_proof(self._proof(self.after.languages(language)[0]))

    def files(self, languages: Sequence[str]) -> dict[str, bytes]:
        """Everything that is written but the manifest."""
        found = {"moved.json": _json_rows(self.moves)}
        attached = dict(found)
        for language in languages:
            document = build_proof(self._proof(language))
            found[f"change-proof.{language}.pdf"] = render_pdf(document, attached)
            found[f"change-proof.{language}.docx"] = render_docx(document)
        return found

    def write(self, output: str | Path, languages: str = "") -> Pack | None:
        """Write the folder of this proof; an empty `output` writes nothing."""
        if not str(output):
            return None
        origin = self.after.evidence.origin
        return packs.write(
            Path(output),
            packs.name_of(f"{self.after.name}-change-proof", origin.moment),
            self.files(self.after.languages(languages)),
            tool=origin.tool,
            moment=origin.moment,
            derived_from=self.after.derived_from,
        )

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
                    "planned": bool(move.planned),
                }
                for move in self.moves
            ],
            columns=["object", "attribute", "gone", "new", "planned"],
        )

    def _repr_html_(self) -> str:
        table = self.to_frame().to_html(index=False, escape=True)
        return f"<div class='mathjax_ignore tex2jax_ignore'>{table}</div>"


def open_change(before: str | Path = "", after: str | Path = "") -> PlannedChange | ChangeProof:
    """The plan that follows from a pack (or the demo); with a later pack, the proof.

    Raises:
        PackError: one of them is no pack, or was changed.
    """
    from vmmaudit.audit import open_audit

    first = open_audit(evidence=before)
    if not after:
        return first.plan()
    return ChangeProof(first, open_audit(evidence=after))


def _json_rows(moves: Sequence[Moved]) -> bytes:
    rows = [asdict(move) for move in moves]
    return json.dumps(rows, ensure_ascii=False, indent=1).encode("utf-8", "replace") + b"\n"


def _json(fields: Mapping[str, str]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, indent=1).encode("utf-8", "replace") + b"\n"


def _csv(fields: Mapping[str, str]) -> bytes:
    """One row with a head, for the import of ServiceNow or Jira; nothing in it is a formula."""
    target = io.StringIO(newline="")
    writer = csv.writer(target)
    writer.writerow(fields)
    writer.writerow(
        "\n".join(csv_cell(line) for line in value.split("\n")) for value in fields.values()
    )
    return target.getvalue().encode("utf-8-sig", "replace")
