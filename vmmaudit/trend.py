"""How the verdicts of one scope developed from audit to audit: a chart, and the same as a table.

The chart is SVG written by a template; it names itself and says its numbers in
words, and the table below it holds every number again.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from vmmaudit.assessment import Assessment, Ternary, Verdict
from vmmaudit.controls.texts import Texts
from vmmaudit.display import framed, visible
from vmmaudit.report.data import data_folder

if TYPE_CHECKING:
    import pandas as pd

_HIGH: Final = 36
_ROW: Final = 64
_FOOT: Final = 32
_BAR: Final = 48
_STEP: Final = 92
_LABEL: Final = 140
_ORDER: Final = (
    Verdict.FAIL,
    Verdict.WARN,
    Verdict.NOT_ASSESSABLE,
    Verdict.MANUAL,
    Verdict.PASS,
    Verdict.NOT_APPLICABLE,
)
"""The lines of the chart, what needs attention first."""


@dataclass(frozen=True, slots=True)
class Point:
    """One audit: how many verdicts of each kind, how many pairs were ready.

    Attributes:
        name: the scope's name: what the pack's folder is called before the moment.
        pack: the folder's name.
        waived: verdicts a waiver lies over; they are counted under their own verdict too.
        catalogue: which requirements were judged; a change makes numbers hard to compare.
    """

    name: str
    pack: str
    moment: datetime
    verdicts: Mapping[Verdict, int]
    waived: int
    ready: int
    pairs: int
    catalogue: str


@dataclass(frozen=True, repr=False)
class Development:
    """How the verdicts of each scope developed from audit to audit.

    found = developed("output", language="de")
    found                         # a chart and a table for each scope
    found.to_frame()              # one row per pack
    found.series["contoso"]       # the points of one scope, the oldest first

    Attributes:
        problems: one sentence for every pack that could not be read.
        language: of the words it is shown in.
    """

    series: Mapping[str, tuple[Point, ...]]
    problems: tuple[str, ...] = ()
    language: str = "en"

    def to_frame(self) -> pd.DataFrame:
        """One row per pack: how many verdicts of each kind, how many pairs were ready."""
        import pandas as pd  # noqa: PLC0415 - costs 0.3 s

        rows = data(point for points in self.series.values() for point in points)
        return pd.DataFrame([{**row, **row["verdicts"]} for row in rows]).drop(columns="verdicts")

    def _repr_html_(self) -> str:
        texts = Texts.load(self.language)
        charts = [_chart(name, points, texts) for name, points in self.series.items()]
        cell = _template("cell.html.j2").render(
            all=charts, heads=_heads(texts), problems=self.problems
        )
        return framed(cell, language=self.language)

    def __repr__(self) -> str:
        told = (f"{name}: {len(points)} audits" for name, points in self.series.items())
        return f"<Development: {', '.join(told)}>"


def point(pack: str, assessment: Assessment) -> Point:
    """The numbers of one pack's assessment."""
    counts = assessment.counts()
    return Point(
        name=pack.rpartition("_")[0] or pack,
        pack=pack,
        moment=assessment.moment,
        verdicts={verdict: counts[verdict] for verdict in Verdict},
        waived=sum(judgement.waiver is not None for judgement in assessment.verdicts),
        ready=sum(pair.ready is Ternary.YES for pair in assessment.readiness),
        pairs=len(assessment.readiness),
        catalogue=assessment.catalogue,
    )


def series(found: Iterable[tuple[str, Assessment]]) -> dict[str, tuple[Point, ...]]:
    """The points of every scope name, the oldest first.

    Packs made again from the same evidence (rendered, judged) count once: the last one.
    """
    latest: dict[tuple[str, str], Point] = {}
    for pack, assessment in found:
        one = point(pack, assessment)
        latest[one.name, assessment.evidence] = one
    grouped: defaultdict[str, list[Point]] = defaultdict(list)
    for one in latest.values():
        grouped[one.name].append(one)
    return {
        name: tuple(sorted(grouped[name], key=lambda p: (p.moment, p.pack)))
        for name in sorted(grouped)
    }


def data(points: Iterable[Point]) -> list[dict[str, Any]]:
    """What `--json` prints: one object per pack."""
    return [
        {
            "scope": p.name,
            "pack": p.pack,
            "moment": p.moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "verdicts": {verdict.value: count for verdict, count in p.verdicts.items()},
            "waived": p.waived,
            "ready": p.ready,
            "pairs": p.pairs,
            "catalogue": p.catalogue,
        }
        for p in points
    ]


