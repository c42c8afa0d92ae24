"""What the first pages must hold: one page for the board, the raw values for whoever doubts it."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta

import pytest
from pypdf import PdfReader

from tests.report import sample
from tests.report.conftest import make
from tests.report.test_document import sections
from vmmaudit.audit import Audit, demo
from vmmaudit.errors import ScopeError
from vmmaudit.report.document import Code, Document
from vmmaudit.report.pdf import render_pdf
from vmmaudit.report.prose import plain
from vmmaudit.scope import Waiver, parse


def pages_of_summary(document: Document) -> int:
    """Pages from the summary's head to the next part's."""
    summary, mandate = document.sections[1], document.sections[2]
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(render_pdf(document))).pages]
    begins = [
        next(i for i, page in enumerate(pages) if i > 1 and f"{s.number} {s.title}" in flat(page))
        for s in (summary, mandate)
    ]
    return begins[1] - begins[0]


def flat(page: str) -> str:
    return " ".join(page.split())


def ending() -> tuple[Waiver, ...]:
    day = sample.assessment().moment.date() + timedelta(days=20)
    return tuple(
        Waiver(
            control=control,
            subject="*",
            reason="Abgelöst mit dem Umzug",
            owner="Betrieb",
            approver="Leitung",
            ticket="CHG1",
            until=day,
        )
        for control in ("PRM-01", "PRM-04", "DEL-01", "DEL-02", "HST-01", "ACC-06")
    )


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_management_summary_is_one_page(language: str) -> None:
    assert pages_of_summary(demo().document(language)) == 1
    scope = sample.scope(400)
    crowded = make(language, 400, scope=scope.model_copy(update={"waivers": ending()}))
    assert pages_of_summary(crowded) == 1


def test_the_summary_names_the_exceptions_that_run_out() -> None:
    scope = sample.scope().model_copy(update={"waivers": ending()})
    opinion = sections(make(scope=scope))["summary"].blocks[0]
    said = " ".join(plain(ground) for ground in opinion.grounds)
    assert "innerhalb von 30 Tagen ablaufen: PRM-01 (2026-" in said
    assert not any("ablaufen" in plain(g) for g in sections(make())["summary"].blocks[0].grounds)


def extract(audit: Audit) -> list[str]:
    section = sections(audit.document("de"))["annex-extracts"]
    return [line for block in section.blocks if isinstance(block, Code) for line in block.lines]


def test_what_the_servers_said_can_be_read_where_a_finding_rests_on_it() -> None:
    audit = demo()
    lines = extract(audit)
    cited = {e for j in audit.assessment.verdicts if j.verdict == "FAIL" for e in j.evidence}
    shown = {line.split()[1] for line in lines if line.startswith("# ")}
    assert shown == cited & {q.id for q in audit.evidence.answers}
    # The ACE that PRM-04 and PRM-09 decide by, and the list that DEL-01 finds too short.
    assert any(line.startswith("descriptor: O:") and "(D;" in line for line in lines)
    assert "msDS-AllowedToDelegateTo: cifs/library01.contoso.com" in lines
    assert any(line.startswith("path: ") for line in lines)


def test_times_are_told_where_the_auditor_lives_and_in_utc() -> None:
    scope = sample.scope()
    audit = scope.audit.model_copy(update={"time_zone": "Europe/Berlin"})
    facts = str(sections(make(scope=scope.model_copy(update={"audit": audit})))["provenance"])
    assert "+02:00 (" in facts
    assert "UTC)" in facts
    given = (demo().scope_text).replace("audit:\n", "audit:\n  time_zone: Europe/Bielefeld\n", 1)
    with pytest.raises(ScopeError, match="is not a time zone; write a name such as Europe/Berlin"):
        parse(given, "site.yaml")


def test_a_finding_without_answers_has_no_extract() -> None:
    evidence = sample.evidence()
    empty = replace(evidence, answers={})
    from vmmaudit.report.register import summarise

    section = sections(make(evidence=summarise(empty)))["annex-extracts"]
    assert not any(isinstance(block, Code) for block in section.blocks)
