"""A change before and after, as the command line and the notebooks see it.

change = audit.plan()                # or audit.plan(hosts=["HYPER07"])
change                               # shows itself: one row per step
change.document("de")                # the change request
change.write("output")               # plan.json, change.ps1, rollback.ps1, documents

proof = open_change("output/before", "output/after", "output/the-plan")
proof                                # what moved, and whether it was planned
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vmmaudit import pack as packs
from vmmaudit.assessment import Assessment
from vmmaudit.change.filed import filed
from vmmaudit.change.plan import EntryStep, Plan, dumps
from vmmaudit.change.scripts import script
from vmmaudit.change.words import headings
from vmmaudit.controls.texts import Texts
from vmmaudit.display import framed, safe
from vmmaudit.errors import UsageError
from vmmaudit.judge import assess
from vmmaudit.pack import Pack
from vmmaudit.proven import ChangeProof
from vmmaudit.report.change import build_request
from vmmaudit.report.docx import render_docx
from vmmaudit.report.pdf import render_pdf
from vmmaudit.report.record import as_csv, as_json
from vmmaudit.report.request import Request

if TYPE_CHECKING:
    import pandas as pd

    from vmmaudit.audit import Audit
    from vmmaudit.report.document import Document

PLAN: Final = "plan.json"
CHANGE: Final = "change.ps1"
ROLLBACK: Final = "rollback.ps1"


@dataclass(frozen=True, repr=False)
class PlannedChange:
    """The smallest set of changes for some hosts and libraries of an audit.

    Attributes:
        languages: the first of them is that of the words it is shown in; empty: the scope's.
    """

    audit: Audit
    plan: Plan
    languages: str = ""

    @cached_property
    def after(self) -> Assessment:
        """The assessment as it would be, judged on a changed copy of the facts."""
        return assess(self.audit.what_if(*self.plan.changes()).facts)

    def document(self, language: str = "") -> Document:
        """The change request in one language (default: the scope's first)."""
        return build_request(self._request(self.audit.languages(language)[0]))

    def _request(self, language: str) -> Request:
        audit = self.audit
        return Request(
            self.plan,
            audit.assessment,
            self.after,
            audit.scope,
            audit.evidence.origin,
            Texts.load(language),
            self._names,
        )

    @cached_property
    def _names(self) -> Mapping[str, str]:
        """Who the entries of the plan's steps are for."""
        steps = (step for step in self.plan.steps if isinstance(step, EntryStep))
        sids = {ace.sid for step in steps for ace in (*step.before, *step.after) if ace.sid}
        return {sid: self.audit.facts.name_of(sid) for sid in sids}

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
            found[f"change.{language}.pdf"] = render_pdf(document, attached)
            found[f"change.{language}.docx"] = render_docx(document)
            for name, fields in (("servicenow", request.fields()), ("jira", request.jira())):
                found[f"change-{name}.{language}.json"] = as_json(fields)
                found[f"change-{name}.{language}.csv"] = as_csv(fields)
        return found

    def write(self, output: str | Path, languages: str = "") -> Pack | None:
        """Write the folder of this change; an empty `output` writes nothing."""
        if not str(output):
            return None
        files = self.files(self.audit.languages(languages))
        return self.audit.put(Path(output), files, "change")

    def to_frame(self, language: str = "en") -> pd.DataFrame:
        """One row per step."""
        return self.plan.to_frame(language)

    @property
    def language(self) -> str:
        """The language it is shown in."""
        return self.audit.languages(self.languages)[0]

    def listing(self) -> pd.DataFrame:
        """One row per step in the reader's words: headings and values."""
        heads = headings(Texts.load(self.language))
        return self.to_frame(self.language).set_axis(heads, axis="columns")

    @property
    def obstacles(self) -> tuple[str, ...]:
        """What it does not mend, a sentence each."""
        return self._request(self.language).obstacles

    @property
    def summary(self) -> str:
        """How many steps for how many pairs, and what would be ready then."""
        request = self._request(self.language)
        return f"{request.headline} {request.fill('document', 'now', **request.counts)}"

    def __repr__(self) -> str:
        return self.summary

    def _repr_html_(self) -> str:
        texts = Texts.load(self.language)
        frame = self.to_frame(self.language)
        tiles = "".join(
            f"<li><strong>{texts.number(int(number))}</strong>{safe(who)}</li>"
            for who, number in frame.groupby("who", sort=False)["step"].nunique().items()
        )
        request = self._request(self.language)
        obstacles = "".join(f"<li>{safe(said)}</li>" for said in request.obstacles)
        left = f"<h3>{safe(request.word('document', 'obstacles'))}</h3><ul>{obstacles}</ul>"
        groups = f"<p class='note'>{safe(request.word('document', 'groups'))} ↓</p>"
        return framed(
            f"<h3>{safe(request.headline)}</h3><ul class='tiles'>{tiles}</ul>",
            f"<p>{safe(request.fill('document', 'now', **request.counts))}</p>",
            left if obstacles else "",
            groups if self.plan.proposals else "",
            language=self.language,
        )


def open_change(
    before: str | Path = "", after: str | Path = "", plan: str | Path = "", languages: str = ""
) -> PlannedChange | ChangeProof:
    """The plan that follows from a pack (or the demo); with a later pack, the proof.

    Args:
        before: the pack from before the change; empty: the demo.
        after: the pack from after it; empty: the change is planned.
        plan: the folder that was written then, or its `plan.json`; empty: the plan for every
            host and library of the pack before.
        languages: the first of them is that of the words it is shown in; empty: the scope's.

    Raises:
        PackError: one of them is no pack, or was changed.
        UsageError: the plan does not follow from the pack before, or there is nothing to compare.
    """
    from vmmaudit.audit import open_audit

    if after:
        return replace(proved(before, after, plan), languages=languages)
    if plan:
        raise UsageError("A plan is compared with two packs; name the one after the change.")
    return replace(open_audit(evidence=before).plan(), languages=languages)


def proved(before: str | Path, after: str | Path, plan: str | Path = "") -> ChangeProof:
    """What moved between two packs; the arguments and errors are those of `open_change`."""
    from vmmaudit.audit import open_audit

    first = open_audit(evidence=before)
    known = _filed(first, Path(plan)) if plan else None
    return ChangeProof(first, open_audit(evidence=after), known)


def _filed(audit: Audit, source: Path) -> Plan:
    if source.is_dir():
        packs.read(source)
        source /= PLAN
    try:
        data = packs.read_own(source)
    except OSError as error:
        raise UsageError(f"{source} cannot be read: {error.strerror or error}.") from error
    return filed(audit.facts, data, str(source))
