from dataclasses import replace

import pytest

from tests.controls.test_env_support import ACCOUNT, of, outcomes
from tests.simulate import scope_of, simulate, without
from tests.worlds import Service, User, conforming
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.acc_01 import ACC_01
from vmmaudit.scope import VmmServer

GMSA = [b"top", b"person", b"user", b"computer", b"msDS-GroupManagedServiceAccount"]
UNNAMED = (VmmServer(server="vmm01.contoso.com"),)


ACCOUNT_NAME = r"CONTOSO\service.vmm"
SERVER = "vmm01.contoso.com"


def silent(world=None):
    """A world whose VMM server tells nothing of its service."""
    return replace(world or conforming(), vmm_services=())


def running_as(account, world=None):
    return replace(world or conforming(), vmm_services=(Service("SCVMMService", account),))


def declared(name, world=None):
    vmm = (VmmServer(server=SERVER, account=name),)
    return of(ACC_01, world or silent(), name.lower(), vmm=vmm)


def without_spns():
    return conforming().with_user("service.vmm", spns=())


def codes(outcome):
    return [remark.code for remark in outcome.remarks]


def test_the_service_itself_is_the_best_evidence():
    outcome = of(ACC_01, subject=ACCOUNT)
    assert outcome.verdict is Verdict.PASS
    assert codes(outcome) == ["READ"]
    assert outcome.values["server"] == SERVER
    assert questions.service(SERVER, "SCVMMService").id in outcome.evidence


def test_the_service_of_2008_has_another_name():
    world = replace(conforming(), vmm_services=(Service("VMMService", ACCOUNT_NAME),))
    assert of(ACC_01, world, ACCOUNT).values["service"] == "VMMService"


@pytest.mark.parametrize(
    "account", ["LocalSystem", r"NT AUTHORITY\SYSTEM", r"NT AUTHORITY\NetworkService"]
)
def test_a_service_that_is_the_machine_fails(account):
    outcome = of(ACC_01, running_as(account), ACCOUNT)
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "SERVICE_LOCAL_SYSTEM")


@pytest.mark.parametrize(
    "account", [r".\vmm", r"VMM01\vmm", r"NT SERVICE\SCVMMService", r"NT AUTHORITY\LocalService"]
)
def test_a_service_of_a_local_account_fails(account):
    outcome = of(ACC_01, running_as(account), ACCOUNT)
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "SERVICE_LOCAL_ACCOUNT")


def test_a_service_that_is_started_as_a_computer_account_fails():
    outcome = of(ACC_01, running_as(r"CONTOSO\VMM01$"), ACCOUNT)
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "SERVICE_LOCAL_SYSTEM")


@pytest.mark.parametrize("account", ["service.vmm@contoso.com", r"contoso.com\SERVICE.VMM"])
def test_one_account_has_many_names(account):
    attributes = {"service.vmm": {"userPrincipalName": [b"service.vmm@contoso.com"]}}
    outcome = of(ACC_01, running_as(account), ACCOUNT, attributes)
    assert outcome.verdict is Verdict.PASS


def test_another_account_than_declared_warns():
    outcome = of(ACC_01, running_as(r"CONTOSO\run.as"), ACCOUNT)
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "DECLARED_OTHERWISE")
    assert outcome.values["declared"] == ACCOUNT_NAME
    assert codes(outcome) == ["READ", "SPN_STALE"]


def test_a_wrongly_declared_account_warns():
    vmm = (VmmServer(server=SERVER, account=r"CONTOSO\nobody"),)
    outcome = of(ACC_01, None, r"contoso\nobody", vmm=vmm)
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "DECLARED_OTHERWISE")


def test_an_account_that_no_domain_knows_is_not_assessable():
    outcome = of(ACC_01, running_as(r"FABRIKAM\vmm"), ACCOUNT)
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "not-in-directory")


def test_nothing_declared_needs_no_spn_where_the_service_tells():
    outcome = of(ACC_01, without_spns(), "scvmm", vmm=UNNAMED)
    assert outcome.verdict is Verdict.PASS
    assert outcome.values["account"] == ACCOUNT_NAME


def test_the_registry_tells_where_the_manager_refuses():
    evidence, scope = simulate(conforming())
    for name in questions.VMM_SERVICES:
        evidence = without(evidence, questions.service(SERVER, name))
    outcome = outcomes(ACC_01, evidence, scope)[ACCOUNT]
    assert outcome.verdict is Verdict.PASS
    assert codes(outcome) == ["FROM_REGISTRY"]


def test_a_server_that_tells_nothing_leaves_the_indirect_proof():
    evidence, scope = simulate(conforming())
    for asked in [q for q in evidence.answers if q.server == SERVER]:
        evidence = without(evidence, asked)
    outcome = outcomes(ACC_01, evidence, scope)[ACCOUNT]
    assert outcome.verdict is Verdict.PASS
    assert codes(outcome) == ["INDIRECT"]


