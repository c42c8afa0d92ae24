from dataclasses import replace

import pytest

from tests.controls.test_env_support import of, outcomes
from tests.simulate import scope_of, simulate, without
from tests.worlds import DOMAIN, Controller, conforming
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.env_03 import ENV_03
from vmmaudit.evidence import Answer

ASKED = questions.domain_controllers(DOMAIN)
OLD = Controller("DC08", "Windows Server 2008 R2 Standard", "6.1 (7601)")
FIRST = Controller("DC12", "Windows Server 2012 Standard", "6.2 (9200)")
SAMBA = Controller("DC01", "Samba", "4.22.11")


def site(*controllers):
    return of(ENV_03, replace(conforming(), controllers=controllers), DOMAIN)


def test_current_controllers_pass():
    outcome = of(ENV_03, subject=DOMAIN)
    assert outcome.verdict is Verdict.PASS
    assert [remark.code for remark in outcome.remarks] == ["PATCHES"]
    assert outcome.evidence == (ASKED.id,)


def test_one_that_is_capable_suffices_and_the_others_are_named():
    outcome = site(OLD, FIRST)
    assert outcome.verdict is Verdict.PASS
    assert outcome.values["capable"] == ("dc12.contoso.com (Windows Server 2012 Standard)",)
    assert [remark.code for remark in outcome.remarks] == ["OLDER", "PATCHES"]


def test_a_read_only_one_is_found_too():
    outcome = site(replace(FIRST, read_only=True))
    assert outcome.verdict is Verdict.PASS


def test_none_that_is_capable_is_a_warning():
    outcome = site(OLD)
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "NONE_CAPABLE")


@pytest.mark.parametrize("version", ["4.22.11", "10.0 (20348)", "", "new"])
def test_what_is_no_windows_is_not_assessable(version):
    outcome = site(replace(SAMBA, version=version), OLD)
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "NOT_WINDOWS")


def test_a_gap_is_not_assessable():
    evidence, scope = simulate(conforming())
    outcome = outcomes(ENV_03, without(evidence, ASKED), scope)[DOMAIN]
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "access-denied")


def test_a_domain_that_lists_none_is_not_assessable():
    evidence, scope = simulate(conforming())
    nothing = Answer((), "dc01.contoso.com", evidence.origin.moment)
    evidence = replace(evidence, answers={**evidence.answers, ASKED: nothing})
    assert outcomes(ENV_03, evidence, scope)[DOMAIN].code == "incomplete"


def test_no_hyper_v_host_is_no_subject():
    world = conforming()
    hosts = tuple(h.model_copy(update={"platform": "esx"}) for h in scope_of(world).hosts)
    evidence, scope = simulate(world, scope=scope_of(world, hosts=hosts))
    assert outcomes(ENV_03, evidence, scope) == {}
