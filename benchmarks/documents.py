"""The whole offline audit with all documents, against nbconvert's HTML and WeasyPrint.

From process start: evidence of HOSTS × LIBRARIES is judged and rendered in both languages as
PDF, HTML, DOCX and XLSX. Rivals: nbconvert on the executed notebook with the same page, and
WeasyPrint on the HTML of a report of 1,000 rows, each a whole process.
`python -m benchmarks.documents [HOSTS LIBRARIES FILES]`
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook, new_output

from benchmarks.access import world
from tests.simulate import scope_text, simulate
from vmmaudit import evidence as evidence_format
from vmmaudit.audit import Audit, replayed


def seconds(command: list[str]) -> float:
    """How long a process takes from start to end."""
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode in (0, 3, 4), done.stderr.decode()
    return time.perf_counter() - began


def written(folder: Path, hosts: int, libraries: int, files: int) -> tuple[Path, Path]:
    """Evidence and scope of a site."""
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
    """One JSON line per rival."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        evidence, scope = written(folder, hosts, libraries, files)
        ours = seconds(
            [
                sys.executable,
                "-m",
                "vmmaudit",
                "report",
                str(evidence),
                "--scope",
                str(scope),
                "-o",
                str(folder / "output"),
                "-l",
                "de,en",
            ]
        )
        notebook = page(replayed(evidence, scope), folder / "page.ipynb")
        convert = [sys.executable, "-m", "nbconvert", "--to", "html", str(notebook)]
        rival = seconds(convert)
        row = {
            "what": f"offline audit of {hosts} x {libraries}, both languages, all documents",
            "rival": "nbconvert's HTML of the same page alone",
            "seconds": round(ours, 1),
            "rival seconds": round(rival, 1),
            "ratio": round(ours / rival, 2),
            "wanted": "<= 5",
        }
        print(json.dumps(row))
        print(json.dumps(_weasyprint(folder)))


def _weasyprint(folder: Path) -> dict[str, object]:
    what = "PDF of a report with about 1,000 rows"
    if importlib.util.find_spec("weasyprint") is None:
        return {"what": what, "rival": "WeasyPrint", "left out": "it is not installed"}
    smaller = folder / "smaller"
    smaller.mkdir()
    evidence, scope = written(smaller, 60, 10, 2)
    audit = replayed(evidence, scope)
    html = smaller / "page.html"
    html.write_bytes(audit.files(("en",))["report.en.html"])
    code = "import sys, weasyprint; weasyprint.HTML(sys.argv[1]).write_pdf(sys.argv[2])"
    rival = seconds([sys.executable, "-c", code, str(html), str(smaller / "page.pdf")])
    ours = seconds(
        [sys.executable, "-c", _OURS, str(evidence), str(scope), str(smaller / "ours.pdf")]
    )
    return {
        "what": what,
        "rival": "WeasyPrint on the same document",
        "seconds": round(ours, 1),
        "rival seconds": round(rival, 1),
        "ratio": round(rival / ours, 1),
        "wanted": ">= 20",
    }


_OURS = """
import sys
from pathlib import Path
from vmmaudit.audit import replayed
from vmmaudit.report.pdf import render_pdf
audit = replayed(Path(sys.argv[1]), Path(sys.argv[2]))
Path(sys.argv[3]).write_bytes(render_pdf(audit.document("en"), {}))
"""


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
