from dataclasses import replace

import pytest

from tests.controls.test_env_support import of, outcomes
from tests.simulate import scope_of, simulate, without
from tests.worlds import Service, conforming
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.acc_07 import ACC_07
from vmmaudit.scope import VmmServer

VMM = "vmm01.contoso.com"
BOTH = (f"SCVMM/{VMM}", "SCVMM/VMM01")
NO_SERVICE = {"vmm_services": ()}


def test_both_forms_on_the_account_pass():
    outcome = of(ACC_07, subject=VMM)
    assert outcome.verdict is Verdict.PASS
    assert outcome.values["account"] == r"CONTOSO\service.vmm"


@pytest.mark.parametrize(
    ("kept", "missing"), [(BOTH[:1], "SCVMM/vmm01"), (BOTH[1:], f"SCVMM/{VMM}")]
)
@pytest.mark.parametrize("registry", [True, False])
def test_one_form_is_a_warning(kept, missing, registry):
    """Whether setup was read or not, and although it wrote one form only."""
    world = conforming().with_user("service.vmm", spns=kept)
    evidence, scope = simulate(world)
    if not registry:
        evidence = without(evidence, questions.registry(VMM, *questions.VMM_OWN_SPNS))
    outcome = outcomes(ACC_07, evidence, scope)[VMM]
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "ONE_FORM")
    assert outcome.values["missing"] == (missing,)


def test_none_is_a_warning():
    outcome = of(ACC_07, conforming().with_user("service.vmm", spns=()), VMM)
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "NONE")


def test_a_duplicate_fails_and_names_both():
    world = replace(conforming(), other_spns=(("OLD", (f"scvmm/{VMM.upper()}",)),))
    outcome = of(ACC_07, world, VMM)
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "DUPLICATE")
    assert outcome.values["owners"] == (r"CONTOSO\OLD$", r"CONTOSO\service.vmm")


def test_a_duplicate_fails_even_if_the_account_is_unknown():
    world = replace(conforming(), other_spns=(("OLD", BOTH),), **NO_SERVICE)
    outcome = of(ACC_07, world, VMM, vmm=(VmmServer(server=VMM),))
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "DUPLICATE")


def moved():
    world = conforming().with_user("service.vmm", spns=())
    return world.with_user("run.as", spns=BOTH)


def test_names_left_on_the_former_account_fail():
    outcome = of(ACC_07, moved(), VMM)
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "STALE")
    assert outcome.values["owners"] == (r"CONTOSO\run.as",)


def test_names_that_contradict_the_scope_alone_are_a_doubt():
    outcome = of(ACC_07, replace(moved(), **NO_SERVICE), VMM)
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "ELSEWHERE")


def test_an_account_that_only_the_names_tell_is_not_assessable():
    world = replace(conforming(), **NO_SERVICE)
    outcome = of(ACC_07, world, VMM, vmm=(VmmServer(server=VMM),))
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "ACCOUNT_UNKNOWN")


def test_a_machine_that_is_the_service_owns_its_names():
    world = replace(
        conforming().with_user("service.vmm", spns=()),
        vmm_services=(Service("SCVMMService", "LocalSystem"),),
    )
    outcome = of(
        ACC_07, world, VMM, {"VMM01$": {"servicePrincipalName": [b.encode() for b in BOTH]}}
    )
    assert outcome.verdict is Verdict.PASS


@pytest.mark.unverified
def test_a_managed_account_is_remarked():
    attributes = {"service.vmm": {"objectClass": [b"computer", b"msDS-GroupManagedServiceAccount"]}}
    outcome = of(ACC_07, subject=VMM, attributes=attributes)
    assert [remark.code for remark in outcome.remarks] == ["MANAGED"]


def test_what_setup_wrote_counts():
    """The names of a cluster role instead of the server's own."""
    names = ("SCVMM/havmm", "SCVMM/havmm.contoso.com")
    outcome = of(ACC_07, conforming().with_user("service.vmm", spns=names), VMM)
    assert outcome.verdict is Verdict.PASS
    assert set(outcome.values["spns"]) == set(names)


def test_a_gap_is_not_assessable():
    evidence, scope = simulate(conforming())
    outcome = outcomes(ACC_07, without(evidence, questions.vmm_spns("contoso.com")), scope)[VMM]
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "access-denied")


def test_no_vmm_server_is_no_subject():
    evidence, scope = simulate(conforming(), scope=scope_of(conforming(), vmm=()))
    assert outcomes(ACC_07, evidence, scope) == {}
