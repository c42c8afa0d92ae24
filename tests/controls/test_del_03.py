import pytest

from tests.controls.test_env_support import ACCOUNT, HOST, SERVER, of, outcomes
from tests.simulate import simulate, without
from tests.worlds import conforming
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.del_03 import DEL_03
from vmmaudit.scope import Library


def control(name, bits):
    return {name: {"userAccountControl": [str(bits).encode()]}}


def verdict(subject, world=None, **options):
    outcome = of(DEL_03, world, subject, **options)
    return outcome.verdict, outcome.code


@pytest.mark.parametrize("subject", [HOST, SERVER, ACCOUNT])
def test_without_the_mark_it_passes(subject):
    assert verdict(subject) == (Verdict.PASS, "")


@pytest.mark.parametrize(("subject", "name"), [(HOST, "HYPER01$"), (SERVER, "LIBRARY01$")])
def test_unconstrained_computer_fails(subject, name):
    attributes = control(name, 0x81000)
    assert verdict(subject, attributes=attributes) == (Verdict.FAIL, "UNCONSTRAINED")


def test_unconstrained_but_disabled_warns():
    world = conforming().with_host("HYPER01", unconstrained=True, enabled=False)
    assert verdict(HOST, world) == (Verdict.WARN, "UNCONSTRAINED_DISABLED")


@pytest.mark.parametrize("bits", [0x82000, 0x4001000])
def test_domain_controllers_are_not_applicable(bits):
    attributes = control("LIBRARY01$", bits)
    found = verdict(SERVER, attributes=attributes)
    assert found == (Verdict.NOT_APPLICABLE, "DOMAIN_CONTROLLER")


def test_unconstrained_account_warns():
    attributes = control("service.vmm", 0x90200)
    assert verdict(ACCOUNT, attributes=attributes) == (Verdict.WARN, "ACCOUNT_UNCONSTRAINED")


def test_delegation_list_of_the_account_warns():
    attributes = {"service.vmm": {"msDS-AllowedToDelegateTo": [b"cifs/x", b"http/y"]}}
    outcome = of(DEL_03, None, ACCOUNT, attributes)
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "ACCOUNT_LIST")
    assert outcome.values["listed"] == ("cifs/x", "http/y")


def test_both_are_told():
    attributes = {
        "service.vmm": {
            "msDS-AllowedToDelegateTo": [b"cifs/x"],
            "userAccountControl": [str(0x90200).encode()],
        }
    }
    outcome = of(DEL_03, None, ACCOUNT, attributes)
    assert outcome.code == "ACCOUNT_UNCONSTRAINED"
    assert [remark.code for remark in outcome.remarks] == ["ACCOUNT_LIST"]


def test_host_that_is_a_library_server_is_one_subject():
    evidence, scope = simulate(conforming())
    scope = scope.model_copy(update={"libraries": (Library(share=rf"\\{HOST}\ISO"),)})
    assert HOST in outcomes(DEL_03, evidence, scope)


@pytest.mark.parametrize("name", [HOST, SERVER])
def test_unread_computer_is_not_assessable(name):
    evidence, scope = simulate(conforming())
    gap = without(evidence, questions.computer("contoso.com", name))
    outcome = outcomes(DEL_03, gap, scope)[name]
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "access-denied")
