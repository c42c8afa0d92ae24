from dataclasses import replace

import pytest

from tests.controls.test_env_support import HOST, SERVER, of, outcomes
from tests.simulate import scope_of, simulate, without
from tests.worlds import Service, conforming
from vmmaudit import questions
from vmmaudit.assessment import SubjectKind, Verdict
from vmmaudit.controls.control import World
from vmmaudit.controls.svc_02 import SVC_02
from vmmaudit.evidence import Reason
from vmmaudit.facts import decode
from vmmaudit.readiness import Chain
from vmmaudit.scope import Host, Library
from vmmaudit.windows.svcctl import State

VMM = "vmm01.contoso.com"


def with_agent(*services):
    return conforming().with_host("HYPER01", services=services)


def test_the_agent_runs_on_every_machine():
    evidence, scope = simulate(conforming())
    found = outcomes(SVC_02, evidence, scope)
    assert len(found) == 1 + 2 + 7
    assert {outcome.verdict for outcome in found.values()} == {Verdict.PASS}


def test_the_agent_of_2008_has_another_name():
    outcome = of(SVC_02, with_agent(Service("VMMAgent")), HOST)
    assert (outcome.verdict, outcome.values["service"]) == (Verdict.PASS, "VMMAgent")


@pytest.mark.parametrize(
    "account", [r"CONTOSO\service.vmm", r".\agent", r"NT AUTHORITY\LocalService"]
)
def test_another_account_fails(account):
    outcome = of(SVC_02, with_agent(Service("SCVMMAgent", account)), HOST)
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "OTHER_ACCOUNT")


def test_another_account_fails_on_a_library_server_too():
    world = conforming().with_library("LIBRARY01", services=(Service("SCVMMAgent", ".\\x"),))
    assert of(SVC_02, world, SERVER).code == "OTHER_ACCOUNT"


def test_a_stopped_agent_fails():
    outcome = of(SVC_02, with_agent(Service("SCVMMAgent", state=State.STOPPED)), HOST)
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "STOPPED")


def test_a_machine_without_the_agent_warns():
    outcome = of(SVC_02, with_agent(), HOST)
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "MISSING")
    assert len(outcome.evidence) == 6


def test_a_refusal_is_not_assessable_for_that_machine_alone():
    evidence, scope = simulate(conforming())
    for asked in [q for q in evidence.answers if q.server == HOST]:
        evidence = without(evidence, asked)
    found = outcomes(SVC_02, evidence, scope)
    assert (found[HOST].verdict, found[HOST].code) == (Verdict.NOT_ASSESSABLE, "access-denied")
    others = {outcome.verdict for subject, outcome in found.items() if subject != HOST}
    assert others == {Verdict.PASS}


def test_an_agent_that_is_just_starting_is_a_warning():
    starting = Service("SCVMMAgent", "LocalSystem", state=State.START_PENDING)
    outcome = of(SVC_02, with_agent(starting), HOST)
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "CHANGING")


def test_the_registry_alone_can_prove_the_wrong_account():
    evidence, scope = simulate(with_agent(Service("SCVMMAgent", r"CONTOSO\service.vmm")))
    gap = without(evidence, questions.service(HOST, "SCVMMAgent"))
    outcome = outcomes(SVC_02, gap, scope)[HOST]
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "OTHER_ACCOUNT")
    assert [remark.code for remark in outcome.remarks] == ["FROM_REGISTRY"]


def test_an_older_name_that_is_not_there_does_not_hide_a_refusal():
    """SCVMMAgent was refused everywhere; that there is no VMMAgent proves nothing."""
    evidence, scope = simulate(conforming())
    for asked in (
        questions.service(HOST, "SCVMMAgent"),
        *questions.registered_service(HOST, "SCVMMAgent"),
    ):
        evidence = without(evidence, asked, Reason.TIMEOUT)
    outcome = outcomes(SVC_02, evidence, scope)[HOST]
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "timeout")


def test_esx_has_no_agent():
    hosts = (Host(name=HOST), Host(name="esx01.contoso.com", platform="esx"))
    scope = scope_of(conforming(), hosts=hosts)
    evidence, _ = simulate(conforming(), scope=scope)
    outcome = outcomes(SVC_02, evidence, scope)["esx01.contoso.com"]
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_APPLICABLE, "ESX")


def test_a_machine_with_several_roles_is_judged_once():
    libraries = (Library(share=rf"\\{VMM}\ISO"), Library(share=rf"\\{HOST}\ISO"))
    scope = scope_of(conforming(), libraries=libraries)
    evidence, _ = simulate(conforming(), scope=scope)
    facts = decode(evidence, scope)
    kinds = {c.subject.id: c.subject.kind for c in SVC_02.cases(World(facts, Chain(facts)))}
    assert kinds[VMM] is SubjectKind.VMM
    assert kinds[HOST] is SubjectKind.LIBRARY
    assert len(kinds) == 1 + 7


def test_two_shares_of_a_server_are_one_machine():
    share = conforming().library("LIBRARY01").shares[0]
    world = conforming().with_library("LIBRARY01", shares=(share, replace(share, name="ISO2")))
    evidence, scope = simulate(world)
    assert len(outcomes(SVC_02, evidence, scope)) == 10
