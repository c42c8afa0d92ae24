"""The whole offline audit with all documents, against nbconvert's HTML and WeasyPrint.

From process start: evidence of HOSTS × LIBRARIES is judged and rendered in both languages as
PDF, HTML, DOCX and XLSX, with all else that belongs to a pack. Rivals: nbconvert on the executed
notebook with the same page in one language, and WeasyPrint on the HTML of a report of 1,000 rows,
each a whole process.
`python -m benchmarks.documents [HOSTS LIBRARIES FILES]`
"""

from __future__ import annotations

import os
import pickle
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

import nbformat
from nbformat.v4 import new_code_cell, new_notebook, new_output

from benchmarks.access import world
from benchmarks.measure import (
    busy,
    growth,
    in_turns,
    left_out,
    middle,
    plain,
    process,
    ratio,
    rival,
    row,
    seconds,
)
from tests.simulate import scope_text, simulate
from vmmaudit import evidence as evidence_format
from vmmaudit.audit import Audit, replayed
from vmmaudit.audit.documents import common
from vmmaudit.controls.texts import Texts
from vmmaudit.report import tables
from vmmaudit.report.pdf import render_pdf
from vmmaudit.runner import execute

ROUNDS: Final = 2


def written(folder: Path, hosts: int, libraries: int, files: int) -> tuple[Path, Path]:
    """Evidence and scope of a site, in a new folder."""
    folder.mkdir()
    site = world(hosts, libraries, files)
    evidence, _ = simulate(site)
    (folder / "evidence.jsonl.gz").write_bytes(evidence_format.dumps(evidence))
    (folder / "scope.yaml").write_text(scope_text(site), encoding="utf-8")
    return folder / "evidence.jsonl.gz", folder / "scope.yaml"


def page(audit: Audit, target: Path) -> Path:
    """A notebook that shows the same document."""
    data, metadata = audit.document("en")._repr_mimebundle_()
    output = new_output("display_data", data=data, metadata=metadata)
    cell = new_code_cell("audit.document()", outputs=[output])
    nbformat.write(new_notebook(cells=[cell]), target)
    return target


def main(hosts: int = 1000, libraries: int = 10, files: int = 20) -> None:
    """Print a row per rival, and how the whole grows with hosts."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole = written(folder / "whole", hosts, libraries, files)
        notebook = page(replayed(*whole), folder / "page.ipynb")
        convert = [plain(), "-m", "nbconvert", "--to", "html", str(notebook)]
        taken = in_turns(
            ROUNDS, {"ours": lambda: _report(*whole), "rival": lambda: process(convert)}
        )
        row(
            f"offline audit of {hosts:,} x {libraries}, both languages, all documents",
            "nbconvert's HTML of the same page, in one language",
            "<= 5",
            ratio(taken["ours"], taken["rival"]),
            middle(taken["ours"]),
            middle(taken["rival"]),
            note="from process start; PDF, HTML, DOCX, XLSX, CSV, OSCAL, evidence and assessment",
            shortfall=_where_it_goes(*whole),
        )
        points = {hosts: min(taken["ours"])}
        for count in (hosts // 100, hosts // 10):
            smaller = written(folder / str(count), count, libraries, files)
            points[count] = min(seconds(partial(_report, *smaller)) for _ in range(ROUNDS))
        growth("offline audit with all documents", "hosts", dict(sorted(points.items())))
        _weasyprint(folder)


def _where_it_goes(evidence: Path, scope: Path) -> str:
    """What the processors do meanwhile: the parts one after the other."""
    began = busy()
    _report(evidence, scope)
    whole = busy() - began
    audit = replayed(evidence, scope)
    given = {"evidence": str(evidence), "scope": str(scope), "output": ""}
    judging = seconds(lambda: audit.assessment)
    notebook = seconds(lambda: execute("audit", given, evidence.parent))
    pdf = seconds(lambda: render_pdf(audit.document("de"), {}))
    table = seconds(partial(_tables, audit))
    rows = len(audit.assessment.verdicts)
    return (
        f"{whole:.0f} s of processor time on {os.cpu_count()} cores. Judging {rows:,} cases takes "
        f"{judging:.1f} s, the executed notebook, which judges again, {notebook:.1f} s, and in "
        f"each language workbook and CSV {table:.1f} s, the PDF {pdf:.1f} s; nbconvert copies what "
        "it is given"
    )


def _tables(audit: Audit) -> tables.Tables:
    own = tables.Own(audit.document("de"), Texts.load("de"))
    with ThreadPoolExecutor(1) as pool:
        return tables.begin(pool, common(audit), [own])[0]()


def _report(evidence: Path, scope: Path) -> None:
    output = evidence.parent / "output"
    command = [plain(), "-m", "vmmaudit", "report", str(evidence), "--scope", str(scope)]
    process([*command, "-o", str(output), "-l", "de,en"], 3, 4)


def _weasyprint(folder: Path) -> None:
    what = "PDF of a report with about 1,000 rows"
    python = rival("python")
    if python is None:
        left_out(what, "WeasyPrint is not installed: `make bench` does it")
        return
    audit = replayed(*written(folder / "rows", 70, 10, 2))
    html, document, pdf = (str(folder / name) for name in ("page.html", "document", "page.pdf"))
    Path(html).write_bytes(audit.files(("en",))["report.en.html"])
    Path(document).write_bytes(pickle.dumps(audit.document("en")))
    ours = [plain(), "-c", _OURS, document, pdf]
    typesetting = [float(process(ours)) for _ in range(ROUNDS)]
    theirs = [python, "-c", _THEIRS, html, pdf]
    taken = in_turns(1, {"ours": lambda: process(ours), "rival": lambda: process(theirs)})
    row(
        what,
        "WeasyPrint on the same document",
        ">= 20",
        ratio(taken["rival"], taken["ours"]),
        middle(taken["ours"]),
        middle(taken["rival"]),
        note=f"from process start and a finished document, {Path(html).read_text().count('<tr'):,} "
        "rows; ours is PDF/A-3a and PDF/UA-1 with fields for signatures, WeasyPrint's is neither",
        shortfall=f"{middle(typesetting):.2g} s of ours are one call of Typst, most of it setting "
        "the cells of tables; the report's tables are short, and WeasyPrint slows down with the "
        "length of a table",
    )


_OURS = """
import pickle, sys, time
from pathlib import Path
import typst
from vmmaudit.report.pdf import render_pdf

def timed(*given, **options):
    began = time.perf_counter()
    made = compiled(*given, **options)
    print(time.perf_counter() - began)
    return made

compiled, typst.compile = typst.compile, timed
document = pickle.loads(Path(sys.argv[1]).read_bytes())
Path(sys.argv[2]).write_bytes(render_pdf(document, {}))
"""
_THEIRS = "import sys, weasyprint; weasyprint.HTML(sys.argv[1]).write_pdf(sys.argv[2])"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
