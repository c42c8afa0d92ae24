"""The same changes in the living domain: the same verdicts flip, and reality agrees."""

from __future__ import annotations

import pytest

from tests.lab.apply import apply
from tests.lab.lab import Lab
from tests.live.collecting import collected
from tests.live.test_reality import disagreements
from tests.test_variants import broken, flips
from tests.variants import GOOD, VARIANTS, Variant
from vmmaudit.assessment import Assessment
from vmmaudit.judge import judge

pytestmark = pytest.mark.live
LIVE = [variant for variant in VARIANTS if variant.live]


@pytest.fixture(scope="module")
def base(lab: Lab) -> Assessment:
    """The conforming world, as the lab shows it."""
    apply(lab, GOOD)
    return judge(*collected(lab, GOOD))


@pytest.mark.parametrize("variant", LIVE, ids=lambda variant: variant.name)
def test_one_change_in_the_lab(lab: Lab, base: Assessment, variant: Variant):
    apply(lab, variant.world)
    assessment = judge(*collected(lab, variant.world))
    if variant.name != "name-without-spn":
        assert flips(assessment, base) == variant.flips
    assert broken(assessment) == variant.broken


@pytest.mark.parametrize(
    "variant",
    # A disabled host cannot log on at all, so what it may read shows nowhere.
    [v for v in LIVE if v.name not in ("host-disabled", "name-without-spn")],
    ids=lambda variant: variant.name,
)
def test_reality_agrees(lab: Lab, variant: Variant):
    apply(lab, variant.world)
    assert list(disagreements(lab, variant.world)) == []
