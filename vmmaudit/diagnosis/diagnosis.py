"""What came out of all inputs: the causes, the worst first, and when each of them was seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from vmmaudit.assessment import Assessment, Judgement
from vmmaudit.diagnosis import codes, exports, rank, scan
from vmmaudit.diagnosis.answer import Answer, answer
from vmmaudit.diagnosis.codes import Relevance
from vmmaudit.diagnosis.failures import Failure, Note, Occurrence, failures
from vmmaudit.diagnosis.reading import Source

if TYPE_CHECKING:
    import pandas as pd

FORMAT: Final = 1
_TASKS: Final = 20
KEPT: Final = 10_000
"""So many different causes, and so many occurrences, are kept; the others are counted."""


COLUMNS: Final = (
    *("time", "source", "line", "offset", "kind", "code", "name", "hresult", "status", "host"),
    *("vm", "file", "identity", "confidence", "account", "task", "machines", "notes"),
)


@dataclass(frozen=True, slots=True)
class Cause:
    """Failures that say the same: one of them, how many, and the first and last of them.

    Attributes:
        first: the first with a time, where any has one.
        tasks: GUIDs of the jobs it was seen in, at most 20.
        controls: what to look at, the likeliest first.
        follows: code of the failure whose consequence this is, if one was found.
        answer: what the pack says; None without a pack.
    """

    failure: Failure
    count: int
    first: Occurrence
    last: Occurrence
    tasks: tuple[str, ...]
    controls: tuple[str, ...]
    follows: int | None = None
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """An input: how it was encoded and taken, and how many records of interest it held."""

    name: str
    encoding: str
    form: str
    records: int


@dataclass(frozen=True, repr=False)
class Diagnosis:
    """The result; shows itself as text and in a notebook.

    Attributes:
        timeline: every failure, in the order of the inputs, or of time where all times are
            complete.
        omitted: how many failures are counted, but not kept.
    """

    inputs: tuple[Read, ...]
    causes: tuple[Cause, ...]
    timeline: tuple[Failure, ...]
    omitted: int
    language: str

    def to_frame(self) -> pd.DataFrame:
        """One row per failure, in the order of the timeline."""
        import pandas as pd

        return pd.DataFrame([row(failure) for failure in self.timeline], columns=COLUMNS)

    def listing(self) -> pd.DataFrame:
        """The timeline in the reader's words: headings and values, as people look at them."""
        import pandas as pd

        from vmmaudit.diagnosis.shown import rows

        head, *found = rows(self)
        return pd.DataFrame(found, columns=list(head))

    @property
    def summary(self) -> str:
        """What was read, and the first causes with the control that explains each."""
        from vmmaudit.diagnosis.shown import short_text

        return short_text(self)

    def data(self) -> dict[str, Any]:
        """What `vmmaudit diagnose --json` prints: format 1."""
        return {
            "format": FORMAT,
            "inputs": [
                {"name": i.name, "encoding": i.encoding, "form": i.form, "records": i.records}
                for i in self.inputs
            ],
            "causes": [_cause(cause) for cause in self.causes],
            "timeline": [row(failure) for failure in self.timeline],
            "omitted": self.omitted,
        }

    def __repr__(self) -> str:
        return f"<Diagnosis of {len(self.inputs)} inputs: {len(self.causes)} causes>"

    def __str__(self) -> str:
        from vmmaudit.diagnosis.shown import plain_text

        return plain_text(self)

    def _repr_html_(self) -> str:
        from vmmaudit.diagnosis.shown import page

        return page(self)


def diagnose(
    sources: Iterable[Source], assessment: Assessment | None = None, language: str = "en"
) -> Diagnosis:
    """Read all inputs once, in constant memory.

    Raises:
        UsageError: an input cannot be read, or is not what it begins as.
    """
    collector = _Collector()
    inputs = [_read(source, collector) for source in sources]
    causes = [_with_answer(cause, assessment) for cause in collector.causes()]
    return Diagnosis(
        tuple(inputs),
        tuple(causes),
        tuple(_in_order(collector.timeline)),
        collector.omitted,
        language,
    )


@dataclass(slots=True)
class _Group:
    """Equal failures while they are counted."""

    failure: Failure
    last: Occurrence
    count: int = 0
    tasks: dict[str, None] = field(default_factory=dict)

    def add(self, failure: Failure) -> None:
        """One more. What one job logs several times is one failure."""
        known, seen = self.failure, failure.seen
        if not (seen.task and self.count and seen.task == self.last.task):
            self.count += 1
        if seen.task and len(self.tasks) < _TASKS:
            self.tasks[seen.task] = None
        timed = known.seen.when is not None or seen.when is None
        self.last = seen
        self.failure = replace(
            known,
            seen=known.seen if timed else seen,
            machines=tuple(dict.fromkeys((*known.machines, *failure.machines)))[:_TASKS],
            notes=_notes(known, failure),
        )


