import pytest

from tests.controls.test_env_support import (
    HOST,
    PAIR,
    SERVER,
    allowed_to_act,
    of,
    other_domain,
    outcomes,
    sid_of,
)
from tests.simulate import simulate, without
from tests.worlds import conforming
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.del_01 import DEL_01
from vmmaudit.scope import Library

FULL_NAME, SHORT_NAME = f"cifs/{SERVER}", "cifs/LIBRARY01"
MIGRATION = "Microsoft Virtual System Migration Service/hyper02.contoso.com"


def listing(*entries, **changes):
    return conforming().with_host("HYPER01", delegate_to=entries, **changes)


def verdict(*entries, **changes):
    outcome = of(DEL_01, listing(*entries, **changes))
    return outcome.verdict, outcome.code


def test_both_forms_pass():
    assert verdict(FULL_NAME, SHORT_NAME) == (Verdict.PASS, "")


def test_case_does_not_count():
    assert verdict(FULL_NAME.upper(), SHORT_NAME.lower()) == (Verdict.PASS, "")


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ((), "LIST_EMPTY"),
        ((MIGRATION, "cifs/hyper02.contoso.com"), "NOT_LISTED"),
        ((SHORT_NAME,), "OTHER_NAME"),
        ((f"HOST/{SERVER}",), "OTHER_CLASS"),
        ((f"{FULL_NAME}:445",), "VARIANT"),
        ((f"{FULL_NAME}/contoso.com",), "VARIANT"),
        ((f"HOST/{SERVER}", SHORT_NAME), "OTHER_NAME"),
        (("cifs/", "nonsense"), "NOT_LISTED"),
    ],
)
def test_without_the_very_entry_it_fails(entries, code):
    assert verdict(*entries) == (Verdict.FAIL, code)


def test_other_form_missing_warns():
    outcome = of(DEL_01, listing(FULL_NAME))
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "OTHER_FORM_MISSING")
    assert outcome.values["other"] == "cifs/library01"


def test_name_in_the_unc_decides_not_the_servers():
    world = listing(FULL_NAME, SHORT_NAME).with_library(
        "LIBRARY01", unc_name="iso.contoso.com", extra_spns=("HOST/iso.contoso.com",)
    )
    outcome = of(DEL_01, world, rf"{HOST} -> \\iso.contoso.com\msscvmmlibrary")
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "OTHER_NAME")


def test_address_has_one_form_only():
    world = listing("cifs/192.0.2.7").with_library(
        "LIBRARY01", unc_name="192.0.2.7", extra_spns=("cifs/192.0.2.7",)
    )
    assert of(DEL_01, world, rf"{HOST} -> \\192.0.2.7\msscvmmlibrary").verdict is Verdict.PASS


def test_disabled_host_fails():
    assert verdict(FULL_NAME, SHORT_NAME, enabled=False) == (Verdict.FAIL, "HOST_DISABLED")


def rbcd(world, *names):
    sids = [sid_of(world, name) for name in names]
    return of(DEL_01, world, attributes={"LIBRARY01$": allowed_to_act(*sids)})


@pytest.mark.unverified
@pytest.mark.parametrize("name", ["HYPER01", "GG_HyperV_Hosts", "DL_VMMLib_R"])
def test_resource_based_delegation_replaces_the_entry(name):
    outcome = rbcd(listing(any_protocol=False), name)
    assert outcome.verdict is Verdict.PASS
    assert [remark.code for remark in outcome.remarks] == ["RBCD"]


@pytest.mark.unverified
def test_resource_based_delegation_is_blocked_by_another_entry():
    outcome = rbcd(listing(MIGRATION, any_protocol=False), "HYPER01")
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "NOT_LISTED")
    assert [remark.code for remark in outcome.remarks] == ["RBCD_LIST_NOT_EMPTY"]


@pytest.mark.unverified
def test_resource_based_delegation_for_another_host_does_not_help():
    outcome = rbcd(listing(), "HYPER02")
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "LIST_EMPTY")


@pytest.mark.unverified
@pytest.mark.parametrize("name", ["Everyone", r"BUILTIN\Users"])
def test_resource_based_delegation_for_well_known_groups_is_undecidable(name):
    outcome = rbcd(listing(), name)
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "RBCD_UNDECIDABLE")


def test_host_that_is_the_library_server_needs_none():
    share = Library(share=rf"\\{HOST}\ISO")
    outcome = of(DEL_01, subject=rf"{HOST} -> \\{HOST}\iso", libraries=(share,))
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_APPLICABLE, "LOCAL")


@pytest.mark.unverified
def test_other_domain_is_not_applicable():
    outcome = outcomes(DEL_01, *other_domain())[rf"{HOST} -> \\files.fabrikam.com\iso"]
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_APPLICABLE, "OTHER_DOMAIN")


@pytest.mark.parametrize("name", [HOST, SERVER])
def test_unread_computer_is_not_assessable(name):
    evidence, scope = simulate(conforming())
    gap = without(evidence, questions.computer("contoso.com", name))
    outcome = outcomes(DEL_01, gap, scope)[PAIR]
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "access-denied")


def test_esx_hosts_are_no_subjects():
    evidence, scope = simulate(conforming())
    hosts = tuple(host.model_copy(update={"platform": "esx"}) for host in scope.hosts)
    assert not outcomes(DEL_01, evidence, scope.model_copy(update={"hosts": hosts}))
