from dataclasses import replace

import pytest

from tests.controls.test_env_support import of, outcomes
from tests.simulate import simulate, without
from tests.worlds import DOMAIN, MOMENT, Controller, conforming
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.env_05 import ENV_05
from vmmaudit.evidence import Reason
from vmmaudit.windows import replication

FIRST, SECOND = "dc01.contoso.com", "dc02.contoso.com"
LIST = "msDS-AllowedToDelegateTo"


def versions(version):
    times = {replication.ALLOWED_TO_DELEGATE_TO: MOMENT, replication.USER_ACCOUNT_CONTROL: MOMENT}
    return ("replPropertyMetaData", (replication.encode(times, version),))


def other(name, attribute, *values, version=1):
    """A controller that has one attribute of one object otherwise."""
    return ((name, ((attribute, values), versions(version))),)


def site(first=(), second=(), **changes):
    controllers = Controller("DC01", behind=first), Controller("DC02", behind=second, **changes)
    return replace(conforming(), controllers=controllers)


def test_controllers_that_agree_pass():
    for name in (FIRST, SECOND):
        outcome = of(ENV_05, subject=name)
        assert outcome.verdict is Verdict.PASS
        assert outcome.values["read"] == FIRST
    assert [remark.code for remark in of(ENV_05, subject=FIRST).remarks] == ["READ"]


@pytest.mark.unverified
def test_a_controller_that_lags_is_a_warning():
    world = site(other("HYPER02$", LIST, b"cifs/x", version=4), other("HYPER02$", LIST, version=3))
    outcome = of(ENV_05, world, SECOND)
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "BEHIND")
    assert outcome.values["changes"] == (f"HYPER02$: {LIST} (3 < 4)",)
    assert of(ENV_05, world, FIRST).verdict is Verdict.PASS


@pytest.mark.unverified
def test_the_controller_that_was_read_may_lag_itself():
    world = site(other("HYPER02$", LIST, version=3), other("HYPER02$", LIST, b"cifs/x", version=4))
    outcome = of(ENV_05, world, FIRST)
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "READ_OUTDATED")
    assert outcome.values["changes"] == (f"HYPER02$: {LIST} (3 < 4)",)
    ahead = of(ENV_05, world, SECOND)
    assert ahead.verdict is Verdict.PASS
    assert [remark.code for remark in ahead.remarks] == ["AHEAD"]


@pytest.mark.unverified
def test_members_differ_without_a_version():
    world = site(second=(("GG_HyperV_Hosts", (("member", (b"CN=HYPER01",)),)),))
    outcome = of(ENV_05, world, SECOND)
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "DIFFERS")
    assert outcome.values["changes"] == ("GG_HyperV_Hosts: member",)


@pytest.mark.unverified
def test_an_account_that_one_does_not_know_yet_differs():
    world = site(second=(("HYPER07$", (("objectSid", ()),)),))
    outcome = of(ENV_05, world, SECOND)
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "DIFFERS")
    assert outcome.values["changes"] == ("HYPER07$: objectSid",)


def test_one_that_does_not_answer_is_not_assessable_and_the_other_is():
    world = site(reachable=False, read_only=True)
    outcome = of(ENV_05, world, SECOND)
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "unreachable")
    assert [remark.code for remark in outcome.remarks] == ["READ_ONLY"]
    assert of(ENV_05, world, FIRST).verdict is Verdict.PASS


def test_if_the_one_that_was_read_is_gone_the_others_are_still_compared():
    evidence, scope = simulate(conforming())
    for question in [q for q in evidence.answers if q.server == FIRST]:
        evidence = without(evidence, question, Reason.TIMEOUT)
    found = outcomes(ENV_05, evidence, scope)
    assert found[FIRST].code == "timeout"
    assert found[SECOND].verdict is Verdict.PASS


@pytest.mark.unverified
def test_a_read_only_controller_is_named():
    outcome = of(ENV_05, site(read_only=True), SECOND)
    assert outcome.verdict is Verdict.PASS
    assert [remark.code for remark in outcome.remarks] == ["READ_ONLY"]


def test_a_single_controller_is_not_applicable():
    world = replace(conforming(), controllers=(Controller("DC01"),))
    outcome = of(ENV_05, world, FIRST)
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_APPLICABLE, "SINGLE")
    evidence, _ = simulate(world)
    assert not list(evidence.of(questions.CONTROLLER))


def test_a_malformed_reply_is_not_assessable():
    world = site(second=(("HYPER01$", (("replPropertyMetaData", (b"\x01\0\0\0",)),)),))
    outcome = of(ENV_05, world, SECOND)
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, Reason.MALFORMED_REPLY)


def test_unknown_controllers_are_a_gap_of_the_domain():
    evidence, scope = simulate(conforming())
    refused = without(evidence, questions.domain_controllers(DOMAIN))
    outcome = outcomes(ENV_05, refused, scope)[DOMAIN]
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "access-denied")


def test_evidence_of_before_is_not_assessable():
    evidence, scope = simulate(conforming())
    answers = {q: a for q, a in evidence.answers.items() if q.kind != questions.CONTROLLER}
    found = outcomes(ENV_05, replace(evidence, answers=answers), scope)
    assert {outcome.code for outcome in found.values()} == {"not-asked"}


@pytest.mark.parametrize("name", ["dc02.fabrikam.com", "DC02"])
def test_a_name_outside_the_domain_is_not_asked(name):
    attributes = {"DC02$": {"dNSHostName": [name.encode()]}}
    evidence, _ = simulate(conforming(), attributes)
    servers = {q.server for q, _ in evidence.of(questions.CONTROLLER)}
    assert name.lower() not in servers
