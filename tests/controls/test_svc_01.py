from dataclasses import replace

import pytest

from tests.controls.test_env_support import of, outcomes
from tests.simulate import scope_of, simulate, without
from tests.worlds import Service, conforming
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.svc_01 import SVC_01
from vmmaudit.scope import VmmServer
from vmmaudit.windows.svcctl import Start, State

VMM = "vmm01.contoso.com"
ACCOUNT = r"CONTOSO\service.vmm"


def with_service(**changes):
    return replace(conforming(), vmm_services=(Service("SCVMMService", ACCOUNT, **changes),))


def test_a_running_service_passes():
    outcome = of(SVC_01, subject=VMM)
    assert outcome.verdict is Verdict.PASS
    assert outcome.evidence == (questions.service(VMM, "SCVMMService").id,)


@pytest.mark.parametrize("state", [State.STOPPED, State.PAUSED])
def test_a_service_that_does_not_run_fails(state):
    outcome = of(SVC_01, with_service(state=state), VMM)
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "STOPPED")


def test_a_service_that_is_just_starting_warns():
    outcome = of(SVC_01, with_service(state=State.START_PENDING), VMM)
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "CHANGING")


@pytest.mark.parametrize(
    ("start", "code"),
    [(Start.MANUAL, "MANUAL"), (Start.DISABLED, "NOT_AUTOMATIC"), (99, "NOT_AUTOMATIC")],
)
def test_a_service_that_does_not_start_by_itself_warns(start, code):
    outcome = of(SVC_01, with_service(start=start), VMM)
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, code)


def test_a_server_without_the_service_warns():
    outcome = of(SVC_01, replace(conforming(), vmm_services=()), VMM)
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "MISSING")


def test_a_state_that_is_refused_is_not_assessable():
    outcome = of(SVC_01, with_service(state=None), VMM)
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "access-denied")
    assert "SERVICE_QUERY_STATUS" in outcome.values["problem"]


def test_a_manager_that_refuses_is_not_assessable_though_the_registry_tells():
    evidence, scope = simulate(conforming())
    outcome = outcomes(SVC_01, without(evidence, questions.service(VMM, "SCVMMService")), scope)[
        VMM
    ]
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "access-denied")
    assert [remark.code for remark in outcome.remarks] == ["FROM_REGISTRY"]


def test_a_server_that_tells_nothing_is_not_assessable():
    evidence, scope = simulate(conforming())
    for asked in [q for q in evidence.answers if q.server == VMM]:
        evidence = without(evidence, asked)
    outcome = outcomes(SVC_01, evidence, scope)[VMM]
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "access-denied")


def test_a_short_name_is_asked_with_its_domain():
    vmm = (VmmServer(server="vmm01", account=ACCOUNT),)
    assert of(SVC_01, subject="vmm01", vmm=vmm).verdict is Verdict.PASS


def test_no_vmm_server_is_no_subject():
    evidence, scope = simulate(conforming(), scope=scope_of(conforming(), vmm=()))
    assert outcomes(SVC_01, evidence, scope) == {}
