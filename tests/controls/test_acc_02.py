from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.controls.test_env_support import ACCOUNT, of, outcomes
from tests.simulate import simulate, without
from tests.worlds import MOMENT, conforming
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.acc_02 import ACC_02
from vmmaudit.scope import VmmServer


def account(world=None, **options):
    outcome = of(ACC_02, world, ACCOUNT, **options)
    return outcome.verdict, outcome.code


def test_usable_account_passes():
    assert account() == (Verdict.PASS, "")


def test_disabled_fails():
    world = conforming().with_user("service.vmm", enabled=False)
    assert account(world) == (Verdict.FAIL, "DISABLED")


def test_expired_fails_and_says_since_when():
    world = conforming().with_user("service.vmm", expires=datetime(2026, 9, 1, tzinfo=UTC))
    outcome = of(ACC_02, world, ACCOUNT)
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "EXPIRED")
    assert outcome.values["expired"] == "2026-09-01"


def test_expiring_later_passes():
    world = conforming().with_user("service.vmm", expires=MOMENT + timedelta(days=1))
    assert account(world) == (Verdict.PASS, "")


def computed(bits):
    return {"service.vmm": {"msDS-User-Account-Control-Computed": [str(bits).encode()]}}


def test_locked_out_warns():
    assert account(attributes=computed(0x10)) == (Verdict.WARN, "LOCKED_OUT")


def test_expired_password_warns():
    assert account(attributes=computed(0x800000)) == (Verdict.WARN, "PASSWORD_EXPIRED")


def test_computer_account_fails():
    vmm = (VmmServer(server="vmm01.contoso.com", account=r"CONTOSO\VMM01$"),)
    outcome = of(ACC_02, subject=r"contoso\vmm01$", vmm=vmm)
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "LOCAL_SYSTEM")


def test_known_by_spn_alone_it_only_warns():
    world = replace(conforming(), vmm_services=()).with_user("service.vmm", enabled=False)
    vmm = (VmmServer(server="vmm01.contoso.com"),)
    outcome = of(ACC_02, world, "scvmm", vmm=vmm)
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "DISABLED")
    assert [remark.code for remark in outcome.remarks] == ["SPN_ONLY"]


def test_unread_account_is_not_assessable():
    evidence, scope = simulate(conforming())
    gap = without(evidence, questions.account("contoso.com", r"CONTOSO\service.vmm"))
    outcome = outcomes(ACC_02, gap, scope)[ACCOUNT]
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "access-denied")


def test_run_as_account_is_a_subject_of_its_own():
    world = conforming().with_host("HYPER02", run_as="run.as").with_user("run.as", enabled=False)
    evidence, scope = simulate(world)
    found = {name: o.verdict for name, o in outcomes(ACC_02, evidence, scope).items()}
    assert found == {ACCOUNT: Verdict.PASS, r"contoso\run.as": Verdict.FAIL}
