"""DEL-05 to DEL-08: what a delegation list holds too much, and whom it belongs to."""

from dataclasses import replace

import pytest

from tests.controls.test_env_support import of, outcomes
from tests.simulate import scope_of, simulate, without
from tests.worlds import HOSTS, MOMENT, conforming
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.del_05 import DEL_05
from vmmaudit.controls.del_06 import DEL_06
from vmmaudit.controls.del_07 import DEL_07
from vmmaudit.controls.del_08 import DEL_08
from vmmaudit.scope import Host
from vmmaudit.windows.descriptor import Ace, encode
from vmmaudit.windows.filetime import to_filetime

HOST = "hyper01.contoso.com"
LIBRARY = "library01.contoso.com"
GOOD = conforming()


def refused(control, subject):
    evidence, scope = simulate(GOOD)
    asked = questions.computer("contoso.com", subject)
    return outcomes(control, without(evidence, asked), scope)[subject]


@pytest.mark.parametrize(
    ("control", "subject"), [(DEL_05, HOST), (DEL_06, LIBRARY), (DEL_07, HOST)]
)
def test_an_unread_account_is_not_assessable(control, subject):
    assert refused(control, subject).verdict is Verdict.NOT_ASSESSABLE


def with_targets(*spns):
    host = GOOD.host("HYPER01")
    return GOOD.with_host("HYPER01", delegate_to=(*host.delegate_to, *spns))


@pytest.mark.parametrize(
    ("spns", "verdict", "code"),
    [
        ((), Verdict.PASS, ""),
        (("Microsoft Virtual System Migration Service/HYPER02",), Verdict.PASS, ""),
        (("cifs/hyper02.contoso.com",), Verdict.PASS, ""),
        (("cifs/old.contoso.com",), Verdict.WARN, "SUPERFLUOUS"),
        (("http/web01.contoso.com:8080",), Verdict.WARN, "SUPERFLUOUS"),
        (("ldap/dc01.contoso.com/contoso.com",), Verdict.FAIL, "CONTROLLER"),
        (("cifs/DC01",), Verdict.FAIL, "CONTROLLER"),
    ],
)
def test_targets(spns, verdict, code):
    found = of(DEL_05, with_targets(*spns), HOST)
    assert (found.verdict, found.code) == (verdict, code)


def allowing(*sids):
    aces = [Ace(0, 0, 0xF01FF, sid) for sid in sids]
    return {"LIBRARY01$": {"msDS-AllowedToActOnBehalfOfOtherIdentity": [encode(aces)]}}


def sid_of(name):
    evidence, _ = simulate(GOOD)
    from vmmaudit.facts import decode

    facts = decode(evidence, scope_of(GOOD))
    return next(p.sid for p in facts.directory.known() if p.name.rstrip("$") == name)


@pytest.mark.unverified
@pytest.mark.parametrize(
    ("name", "verdict", "code"),
    [
        ("HYPER01", Verdict.PASS, ""),
        ("GG_HyperV_Hosts", Verdict.PASS, ""),
        ("service.vmm", Verdict.FAIL, "USERS"),
        ("LIBRARY02", Verdict.WARN, "OTHERS"),
        ("Domain Computers", Verdict.FAIL, "CROWD"),
    ],
)
def test_who_may_act(name, verdict, code):
    found = of(DEL_06, GOOD, LIBRARY, allowing(sid_of(name)))
    assert (found.verdict, found.code) == (verdict, code)


@pytest.mark.unverified
def test_everyone_and_nobody_may_act():
    assert of(DEL_06, GOOD, LIBRARY, allowing("S-1-1-0")).code == "CROWD"
    assert of(DEL_06, GOOD, LIBRARY, allowing("S-1-5-21-9-9-9-1234")).code == "OTHERS"
    unused = of(DEL_06, subject=LIBRARY)
    assert (unused.verdict, unused.code) == (Verdict.NOT_APPLICABLE, "NOT_USED")


def days_ago(days):
    from datetime import timedelta

    return str(to_filetime(MOMENT - timedelta(days=days))).encode()


@pytest.mark.parametrize(
    ("attributes", "verdict", "code"),
    [
        ({}, Verdict.PASS, ""),
        ({"pwdLastSet": [days_ago(61)]}, Verdict.WARN, "OLD_PASSWORD"),
        ({"lastLogonTimestamp": [days_ago(46)]}, Verdict.WARN, "STALE"),
        ({"lastLogonTimestamp": [days_ago(10)]}, Verdict.PASS, ""),
        ({"msDS-SupportedEncryptionTypes": [b"4"]}, Verdict.WARN, "NO_AES"),
        ({"msDS-SupportedEncryptionTypes": [b"28"]}, Verdict.PASS, ""),
        ({"pwdLastSet": []}, Verdict.NOT_ASSESSABLE, "PASSWORD_AGE_UNKNOWN"),
    ],
)
def test_the_account_of_a_host(attributes, verdict, code):
    found = of(DEL_07, GOOD, HOST, {"HYPER01$": attributes})
    assert (found.verdict, found.code) == (verdict, code)