class _Collector:
    """Puts equal failures together as they come, and bounds what is kept."""

    def __init__(self) -> None:
        self.found: dict[tuple[object, ...], _Group] = {}
        self.timeline: list[Failure] = []
        self.omitted = 0

    def add(self, failure: Failure) -> None:
        group = self.found.get(failure.key)
        if group is None and len(self.found) < KEPT:
            group = self.found[failure.key] = _Group(failure, failure.seen)
        if group is not None:
            group.add(failure)
        if len(self.timeline) < KEPT:
            self.timeline.append(failure)
        else:
            self.omitted += 1

    def causes(self) -> list[Cause]:
        return [
            Cause(
                group.failure,
                group.count,
                group.failure.seen,
                group.last,
                tuple(group.tasks),
                rank.controls(group.failure),
                self._origin(group.failure),
            )
            for group in sorted(self.found.values(), key=lambda group: rank.weight(group.failure))
        ]

    def _origin(self, failure: Failure) -> int | None:
        """The code that a follow-up error is the consequence of, for the same machine."""
        if failure.code is None or codes.code(failure.code).relevance is not Relevance.FOLLOW_UP:
            return None
        for group in self.found.values():
            other = group.failure
            same = failure.vm and other.vm.casefold() == failure.vm.casefold()
            if same and other.code and codes.code(other.code).relevance is Relevance.CORE:
                return other.code
        return None


def _read(source: Source, collector: _Collector) -> Read:
    form = exports.form(source.head)
    if form:
        records = exports.exported(source, form)
    else:
        form = "trace" if scan.is_trace(source.head) else "text"
        fast = form == "trace" and not source.short
        records = scan.failing_records(source) if fast else scan.all_records(source)
    count = 0
    for record in records:
        record.source = source.name
        told = list(failures(record))
        count += bool(told)
        for failure in told:
            collector.add(failure)
    return Read(source.name, source.encoding, form, count)


def _with_answer(cause: Cause, assessment: Assessment | None) -> Cause:
    if assessment is None or not cause.failure.file:
        return cause
    return replace(cause, answer=answer(cause.failure, assessment))


def _notes(one: Failure, other: Failure) -> tuple[Note, ...]:
    """The notes of both; that there is no time, only if neither has one."""
    both, either = {*one.notes} & {*other.notes}, {*one.notes, *other.notes}
    return tuple(n for n in Note if n in (both if n is Note.NO_TIME else either))


def _in_order(timeline: Sequence[Failure]) -> list[Failure]:
    """By time where every time is complete and of one zone; else as the inputs have it."""
    times = [failure.seen.when for failure in timeline]
    if any(when is None or None in (when.year, when.month) for when in times):
        return list(timeline)
    if len({when.zone for when in times if when}) > 1:
        return list(timeline)
    return sorted(timeline, key=lambda failure: str(failure.seen.when))


def row(failure: Failure) -> dict[str, str | int | None]:
    """A failure as a row of a table."""
    seen = failure.seen
    return {
        "time": str(seen.when) if seen.when else "",
        "source": seen.source,
        "line": seen.sequence,
        "offset": seen.offset,
        "kind": seen.kind.value,
        "code": failure.code,
        "name": failure.name,
        "hresult": failure.hresult,
        "status": failure.status,
        "host": failure.host,
        "vm": failure.vm,
        "file": failure.file,
        "identity": failure.identity.value,
        "confidence": failure.confidence.value,
        "account": failure.account,
        "task": seen.task,
        "machines": ", ".join(failure.machines),
        "notes": ", ".join(failure.notes),
    }


def _cause(cause: Cause) -> dict[str, Any]:
    given = cause.answer
    return {
        **row(cause.failure),
        "count": cause.count,
        "tasks": list(cause.tasks),
        "last": str(cause.last.when) if cause.last.when else "",
        "controls": list(cause.controls),
        "follows": cause.follows,
        "answer": given
        and {
            "state": given.state.value,
            "moment": given.moment.isoformat(),
            "host": given.pair.host if given.pair else "",
            "share": given.pair.share if given.pair else "",
            "other_name": given.other_name,
            "readable": given.readable.value if given.readable else "",
            "causes": [_verdict(j) for j in given.causes],
            "besides": [_verdict(j) for j in given.besides],
            "open": [_verdict(j) for j in given.open],
        },
    }


def _verdict(judgement: Judgement) -> dict[str, str]:
    return {
        "control": judgement.control,
        "subject": judgement.subject.name,
        "verdict": judgement.verdict.value,
        "code": judgement.code,
    }
