"""Whatever stays open, the report says which right, way or export would settle it."""

from __future__ import annotations

import pytest

from tests.report.test_document import sections
from tests.simulate import scope_text, simulate
from tests.worlds import conforming
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.audit import Audit, demo
from vmmaudit.controls.texts import Texts, languages
from vmmaudit.evidence import Evidence, Gap, Reason
from vmmaudit.report.document import Table
from vmmaudit.report.prose import plain

KINDS = sorted(
    value for name, value in vars(questions).items() if name.isupper() and "." in str(value)
    and str(value).islower() and " " not in str(value) and "\\" not in str(value)
)  # fmt: skip


def test_the_kinds_are_those_of_the_evidence() -> None:
    evidence, _ = simulate(conforming())
    assert {q.kind for q in (*evidence.answers, *evidence.gaps)} <= set(KINDS)
    assert len(KINDS) == 18


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("reason", list(Reason))
def test_every_kind_and_every_reason_has_a_way_out(language: str, reason: Reason) -> None:
    texts = Texts.load(language)
    for kind in KINDS:
        assert len(texts.settles(kind, reason.value)) > 20


def refused(evidence: Evidence) -> Evidence:
    """What Windows refuses to a plain user."""
    closed = (questions.SHARE, questions.MEMBERS, questions.ALIASES, questions.SERVICE)
    gone = {q for q in evidence.answers if q.kind in closed}
    answers = {q: a for q, a in evidence.answers.items() if q not in gone}
    gaps = {**evidence.gaps, **{q: Gap(Reason.ACCESS_DENIED, "It was refused.") for q in gone}}
    return Evidence(evidence.origin, answers, gaps)


@pytest.mark.parametrize(
    ("language", "wanted"),
    [("de", "lokalen Administratoren des Bibliotheksservers"), ("en", "local Administrators of")],
)
def test_the_report_says_what_would_settle_each_open_control(language: str, wanted: str) -> None:
    evidence, scope = simulate(conforming())
    for audit in (demo(), Audit("site", scope_text(conforming()), scope, refused(evidence))):
        table = next(
            block
            for block in sections(audit.document(language))["not_assessed"].blocks
            if isinstance(block, Table)
        )
        open_ = {
            j.control for j in audit.assessment.verdicts if j.verdict is Verdict.NOT_ASSESSABLE
        }
        said = {plain(row[0].content): plain(row[3].content) for row in table.rows}
        assert set(said) == open_
        assert all(len(way) > 20 for way in said.values())
    assert wanted in said["PRM-01"]
