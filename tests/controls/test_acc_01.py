from dataclasses import replace

import pytest

from tests.controls.test_env_support import ACCOUNT, of, outcomes
from tests.simulate import scope_of, simulate, without
from tests.worlds import User, conforming
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.acc_01 import ACC_01
from vmmaudit.scope import VmmServer

GMSA = [b"top", b"person", b"user", b"computer", b"msDS-GroupManagedServiceAccount"]
UNNAMED = (VmmServer(server="vmm01.contoso.com"),)


def declared(name, world=None):
    vmm = (VmmServer(server="vmm01.contoso.com", account=name),)
    return of(ACC_01, world, name.lower(), vmm=vmm)


def without_spns():
    return conforming().with_user("service.vmm", spns=())


def test_declared_account_with_the_spns_passes():
    outcome = of(ACC_01, subject=ACCOUNT)
    assert outcome.verdict is Verdict.PASS
    assert [remark.code for remark in outcome.remarks] == ["INDIRECT"]


def test_managed_account_is_no_computer():
    outcome = of(ACC_01, subject=ACCOUNT, attributes={"service.vmm": {"objectClass": GMSA}})
    assert outcome.verdict is Verdict.PASS
    assert [remark.code for remark in outcome.remarks] == ["MANAGED", "INDIRECT"]


def test_declared_computer_account_fails():
    outcome = declared(r"CONTOSO\VMM01$")
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "LOCAL_SYSTEM")


@pytest.mark.parametrize("name", [r"VMM01\service.vmm", r"NT AUTHORITY\SYSTEM", r".\admin"])
def test_local_account_fails(name):
    outcome = declared(name)
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "LOCAL_ACCOUNT")


def test_spns_on_another_account_warn():
    world = without_spns().with_user("run.as", spns=("SCVMM/VMM01",))
    outcome = of(ACC_01, world, ACCOUNT)
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "SPN_ELSEWHERE")
    assert outcome.values["owners"] == (r"CONTOSO\run.as",)


def test_no_spns_at_all_is_for_a_person():
    outcome = of(ACC_01, without_spns(), ACCOUNT)
    assert (outcome.verdict, outcome.code) == (Verdict.MANUAL, "CONFIRM")


def test_unknown_account_is_not_assessable():
    outcome = declared(r"CONTOSO\nobody")
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "not-in-directory")


def test_unread_spns_are_not_assessable():
    evidence, scope = simulate(conforming())
    gap = without(evidence, questions.vmm_spns("contoso.com"))
    outcome = outcomes(ACC_01, gap, scope)[ACCOUNT]
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "access-denied")


def test_spn_owner_alone_warns():
    outcome = of(ACC_01, subject="scvmm", vmm=UNNAMED)
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "SPN_ONLY")


def test_spn_on_a_computer_alone_warns():
    world = replace(without_spns(), other_spns=(("OLDVMM", ("SCVMM/OLDVMM",)),))
    outcome = of(ACC_01, world, "scvmm", vmm=UNNAMED)
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "SPN_ON_COMPUTER")


def test_nobody_named_and_no_spns_is_not_assessable():
    outcome = of(ACC_01, without_spns(), "scvmm", vmm=UNNAMED)
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "NO_OWNER")


def test_nobody_named_and_several_owners_is_not_assessable():
    world = conforming().with_user("run.as", spns=("SCVMM/OTHER",))
    outcome = of(ACC_01, world, "scvmm", vmm=UNNAMED)
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "SEVERAL_OWNERS")


def test_one_account_of_two_servers_is_one_subject():
    account = r"CONTOSO\service.vmm"
    vmm = tuple(VmmServer(server=f"vmm0{n}.contoso.com", account=account) for n in (1, 2))
    evidence, scope = simulate(conforming(), scope=scope_of(conforming(), vmm=vmm))
    assert list(outcomes(ACC_01, evidence, scope)) == [ACCOUNT]


def test_hostile_name_is_only_a_value():
    world = conforming()
    world = replace(world, users=(*world.users, User("x'; calc; '", spns=("SCVMM/x",))))
    assert of(ACC_01, world, "scvmm", vmm=UNNAMED).code == "SEVERAL_OWNERS"
