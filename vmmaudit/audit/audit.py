"""One scope and its evidence; everything else follows from these two."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from vmmaudit import assessment as assessments
from vmmaudit import evidence as evidence_format
from vmmaudit import pack as packs
from vmmaudit import questions
from vmmaudit.assessment import Assessment
from vmmaudit.errors import UsageError
from vmmaudit.evidence import Evidence
from vmmaudit.facts import Facts, decode
from vmmaudit.judge import assess
from vmmaudit.pack import Pack
from vmmaudit.scope import Scope

if TYPE_CHECKING:
    import pandas as pd

    from vmmaudit.change.changes import Change
    from vmmaudit.change.suppose import Suppose
    from vmmaudit.explain import Explanation
    from vmmaudit.planned import PlannedChange
    from vmmaudit.report.document import Document
    from vmmaudit.report.register import EvidenceSummary

Prompt: TypeAlias = Callable[[str], str]
"""Asks a question, and returns what was typed."""
DEMO: Final = Path(__file__).parent / "demo"


@dataclass(frozen=True, repr=False)
class Audit:
    """One scope and the evidence gathered for it; everything else follows from these two.

    Attributes:
        name: what the pack is named after, usually the scope file without its ending.
        scope_text: the scope file as it was given; it becomes part of the pack.
        derived_from: digest of the pack that the evidence was taken from, if any.
        previous: the assessment of the last audit, which tells what is found again.
        supposed: changes that were not made, for *what if*; such an audit is never written.
        journal: the answers so far, kept until the pack is written.
    """

    name: str
    scope_text: str
    scope: Scope
    evidence: Evidence
    derived_from: str | None = None
    previous: Assessment | None = None
    supposed: tuple[Change, ...] = ()
    journal: Path | None = None
    _documents: dict[str, Document] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @cached_property
    def assessment(self) -> Assessment:
        """Every verdict, and the matrix of hosts and shares."""
        return assess(self.facts)

    @cached_property
    def _evidence_file(self) -> bytes:
        return evidence_format.dumps(self.evidence)

    @cached_property
    def register(self) -> EvidenceSummary:
        """Every question with its answer's digest, or the reason why there is none."""
        from vmmaudit.report.register import summarise

        return summarise(self.evidence)

    def document(self, languages: str = "") -> Document:
        """The audit report in the first of `languages` (default: the scope's first)."""
        from vmmaudit.audit import documents

        chosen = self.languages(languages)[0]
        if chosen not in self._documents:
            self._documents[chosen] = documents.document(self, chosen)
        return self._documents[chosen]

    def languages(self, wanted: str = "") -> tuple[str, ...]:
        """`de,en` as a tuple (default: the scope's languages).

        Raises:
            UsageError: a language that has no texts.
        """
        from vmmaudit.controls.texts import languages

        asked = tuple(part.strip() for part in wanted.split(",") if part.strip())
        chosen = tuple(dict.fromkeys(asked or self.scope.audit.languages))
        for language in chosen:
            if language not in languages():
                raise UsageError(
                    f"There are no texts in '{language}'; choose from {', '.join(languages())}."
                )
        return chosen

    def files(self, languages: Sequence[str]) -> dict[str, bytes]:
        """All files of a pack but manifest and notebook: equal input gives equal bytes."""
        from vmmaudit.audit import documents

        sources = self._sources(judged=True)
        return {**sources, **documents.rendered(self, sources, languages)}

    def _sources(self, *, judged: bool) -> dict[str, bytes]:
        found = {packs.EVIDENCE: self._evidence_file, packs.SCOPE: self.scope_text.encode()}
        if judged:
            found[packs.ASSESSMENT] = assessments.dumps(self.assessment)
            if self.previous:
                found[packs.PREVIOUS] = assessments.dumps(self.previous)
        return found

    def write(
        self,
        output: str | Path,
        languages: str | Sequence[str] = "",
        *,
        notebook: bool = False,
        parameters: Mapping[str, str] | None = None,
    ) -> Pack | None:
        """Write the pack with all documents, and with `notebook` the executed audit notebook.

        An empty `output` writes nothing: the notebook is then run by somebody who does.
        """
        if not str(output):
            return None
        chosen = self.languages(languages) if isinstance(languages, str) else tuple(languages)
        if notebook:
            from vmmaudit import runner

            runner.prepare()
        with ThreadPoolExecutor(1) as pool:
            executed = pool.submit(self._executed, chosen, parameters or {}) if notebook else None
            files = self.files(chosen)
            if executed:
                files[packs.NOTEBOOK] = executed.result()
        return self.put(Path(output), files)

    def save(self, output: Path, *, judged: bool = False) -> Pack:
        """Write a pack without documents: evidence and scope, and the assessment if `judged`."""
        return self.put(output, self._sources(judged=judged))

    def put(self, output: Path, files: Mapping[str, bytes], about: str = "") -> Pack:
        """Write files that follow from this audit into a folder with a manifest.

        `about` is added to the folder's name; without it the folder is the audit's own pack.
        """
        if self.supposed:
            raise UsageError("A what-if is no evidence and is not written; write the audit itself.")
        origin = self.evidence.origin
        return packs.write(
            output,
            packs.name_of(f"{self.name}-{about}" if about else self.name, origin.moment),
            files,
            tool=origin.tool,
            commit=origin.commit,
            moment=origin.moment,
            derived_from=self.derived_from,
        )

    def _executed(self, languages: Sequence[str], parameters: Mapping[str, str]) -> bytes:
        """The audit notebook, run on this very evidence in a kernel of its own.

        It runs beside copies of evidence and scope, so that the executed notebook in the pack
        names its neighbours and can be run again there.
        """
        from vmmaudit import runner

        with tempfile.TemporaryDirectory(prefix="vmmaudit-") as folder:
            beside = Path(folder)
            (beside / packs.EVIDENCE).write_bytes(self._evidence_file)
            (beside / packs.SCOPE).write_text(self.scope_text, encoding="utf-8")
            if self.previous:
                (beside / packs.PREVIOUS).write_bytes(assessments.dumps(self.previous))
            given = {
                "scope": packs.SCOPE,
                "evidence": packs.EVIDENCE,
                "previous": packs.PREVIOUS if self.previous else "",
                "languages": ",".join(languages),
                "output": "",
            }
            return runner.execute("audit", {**given, **parameters}, beside)

    @cached_property
    def facts(self) -> Facts:
        """The evidence decoded: what every control and every explanation rests on."""
        found = decode(self.evidence, self.scope)
        if not self.supposed:
            return found
        from vmmaudit.change.whatif import changed

        return changed(found, self.supposed)

    @property
    def suppose(self) -> Suppose:
        """Makes changes by the names people use, for `what_if`."""
        from vmmaudit.change.suppose import Suppose

        return Suppose(self.facts)

    def what_if(self, *changes: Change) -> Audit:
        """This audit as it would be after some changes; nothing is touched, nothing written."""
        return replace(self, supposed=(*self.supposed, *changes))

    def explain(self, host: str, file: str) -> Explanation:
        r"""Why `host` can or cannot open `file`, link by link, and what would mend it.

        Args:
            host: its name as in the scope, or the short one (`HYPER07`).
            file: a UNC path, a path under the share, or a file name that is there once.

        Raises:
            UsageError: the scope has no such host, or no library shows such a file.
        """
        from vmmaudit.change.find import find_file, find_host
        from vmmaudit.change.goal import Goal
        from vmmaudit.explain import explain

        return explain(self.facts, Goal(find_host(self.facts, host), *find_file(self.facts, file)))

    def plan(self, hosts: Sequence[str] = (), libraries: Sequence[str] = ()) -> PlannedChange:
        """The smallest set of changes that makes hosts ready, as scripts and as a request.

        Args:
            hosts: names as in the scope, or short ones; all where none is given.
            libraries: UNC shares; all where none is given.

        Raises:
            UsageError: the scope has no such host or share.
        """
        from vmmaudit.change.find import find_host, find_place
        from vmmaudit.change.plan import goals, plan
        from vmmaudit.planned import PlannedChange

        facts = self.facts
        chosen = [find_host(facts, name) for name in hosts] or self.scope.hyper_v_hosts
        shares = [find_place(facts, unc)[0] for unc in libraries] or self.scope.libraries
        return PlannedChange(self, plan(facts, goals(facts, chosen, shares)))

    @property
    def any_domain(self) -> bool:
        """Whether at least one domain of the scope could be read."""
        return any(
            questions.domain_object(domain.name) in self.evidence.answers
            for domain in self.scope.domains
        )

    def domain_problems(self) -> list[str]:
        """Why domains of the scope could not be read, one sentence each."""
        gaps = self.evidence.gaps
        asked = (questions.domain_object(domain.name) for domain in self.scope.domains)
        return list(dict.fromkeys(gaps[question].text for question in asked if question in gaps))

    @property
    def summary(self) -> str:
        """How many verdicts of each kind, and how many pairs are not ready."""
        from vmmaudit.assessment import Ternary, Verdict
        from vmmaudit.controls.texts import Texts

        texts = Texts.load(self.languages()[0])
        counts, pairs = self.assessment.counts(), self.assessment.readiness
        said = (
            f"{texts.label('verdict', verdict.value)}: {texts.number(counts[verdict])}"
            for verdict in Verdict
            if counts[verdict]
        )
        values = {"number": sum(p.ready is Ternary.NO for p in pairs), "total": len(pairs)}
        ready = texts.fill(texts.word("explore", "not_ready"), values)
        return f"{' · '.join(said)}. {ready}"

    def to_frame(self) -> pd.DataFrame:
        """One row per verdict."""
        return self.assessment.to_frame()

    def __repr__(self) -> str:
        return f"<Audit {self.name}: {self.evidence!r}>"

    def _repr_html_(self) -> str:
        from vmmaudit.controls.texts import Texts
        from vmmaudit.report.overview import overview

        texts = Texts.load(self.languages()[0])
        return overview(self.name, self.scope, self.evidence, self.assessment, texts)


def fingerprint(assessment: Assessment) -> str:
    """SHA-256 of `assessment.json`: two machines that agree print the same."""
    return hashlib.sha256(assessments.dumps(assessment)).hexdigest()
