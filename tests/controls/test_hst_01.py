from datetime import timedelta

from tests.controls.test_env_support import HOST, of, outcomes
from tests.simulate import simulate, without
from tests.worlds import MOMENT, conforming
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.hst_01 import HST_01

GROUP = "GG_HyperV_Hosts"


def host(world=None, **options):
    outcome = of(HST_01, world, HOST, **options)
    return outcome.verdict, outcome.code


def changed(hours, **more):
    moment = MOMENT - timedelta(hours=hours)
    return conforming().with_host("HYPER01", delegation_changed=moment, **more)


def test_restarted_after_the_change_passes():
    assert host() == (Verdict.PASS, "")


def test_fresh_change_without_restart_fails():
    assert host(changed(2)) == (Verdict.FAIL, "NOT_RESTARTED")


def test_fresh_change_fails_whatever_the_groups_are():
    evidence, scope = simulate(changed(2))
    dn = "CN=HYPER01,CN=Computers,DC=contoso,DC=com"
    gap = without(evidence, questions.token_groups("contoso.com", dn))
    assert outcomes(HST_01, gap, scope)[HOST].verdict is Verdict.FAIL


def test_old_change_without_restart_warns():
    assert host(changed(11)) == (Verdict.WARN, "TICKETS_MAY_HAVE_RENEWED")


def test_restart_within_the_replication_margin_is_none():
    world = changed(2, booted=MOMENT - timedelta(hours=2) + timedelta(minutes=14))
    assert host(world) == (Verdict.FAIL, "NOT_RESTARTED")
    world = changed(2, booted=MOMENT - timedelta(hours=2) + timedelta(minutes=15))
    assert host(world) == (Verdict.PASS, "")


def test_group_changed_after_the_start_warns():
    attributes = {GROUP: {"whenChanged": [b"20260930120000.0Z"]}}
    found = host(attributes=attributes)
    assert found == (Verdict.WARN, "MEMBERSHIP_MAY_HAVE_CHANGED")


def test_group_without_a_time_warns():
    attributes = {GROUP: {"whenChanged": [b"never"]}}
    assert host(attributes=attributes) == (Verdict.WARN, "MEMBERSHIP_UNKNOWN")


def test_counter_that_wraps_never_proves_a_restart():
    evidence, scope = simulate(conforming())
    gap = without(evidence, questions.boot(HOST))
    outcome = outcomes(HST_01, gap, scope)[HOST]
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "COUNTER_WRAPS")


def test_counter_that_wraps_can_prove_that_there_was_none():
    evidence, scope = simulate(changed(2))
    gap = without(evidence, questions.boot(HOST))
    outcome = outcomes(HST_01, gap, scope)[HOST]
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "NOT_RESTARTED")


def test_missing_boot_is_not_assessable():
    assert host(conforming().with_host("HYPER01", booted=None))[0] is Verdict.NOT_ASSESSABLE


def test_missing_change_is_not_assessable():
    attributes = {"HYPER01$": {"replPropertyMetaData": []}}
    assert host(attributes=attributes) == (Verdict.NOT_ASSESSABLE, "incomplete")
