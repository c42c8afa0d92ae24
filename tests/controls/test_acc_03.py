from dataclasses import replace

import pytest

from tests.controls.test_env_support import OTHER, of, outcomes, sid_of
from tests.simulate import scope_of, simulate, without
from tests.worlds import Group, Service, conforming
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.acc_03 import ACC_03
from vmmaudit.evidence import Reason
from vmmaudit.scope import Domain, VmmServer

VMM = "vmm01.contoso.com"
DOMAIN_ADMINS = ("Domain Admins",)


def administrated_by(*names, world=None):
    return replace(world or conforming(), vmm_administrators=names)


def nested(scope):
    """The account is in a group that is in a group that is entered."""
    groups = (
        *conforming().groups,
        Group("GG_Inner", "global", ("service.vmm",)),
        Group("GG_VMM_Admins", scope, ("GG_Inner",)),
    )
    return administrated_by(
        "Domain Admins", "GG_VMM_Admins", world=replace(conforming(), groups=groups)
    )


def test_a_direct_member_passes():
    outcome = of(ACC_03, subject=VMM)
    assert outcome.verdict is Verdict.PASS
    assert [remark.code for remark in outcome.remarks] == ["SERVICE_RIGHT_USED"]
    assert questions.administrators(VMM).id in outcome.evidence


@pytest.mark.parametrize("scope", ["global", "universal", "domain-local"])
def test_a_nested_member_passes_with_a_note(scope):
    outcome = of(ACC_03, nested(scope), VMM)
    assert outcome.verdict is Verdict.PASS
    assert [remark.code for remark in outcome.remarks] == ["NESTED", "SERVICE_RIGHT_USED"]
    assert outcome.values["groups"] == (r"CONTOSO\GG_VMM_Admins",)


@pytest.mark.parametrize("state", [None, 1, 2])
def test_only_a_service_that_runs_shows_that_it_may_log_on(state):
    services = (Service("SCVMMService", account="", state=state),)
    outcome = of(ACC_03, replace(conforming(), vmm_services=services), VMM)
    assert outcome.verdict is Verdict.PASS
    assert [remark.code for remark in outcome.remarks] == ["SERVICE_RIGHT_UNREAD"]


def test_no_member_fails():
    outcome = of(ACC_03, administrated_by(*DOMAIN_ADMINS), VMM)
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "NOT_MEMBER")


def test_an_empty_group_fails():
    assert of(ACC_03, administrated_by(), VMM).code == "NOT_MEMBER"


def test_a_sid_of_former_times_counts():
    old = "S-1-5-21-9-9-9-1234"
    attributes = {"service.vmm": {"sIDHistory": [_packed(old)]}}
    assert of(ACC_03, administrated_by(old), VMM, attributes).verdict is Verdict.PASS


def _packed(sid):
    from vmmaudit.windows.sid import sid_to_bytes

    return sid_to_bytes(sid)


def test_everybody_is_somebody():
    outcome = of(ACC_03, administrated_by("Authenticated Users"), VMM)
    assert outcome.verdict is Verdict.PASS


def test_a_logon_group_leaves_it_open():
    outcome = of(ACC_03, administrated_by("S-1-5-6"), VMM)
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "BY_LOGON")


@pytest.mark.parametrize(
    "question",
    [
        questions.administrators(VMM),
        questions.token_groups("contoso.com", "CN=service.vmm,OU=Dienstkonten,DC=contoso,DC=com"),
    ],
)
def test_a_gap_is_not_assessable(question):
    evidence, scope = simulate(conforming())
    outcome = outcomes(ACC_03, without(evidence, question), scope)[VMM]
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "access-denied")


def test_a_malformed_reply_is_not_assessable():
    from vmmaudit.evidence import Answer, Row

    evidence, scope = simulate(conforming())
    asked = questions.administrators(VMM)
    hostile = Answer(
        (Row("", {"reply": (b"\x01\0\0\0\0\0\2\0\xff\xff\xff\xff",)}),), VMM, evidence.origin.moment
    )
    evidence = replace(evidence, answers={**evidence.answers, asked: hostile})
    outcome = outcomes(ACC_03, evidence, scope)[VMM]
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, Reason.MALFORMED_REPLY)


@pytest.mark.parametrize("account", ["LocalSystem", r"NT AUTHORITY\NetworkService"])
def test_a_service_that_is_the_machine_is_not_applicable(account):
    world = replace(conforming(), vmm_services=(Service("SCVMMService", account),))
    outcome = of(ACC_03, world, VMM)
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_APPLICABLE, "LOCAL_SYSTEM")
    assert outcome.values["account"] == r"CONTOSO\VMM01$"


def test_the_account_that_really_runs_is_judged():
    """`run.as` is what the service uses, whatever the scope says; it is no administrator."""
    world = replace(conforming(), vmm_services=(Service("SCVMMService", r"CONTOSO\run.as"),))
    outcome = of(ACC_03, world, VMM)
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "NOT_MEMBER")
    assert outcome.values["account"] == r"CONTOSO\run.as"


def test_an_account_that_only_an_spn_names_is_no_more_than_a_warning():
    world = administrated_by(*DOMAIN_ADMINS, world=replace(conforming(), vmm_services=()))
    vmm = (VmmServer(server=VMM),)
    outcome = of(ACC_03, world, VMM, vmm=vmm)
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, "NOT_MEMBER")
    assert [remark.code for remark in outcome.remarks] == [
        *("SERVICE_RIGHT_UNREAD", "SPN_ONLY"),
    ]


def test_a_server_of_another_domain_may_have_groups_that_nobody_here_sees():
    """Its domain-local groups are not among those that the account's own domain tells."""
    world = administrated_by("Domain Admins", world=replace(conforming(), vmm_services=()))
    vmm = (VmmServer(server=f"vmm01.{OTHER}", account=r"CONTOSO\service.vmm"),)
    scope = scope_of(world, vmm=vmm, domains=(Domain(name="contoso.com"), Domain(name=OTHER)))
    evidence, scope = simulate(world, scope=scope)
    asked, known = questions.administrators(f"vmm01.{OTHER}"), questions.administrators(VMM)
    donor, _ = simulate(world)
    gaps = {q: g for q, g in evidence.gaps.items() if q != asked}
    answers = {**evidence.answers, asked: donor.answers[known]}
    outcome = outcomes(ACC_03, replace(evidence, answers=answers, gaps=gaps), scope)[
        f"vmm01.{OTHER}"
    ]
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "OTHER_DOMAIN")


def test_no_vmm_server_is_no_subject():
    evidence, scope = simulate(conforming(), scope=scope_of(conforming(), vmm=()))
    assert outcomes(ACC_03, evidence, scope) == {}


def test_a_foreign_member_has_the_name_that_the_server_tells():
    world = administrated_by("Domain Admins", "S-1-5-21-77-88-5-1001")
    evidence, scope = simulate(world)
    from vmmaudit.facts import decode

    directory = decode(evidence, scope).directory
    assert directory.name_of("S-1-5-21-77-88-5-1001") == r"VMM01\local1001"
    assert directory.name_of(sid_of(world, "Domain Admins")) == r"CONTOSO\Domain Admins"