def test_all_doubts_of_a_host_are_told():
    attributes = {
        "pwdLastSet": [days_ago(61)],
        "lastLogonTimestamp": [days_ago(46)],
        "msDS-SupportedEncryptionTypes": [b"4"],
    }
    found = of(DEL_07, GOOD, HOST, {"HYPER01$": attributes})
    assert found.code == "STALE"
    assert [remark.code for remark in found.remarks] == ["OLD_PASSWORD", "NO_AES"]


def test_a_disabled_and_a_protected_host():
    assert of(DEL_07, GOOD.with_host("HYPER01", enabled=False), HOST).code == "DISABLED"
    from tests.worlds import Group

    protected = replace(
        GOOD, groups=(*GOOD.groups, Group("Protected Users", "global", ("HYPER01",)))
    )
    assert of(DEL_07, protected, HOST).code == "PROTECTED_USER"


def clustered(*numbers):
    return tuple(
        Host(
            name=f"{name.lower()}.contoso.com", cluster="cl01.contoso.com" if n in numbers else None
        )
        for n, name in enumerate(HOSTS, 1)
    )


def cluster(world, *numbers):
    scope = scope_of(world, hosts=clustered(*numbers))
    return outcomes(DEL_08, simulate(world, scope=scope)[0], scope)


def test_nodes_alike_and_not():
    alike = cluster(GOOD, 1, 2)["cl01.contoso.com"]
    assert alike.verdict is Verdict.PASS
    host = GOOD.host("HYPER02")
    partners = GOOD.with_host("HYPER02", delegate_to=(*host.delegate_to, "cifs/HYPER01"))
    assert cluster(partners, 1, 2)["cl01.contoso.com"].verdict is Verdict.PASS
    for changes in ({"delegate_to": host.delegate_to[:2]}, {"any_protocol": False}):
        found = cluster(GOOD.with_host("HYPER02", **changes), 1, 2)["cl01.contoso.com"]
        assert (found.verdict, found.code) == (Verdict.FAIL, "NODES_DIFFER")
        assert found.values["lacking"] == (r"CONTOSO\HYPER02$",)


@pytest.mark.unverified
def test_delegation_of_the_cluster_name_is_remarked_and_helps_nobody():
    """The domain controller looks at the node that asks. *Unverified on Windows.*"""
    spns = ("MSServerCluster/CL01", "MSClusterVirtualServer/CL01")
    world = replace(GOOD, other_spns=(("CL01", spns),))
    listed = {"CL01$": {"msDS-AllowedToDelegateTo": [b"cifs/library01.contoso.com"]}}
    scope = scope_of(world, hosts=clustered(1, 2))
    found = outcomes(DEL_08, simulate(world, listed, scope)[0], scope)["cl01.contoso.com"]
    assert (found.verdict, [remark.code for remark in found.remarks]) == (
        Verdict.PASS,
        ["CLUSTER_NAME"],
    )
    assert found.remarks[0].values["listed"] == ("cifs/library01.contoso.com",)
    lacking = world.with_host("HYPER02", delegate_to=())
    found = outcomes(DEL_08, simulate(lacking, listed, scope)[0], scope)["cl01.contoso.com"]
    assert (found.verdict, found.code) == (Verdict.FAIL, "NODES_DIFFER")
    plain = outcomes(DEL_08, simulate(world, scope=scope)[0], scope)["cl01.contoso.com"]
    assert plain.remarks == ()


def test_one_node_and_no_cluster():
    assert cluster(GOOD, 1)["cl01.contoso.com"].verdict is Verdict.NOT_APPLICABLE
    assert cluster(GOOD) == {}


def test_an_unread_node_is_not_assessable():
    scope = scope_of(GOOD, hosts=clustered(1, 2))
    evidence, _ = simulate(GOOD, scope=scope)
    asked = questions.computer("contoso.com", "hyper02.contoso.com")
    found = outcomes(DEL_08, without(evidence, asked), scope)["cl01.contoso.com"]
    assert found.verdict is Verdict.NOT_ASSESSABLE


def test_unread_groups_of_a_host_are_not_assessable():
    evidence, scope = simulate(GOOD)
    dn = "CN=HYPER01,CN=Computers,DC=contoso,DC=com"
    refused = without(evidence, questions.token_groups("contoso.com", dn))
    assert outcomes(DEL_07, refused, scope)[HOST].verdict is Verdict.NOT_ASSESSABLE


def test_a_library_on_a_controller():
    world = GOOD.with_library("LIBRARY01", unc_name="dc01.contoso.com")
    host = world.host("HYPER01")
    world = world.with_host("HYPER01", delegate_to=(*host.delegate_to, "cifs/dc01.contoso.com"))
    found = of(DEL_05, world, HOST)
    assert (found.verdict, found.code) == (Verdict.WARN, "LIBRARY_ON_CONTROLLER")