def test_of_two_servers_the_worse_one_counts():
    vmm = tuple(VmmServer(server=f"{n}.contoso.com", account=ACCOUNT_NAME) for n in ("vmm01", "x"))
    evidence, scope = simulate(conforming(), scope=scope_of(conforming(), vmm=vmm))
    outcome = outcomes(ACC_01, evidence, scope)[ACCOUNT]
    assert outcome.verdict is Verdict.PASS
    assert codes(outcome) == ["READ", "UNREAD"]


def test_declared_account_with_the_spns_passes():
    outcome = of(ACC_01, silent(), ACCOUNT)
    assert outcome.verdict is Verdict.PASS
    assert codes(outcome) == ["INDIRECT"]


@pytest.mark.unverified
def test_managed_account_is_no_computer():
    attributes = {"service.vmm": {"objectClass": GMSA}}
    for world, remarks in ((None, ["READ", "MANAGED"]), (silent(), ["MANAGED", "INDIRECT"])):
        outcome = of(ACC_01, world, ACCOUNT, attributes)
        assert outcome.verdict is Verdict.PASS
        assert codes(outcome) == remarks


@pytest.mark.unverified
@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("4.0.2314.0", (Verdict.WARN, "MANAGED_TOO_EARLY")),
        ("10.19.1013.0", (Verdict.PASS, "")),
        ("ten", (Verdict.PASS, "")),
    ],
)
def test_managed_accounts_are_known_from_2019_on(version, said):
    attributes = {"service.vmm": {"objectClass": GMSA}}
    for world in (conforming(), silent()):
        older = replace(world, vmm_version=version)
        outcome = of(ACC_01, older, ACCOUNT, attributes)
        assert (outcome.verdict, outcome.code) == said
        assert of(ACC_01, older, ACCOUNT).verdict is Verdict.PASS


def test_declared_computer_account_fails():
    outcome = declared(r"CONTOSO\VMM01$")
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "LOCAL_SYSTEM")


@pytest.mark.parametrize("name", [r"VMM01\service.vmm", r"NT AUTHORITY\SYSTEM", r".\admin"])
def test_local_account_fails(name):
    outcome = declared(name)
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "LOCAL_ACCOUNT")


def test_spns_on_another_account_warn():
    world = without_spns().with_user("run.as", spns=("SCVMM/VMM01",))
    outcome = of(ACC_01, silent(world), ACCOUNT)
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "SPN_ELSEWHERE")
    assert outcome.values["owners"] == (r"CONTOSO\run.as",)


def test_no_spns_at_all_is_for_a_person():
    outcome = of(ACC_01, silent(without_spns()), ACCOUNT)
    assert (outcome.verdict, outcome.code) == (Verdict.MANUAL, "CONFIRM")


def test_unknown_account_is_not_assessable():
    outcome = declared(r"CONTOSO\nobody")
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "not-in-directory")


def test_unread_spns_are_not_assessable():
    evidence, scope = simulate(silent())
    gap = without(evidence, questions.vmm_spns("contoso.com"))
    outcome = outcomes(ACC_01, gap, scope)[ACCOUNT]
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "access-denied")


def test_spn_owner_alone_warns():
    outcome = of(ACC_01, silent(), "scvmm", vmm=UNNAMED)
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "SPN_ONLY")


def test_spn_on_a_computer_alone_warns():
    world = replace(without_spns(), other_spns=(("OLDVMM", ("SCVMM/OLDVMM",)),))
    outcome = of(ACC_01, silent(world), "scvmm", vmm=UNNAMED)
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "SPN_ON_COMPUTER")


def test_nobody_named_and_no_spns_is_not_assessable():
    outcome = of(ACC_01, silent(without_spns()), "scvmm", vmm=UNNAMED)
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "NO_OWNER")


def test_nobody_named_and_several_owners_is_not_assessable():
    world = conforming().with_user("run.as", spns=("SCVMM/OTHER",))
    outcome = of(ACC_01, silent(world), "scvmm", vmm=UNNAMED)
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "SEVERAL_OWNERS")


def test_one_account_of_two_servers_is_one_subject():
    account = r"CONTOSO\service.vmm"
    vmm = tuple(VmmServer(server=f"vmm0{n}.contoso.com", account=account) for n in (1, 2))
    evidence, scope = simulate(conforming(), scope=scope_of(conforming(), vmm=vmm))
    assert list(outcomes(ACC_01, evidence, scope)) == [ACCOUNT]


def test_hostile_name_is_only_a_value():
    world = conforming()
    world = replace(world, users=(*world.users, User("x'; calc; '", spns=("SCVMM/x",))))
    assert of(ACC_01, silent(world), "scvmm", vmm=UNNAMED).code == "SEVERAL_OWNERS"
