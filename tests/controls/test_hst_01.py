from datetime import timedelta

import pytest

from tests.controls.test_env_support import HOST, of, outcomes
from tests.simulate import simulate, without
from tests.worlds import MOMENT, conforming
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.hst_01 import HST_01
from vmmaudit.windows import replication

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


def link(member="CN=HYPER01,CN=Computers,DC=contoso,DC=com", hours=2, **other):
    """A value of msDS-ReplValueMetaData as Windows writes it (MS-ADTS 3.1.1.3.1.1.3)."""
    joined = MOMENT - timedelta(hours=hours)
    fields = {
        "pszAttributeName": "member",
        "pszObjectDn": member,
        "cbData": "0",
        "pbData": "",
        "ftimeDeleted": "1601-01-01T00:00:00Z",
        "ftimeCreated": f"{joined:%Y-%m-%dT%H:%M:%SZ}",
        "dwVersion": "1",
        "ftimeLastOriginatingChange": f"{joined:%Y-%m-%dT%H:%M:%SZ}",
        **other,
    }
    inner = "".join(f"\t<{name}>{value}</{name}>\n" for name, value in fields.items())
    return f"<DS_REPL_VALUE_META_DATA>\n{inner}</DS_REPL_VALUE_META_DATA>\n\0".encode()


def joined(*links, changed_on=b"20260930120000.0Z"):
    """What a group of HYPER01 tells of its links, itself changed after the host's start."""
    return host(
        attributes={GROUP: {"whenChanged": [changed_on], "msDS-ReplValueMetaData": [*links]}}
    )


@pytest.mark.unverified
def test_a_membership_older_than_the_start_passes_whatever_else_the_group_saw():
    assert joined(link(hours=24 * 400)) == (Verdict.PASS, "")


@pytest.mark.unverified
def test_a_fresh_membership_without_restart_fails():
    assert joined(link(hours=2)) == (Verdict.FAIL, "MEMBERSHIP_CHANGED")


@pytest.mark.unverified
def test_an_older_membership_without_restart_warns():
    assert joined(link(hours=11)) == (Verdict.WARN, "MEMBERSHIP_MAY_BE_RENEWED")


@pytest.mark.parametrize(
    "links",
    [
        [],
        [link("CN=HYPER02,CN=Computers,DC=contoso,DC=com")],
        [link(ftimeDeleted="2026-09-01T00:00:00Z")],
        [link(pszAttributeName="managedBy")],
        [b"<DS_REPL_VALUE_META_DATA>"],
        [link(ftimeLastOriginatingChange="yesterday")],
        [b"\xff\0"],
    ],
    ids=["none", "another's", "removed", "another attribute", "cut", "no time", "garbage"],
)
def test_what_does_not_tell_of_this_link_leaves_the_upper_bound(links):
    assert joined(*links) == (Verdict.WARN, "MEMBERSHIP_MAY_HAVE_CHANGED")


def test_a_dn_is_compared_as_xml_writes_it():
    dn = "CN=HYPER01,CN=Computers,DC=contoso,DC=com"
    times = replication.link_times([link(dn.replace("HYPER01", "A &amp; B &lt;x&gt;").upper())])
    assert list(times) == [dn.replace("HYPER01", "A & B <x>").lower()]


def test_the_primary_group_is_told_by_the_account():
    """Its whenChanged moves with every computer that joins the domain."""
    data = replication.encode(
        {
            replication.ALLOWED_TO_DELEGATE_TO: MOMENT - timedelta(days=300),
            replication.USER_ACCOUNT_CONTROL: MOMENT - timedelta(days=300),
            replication.PRIMARY_GROUP_ID: MOMENT - timedelta(days=300),
        }
    )
    late = {"Domain Computers": {"whenChanged": [b"20260930120000.0Z"]}}
    assert host(attributes=late) == (Verdict.WARN, "MEMBERSHIP_MAY_HAVE_CHANGED")
    told = {**late, "HYPER01$": {"replPropertyMetaData": [data]}}
    assert host(attributes=told) == (Verdict.PASS, "")
