from dataclasses import replace

import pytest

from tests.controls.test_env_support import ACCOUNT, of, outcomes
from tests.simulate import simulate, without
from tests.worlds import Group, conforming
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.acc_06 import ACC_06
from vmmaudit.evidence import Reason
from vmmaudit.scope import VmmServer


def account(world=None, **options):
    outcome = of(ACC_06, world, ACCOUNT, **options)
    return outcome.verdict, outcome.code


def member_of(*names, world=None):
    used = world or conforming()
    groups = tuple(Group(name, "global", ("service.vmm",)) for name in names)
    return replace(used, groups=(*used.groups, *groups))


def level(number, world):
    return replace(world, functional_level=number)


def test_delegatable_account_passes():
    outcome = of(ACC_06, subject=ACCOUNT)
    assert (outcome.verdict, outcome.remarks) == (Verdict.PASS, ())


def test_sensitive_account_fails():
    world = conforming().with_user("service.vmm", sensitive=True)
    assert account(world) == (Verdict.FAIL, "SENSITIVE")


def test_sensitive_administrator_is_never_to_be_cleared():
    world = member_of("Domain Admins").with_user("service.vmm", sensitive=True)
    outcome = of(ACC_06, world, ACCOUNT)
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "SENSITIVE_PRIVILEGED")
    assert outcome.values["groups"] == (r"CONTOSO\Domain Admins",)


def test_delegatable_administrator_passes_with_a_remark():
    outcome = of(ACC_06, member_of("Domain Admins"), ACCOUNT)
    assert outcome.verdict is Verdict.PASS
    assert [remark.code for remark in outcome.remarks] == ["PRIVILEGED"]


@pytest.mark.unverified
@pytest.mark.parametrize(
    ("functional_level", "verdict", "code"),
    [
        (5, Verdict.WARN, "PROTECTED_USER_INEFFECTIVE"),
        (6, Verdict.FAIL, "PROTECTED_USER"),
        (7, Verdict.FAIL, "PROTECTED_USER"),
    ],
)
def test_protected_users_count_from_2012_r2_on(functional_level, verdict, code):
    assert account(level(functional_level, member_of("Protected Users"))) == (verdict, code)


@pytest.mark.unverified
def test_nested_membership_counts():
    world = conforming()
    nested = Group("Protected Users", "global", ("GG_VMM_Accounts",))
    world = level(7, replace(world, groups=(*world.groups, nested)))
    assert account(world) == (Verdict.FAIL, "PROTECTED_USER")


@pytest.mark.unverified
def test_protected_administrator_stays_protected():
    world = level(7, member_of("Protected Users", "Domain Admins"))
    assert account(world) == (Verdict.FAIL, "PROTECTED_USER_PRIVILEGED")


@pytest.mark.unverified
def test_authentication_policy_is_for_a_person():
    policy = {"service.vmm": {"msDS-AssignedAuthNPolicy": [b"CN=P,DC=contoso,DC=com"]}}
    assert account(attributes=policy) == (Verdict.MANUAL, "AUTHENTICATION_POLICY")


@pytest.mark.unverified
@pytest.mark.parametrize("held", ["msDS-AssignedAuthNPolicy", "msDS-AssignedAuthNPolicySilo"])
def test_a_silo_is_a_policy_too(held):
    named = "CN=Silo,CN=AuthN Silos,DC=contoso,DC=com"
    outcome = of(ACC_06, subject=ACCOUNT, attributes={"service.vmm": {held: [named.encode()]}})
    assert (outcome.verdict, outcome.code) == (Verdict.MANUAL, "AUTHENTICATION_POLICY")
    assert outcome.values["policy"] == named
    asked = questions.silos("contoso.com").id
    assert (asked in outcome.evidence) is held.endswith("Silo")


def test_evidence_without_silos_is_judged_as_before():
    evidence, scope = simulate(conforming())
    older = without(evidence, questions.silos("contoso.com"), Reason.NOT_ASKED)
    assert outcomes(ACC_06, older, scope)[ACCOUNT].verdict is Verdict.PASS


def test_computer_account_is_not_applicable():
    vmm = (VmmServer(server="vmm01.contoso.com", account=r"CONTOSO\VMM01$"),)
    outcome = of(ACC_06, subject=r"contoso\vmm01$", vmm=vmm)
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_APPLICABLE, "LOCAL_SYSTEM")


def test_known_by_spn_alone_it_only_warns():
    world = replace(conforming(), vmm_services=()).with_user("service.vmm", sensitive=True)
    outcome = of(ACC_06, world, "scvmm", vmm=(VmmServer(server="vmm01.contoso.com"),))
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "SENSITIVE")
    assert [remark.code for remark in outcome.remarks] == ["SPN_ONLY"]


def test_unread_groups_are_not_assessable():
    evidence, scope = simulate(conforming())
    dn = "CN=service.vmm,OU=Dienstkonten,DC=contoso,DC=com"
    gap = without(evidence, questions.token_groups("contoso.com", dn))
    outcome = outcomes(ACC_06, gap, scope)[ACCOUNT]
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "access-denied")


def test_flag_decides_even_where_groups_are_unread():
    evidence, scope = simulate(conforming().with_user("service.vmm", sensitive=True))
    dn = "CN=service.vmm,OU=Dienstkonten,DC=contoso,DC=com"
    gap = without(evidence, questions.token_groups("contoso.com", dn))
    assert outcomes(ACC_06, gap, scope)[ACCOUNT].verdict is Verdict.FAIL