def table(points: Sequence[Point], texts: Texts) -> list[tuple[str, ...]]:
    """Heads and rows, as the page shows them."""
    return [_heads(texts), *(_row(p, points[0], texts) for p in points)]


def _template(name: str) -> Template:
    environment = Environment(
        loader=FileSystemLoader(data_folder("templates") / "trend"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if isinstance(value, str) else value,
    )
    return environment.get_template(name)


def render(found: Mapping[str, Sequence[Point]], texts: Texts) -> bytes:
    """One HTML file without any link to the outside."""
    charts = [_chart(name, points, texts) for name, points in found.items()]
    page = _template("page.html.j2").render(
        language=texts.language,
        direction="rtl" if texts.right_to_left else "ltr",
        words={name: texts.sentence("trend", name) for name in ("title", "intro")},
        heads=_heads(texts),
        all=charts,
        widest=max((chart["width"] for chart in charts), default=0),
    )
    return page.encode()


def _heads(texts: Texts) -> tuple[str, ...]:
    return (
        texts.sentence("trend", "moment"),
        *(texts.label("verdict", verdict.value) for verdict in Verdict),
        texts.label("status", "accepted"),
        texts.sentence("trend", "ready"),
        texts.sentence("trend", "catalogue"),
    )


def _row(one: Point, first: Point, texts: Texts) -> tuple[str, ...]:
    changed = "" if one.catalogue == first.catalogue else " *"
    return (
        texts.moment(one.moment),
        *(texts.number(one.verdicts[verdict]) for verdict in Verdict),
        texts.number(one.waived),
        f"{texts.number(one.ready)} / {texts.number(one.pairs)}",
        one.catalogue[:8] + changed,
    )


def _chart(name: str, points: Sequence[Point], texts: Texts) -> dict[str, Any]:
    said = "; ".join(
        f"{texts.day(p.moment.date())}: "
        + ", ".join(
            f"{texts.label('verdict', verdict.value)} {texts.number(count)}"
            for verdict, count in p.verdicts.items()
            if count
        )
        for p in points
    )
    middles = [_LABEL + _STEP * index + _STEP // 2 for index in range(len(points))]
    return {
        "name": name,
        "key": hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8],
        "title": texts.fill(texts.sentence("trend", "chart"), {"name": name, "count": len(points)}),
        "description": said,
        "width": _LABEL + _STEP * len(points),
        "height": _ROW * (len(_ORDER) + 1) + _FOOT,
        "lines": _lines(points, middles, texts),
        "days": [
            {"middle": middle, "label": p.moment.astimezone(UTC).strftime("%Y-%m-%d")}
            for middle, p in zip(middles, points, strict=True)
        ],
        "rows": [_row(p, points[0], texts) for p in points],
    }


def _line(
    key: str, label: str, counts: Sequence[int], most: int, middles: Sequence[int], texts: Texts
) -> dict[str, Any]:
    """One number over all audits, to a scale of its own: few failures stay visible."""
    heights = [round(_HIGH * count / (most or 1), 2) for count in counts]
    bars = [
        {
            "x": middle - _BAR // 2,
            "height": height,
            "width": _BAR,
            "middle": middle,
            "count": texts.number(count),
        }
        for middle, count, height in zip(middles, counts, heights, strict=True)
    ]
    return {"key": key, "label": label, "bars": bars}


def _lines(points: Sequence[Point], middles: Sequence[int], texts: Texts) -> list[dict[str, Any]]:
    """The pairs that are ready, of all that were audited; then the verdicts by their kinds."""
    ready, pairs = [p.ready for p in points], max(p.pairs for p in points)
    lines = [_line("ready", texts.sentence("trend", "ready"), ready, pairs, middles, texts)]
    for verdict in _ORDER:
        counts = [p.verdicts[verdict] for p in points]
        label = texts.label("verdict", verdict.value)
        lines.append(_line(verdict.value, label, counts, max(counts), middles, texts))
    for row, line in enumerate(lines, 1):
        line["base"] = _ROW * row
        for bar in line["bars"]:
            bar["y"] = round(_ROW * row - bar["height"], 2)
    return lines
