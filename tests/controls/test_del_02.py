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
from tests.worlds import cifs, conforming
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.del_02 import DEL_02
from vmmaudit.scope import Library, VmmServer

KERBEROS_ONLY = conforming().with_host("HYPER01", any_protocol=False)
NOTHING = KERBEROS_ONLY.with_host("HYPER01", delegate_to=())
ALLOWED = {"LIBRARY01$": allowed_to_act(sid_of(conforming(), "HYPER01"))}


def verdict(world=None, subject=PAIR, **options):
    outcome = of(DEL_02, world, subject, **options)
    return outcome.verdict, outcome.code


def test_any_protocol_passes():
    assert verdict() == (Verdict.PASS, "")


def test_kerberos_only_fails():
    assert verdict(KERBEROS_ONLY) == (Verdict.FAIL, "KERBEROS_ONLY")


def test_not_trusted_at_all_fails():
    assert verdict(NOTHING) == (Verdict.FAIL, "NOT_TRUSTED")


@pytest.mark.unverified
def test_resource_based_delegation_does_without_if_the_list_is_empty():
    outcome = of(DEL_02, NOTHING, attributes=ALLOWED)
    assert outcome.verdict is Verdict.PASS
    assert [remark.code for remark in outcome.remarks] == ["RBCD"]


@pytest.mark.unverified
def test_resource_based_delegation_needs_it_if_the_list_is_not_empty():
    assert verdict(KERBEROS_ONLY, attributes=ALLOWED) == (Verdict.FAIL, "RBCD_LIST_NOT_EMPTY")


@pytest.mark.unverified
def test_resource_based_delegation_that_nobody_can_tell():
    attributes = {"LIBRARY01$": allowed_to_act("S-1-5-11")}
    found = verdict(NOTHING, attributes=attributes)
    assert found == (Verdict.NOT_ASSESSABLE, "RBCD_UNDECIDABLE")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"vmm": (VmmServer(server=SERVER, account=r"CONTOSO\service.vmm"),)}, "VMM_SERVER"),
        ({"attributes": {"LIBRARY01$": {"userAccountControl": [b"532480"]}}}, "DOMAIN_CONTROLLER"),
    ],
)
def test_library_on_an_important_server_warns(options, code):
    assert verdict(**options) == (Verdict.WARN, code)


def test_important_server_that_is_not_delegated_to_does_not_matter():
    world = conforming().with_host("HYPER01", delegate_to=cifs("LIBRARY02"))
    vmm = (VmmServer(server=SERVER, account=r"CONTOSO\service.vmm"),)
    assert verdict(world, vmm=vmm) == (Verdict.PASS, "")


def test_host_that_is_the_library_server_needs_none():
    share = Library(share=rf"\\{HOST}\ISO")
    found = verdict(NOTHING, rf"{HOST} -> \\{HOST}\iso", libraries=(share,))
    assert found == (Verdict.NOT_APPLICABLE, "LOCAL")


@pytest.mark.unverified
def test_other_domain_is_not_applicable():
    outcome = outcomes(DEL_02, *other_domain(NOTHING))[rf"{HOST} -> \\files.fabrikam.com\iso"]
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_APPLICABLE, "OTHER_DOMAIN")


def test_unread_host_is_not_assessable():
    evidence, scope = simulate(conforming())
    gap = without(evidence, questions.computer("contoso.com", HOST))
    assert outcomes(DEL_02, gap, scope)[PAIR].verdict is Verdict.NOT_ASSESSABLE


@pytest.mark.parametrize(
    ("world", "expected"),
    [(conforming(), Verdict.PASS), (KERBEROS_ONLY, Verdict.NOT_ASSESSABLE)],
)
def test_unread_server_matters_only_without_the_flag(world, expected):
    evidence, scope = simulate(world)
    gap = without(evidence, questions.computer("contoso.com", SERVER))
    assert outcomes(DEL_02, gap, scope)[PAIR].verdict is expected
