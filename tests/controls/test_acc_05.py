from dataclasses import replace

import pytest

from tests.controls.test_env_support import ACCOUNT, of, outcomes
from tests.simulate import scope_of, simulate, without
from tests.worlds import Group, Service, conforming
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.acc_05 import ACC_05
from vmmaudit.evidence import Reason
from vmmaudit.scope import VmmServer

VMM = VmmServer(server="vmm01.contoso.com")
SPNS = conforming().users[0].spns
GROUPS = questions.token_groups("contoso.com", "CN=service.vmm,OU=Dienstkonten,DC=contoso,DC=com")


def with_spns(*spns):
    return conforming().with_user("service.vmm", spns=(*SPNS, *spns))


def test_nothing_contrary_has_to_be_confirmed():
    outcome = of(ACC_05, subject=ACCOUNT)
    assert (outcome.verdict, outcome.code) == (Verdict.MANUAL, "CONFIRM")
    assert outcome.remarks == ()


def test_the_name_of_another_service_is_a_doubt():
    outcome = of(ACC_05, with_spns("MSSQLSvc/sql01.contoso.com:1433"), ACCOUNT)
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "OTHER_SPNS")
    assert outcome.values["spns"] == ("MSSQLSvc/sql01.contoso.com:1433",)


def test_an_agent_under_the_account_fails():
    agent = Service("SCVMMAgent", r"CONTOSO\Service.VMM")
    outcome = of(ACC_05, conforming().with_host("HYPER02", services=(agent,)), ACCOUNT)
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "OTHER_SERVICES")
    assert outcome.values["services"] == ("SCVMMAgent (hyper02.contoso.com)",)
    host = questions.service("hyper02.contoso.com", "SCVMMAgent")
    assert host.id in outcome.evidence


def test_an_agent_under_another_account_is_none_of_its_business():
    agent = Service("SCVMMAgent", r"CONTOSO\run.as")
    outcome = of(ACC_05, conforming().with_host("HYPER02", services=(agent,)), ACCOUNT)
    assert outcome.code == "CONFIRM"


def test_a_domain_administrator_is_a_doubt():
    groups = (*conforming().groups, Group("Domain Admins", "global", ("service.vmm",)))
    outcome = of(ACC_05, replace(conforming(), groups=groups), ACCOUNT)
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "PRIVILEGED")


def test_all_hints_are_told():
    groups = (*conforming().groups, Group("Domain Admins", "global", ("service.vmm",)))
    world = replace(with_spns("HTTP/web.contoso.com"), groups=groups)
    outcome = of(ACC_05, world, ACCOUNT)
    assert outcome.code == "OTHER_SPNS"
    assert [remark.code for remark in outcome.remarks] == ["PRIVILEGED"]
    agent = Service("SCVMMAgent", r"CONTOSO\service.vmm")
    outcome = of(ACC_05, world.with_host("HYPER02", services=(agent,)), ACCOUNT)
    assert outcome.code == "OTHER_SERVICES"
    assert [remark.code for remark in outcome.remarks] == ["OTHER_SPNS", "PRIVILEGED"]


def test_another_vmm_server_is_remarked():
    world = with_spns("SCVMM/vmm02.contoso.com")
    evidence, scope = simulate(world)
    place = questions.registry(VMM.server, *questions.VMM_OWN_SPNS)
    outcome = outcomes(ACC_05, without(evidence, place), scope)[ACCOUNT]
    assert outcome.code == "CONFIRM"
    assert [remark.code for remark in outcome.remarks] == ["OTHER_VMM"]


@pytest.mark.unverified
def test_a_managed_account_may_have_its_own_host_name():
    attributes = {
        "service.vmm": {
            "objectClass": [b"computer", b"msDS-GroupManagedServiceAccount"],
            "servicePrincipalName": [b"HOST/gmsa.contoso.com", b"SCVMM/vmm01.contoso.com"],
        }
    }
    assert of(ACC_05, subject=ACCOUNT, attributes=attributes).code == "CONFIRM"


def test_an_account_that_only_an_spn_names_is_no_more_than_a_warning():
    agent = Service("SCVMMAgent", r"CONTOSO\service.vmm")
    world = replace(conforming().with_host("HYPER02", services=(agent,)), vmm_services=())
    outcome = of(ACC_05, world, "scvmm", vmm=(VMM,))
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "OTHER_SERVICES")
    assert [remark.code for remark in outcome.remarks] == ["SPN_ONLY"]


def test_a_gap_is_not_assessable():
    evidence, scope = simulate(conforming())
    outcome = outcomes(ACC_05, without(evidence, GROUPS, Reason.TIMEOUT), scope)[ACCOUNT]
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "timeout")


def test_what_is_known_is_told_despite_the_gap():
    evidence, scope = simulate(with_spns("HTTP/web.contoso.com"))
    assert outcomes(ACC_05, without(evidence, GROUPS), scope)[ACCOUNT].code == "OTHER_SPNS"


def test_a_machine_is_not_applicable():
    world = replace(conforming(), vmm_services=(Service("SCVMMService", "LocalSystem"),))
    outcome = of(ACC_05, world, "scvmm", vmm=(VMM,))
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_APPLICABLE, "LOCAL_SYSTEM")


def test_no_vmm_server_is_no_subject():
    evidence, scope = simulate(conforming(), scope=scope_of(conforming(), vmm=()))
    assert outcomes(ACC_05, evidence, scope) == {}
