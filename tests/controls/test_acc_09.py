from dataclasses import replace

import pytest

from tests.controls.test_env_support import of, outcomes
from tests.simulate import scope_of, simulate, without
from tests.worlds import Service, conforming
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.acc_09 import ACC_09
from vmmaudit.scope import VmmServer

VMM = "vmm01.contoso.com"


def test_a_domain_account_needs_no_procedure():
    outcome = of(ACC_09, subject=VMM)
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_APPLICABLE, "DOMAIN_ACCOUNT")
    assert outcome.remarks == ()


@pytest.mark.parametrize("account", ["LocalSystem", r"NT AUTHORITY\NetworkService", r".\vmm"])
def test_no_account_of_a_domain_needs_a_procedure(account):
    world = replace(conforming(), vmm_services=(Service("SCVMMService", account),))
    outcome = of(ACC_09, world, VMM)
    assert (outcome.verdict, outcome.code) == (Verdict.MANUAL, "PROCEDURE")
    assert outcome.values["account"] == account


def test_names_on_the_machine_are_a_hint():
    world = replace(conforming().with_user("service.vmm", spns=()), vmm_services=())
    names = {"VMM01$": {"servicePrincipalName": [b"SCVMM/vmm01"]}}
    outcome = of(ACC_09, world, VMM, names, vmm=(VmmServer(server=VMM),))
    assert (outcome.verdict, outcome.code) == (Verdict.MANUAL, "PROCEDURE")
    assert [remark.code for remark in outcome.remarks] == ["INDIRECT"]


def test_what_the_scope_says_is_told_as_such():
    outcome = of(ACC_09, replace(conforming(), vmm_services=()), VMM)
    assert outcome.code == "DOMAIN_ACCOUNT"
    assert [remark.code for remark in outcome.remarks] == ["INDIRECT"]


def test_an_unknown_account_is_not_assessable():
    world = replace(conforming(), vmm_services=())
    evidence, scope = simulate(world, scope=scope_of(world, vmm=(VmmServer(server=VMM),)))
    refused = without(evidence, questions.vmm_spns("contoso.com"))
    outcome = outcomes(ACC_09, refused, scope)[VMM]
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "access-denied")


def test_no_vmm_server_is_no_subject():
    evidence, scope = simulate(conforming(), scope=scope_of(conforming(), vmm=()))
    assert outcomes(ACC_09, evidence, scope) == {}
