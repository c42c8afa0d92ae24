"""What was measured as JSON, as a page with a table, and its growth as a picture."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import picture


def write(docs: Path, found: Mapping[str, Any]) -> None:
    """Write `benchmarks.json`, `benchmarks.md` and `images/growth.svg`."""
    text = json.dumps(found, indent=1, ensure_ascii=False)
    (docs / "benchmarks.json").write_text(text + "\n", encoding="utf-8")
    grown = [line for line in found["lines"] if "growth" in line]
    (docs / "images/growth.svg").write_text(picture.growth(grown), encoding="utf-8")
    (docs / "benchmarks.md").write_text(page(found), encoding="utf-8")


def page(found: Mapping[str, Any]) -> str:
    """The page."""
    machine = found["machine"]
    rows = [line for line in found["lines"] if "ratio" in line]
    absent = [line for line in found["lines"] if "left out" in line]
    grown = [line for line in found["lines"] if "growth" in line]
    return "\n".join(
        [
            "# Benchmarks",
            "",
            "Written by `make bench`; the numbers are in [benchmarks.json](benchmarks.json).",
            "Each row is a ratio to somebody who does the same work, taken in turns in the same",
            f"run: {machine['day']}, {machine['system']}, {machine['cores']} cores, Python "
            f"{machine['python']}.",
            "",
            "| what | rival | wanted | ratio | met | ours | rival |",
            "|---|---|---|---|---|---|---|",
            *map(_row, rows),
            *(
                f"| {line['what']} | | | | not measured: {line['left out']} | | |"
                for line in absent
            ),
            "",
            "A ratio that is to be small is our time over the rival's; one that is to be large is",
            "the rival's over ours.",
            *_notes("Missed, and why", "shortfall", [r for r in rows if not r["met"]]),
            *_notes("How it was measured", "note", rows),
            *_growth(grown),
            "",
        ]
    )


def _row(line: Mapping[str, Any]) -> str:
    cells = [
        line["what"],
        line["rival"],
        line["wanted"].replace("<=", "≤").replace(">=", "≥"),
        f"**{line['ratio']:,g}**",
        "yes" if line["met"] else "**no**",
        _time(line["seconds"]),
        _time(line["rival seconds"]),
    ]
    return f"| {' | '.join(cells)} |"


def _notes(title: str, key: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    told = [line for line in rows if line.get(key)]
    if told:
        yield from ("", f"## {title}", "")
    for line in told:
        yield f"* {line['what']}, {line['rival']}: {line[key]}."


def _growth(grown: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not grown:
        return
    yield from ("", "## Growth", "", "![Time at once, ten and a hundred times](images/growth.svg)")
    yield from ("", "| what | 1 × | 10 × | 100 × |", "|---|---|---|---|")
    for line in grown:
        cells = [f"{size:,} {line['unit']}: {_time(taken)}" for size, taken in line["points"]]
        yield f"| {line['growth']} | {' | '.join(cells)} |"


def _time(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms"
    if seconds < 600:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:,.0f} min" if seconds < 36_000 else f"{seconds / 3600:,.0f} h"
