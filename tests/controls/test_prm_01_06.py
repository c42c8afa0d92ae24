"""PRM-01 to PRM-06: they judge the links of readiness and never compute them differently."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from tests.controls.test_lib_support import (
    CONDITIONAL_DENY,
    SERVER,
    aces,
    folders,
    found,
    remarks,
    said,
    sentences,
    with_files,
    with_items,
    with_share,
)
from tests.random_worlds import random_world
from tests.simulate import scope_of, simulate
from tests.test_words import with_gaps
from tests.variants import ACCOUNT, GOOD, LIB1, LIB2, pair
from tests.worlds import (
    DENY,
    DOMAIN,
    FILE_ACL,
    HOSTS,
    READ,
    SHARE,
    SHARE_ACL,
    Ace,
    Descriptor,
)
from vmmaudit import questions
from vmmaudit.assessment import Ternary, Verdict
from vmmaudit.controls.control import Severity
from vmmaudit.controls.prm_01 import PRM_01, PRM_02, PRM_03, PRM_04, PRM_05, PRM_06
from vmmaudit.facts import decode
from vmmaudit.judge import judge
from vmmaudit.readiness import Chain

HOST = pair(1, LIB1)
ACCOUNT_PAIR = f"{ACCOUNT} -> {LIB1}"
VMM = f"vmm01.{DOMAIN} -> {LIB1}"
WHO = {
    "host": (PRM_01, PRM_04, HOST, "HYPER01"),
    "account": (PRM_03, PRM_06, ACCOUNT_PAIR, "service.vmm"),
    "vmm": (PRM_02, PRM_05, VMM, "VMM01"),
}
REQUIRED = ("host", "account")
PASS, WARN, FAIL, OPEN = Verdict.PASS, Verdict.WARN, Verdict.FAIL, Verdict.NOT_ASSESSABLE
UNREAD_SHARE = questions.share(SERVER, SHARE)
UNREAD_FILE = questions.descriptor(SERVER, SHARE, r"ISOs\en_windows_server_2008_r2.iso")
LOCAL_GROUPS = questions.sam_domains(SERVER)


def refused(who: str) -> Verdict:
    return FAIL if who in REQUIRED else WARN


def without_members(who: str):
    groups = {
        "host": ("GG_HyperV_Hosts", HOSTS[1:]),
        "account": ("GG_VMM_Accounts", ("run.as", "VMM01")),
        "vmm": ("GG_VMM_Accounts", ("run.as", "service.vmm")),
    }
    name, members = groups[who]
    return GOOD.with_group(name, members=members)


@pytest.mark.parametrize("who", WHO)
def test_members_of_the_group_read(who):
    by_share, by_ntfs, subject, _ = WHO[who]
    for control in (by_share, by_ntfs):
        outcome = found(control, subject)
        assert said(outcome) == (PASS, "")
        assert outcome.values["through"] == (r"CONTOSO\DL_VMMLib_R",)
        assert remarks(outcome) == set()


@pytest.mark.parametrize("who", WHO)
def test_who_is_in_no_group_does_not_read(who):
    by_share, by_ntfs, subject, _ = WHO[who]
    world = without_members(who)
    assert said(found(by_share, subject, world)) == (refused(who), "NOT_GRANTED")
    outcome = found(by_ntfs, subject, world)
    assert said(outcome) == (refused(who), "NOT_GRANTED")
    assert outcome.values["count"] == outcome.values["total"] == 2


@pytest.mark.parametrize("who", WHO)
def test_a_deny_entry_is_named(who):
    by_share, by_ntfs, subject, name = WHO[who]
    deny = Ace(name, READ, DENY)
    outcome = found(by_share, subject, with_share(deny, *aces(SHARE_ACL)))
    assert said(outcome) == (refused(who), "DENIED")
    assert outcome.values["through"] == (outcome.values["principal"],)
    outcome = found(by_ntfs, subject, with_files(Descriptor((deny, *aces(FILE_ACL)))))
    assert said(outcome) == (refused(who), "DENIED")
    assert outcome.values["files"][0] == outcome.values["file"]


@pytest.mark.parametrize("who", WHO)
def test_a_condition_cannot_be_decided(who):
    by_share, by_ntfs, subject, name = WHO[who]
    deny = Ace(name, READ, CONDITIONAL_DENY)
    outcome = found(by_share, subject, with_share(deny, *aces(SHARE_ACL)))
    assert said(outcome) == (OPEN, "UNDECIDABLE")
    outcome = found(by_ntfs, subject, with_files(Descriptor((deny, *aces(FILE_ACL)))))
    assert said(outcome) == (OPEN, "UNDECIDABLE")


@pytest.mark.parametrize("who", WHO)
def test_gaps_are_not_assessable(who):
    by_share, by_ntfs, subject, _ = WHO[who]
    assert said(found(by_share, subject, GOOD, UNREAD_SHARE)) == (OPEN, "access-denied")
    assert said(found(by_ntfs, subject, GOOD, UNREAD_SHARE)) == (PASS, "")
    assert said(found(by_ntfs, subject, GOOD, UNREAD_FILE)) == (OPEN, "access-denied")
    assert said(found(by_share, subject, GOOD, UNREAD_FILE)) == (PASS, "")
    assert said(found(by_ntfs, subject, with_items(folders()))) == (OPEN, "NO_ISO")


@pytest.mark.parametrize("control", [PRM_01, PRM_04])
def test_a_host_that_the_directory_does_not_know_is_a_gap(control):
    known = scope_of(GOOD).hosts
    hosts = (*known, known[0].model_copy(update={"name": "unbekannt.contoso.com"}))
    outcome = found(control, f"unbekannt.contoso.com -> {LIB1}", hosts=hosts)
    assert said(outcome) == (OPEN, "not-in-directory")


@pytest.mark.parametrize("who", WHO)
def test_the_right_through_everyone_alone_passes_with_a_remark(who):
    by_share, by_ntfs, subject, _ = WHO[who]
    outcome = found(by_share, subject, with_share(Ace("Everyone", READ)))
    assert (said(outcome), remarks(outcome)) == ((PASS, ""), {"BROAD"})
    world = with_files(Descriptor((Ace("Authenticated Users", READ),)))
    outcome = found(by_ntfs, subject, world)
    assert (said(outcome), remarks(outcome)) == ((PASS, ""), {"BROAD"})
    assert outcome.values["through"] == (r"NT AUTHORITY\Authenticated Users",)


def test_domain_computers_are_wide_as_well():
    outcome = found(PRM_01, HOST, with_share(Ace("Domain Computers", READ)))
    assert (said(outcome), remarks(outcome)) == ((PASS, ""), {"BROAD"})


@pytest.mark.parametrize("who", WHO)
def test_a_null_dacl_reads_and_is_remarked(who):
    by_share, by_ntfs, subject, _ = WHO[who]
    world = GOOD.with_share("LIBRARY01", SHARE, descriptor=Descriptor(None))
    outcome = found(by_share, subject, world)
    assert (said(outcome), remarks(outcome)) == ((PASS, ""), {"NO_DACL"})
    assert outcome.values["through"] == ("NULL DACL",)
    outcome = found(by_ntfs, subject, with_files(Descriptor(None)))
    assert (said(outcome), remarks(outcome)) == ((PASS, ""), {"NO_DACL"})


@pytest.mark.parametrize("who", WHO)
def test_an_empty_dacl_refuses(who):
    by_share, by_ntfs, subject, _ = WHO[who]
    assert said(found(by_share, subject, with_share())) == (refused(who), "NOT_GRANTED")
    world = with_files(Descriptor(()))
    assert said(found(by_ntfs, subject, world)) == (refused(who), "NOT_GRANTED")


def test_a_share_without_stored_permissions_is_not_everyone():
    world = GOOD.with_share("LIBRARY01", SHARE, descriptor=None)
    assert said(found(PRM_01, HOST, world)) == (OPEN, "not-found")


def test_one_image_of_several_is_named():
    path = r"ISOs\en_windows_server_2008_r2.iso"
    world = GOOD.with_item("LIBRARY01", SHARE, path, descriptor=Descriptor(()))
    outcome = found(PRM_04, HOST, world)
    assert said(outcome) == (FAIL, "NOT_GRANTED")
    assert outcome.values["files"] == (path,)
    assert (outcome.values["count"], outcome.values["total"]) == (1, 2)


def test_local_groups_that_cannot_be_read_matter_only_where_they_decide():
    assert said(found(PRM_01, HOST, GOOD, LOCAL_GROUPS)) == (PASS, "")
    world = with_share(Ace(r"BUILTIN\Administrators", READ))
    assert said(found(PRM_01, HOST, world)) == (FAIL, "NOT_GRANTED")
    assert said(found(PRM_01, HOST, world, LOCAL_GROUPS)) == (OPEN, "access-denied")


def test_a_run_as_account_is_judged_by_itself():
    world = GOOD.with_host("HYPER02", run_as="run.as")
    world = world.with_group("GG_VMM_Accounts", members=("service.vmm", "VMM01"))
    for control in (PRM_03, PRM_06):
        assert said(found(control, rf"contoso\run.as -> {LIB1}", world)) == (FAIL, "NOT_GRANTED")
        assert said(found(control, ACCOUNT_PAIR, world)) == (PASS, "")


def test_what_microsoft_does_not_ask_for_is_of_low_severity():
    assert {c.severity for c in (PRM_02, PRM_05)} == {Severity.LOW}
    assert {c.severity for c in (PRM_01, PRM_03, PRM_04, PRM_06)} == {Severity.CRITICAL}


def test_every_code_was_met():
    for by_share, by_ntfs, _, _ in WHO.values():
        assert sentences(by_share) == {"NOT_GRANTED", "DENIED", "UNDECIDABLE"}
        assert sentences(by_ntfs) == {"NOT_GRANTED", "DENIED", "UNDECIDABLE", "NO_ISO"}


@pytest.mark.parametrize("seed", range(40))
def test_controls_and_links_agree(seed):
    """FAIL exactly where the link is no, NOT_ASSESSABLE where unknown, PASS where yes."""
    expected = {Ternary.YES: PASS, Ternary.NO: FAIL, Ternary.UNKNOWN: OPEN}
    random = Random(seed)  # noqa: S311 - reproducible, not secret
    world = random_world(seed)
    evidence, scope = simulate(world)
    evidence = with_gaps(evidence, random, random.choice((0, 0.02, 0.1)))
    verdicts = {(j.control, j.subject.id): j.verdict for j in judge(evidence, scope).verdicts}
    facts = decode(evidence, scope)
    chain = Chain(facts)
    for host in scope.hyper_v_hosts:
        label = facts.account_label(host)
        for library in scope.libraries:
            links = chain.links(host, library)
            share = library.share.lower()
            for control, subject, link in (
                ("PRM-01", f"{host.name} -> {share}", links.host_share),
                ("PRM-04", f"{host.name} -> {share}", links.host_ntfs),
                ("PRM-03", f"{label} -> {share}", links.account_share),
                ("PRM-06", f"{label} -> {share}", links.account_ntfs),
            ):
                assert verdicts[control, subject] is expected[link], (control, subject)


def test_the_other_library_is_untouched():
    world = with_share(Ace("HYPER01", READ, DENY))
    assert said(found(PRM_01, pair(1, LIB2), world)) == (PASS, "")
    assert replace(world, libraries=GOOD.libraries) == GOOD
