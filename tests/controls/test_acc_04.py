from dataclasses import replace

import pytest

from tests.controls.test_env_support import HOST, OTHER, of, outcomes
from tests.simulate import scope_of, simulate, without
from tests.worlds import Group, Service, conforming
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.acc_04 import ACC_04
from vmmaudit.scope import Domain, Host, VmmServer

OTHER_HOST = "hyper02.contoso.com"


def run_as(*administrators):
    return conforming().with_host("HYPER01", run_as="run.as", administrators=administrators)


def codes(outcome):
    return [remark.code for remark in outcome.remarks]


def test_the_service_account_is_a_member_everywhere():
    evidence, scope = simulate(conforming())
    found = outcomes(ACC_04, evidence, scope)
    assert len(found) == 7
    assert {outcome.verdict for outcome in found.values()} == {Verdict.PASS}


def test_no_member_fails_for_that_host_alone():
    world = conforming().with_host("HYPER01", administrators=("Domain Admins",))
    evidence, scope = simulate(world)
    found = outcomes(ACC_04, evidence, scope)
    assert (found[HOST].verdict, found[HOST].code) == (Verdict.FAIL, "NOT_MEMBER")
    assert found[OTHER_HOST].verdict is Verdict.PASS


def test_a_run_as_account_is_enough():
    outcome = of(ACC_04, run_as("run.as"), HOST)
    assert outcome.verdict is Verdict.PASS
    assert outcome.values["account"] == r"CONTOSO\run.as"
    assert codes(outcome) == ["SERVICE_ACCOUNT_NOT_MEMBER"]
    assert codes(of(ACC_04, run_as("run.as", "service.vmm"), HOST)) == []


def test_a_run_as_account_that_is_no_member_fails_though_the_service_account_is_one():
    outcome = of(ACC_04, run_as("service.vmm"), HOST)
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "NOT_MEMBER")


def test_a_gap_is_not_assessable_for_that_host_alone():
    evidence, scope = simulate(conforming())
    found = outcomes(ACC_04, without(evidence, questions.administrators(HOST)), scope)
    assert (found[HOST].verdict, found[HOST].code) == (Verdict.NOT_ASSESSABLE, "access-denied")
    assert found[OTHER_HOST].verdict is Verdict.PASS


@pytest.mark.parametrize("declared", [None, r"CONTOSO\VMM01$"])
def test_without_a_service_account_it_is_not_applicable(declared):
    world = replace(conforming(), vmm_services=(Service("SCVMMService", "LocalSystem"),))
    vmm = (VmmServer(server="vmm01.contoso.com", account=declared),)
    outcome = of(ACC_04, world, HOST, vmm=vmm)
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_APPLICABLE, "LOCAL_SYSTEM")


def test_esx_has_no_local_administrators():
    hosts = (Host(name=HOST), Host(name="esx01.contoso.com", platform="esx"))
    scope = scope_of(conforming(), hosts=hosts)
    evidence, _ = simulate(conforming(), scope=scope)
    outcome = outcomes(ACC_04, evidence, scope)["esx01.contoso.com"]
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_APPLICABLE, "ESX")


def test_an_account_that_only_an_spn_names_is_no_more_than_a_warning():
    world = replace(conforming(), vmm_services=())
    world = world.with_host("HYPER01", administrators=("Domain Admins",))
    vmm = (VmmServer(server="vmm01.contoso.com"),)
    outcome = of(ACC_04, world, HOST, vmm=vmm)
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "NOT_MEMBER")
    passed = of(ACC_04, world, OTHER_HOST, vmm=vmm)
    assert (passed.verdict, codes(passed)) == (Verdict.PASS, ["SPN_ONLY"])


def test_what_the_service_uses_is_the_account_where_none_is_declared():
    world = replace(conforming(), vmm_services=(Service("SCVMMService", r"CONTOSO\run.as"),))
    outcome = of(ACC_04, world, HOST, vmm=(VmmServer(server="vmm01.contoso.com"),))
    assert (outcome.verdict, outcome.values["account"]) == (Verdict.FAIL, r"CONTOSO\run.as")


def test_a_group_is_enough_and_is_named():
    groups = (*conforming().groups, Group("GG_VMM", "global", ("service.vmm",)))
    world = replace(conforming(), groups=groups)
    outcome = of(ACC_04, world.with_host("HYPER01", administrators=("GG_VMM",)), HOST)
    assert outcome.verdict is Verdict.PASS
    assert codes(outcome) == ["NESTED"]
    assert outcome.values["groups"] == (r"CONTOSO\GG_VMM",)


def test_a_group_of_those_logged_on_in_some_way_leaves_it_open():
    outcome = of(ACC_04, conforming().with_host("HYPER01", administrators=("S-1-5-6",)), HOST)
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "BY_LOGON")


def test_a_host_of_another_domain_may_have_groups_that_nobody_here_sees():
    world, there = (
        conforming().with_host("HYPER01", administrators=("Domain Admins",)),
        "h." + OTHER,
    )
    domains = (Domain(name="contoso.com"), Domain(name=OTHER))
    scope = scope_of(world, hosts=(Host(name=there),), domains=domains)
    evidence, scope = simulate(world, scope=scope)
    donor, _ = simulate(world)
    asked = questions.administrators(there)
    gaps = {q: g for q, g in evidence.gaps.items() if q != asked}
    answers = {**evidence.answers, asked: donor.answers[questions.administrators(HOST)]}
    outcome = outcomes(ACC_04, replace(evidence, answers=answers, gaps=gaps), scope)[there]
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "OTHER_DOMAIN")
