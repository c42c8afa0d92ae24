from dataclasses import replace

import pytest

from tests.controls.test_env_support import SERVER, SHARE, of, other_domain, outcomes
from tests.simulate import simulate, without
from tests.worlds import conforming
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.del_04 import DEL_04

ALIAS = r"\\iso.contoso.com\msscvmmlibrary"


def named(name, *spns):
    return conforming().with_library("LIBRARY01", unc_name=name, extra_spns=spns)


def elsewhere(*spns):
    return replace(conforming(), other_spns=(("STALE", spns),))


def test_own_name_passes_by_its_host_entry():
    outcome = of(DEL_04, subject=SHARE)
    assert (outcome.verdict, outcome.remarks) == (Verdict.PASS, ())


def test_alias_without_entry_fails():
    outcome = of(DEL_04, named("iso.contoso.com"), ALIAS)
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "NO_SPN")


@pytest.mark.parametrize("service", ["HOST", "cifs"])
def test_alias_with_entry_passes_with_a_remark(service):
    outcome = of(DEL_04, named("iso.contoso.com", f"{service}/iso.contoso.com"), ALIAS)
    assert outcome.verdict is Verdict.PASS
    assert [remark.code for remark in outcome.remarks] == ["ALIAS"]


def test_name_twice_fails():
    outcome = of(DEL_04, elsewhere(f"HOST/{SERVER}"), SHARE)
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "DUPLICATE_SPN")
    assert outcome.values["owners"] == (r"CONTOSO\LIBRARY01$", r"CONTOSO\STALE$")


def test_name_of_another_account_fails():
    outcome = of(DEL_04, elsewhere(f"cifs/{SERVER}"), SHARE)
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "OTHER_OWNER")


def test_disabled_owner_fails():
    disabled = {"LIBRARY01$": {"userAccountControl": [b"4098"]}}
    outcome = of(DEL_04, subject=SHARE, attributes=disabled)
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "OWNER_DISABLED")


def test_address_with_entry_warns():
    outcome = of(DEL_04, named("192.0.2.7", "cifs/192.0.2.7"), r"\\192.0.2.7\msscvmmlibrary")
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "IP_ADDRESS")


def test_address_without_entry_fails():
    outcome = of(DEL_04, named("192.0.2.7"), r"\\192.0.2.7\msscvmmlibrary")
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "NO_SPN")


@pytest.mark.parametrize(
    "question",
    [questions.spn("contoso.com", SERVER), questions.computer("contoso.com", SERVER)],
)
def test_unread_is_not_assessable(question):
    evidence, scope = simulate(conforming())
    outcome = outcomes(DEL_04, without(evidence, question), scope)[SHARE]
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "access-denied")


def test_other_domains_of_the_forest_are_remarked():
    trusts = (("contoso.com", "root.example", 3, 0x20),)
    outcome = outcomes(DEL_04, *other_domain(trusts=trusts))[r"\\files.fabrikam.com\iso"]
    assert outcome.verdict is Verdict.PASS
    assert [remark.code for remark in outcome.remarks] == ["DOMAINS_NOT_ASKED"]
