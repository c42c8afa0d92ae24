"""Each change flips exactly the verdicts it should, and the right link is named first."""

import pytest

from tests.simulate import simulate
from tests.variants import GOOD, VARIANTS, Variant
from vmmaudit.assessment import Assessment, Ternary, Verdict
from vmmaudit.judge import judge

BASE = judge(*simulate(GOOD))


def flips(assessment: Assessment, base: Assessment) -> set[tuple[str, str, str]]:
    """What differs from the base: (control, subject, verdict); PASS where it was none before."""
    before = {(j.control, j.subject.id): j.verdict for j in base.verdicts}
    return {
        (j.control, j.subject.id, j.verdict.value)
        for j in assessment.verdicts
        if j.verdict is not before.get((j.control, j.subject.id), Verdict.PASS)
    }


def broken(assessment: Assessment) -> dict[tuple[str, str], tuple[str, ...]]:
    return {
        (entry.host, entry.share.lower()): entry.broken
        for entry in assessment.readiness
        if entry.ready is not Ternary.YES
    }


def test_nothing_is_wrong_in_the_conforming_world():
    found = {(j.control, j.verdict) for j in BASE.verdicts}
    usual = (Verdict.PASS, Verdict.MANUAL, Verdict.NOT_APPLICABLE)
    # These need what VMM says of itself, or what only the host can try.
    unread = {"NET-02", "OPS-01", "OPS-04", "SVC-03"}
    assert {control for control, verdict in found if verdict not in usual} <= unread
    assert Verdict.FAIL not in {verdict for _, verdict in found}


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_one_change_flips_exactly_its_verdicts(variant: Variant):
    assessment = judge(*simulate(variant.world))
    if variant.name != "name-without-spn":
        assert flips(assessment, BASE) == variant.flips
    assert broken(assessment) == variant.broken
