"""What an auditor copies out of the PDF is what the assessment holds: read back with poppler."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulate import scope_text, simulate
from tests.variants import VARIANTS
from vmmaudit.assessment import Judgement, Verdict
from vmmaudit.audit import Audit, demo
from vmmaudit.report.pdf import render_pdf

pytestmark = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no poppler-utils")
EXACT = {
    "SID": re.compile(r"S-1-\d+(?:-\d+)+"),
    "DN": re.compile(r"(?:CN|OU)=(?:[^,;]|\\,)+(?:,(?:CN|OU|DC)=[\w .-]+)+,DC=\w+"),
    "SPN": re.compile(r"(?:cifs|HOST|SCVMM|MSSQLSvc|http)/[\w.:-]*\w", re.IGNORECASE),
}


def read(pdf: bytes, folder: Path) -> str:
    """All the text without any space, in the order in which a reader's tool finds it."""
    path = folder / "report.pdf"
    path.write_bytes(pdf)
    said = subprocess.run(
        ["pdftotext", "-raw", str(path), "-"], capture_output=True, text=True, check=True
    )
    return "".join(said.stdout.split())


def technical(judgements: Iterator[Judgement]) -> set[str]:
    """Every SID, DN and SPN in the values of these judgements."""
    values = (
        part
        for judgement in judgements
        for value in judgement.values.values()
        for part in (value if isinstance(value, list | tuple) else [value])
    )
    return {
        "".join(hit[0].split())
        for value in values
        for pattern in EXACT.values()
        for hit in pattern.finditer(str(value))
    }


def printed(audit: Audit) -> set[str]:
    """What has to be on paper: the findings, and what a group of ratings gives as its instance."""
    seen: set[tuple[str, str, str]] = set()
    chosen = []
    for judgement in audit.assessment.verdicts:
        key = judgement.control, judgement.verdict.value, judgement.code
        if judgement.verdict in (Verdict.FAIL, Verdict.WARN) or key not in seen:
            chosen.append(judgement)
        seen.add(key)
    return technical(iter(chosen))


@pytest.mark.parametrize("language", ["de", "en"])
def test_every_sid_dn_and_spn_of_the_demo_is_read_back(language: str, tmp_path: Path) -> None:
    audit = demo()
    wanted = printed(audit)
    text = read(render_pdf(audit.document(language)), tmp_path)
    assert len(wanted) > 3
    assert not {value for value in wanted if value not in text}


def test_the_variants_are_read_back(tmp_path: Path) -> None:
    """Every way to fail that the catalogue knows, on one site after the other."""
    found = 0
    for variant in VARIANTS[::4]:
        evidence, scope = simulate(variant.world)
        audit = Audit(variant.name, scope_text(variant.world), scope, evidence)
        wanted = printed(audit)
        text = read(render_pdf(audit.document("de")), tmp_path)
        assert not {value for value in wanted if value not in text}, variant.name
        found += len(wanted)
    assert found > 20
