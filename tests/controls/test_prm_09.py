"""PRM-09: a deny entry counts where it is what refuses."""

from __future__ import annotations

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
from tests.simulate import simulate
from tests.variants import ACCOUNT, GOOD, LIB1, pair
from tests.worlds import (
    BOTH,
    DENY,
    FILE_ACL,
    INHERIT_ONLY,
    INHERITED,
    READ,
    SHARE,
    SHARE_ACL,
    Ace,
    Descriptor,
)
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.prm_09 import PRM_09
from vmmaudit.judge import judge

HOST = pair(1, LIB1)
ACCOUNT_PAIR = f"{ACCOUNT} -> {LIB1}"
PASS, FAIL, OPEN = Verdict.PASS, Verdict.FAIL, Verdict.NOT_ASSESSABLE
SHARE_READ = questions.share(SERVER, SHARE)
FILE = questions.descriptor(SERVER, SHARE, r"ISOs\en_windows_server_2008_r2.iso")
SUBJECTS = [(HOST, "HYPER01"), (ACCOUNT_PAIR, "service.vmm")]


def on_files(*entries: Ace):
    return with_files(Descriptor(entries))


@pytest.mark.parametrize(("subject", "name"), SUBJECTS)
def test_no_deny_passes(subject, name):
    outcome = found(PRM_09, subject)
    assert (said(outcome), remarks(outcome)) == ((PASS, ""), set())


@pytest.mark.parametrize(("subject", "name"), SUBJECTS)
def test_a_deny_that_refuses_fails(subject, name):
    deny = Ace(name, READ, DENY)
    outcome = found(PRM_09, subject, with_share(deny, *aces(SHARE_ACL)))
    assert said(outcome) == (FAIL, "SHARE")
    assert outcome.values["denied"] == (outcome.values["principal"],)
    outcome = found(PRM_09, subject, on_files(deny, *aces(FILE_ACL)))
    assert said(outcome) == (FAIL, "NTFS")
    assert outcome.values["count"] == 2


def test_a_deny_for_a_group_is_named_by_the_group():
    world = on_files(Ace("GG_HyperV_Hosts", READ, DENY), *aces(FILE_ACL))
    assert found(PRM_09, HOST, world).values["denied"] == (r"CONTOSO\GG_HyperV_Hosts",)
    assert said(found(PRM_09, ACCOUNT_PAIR, world)) == (PASS, "")


@pytest.mark.parametrize(
    ("entries", "noticed"),
    [
        # An inherited deny behind an explicit allow comes too late.
        ((*aces(FILE_ACL), Ace("HYPER01", READ, DENY, INHERITED)), {"WITHOUT_EFFECT"}),
        # Only writing is denied.
        ((Ace("HYPER01", 0x2, DENY), *aces(FILE_ACL)), set()),
        # It is only handed down.
        ((Ace("HYPER01", READ, DENY, BOTH | INHERIT_ONLY), *aces(FILE_ACL)), set()),
        # Nothing would grant Read without it either: that is for PRM-04 alone to say.
        ((Ace("HYPER01", READ, DENY),), {"WITHOUT_EFFECT"}),
        ((Ace("HYPER02", READ, DENY), *aces(FILE_ACL)), set()),
    ],
)
def test_a_deny_that_changes_nothing_passes(entries, noticed):
    outcome = found(PRM_09, HOST, on_files(*entries))
    assert (said(outcome), remarks(outcome)) == ((PASS, ""), noticed)


def test_a_single_denied_bit_is_enough():
    world = on_files(Ace("HYPER01", 0x8, DENY), *aces(FILE_ACL))
    assert said(found(PRM_09, HOST, world)) == (FAIL, "NTFS")


def test_a_conditional_deny_leaves_it_open():
    deny = Ace("HYPER01", READ, CONDITIONAL_DENY)
    world = with_share(deny, *aces(SHARE_ACL))
    assert said(found(PRM_09, HOST, world)) == (OPEN, "UNDECIDABLE")
    assert said(found(PRM_09, HOST, on_files(deny, *aces(FILE_ACL)))) == (OPEN, "UNDECIDABLE")


def test_no_image_leaves_it_open():
    assert said(found(PRM_09, HOST, with_items(folders()))) == (OPEN, "NO_ISO")


@pytest.mark.parametrize("gap", [SHARE_READ, FILE])
def test_a_gap_leaves_it_open_unless_a_deny_was_found_elsewhere(gap):
    assert said(found(PRM_09, HOST, GOOD, gap)) == (OPEN, "access-denied")
    world = on_files(Ace("HYPER01", READ, DENY), *aces(FILE_ACL))
    assert said(found(PRM_09, HOST, world, gap)) == (FAIL, "NTFS")


@pytest.mark.parametrize(
    ("name", "subject", "control"),
    [
        ("HYPER01", HOST, "PRM-04"),
        ("service.vmm", ACCOUNT_PAIR, "PRM-06"),
    ],
)
def test_it_follows_the_control_that_it_explains(name, subject, control):
    evidence, scope = simulate(on_files(Ace(name, READ, DENY), *aces(FILE_ACL)))
    assessment = judge(evidence, scope)
    failing = {(j.control, j.subject.id) for j in assessment.verdicts if j.verdict is FAIL}
    assert {(control, subject), ("PRM-09", subject)} <= failing
    entry = next(e for e in assessment.readiness if f"{e.host} -> {e.share.lower()}" == HOST)
    assert entry.broken == (control, "PRM-09")


def test_every_code_was_met():
    assert sentences(PRM_09) == {"SHARE", "NTFS", "UNDECIDABLE", "NO_ISO"}
