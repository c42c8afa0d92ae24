from dataclasses import replace
from datetime import timedelta

import pytest

from tests.controls.test_env_support import ACCOUNT, of, outcomes
from tests.simulate import scope_of, simulate, without
from tests.worlds import MOMENT, Group, Service, conforming
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.acc_08 import ACC_08
from vmmaudit.scope import VmmServer

RUN_AS = r"contoso\run.as"
GROUPS = questions.token_groups("contoso.com", "CN=service.vmm,OU=Dienstkonten,DC=contoso,DC=com")


def attributes(**values):
    return {"service.vmm": {key.replace("_", "-"): [value] for key, value in values.items()}}


def aged(days):
    return conforming().with_user("service.vmm", password_set=MOMENT - timedelta(days=days))


def administrator():
    groups = (*conforming().groups, Group("Domain Admins", "global", ("service.vmm",)))
    return replace(conforming(), groups=groups)


def test_a_plain_account_passes_with_a_note_about_its_password():
    outcome = of(ACC_08, subject=ACCOUNT)
    assert outcome.verdict is Verdict.PASS
    assert [remark.code for remark in outcome.remarks] == ["NEVER_EXPIRES"]


def test_a_domain_administrator_fails():
    outcome = of(ACC_08, administrator(), ACCOUNT)
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "PRIVILEGED")
    assert outcome.values["groups"] == (r"CONTOSO\Domain Admins",)


def test_a_nested_administrator_fails():
    groups = (
        *conforming().groups,
        Group("GG_Inner", "global", ("service.vmm",)),
        Group("Domain Admins", "global", ("GG_Inner",)),
    )
    assert of(ACC_08, replace(conforming(), groups=groups), ACCOUNT).code == "PRIVILEGED"


def test_an_account_that_only_an_spn_names_is_no_more_than_a_warning():
    world = replace(administrator(), vmm_services=())
    outcome = of(ACC_08, world, "scvmm", vmm=(VmmServer(server="vmm01.contoso.com"),))
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "PRIVILEGED")
    assert "SPN_ONLY" in [remark.code for remark in outcome.remarks]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"userAccountControl": b"4259840"}, "NO_PREAUTHENTICATION"),
        ({"userAccountControl": b"2163200"}, "WEAK_ENCRYPTION"),
        ({"msDS_SupportedEncryptionTypes": b"4"}, "WEAK_ENCRYPTION"),
    ],
)
def test_a_weakness_is_a_warning(changes, code):
    outcome = of(ACC_08, subject=ACCOUNT, attributes=attributes(**changes))
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, code)


@pytest.mark.parametrize("types", [b"0", b"24", b"28"])
def test_aes_or_the_default_is_no_weakness(types):
    changes = attributes(msDS_SupportedEncryptionTypes=types)
    assert of(ACC_08, subject=ACCOUNT, attributes=changes).verdict is Verdict.PASS


@pytest.mark.parametrize(("days", "verdict"), [(365, Verdict.PASS), (366, Verdict.WARN)])
def test_an_old_password_of_a_service_is_a_warning(days, verdict):
    outcome = of(ACC_08, aged(days), ACCOUNT)
    assert outcome.verdict is verdict
    assert outcome.code in ("", "OLD_PASSWORD")


def test_an_old_password_without_spn_is_none():
    world = conforming().with_user("run.as", password_set=MOMENT - timedelta(days=999))
    world = world.with_host("HYPER01", run_as="run.as")
    assert of(ACC_08, world, RUN_AS).verdict is Verdict.PASS


def test_several_weaknesses_are_all_told():
    changes = attributes(userAccountControl=b"4259840", msDS_SupportedEncryptionTypes=b"4")
    outcome = of(ACC_08, aged(900), ACCOUNT, changes)
    assert outcome.code == "NO_PREAUTHENTICATION"
    codes = [remark.code for remark in outcome.remarks]
    assert codes == ["NEVER_EXPIRES", "WEAK_ENCRYPTION", "OLD_PASSWORD"]


def test_the_weaknesses_of_an_administrator_are_remarks():
    groups = (*conforming().groups, Group("Domain Admins", "global", ("service.vmm",)))
    changes = attributes(userAccountControl=b"4259840")
    outcome = of(ACC_08, replace(conforming(), groups=groups), ACCOUNT, changes)
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "PRIVILEGED")
    codes = [remark.code for remark in outcome.remarks]
    assert codes == ["NEVER_EXPIRES", "NO_PREAUTHENTICATION"]


@pytest.mark.unverified
def test_a_managed_account_needs_no_password_of_a_person():
    changes = {
        "service.vmm": {
            "objectClass": [b"computer", b"msDS-GroupManagedServiceAccount"],
            "pwdLastSet": [b"0"],
        }
    }
    outcome = of(ACC_08, subject=ACCOUNT, attributes=changes)
    assert outcome.verdict is Verdict.PASS
    assert [remark.code for remark in outcome.remarks] == ["MANAGED"]


def test_an_unknown_age_is_not_assessable():
    outcome = of(ACC_08, subject=ACCOUNT, attributes=attributes(pwdLastSet=b"0"))
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "PASSWORD_AGE_UNKNOWN")


def test_a_gap_is_not_assessable():
    evidence, scope = simulate(conforming())
    outcome = outcomes(ACC_08, without(evidence, GROUPS), scope)[ACCOUNT]
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "access-denied")


def test_what_is_known_is_told_despite_the_gap():
    evidence, scope = simulate(aged(900))
    outcome = outcomes(ACC_08, without(evidence, GROUPS), scope)[ACCOUNT]
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "OLD_PASSWORD")
    assert [remark.code for remark in outcome.remarks] == ["GROUPS_UNREAD"]


def test_a_machine_is_not_applicable():
    world = replace(conforming(), vmm_services=(Service("SCVMMService", "LocalSystem"),))
    outcome = of(ACC_08, world, "scvmm", vmm=(VmmServer(server="vmm01.contoso.com"),))
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_APPLICABLE, "LOCAL_SYSTEM")


def test_the_service_account_is_judged_where_all_hosts_have_run_as_accounts():
    world = conforming()
    for host in world.hosts:
        world = world.with_host(host.name, run_as="run.as")
    evidence, scope = simulate(world, scope=scope_of(world))
    assert set(outcomes(ACC_08, evidence, scope)) == {ACCOUNT, RUN_AS}


def test_the_account_that_really_runs_is_judged():
    groups = (*conforming().groups, Group("Domain Admins", "global", ("run.as",)))
    services = (Service("SCVMMService", r"CONTOSO\run.as"),)
    outcome = of(ACC_08, replace(conforming(), groups=groups, vmm_services=services), ACCOUNT)
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "PRIVILEGED")
    assert outcome.values["account"] == r"CONTOSO\run.as"
