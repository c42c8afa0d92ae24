"""The façade that the command line and the notebooks call.

audit = open_audit(scope="contoso.yaml")     # collects, read-only
audit = open_audit(evidence="output/…")      # or replays what a pack holds
audit.assessment                             # every verdict, and the matrix
audit.document("de")                         # shows itself in a notebook
audit.write("output")                        # the pack with all documents
audit.explain("HYPER07", "x.iso")            # one chain; audit.plan() what would mend all of them

diagnosed("trace.log", "output/…", "de")     # who was refused, and why
developed("output")                          # all packs of a folder over time
discovery("contoso.com")                     # what the directory knows of VMM
examination("contoso.yaml")                  # what works from here

Each of these shows itself in a notebook, and has `to_frame()`.
"""

from __future__ import annotations

import hashlib
import platform
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from vmmaudit import __version__, questions
from vmmaudit import assessment as assessments
from vmmaudit import evidence as evidence_format
from vmmaudit import pack as packs
from vmmaudit import scope as scope_format
from vmmaudit.assessment import Assessment
from vmmaudit.commit import commit
from vmmaudit.errors import AuditError, PackError, UsageError
from vmmaudit.evidence import Evidence
from vmmaudit.facts import Facts, decode
from vmmaudit.judge import assess
from vmmaudit.pack import Pack
from vmmaudit.scope import Scope

if TYPE_CHECKING:
    import pandas as pd

    from vmmaudit.change.changes import Change
    from vmmaudit.change.suppose import Suppose
    from vmmaudit.collect.discovery import Discovery
    from vmmaudit.collect.doctor import Check, Examination
    from vmmaudit.collect.gather import Interruption, Report
    from vmmaudit.collect.unchanged import Earlier
    from vmmaudit.collect.wire import Wire
    from vmmaudit.diagnosis import Diagnosis
    from vmmaudit.explain import Explanation
    from vmmaudit.planned import PlannedChange
    from vmmaudit.report.document import ControlInfo, Document
    from vmmaudit.report.register import EvidenceSummary
    from vmmaudit.trend import Development

