from dataclasses import replace

import pytest

from tests.controls.test_env_support import of, outcomes
from tests.simulate import simulate, without
from tests.worlds import conforming
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.env_02 import ENV_02

DOMAIN = "contoso.com"


@pytest.mark.parametrize(
    ("level", "verdict", "code"),
    [
        (0, Verdict.FAIL, "TOO_LOW"),
        (1, Verdict.FAIL, "TOO_LOW"),
        (2, Verdict.PASS, ""),
        (7, Verdict.PASS, ""),
        (10, Verdict.PASS, ""),
        (8, Verdict.WARN, "UNKNOWN_LEVEL"),
        (11, Verdict.WARN, "UNKNOWN_LEVEL"),
    ],
)
def test_level_decides(level, verdict, code):
    outcome = of(ENV_02, replace(conforming(), functional_level=level), DOMAIN)
    assert (outcome.verdict, outcome.code) == (verdict, code)


def test_level_is_named():
    assert of(ENV_02, subject=DOMAIN).values["version"] == "Windows Server 2008 R2"


def test_unread_domain_is_not_assessable():
    evidence, scope = simulate(conforming())
    gap = without(evidence, questions.domain_object(DOMAIN))
    outcome = outcomes(ENV_02, gap, scope)[DOMAIN]
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "access-denied")


def test_only_domains_of_hyper_v_hosts_are_subjects():
    evidence, scope = simulate(conforming())
    hosts = tuple(host.model_copy(update={"platform": "esx"}) for host in scope.hosts)
    assert not outcomes(ENV_02, evidence, scope.model_copy(update={"hosts": hosts}))
