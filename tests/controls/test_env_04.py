import pytest

from tests.controls.test_env_support import (
    HOST,
    OTHER,
    OTHER_SID,
    SERVER,
    allowed_to_act,
    of,
    other_domain,
    outcomes,
)
from tests.simulate import simulate, without
from tests.worlds import conforming
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.env_04 import ENV_04

PAIR = f"{HOST} -> files.{OTHER}"
BARE = conforming().with_host("HYPER01", delegate_to=(), any_protocol=False)
NAMED = conforming().with_host("HYPER01", any_protocol=False)


def across(*args, **options):
    outcome = outcomes(ENV_04, *other_domain(*args, **options))[PAIR]
    return outcome.verdict, outcome.code


def test_one_domain_passes():
    assert of(ENV_04, subject=f"{HOST} -> {SERVER}").verdict is Verdict.PASS


def test_host_unknown_to_the_directory_is_not_assessable():
    evidence, scope = simulate(conforming())
    gap = without(evidence, questions.computer("contoso.com", HOST))
    outcome = outcomes(ENV_04, gap, scope)[f"{HOST} -> {SERVER}"]
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "access-denied")


@pytest.mark.unverified
def test_other_domain_without_resource_based_delegation_fails():
    assert across() == (Verdict.FAIL, "OTHER_DOMAIN")


@pytest.mark.unverified
@pytest.mark.parametrize("world", [BARE, conforming()], ids=["empty list", "any protocol"])
def test_other_domain_with_resource_based_delegation_passes(world):
    outcome = outcomes(ENV_04, *other_domain(world, allowed=["HYPER01"]))[PAIR]
    assert outcome.verdict is Verdict.PASS
    assert [remark.code for remark in outcome.remarks] == ["RBCD"]


@pytest.mark.unverified
def test_resource_based_delegation_needs_an_empty_list_or_the_flag():
    assert across(NAMED, allowed=["HYPER01"]) == (Verdict.FAIL, "RBCD_LIST_NOT_EMPTY")


@pytest.mark.unverified
def test_resource_based_delegation_through_a_global_group():
    assert across(allowed=["GG_HyperV_Hosts"]) == (Verdict.PASS, "")


@pytest.mark.unverified
def test_a_domain_local_group_of_the_hosts_domain_does_not_count_elsewhere():
    assert across(allowed=["DL_VMMLib_R"]) == (Verdict.FAIL, "OTHER_DOMAIN")


@pytest.mark.unverified
def test_a_group_of_the_other_domain_leaves_it_open():
    extra = allowed_to_act(f"{OTHER_SID}-1300")
    assert across(extra=extra) == (Verdict.NOT_ASSESSABLE, "RBCD_UNDECIDABLE")


@pytest.mark.unverified
@pytest.mark.parametrize(
    "trusts",
    [
        (),
        (("contoso.com", OTHER, 2, 0x08),),
        (("contoso.com", "x.example", 3, 0), (OTHER, "x.example", 3, 0x08)),
    ],
    ids=["none", "one way", "not transitive"],
)
def test_without_a_two_way_trust_it_fails(trusts):
    assert across(trusts=trusts, allowed=["HYPER01"]) == (Verdict.FAIL, "NO_TWO_WAY_TRUST")


@pytest.mark.unverified
def test_a_way_over_the_root_of_the_forest_counts():
    trusts = (("contoso.com", "root.example", 3, 0x20), (OTHER, "root.example", 3, 0x20))
    assert across(trusts=trusts, allowed=["HYPER01"]) == (Verdict.PASS, "")


@pytest.mark.unverified
def test_an_unread_domain_in_between_leaves_it_open():
    trusts = (("contoso.com", "root.example", 3, 0x20),)
    found = across(trusts=trusts, allowed=["HYPER01"])
    assert found == (Verdict.NOT_ASSESSABLE, "TRUST_UNKNOWN")


@pytest.mark.unverified
def test_selective_authentication_is_remarked():
    evidence, scope = other_domain(allowed=["HYPER01"], trusts=(("contoso.com", OTHER, 3, 0x18),))
    remarks = outcomes(ENV_04, evidence, scope)[PAIR].remarks
    assert [remark.code for remark in remarks] == ["RBCD", "SELECTIVE_AUTHENTICATION"]