Prompt: TypeAlias = Callable[[str], str]
"""Asks a question, and returns what was typed."""
_PREVIOUS: Final = "previous.json"
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
        from vmmaudit.controls.texts import Texts
        from vmmaudit.report.build import build
        from vmmaudit.report.material import Tool

        chosen = self.languages(languages)[0]
        if chosen not in self._documents:
            self._documents[chosen] = build(
                self.assessment,
                self.register,
                self.scope,
                _catalogue(),
                Texts.load(chosen),
                previous=self.previous,
                software=_software(),
                maker=Tool(f"vmmaudit {__version__}", commit()),
            )
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
        base = {
            packs.EVIDENCE: self._evidence_file,
            packs.SCOPE: self.scope_text.encode(),
            packs.ASSESSMENT: assessments.dumps(self.assessment),
        }
        if self.previous:
            base[_PREVIOUS] = assessments.dumps(self.previous)
        documents = [self.document(language) for language in languages]
        with ThreadPoolExecutor(2 + len(documents)) as pool:
            books = self._workbooks(pool, documents)
            pdfs = [pool.submit(_pdf, document, base) for document in documents]
            files = {**base, packs.OSCAL: self._oscal(base)}
            for document in documents:
                files |= self._renderings(document)
            for document, pdf, book in zip(documents, pdfs, books, strict=True):
                files[f"report.{document.language}.pdf"] = pdf.result()
                files[f"workbook.{document.language}.xlsx"] = book()
        return files

    def _renderings(self, document: Document) -> Iterator[tuple[str, bytes]]:
        from vmmaudit.controls.texts import Texts
        from vmmaudit.report.csv import render_csv
        from vmmaudit.report.docx import render_docx
        from vmmaudit.report.html import render_html

        language = document.language
        yield f"report.{language}.html", render_html(document)
        yield f"report.{language}.docx", render_docx(document)
        yield (
            f"verdicts.{language}.csv",
            render_csv(self.assessment, _catalogue(), Texts.load(language)),
        )

    def _workbooks(
        self, pool: Executor, documents: Sequence[Document]
    ) -> list[Callable[[], bytes]]:
        from vmmaudit.controls.texts import Texts
        from vmmaudit.report import workbooks
        from vmmaudit.waivers import standings

        verdicts = self.assessment.verdicts
        known = standings(self.scope, verdicts, self.evidence.origin.moment.date())
        common = (self.assessment, self.register, _catalogue(), self.previous, known)
        own = [(document, Texts.load(document.language)) for document in documents]
        return workbooks.begin(pool, len(verdicts), common, own)

    def _oscal(self, base: Mapping[str, bytes]) -> bytes:
        """`oscal.json`, in English: a format for systems."""
        from vmmaudit.controls.texts import Texts
        from vmmaudit.report.oscal import render_oscal

        named = {name: base[name] for name in (packs.SCOPE, packs.EVIDENCE, packs.ASSESSMENT)}
        return render_oscal(
            self.document("en"), self.assessment, self.register, named, Texts.load("en")
        )

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
        with ThreadPoolExecutor(1) as pool:
            executed = pool.submit(self._executed, chosen, parameters or {}) if notebook else None
            files = self.files(chosen)
            if executed:
                files[packs.NOTEBOOK] = executed.result()
        return self._write(Path(output), files)

    def save(self, output: Path, *, judged: bool = False) -> Pack:
        """Write a pack without documents: evidence and scope, and the assessment if `judged`."""
        files = {
            packs.EVIDENCE: self._evidence_file,
            packs.SCOPE: self.scope_text.encode(),
        }
        if judged:
            files[packs.ASSESSMENT] = assessments.dumps(self.assessment)
        return self._write(output, files)

    def _write(self, output: Path, files: Mapping[str, bytes]) -> Pack:
        if self.supposed:
            raise UsageError("A what-if is no evidence and is not written; write the audit itself.")
        origin = self.evidence.origin
        return packs.write(
            output,
            packs.name_of(self.name, origin.moment),
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
        from vmmaudit.runner import execute

        with tempfile.TemporaryDirectory(prefix="vmmaudit-") as folder:
            beside = Path(folder)
            (beside / packs.EVIDENCE).write_bytes(self._evidence_file)
            (beside / packs.SCOPE).write_text(self.scope_text, encoding="utf-8")
            if self.previous:
                (beside / _PREVIOUS).write_bytes(assessments.dumps(self.previous))
            given = {
                "scope": packs.SCOPE,
                "evidence": packs.EVIDENCE,
                "previous": _PREVIOUS if self.previous else "",
                "languages": ",".join(languages),
                "output": "",
            }
            return execute("audit", {**given, **parameters}, beside)

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


def open_audit(
    scope: str | Path = "", evidence: str | Path = "", previous: str | Path = ""
) -> Audit:
    """The audit of a scope file, of a pack, or the demo where neither is given.

    With a scope alone the evidence is collected now, read-only, which may prompt for a
    password on a terminal; with evidence (a pack's folder or an evidence file) nothing is asked.

    Raises:
        UsageError: an evidence file needs its scope beside it.
    """
    if evidence:
        found = replayed(Path(evidence), Path(scope) if scope else None)
    elif scope:
        found = collected(Path(scope))
    else:
        found = demo()
    return replace(found, previous=assessed(Path(previous))) if previous else found


def assessed(source: Path) -> Assessment:
    """The assessment as it stands in a pack (or an `assessment.json`): what was signed then.

    A pack that was only collected is judged now.

    Raises:
        PackError: there is none, or the pack was changed.
    """
    if not source.exists():
        raise PackError(f"There is no pack {source}.")
    if source.is_dir():
        packs.read(source)
        if not (source / packs.ASSESSMENT).exists():  # collected, and never judged
            return replayed(source).assessment
        source = source / packs.ASSESSMENT
    try:
        return assessments.loads(source.read_bytes(), str(source))
    except OSError as error:
        raise PackError(f"{source} cannot be read: {error.strerror or error}.") from error


def developed(folder: str | Path, name: str = "", language: str = "en") -> Development:
    """The numbers of all packs in a folder, by scope name and in time order.

    Args:
        folder: where the packs are.
        name: only the packs of this scope name.
        language: of the words that the result is shown in.

    Raises:
        UsageError: there is no pack, or none of that scope name.
    """
    from vmmaudit.trend import Development, series

    folder = Path(folder)

    found, problems = [], []
    for manifest in sorted(folder.glob(packs.ANY), key=_age):
        pack = manifest.parent
        if name and pack.name.rpartition("_")[0] != name:
            continue
        try:
            found.append((pack.name, assessed(pack)))
        except AuditError as error:
            problems.append(str(error))
    if not found:
        named = f" of the scope '{name}'" if name else ""
        raise UsageError("\n".join([f"There is no readable pack{named} in {folder}.", *problems]))
    return Development(series(found), tuple(problems), language)


def _age(manifest: Path) -> tuple[float, str]:
    return manifest.stat().st_mtime, manifest.parent.name


def pseudonymised(source: Path, output: Path, key: Path) -> tuple[Pack, tuple[str, ...]]:
    """Write a copy of a pack under other names, and the key that maps back.

    Documents are rendered again in the languages they were there in. What is not made from
    evidence and scope (signatures, the logo) is not in the copy.

    Returns:
        The copy, and names that were left since they name nobody by themselves.

    Raises:
        PackError: the key would lie in the copy, or the copy would judge differently.
    """
    from vmmaudit import pseudonyms

    pack = packs.read(source)
    if output.resolve() in key.resolve().parents:
        raise PackError(f"The key {key} would be handed out with the copy; name another place.")
    known = pseudonyms.load(key) if key.exists() else pseudonyms.new()
    real = replayed(source)
    made = pseudonyms.pseudonymise(real.evidence, real.scope, real.assessment, known, real.previous)
    copy = Audit("pseudonymised", made.scope_text, made.scope, made.evidence, None, made.previous)
    differing = _tally(real.assessment) ^ _tally(copy.assessment)
    if differing:
        controls = ", ".join(sorted({control for control, *_ in differing}))
        raise PackError(
            f"The copy would not be judged as the original is ({controls}); nothing was written. "
            "Please report this."
        )
    known.save(key, pack.digest)
    listed = [file["path"] for file in pack.manifest["files"]]
    languages = [name.split(".")[1] for name in listed if name.startswith("report.")]
    if languages:
        chosen = real.languages(",".join(dict.fromkeys(languages)))
        written = copy.write(output, chosen, notebook=packs.NOTEBOOK in listed)
        assert written is not None  # noqa: S101 - an output was named
    else:
        written = copy.save(output, judged=packs.ASSESSMENT in listed)
    return written, made.left


def _tally(assessment: Assessment) -> set[tuple[str, str, str, bool, int]]:
    counts = Counter(
        (j.control, j.verdict.value, j.code, j.waiver is not None) for j in assessment.verdicts
    )
    return {(*kind, count) for kind, count in counts.items()}


def demo() -> Audit:
    """A made-up site with the usual mistakes: offline, the same on every machine."""
    return replayed(DEMO / packs.EVIDENCE, DEMO / packs.SCOPE, name="demo")


def newest(output: Path) -> Path:
    """The pack in `output` that was written last.

    Raises:
        UsageError: there is none.
    """
    found = [entry.parent for entry in output.glob(packs.ANY)]
    if not found:
        raise UsageError(
            f"There is no pack in {output}; name one with --evidence, or a scope with --scope."
        )
    return max(found, key=lambda folder: ((folder / packs.MANIFEST).stat().st_mtime, folder.name))


def replayed(source: Path, scope: Path | None = None, name: str = "") -> Audit:
    """The audit of evidence that was collected before.

    Raises:
        PackError: there is none.
        UsageError: an evidence file without a pack around it needs a scope.
    """
    derived_from: str | None = None
    previous: Assessment | None = None
    if not source.exists():
        raise PackError(f"There is no pack {source}.")
    if source.is_dir():
        pack = packs.read(source)
        derived_from = pack.digest
        evidence = pack.evidence()
        scope = scope or source / packs.SCOPE
        name = name or source.name.rpartition("_")[0]
        if (source / _PREVIOUS).exists():
            previous = assessed(source / _PREVIOUS)
    elif scope is None:
        raise UsageError(
            f"{source} is an evidence file without its pack; name the scope it was collected for."
        )
    else:
        evidence = evidence_format.load(source)
    text, loaded = _scope(scope, packed=source.is_dir() and scope == source / packs.SCOPE)
    return Audit(name or scope.stem, text, loaded, evidence, derived_from, previous)


def _scope(path: Path, *, packed: bool = False) -> tuple[str, Scope]:
    """A scope file as a pack stores it: lists of waivers, logo and templates written into it.

    Raises:
        PackError: it comes with a pack and names files, which are this machine's.
    """
    from vmmaudit.branding import inlined
    from vmmaudit.waivers import merged

    loaded = scope_format.load(path)
    brand = loaded.branding
    logo = brand.logo and not brand.logo.startswith("data:")
    templates = brand.templates and isinstance(brand.templates, str)
    if packed and (logo or templates or loaded.waivers_file):
        raise PackError(
            f"{path} names files outside of its pack, which no pack written by vmmaudit does."
        )
    text = path.read_text(encoding="utf-8-sig")
    whole = inlined(text, loaded.branding)
    if loaded.waivers_file:
        whole = merged(whole, str(path), path.parent)
    if whole == text:
        return text, loaded
    return whole, scope_format.parse(whole, str(path), path.parent)


def collected(
    scope: Path,
    report: Report | None = None,
    interruption: Interruption | None = None,
    prompt: Prompt | None = None,
    imports: Path | None = None,
    *,
    offline: bool = False,
    journal: Path | None = None,
    resume: bool = False,
    executor: Executor | Mapping[str, Executor] | str | None = None,
    incremental: Path | None = None,
) -> Audit:
    """Collect the evidence for a scope now.

    Args:
        scope: the scope file.
        report: is told how far each target is.
        interruption: ends the run and keeps what was read by then.
        prompt: asks for a password.
        imports: a folder of exports that answer what the servers refuse.
        offline: ask no server at all; needs `imports`.
        journal: the folder in which to write down what was answered so far. The file is the
            audit's `journal`; whoever has written the pack deletes it.
        resume: go on where an unfinished run of this scope was, if its journal is there.
        executor: who reads instead of this machine: any `concurrent.futures` executor, one for
            each site of the scope by name, or the address of a Dask cluster (`tls://host:port`).

        incremental: an earlier pack; what is known of files that have not changed since is taken
            from it, and marked so.

    Raises:
        ImportsError: a file that was handed over cannot be used.
        PackError: there is no such earlier pack, or it was changed.
        UsageError: the executor cannot read this scope; nothing was asked then.
    """
    from vmmaudit.collect import afar
    from vmmaudit.collect import journal as journals
    from vmmaudit.collect.gather import collect
    from vmmaudit.collect.journal import Journal
    from vmmaudit.collect.live import Live
    from vmmaudit.collect.offline import Fallback, Offline
    from vmmaudit.collect.replay import Replay
    from vmmaudit.collect.unchanged import Unchanged
    from vmmaudit.collect.workers import ready

    if executor is not None and (imports or offline):
        raise UsageError("Exports are read on this machine; give either --imports or --executor.")
    if incremental and offline:
        raise UsageError("--offline reads no files; leave out --incremental.")
    text, loaded = _scope(scope)
    before = _earlier(incremental) if incremental else None
    handed = Offline(imports, loaded) if imports else None
    wire: Wire
    if offline:
        if handed is None:
            raise UsageError("--offline asks no server; name the exports with --imports FOLDER.")
        wire = handed
    else:
        live = Live(loaded.domains, prompt)
        wire = Fallback(live, handed) if handed else live
        if executor is not None:  # this machine asks nobody
            wire = Replay(Evidence(live.origin))
    kept = None
    written: Journal | None = None
    told = report or (lambda progress: None)
    with ExitStack() as stack:
        workers = stack.enter_context(ready(loaded, executor)) if executor is not None else None
        if journal and not offline:
            journals.clear(journal, scope.stem)
            kept = journals.path_in(journal, scope.stem, wire.origin.moment)
            left = journals.unfinished(journal, scope.stem, loaded.digest()) if resume else None
            wire = written = Journal(wire, kept, loaded.digest(), left[1] if left else {})
            if left:
                left[0].unlink(missing_ok=True)
        stack.callback(wire.close)
        if workers is None:
            wire = Unchanged(wire, before) if before else wire
            evidence = collect(loaded, wire, told, interruption)
        else:
            evidence = afar.collect(
                loaded, workers, wire.origin, told, interruption, written, before
            )
    return Audit(scope.stem, text, loaded, evidence, journal=kept)


def _earlier(pack: Path) -> Earlier:
    """What an earlier pack holds, unaltered, and the digest by which it will be named."""
    from vmmaudit.collect.unchanged import Earlier

    evidence = packs.read(pack).evidence()
    return Earlier(evidence, evidence.digest())


def discovery(domain: scope_format.Domain | str, prompt: Prompt | None = None) -> Discovery:
    """What the directory knows of a domain's VMM: servers, hosts, libraries.

    Args:
        domain: its DNS name, or how it is to be asked.
        prompt: asks for a password.

    Raises:
        ScopeError: the domain cannot be read.
    """
    from vmmaudit.collect.discovery import discover
    from vmmaudit.collect.live import Live

    if isinstance(domain, str):
        domain = scope_format.parse_domain({"name": domain})
    wire = Live((domain,), prompt)
    try:
        return discover(domain, wire)
    finally:
        wire.close()


def examination(scope: str | Path, prompt: Prompt | None = None) -> Examination:
    """What `vmmaudit doctor` tells, as a whole, for a notebook."""
    from vmmaudit.collect.doctor import Examination

    return Examination(tuple(examined(Path(scope), prompt)))


def examined(scope: Path, prompt: Prompt | None = None) -> Iterator[Check]:
    """What this machine and account may do at the domains and servers of a scope."""
    from vmmaudit.collect.doctor import examine
    from vmmaudit.collect.live import Live

    loaded = scope_format.load(scope)
    wire = Live(loaded.domains, prompt)
    try:
        yield from examine(loaded, wire)
    finally:
        wire.close()


def diagnosed(
    files: str | Path | Sequence[str | Path] = "", evidence: str | Path = "", language: str = "en"
) -> Diagnosis:
    """What failed in VMM traces, job exports or event exports (`-` is standard input).

    With evidence (a pack) each failure is looked up in its assessment. Without any file the
    embedded sample is read, beside the made-up site.

    Raises:
        UsageError: a file cannot be read, or there are no texts in that language.
        PackError: there is no such pack, or it was changed.
    """
    from vmmaudit.controls.texts import languages
    from vmmaudit.diagnosis import diagnose, opened

    if language not in languages():
        raise UsageError(
            f"There are no texts in '{language}'; choose from {', '.join(languages())}."
        )
    named = [files] if isinstance(files, str | Path) else list(files)
    named = [name for name in named if str(name)]
    assessment = None
    if evidence:
        source = Path(evidence)
        beside = source.parent / packs.SCOPE
        scope = beside if source.is_file() and beside.is_file() else None
        assessment = replayed(source, scope).assessment
    elif not named:
        assessment = demo().assessment
    if not named:
        return diagnose([opened(str(DEMO / "trace.log"), "trace.log")], assessment, language)
    return diagnose((opened(str(name)) for name in named), assessment, language)


def _pdf(document: Document, attachments: Mapping[str, bytes]) -> bytes:
    from vmmaudit.report.pdf import render_pdf
    from vmmaudit.seal.fields import prepare

    return prepare(render_pdf(document, attachments))


def _catalogue() -> list[ControlInfo]:
    from vmmaudit.controls import CATALOGUE
    from vmmaudit.report.document import ControlInfo

    return [
        ControlInfo(c.id, c.version, c.severity.value, c.origin.value, c.references, c.mapping)
        for c in CATALOGUE
    ]


def _software() -> list[str]:
    """What took part in making the documents, for the page that says so."""
    return [f"Python {platform.python_version()}"] + [
        f"{name} {version(name)}" for name in ("ldap3", "smbprotocol", "pyspnego", "typst")
    ]


def fingerprint(assessment: Assessment) -> str:
    """SHA-256 of `assessment.json`: two machines that agree print the same."""
    return hashlib.sha256(assessments.dumps(assessment)).hexdigest()
