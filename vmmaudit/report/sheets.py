"""What stands in the workbook: sheets of plain values, without a word about their look."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, TypeAlias

from vmmaudit.assessment import Assessment, Judgement, Readiness, ShareContent, Ternary
from vmmaudit.controls.texts import Texts
from vmmaudit.display import Tone
from vmmaudit.report.document import (
    ControlInfo,
    Document,
    Matrix,
    Section,
)
from vmmaudit.report.material import (
    grade,
    tone,
)
from vmmaudit.report.prose import told
from vmmaudit.report.register import Entry, EvidenceSummary

_LINKS: Final = (
    "delegation",
    "delegatable",
    "account_share",
    "account_ntfs",
    "host_share",
    "host_ntfs",
)
_TERNARY: Final = {Ternary.YES: Tone.GOOD, Ternary.NO: Tone.BAD, Ternary.UNKNOWN: Tone.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Mark:
    """A value with its symbol and colour; without `text` the symbol alone."""

    tone: Tone
    text: str = ""

    @property
    def shown(self) -> str:
        """What stands in the cell."""
        return f"{self.tone.symbol} {self.text}" if self.text else self.tone.symbol


Value: TypeAlias = str | int | date | datetime | Mark | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A head and its rows; `widths` are in characters, `frozen` columns stay in sight."""

    key: str
    heads: tuple[str, ...]
    widths: tuple[float, ...]
    rows: tuple[tuple[Value, ...], ...]
    frozen: int = 0


def verdicts(assessment: Assessment, catalogue: Iterable[ControlInfo], texts: Texts) -> Sheet:
    """A row for every judgement."""
    severities = {info.id: info.severity for info in catalogue}
    return _sheet(
        texts,
        "verdicts",
        {
            "control": 10,
            "title": 38,
            "severity": 12,
            "kind": 18,
            "subject": 44,
            "verdict": 22,
            "grundschutz": 16,
            "iso": 26,
            "actual": 70,
            "remarks": 40,
            "code": 22,
            "evidence": 28,
            "version": 8,
            "status": 24,
            "until": 12,
            "ticket": 14,
        },
        (_verdict(item, severities, texts) for item in assessment.verdicts),
        frozen=1,
    )


def sheets(
    document: Document,
    assessment: Assessment,
    evidence: EvidenceSummary,
    texts: Texts,
) -> tuple[Sheet, ...]:
    """Every sheet behind that of the verdicts, in the order of the workbook."""
    return (
        _matrix(document, assessment, texts),
        _pairs(assessment, texts),
        _sheet(
            texts,
            "files",
            {
                "library": 20,
                "share": 44,
                "path": 60,
                "readable": 18,
                "denied": 14,
                "open": 14,
                "descriptor": 68,
            },
            _files(assessment, texts),
        ),
        _sheet(
            texts,
            "evidence",
            {
                "evidence": 15,
                "kind": 20,
                "server": 34,
                "detail": 70,
                "source": 34,
                "gap": 34,
                "time": 20,
                "digest": 68,
                "reader": 34,
                "taken": 68,
            },
            (_entry(entry, texts) for entry in evidence.entries),
            frozen=1,
        ),
        _sheet(
            texts,
            "gaps",
            {
                "evidence": 15,
                "kind": 20,
                "server": 34,
                "detail": 70,
                "gap": 40,
                "values": 70,
                "time": 20,
            },
            (_gap(entry, texts) for entry in evidence.gaps),
            frozen=1,
        ),
    )


def _sheet(
    texts: Texts,
    key: str,
    columns: Mapping[str, float],
    rows: Iterable[tuple[Value, ...]],
    frozen: int = 0,
) -> Sheet:
    heads = tuple(texts.label("column", name) for name in columns)
    return Sheet(key, heads, tuple(columns.values()), tuple(rows), frozen)


def _verdict(
    judgement: Judgement, severities: Mapping[str, str], texts: Texts
) -> tuple[Value, ...]:
    waiver = judgement.waiver
    severity = severities.get(judgement.control)
    return (
        judgement.control,
        texts.control(judgement.control).title,
        texts.label("severity", severity) if severity else None,
        texts.label("subject", judgement.subject.kind.value),
        judgement.subject.name,
        Mark(judgement.verdict.tone, texts.label("verdict", judgement.verdict.value)),
        texts.sentence("scheme", "grundschutz", judgement.verdict.value),
        grade(judgement.verdict, severity, texts),
        told(texts.finding(judgement.control, judgement.code), judgement.values, texts),
        " ".join(
            told(texts.remark(judgement.control, remark.code), remark.values, texts)
            for remark in judgement.remarks
        ),
        judgement.code,
        " ".join(judgement.evidence),
        judgement.version,
        texts.label("status", "accepted") if waiver else None,
        waiver.until if waiver else None,
        waiver.ticket if waiver else None,
    )


def _matrix(document: Document, assessment: Assessment, texts: Texts) -> Sheet:
    """The document's matrix, its parts side by side again, under the shares' full names."""
    names: dict[str, str] = {}
    for pair in assessment.readiness:
        names.setdefault(pair.share.lower(), pair.share)
    parts = [block for section in document.sections for block in _matrices(section)]
    rows: tuple[tuple[Value, ...], ...] = ()
    if parts:
        rows = tuple(
            (lines[0][0], *(Mark(state) for _, tones in lines for state in tones))
            for lines in zip(*(part.rows for part in parts), strict=True)
        )
    heads = (texts.sentence("matrix", "corner"), *(names[key] for key in sorted(names)))
    return Sheet("matrix", heads, (44, *(24 for _ in names)), rows, frozen=1)


def _matrices(section: Section) -> Iterator[Matrix]:
    for block in section.blocks:
        if isinstance(block, Matrix):
            yield block
    for inner in section.sections:
        yield from _matrices(inner)


def _pairs(assessment: Assessment, texts: Texts) -> Sheet:
    columns = {"host": 40, "share": 44, "library": 20, "unc_name": 30, "account": 28, "status": 30}
    truths = {"ready": 16, "in_force": 16}
    heads = [texts.label("column", name) for name in (*columns, *truths)]
    heads += [texts.label("link", name) for name in _LINKS]
    heads.append(texts.label("column", "first_broken"))
    widths = (*columns.values(), *truths.values(), *(18 for _ in _LINKS), 60)
    rows = tuple(_pair(pair, texts) for pair in assessment.readiness)
    return Sheet("pairs", tuple(heads), widths, rows, frozen=1)


def _pair(pair: Readiness, texts: Texts) -> tuple[Value, ...]:
    state = tone(pair)
    first = pair.broken[0] if pair.broken else ""
    why = f"{first} {texts.control(first).title}" if first else ""
    if pair.reason in ("LOCAL", "ESX"):
        why = texts.sentence("matrix", pair.reason.lower())
    return (
        pair.host,
        pair.share,
        pair.library,
        pair.name,
        pair.account,
        Mark(state, texts.label("readiness", state.value)),
        _truth(pair.ready, texts),
        _truth(pair.in_force, texts),
        *(_truth(getattr(pair.links, name), texts) for name in _LINKS),
        why,
    )


def _files(assessment: Assessment, texts: Texts) -> Iterator[tuple[Value, ...]]:
    """Each file with how many pairs of host and account may not read it."""
    answers: defaultdict[tuple[str, str], Counter[Ternary]] = defaultdict(Counter)
    for pair in assessment.readiness:
        for access in pair.access:
            both = Ternary.all((access.host_read, access.account_read))
            answers[pair.share.lower(), access.descriptor][both] += 1
    for share in assessment.shares:
        yield from (_file(share, answers, index, texts) for index in range(len(share.files)))


def _file(
    share: ShareContent,
    answers: Mapping[tuple[str, str], Counter[Ternary]],
    index: int,
    texts: Texts,
) -> tuple[Value, ...]:
    file = share.files[index]
    found = answers.get((share.share.lower(), file.descriptor or ""), Counter())
    if file.descriptor is None:
        readable = _truth(Ternary.UNKNOWN, texts)
    elif not found:
        readable = Mark(Tone.NONE)
    else:
        readable = _truth(Ternary.all(list(found)), texts)
    return (
        share.library,
        share.share,
        file.path,
        readable,
        found[Ternary.NO],
        found[Ternary.UNKNOWN],
        file.descriptor,
    )


def _entry(entry: Entry, texts: Texts) -> tuple[Value, ...]:
    return (
        entry.id,
        entry.kind,
        entry.server,
        " · ".join(filter(None, entry.detail)),
        entry.source,
        texts.reasons[entry.reason] if entry.reason else None,
        entry.at,
        entry.digest,
        entry.by.machine if entry.by else None,
        entry.taken or None,
    )


def _gap(entry: Entry, texts: Texts) -> tuple[Value, ...]:
    reason = texts.reasons[entry.reason] if entry.reason else None
    about = (entry.id, entry.kind, entry.server, " · ".join(filter(None, entry.detail)))
    return (*about, reason, entry.text, entry.at)


def _truth(value: Ternary, texts: Texts) -> Mark:
    return Mark(_TERNARY[value], texts.label("ternary", value.value))
