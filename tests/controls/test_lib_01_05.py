"""LIB-01, LIB-02, LIB-03, LIB-05: the library as a place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.controls.test_lib_support import (
    CONDITIONAL_ALLOW,
    SERVER,
    folders,
    found,
    images,
    items,
    remarks,
    said,
    sentences,
    with_items,
    with_root,
    with_share,
)
from tests.simulate import simulate, without
from tests.variants import GOOD, LIB1, LIB2
from tests.worlds import DENY, FILE_ACL, FULL, READ_EXECUTE, SHARE, SHARE_ACL, Ace, Item
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.control import World as Seen
from vmmaudit.controls.lib_01 import LIB_01
from vmmaudit.controls.lib_02 import LIB_02
from vmmaudit.controls.lib_03 import LIB_03
from vmmaudit.controls.lib_05 import LIB_05
from vmmaudit.evidence import Reason
from vmmaudit.facts import Tree, decode
from vmmaudit.readiness import Chain
from vmmaudit.scope import Library

SHARE_READ = questions.share(SERVER, SHARE)
ROOT = questions.listing(SERVER, SHARE, "")
TOP = questions.descriptor(SERVER, SHARE, "")
SCRIPTS = questions.listing(SERVER, SHARE, "Scripts")
ADMINISTRATORS = r"BUILTIN\Administrators"
READERS = Ace("DL_VMMLib_R", READ_EXECUTE)
PASS, WARN, FAIL, OPEN = Verdict.PASS, Verdict.WARN, Verdict.FAIL, Verdict.NOT_ASSESSABLE


def named(path: str) -> Item:
    return Item(path, FILE_ACL, size=1)


# -- LIB-01 ---------------------------------------------------------------------------------


def test_a_share_that_exists_passes_and_its_registration_is_a_remark():
    outcome = found(LIB_01, LIB1)
    assert said(outcome) == (PASS, "")
    assert remarks(outcome) == {"REGISTRATION"}


def test_a_share_that_the_server_does_not_know_fails():
    world = GOOD.with_library("LIBRARY02", missing_shares=("Weg",))
    outcome = found(LIB_01, r"\\library02.contoso.com\weg", world)
    assert said(outcome) == (FAIL, "MISSING")
    assert said(found(LIB_01, LIB2, world)) == (PASS, "")


@pytest.mark.parametrize("reason", [r for r in Reason if r is not Reason.NOT_FOUND])
def test_no_answer_is_no_verdict(reason):
    outcome = found(LIB_01, LIB1, GOOD, SHARE_READ, reason=reason)
    assert said(outcome) == (OPEN, reason.value)


# -- LIB-02 ---------------------------------------------------------------------------------


def test_recommended_folders_are_found_whatever_their_case():
    renamed = [replace(item, path=item.path.replace("Scripts", "SCRIPTS")) for item in items()]
    assert said(found(LIB_02, LIB1, with_items(renamed))) == (PASS, "")


def test_missing_folders_are_only_a_warning():
    kept = [item for item in items() if item.path not in ("Scripts", "VHDs")]
    outcome = found(LIB_02, LIB1, with_items(kept))
    assert said(outcome) == (WARN, "MISSING")
    assert outcome.values["folders"] == ("Scripts", "VHDs")


def test_a_folder_further_down_or_a_file_does_not_count():
    kept = [item for item in items() if item.path != "Scripts"]
    outcome = found(LIB_02, LIB1, with_items([*kept, named("Scripts"), named(r"VHDs\Scripts")]))
    assert outcome.values["folders"] == ("Scripts",)


def test_an_unread_root_is_no_verdict_about_folders():
    assert said(found(LIB_02, LIB1, GOOD, ROOT)) == (OPEN, "access-denied")
    assert sentences(LIB_02) == {"MISSING"}


# -- LIB-03 ---------------------------------------------------------------------------------


def test_sound_files_pass_and_the_inventory_is_a_remark():
    outcome = found(LIB_03, LIB1)
    assert said(outcome) == (PASS, "")
    assert outcome.values["count"] == 2
    assert remarks(outcome) == {"INVENTORY", "UNSEEN"}


def test_no_image_is_a_warning():
    assert said(found(LIB_03, LIB1, with_items(folders()))) == (WARN, "NO_ISO")


@pytest.mark.parametrize(
    "path",
    [r"ISOs\ vorn.iso", r"ISOs\hinten .iso", r"ISOs\hinten .ISO", "ISOs\\geschützt\xa0.iso"],
)
def test_a_blank_at_either_end_is_a_warning(path):
    outcome = found(LIB_03, LIB1, with_items([*items(), named(path)]))
    assert said(outcome) == (WARN, "BLANK")
    assert outcome.values["files"] == (path,)


def test_a_blank_in_a_folder_above_counts_too():
    more = [Item("Alt ", FILE_ACL), named(r"Alt \gut.iso")]
    outcome = found(LIB_03, LIB1, with_items([*items(), *more]))
    assert outcome.values["files"] == (r"Alt \gut.iso",)


@pytest.mark.parametrize("path", [r"ISOs\mitten drin.iso", r"Scripts\ kein Abbild.txt"])
def test_other_blanks_do_not_matter(path):
    assert said(found(LIB_03, LIB1, with_items([*items(), named(path)]))) == (PASS, "")


def test_an_ip_address_in_the_unc_is_a_warning():
    library = Library(share=rf"\\192.0.2.7\{SHARE}", server=SERVER)
    outcome = found(LIB_03, rf"\\192.0.2.7\{SHARE.lower()}", libraries=(library,))
    assert said(outcome) == (WARN, "IP_ADDRESS")


def test_unlisted_folders_leave_it_open():
    outcome = found(LIB_03, LIB1, GOOD, SCRIPTS)
    assert said(outcome) == (OPEN, "UNLISTED")
    assert outcome.values["paths"] == ("Scripts",)
    assert said(found(LIB_03, LIB1, with_items(folders()), SCRIPTS)) == (OPEN, "UNLISTED")
    assert said(found(LIB_03, LIB1, GOOD, ROOT)) == (OPEN, "access-denied")


def test_what_is_certain_is_not_hidden_by_what_is_open():
    world = with_items([*items(), named(r"ISOs\ vorn.iso")])
    outcome = found(LIB_03, LIB1, world, SCRIPTS)
    assert said(outcome) == (WARN, "BLANK")
    assert remarks(outcome) == {"INVENTORY", "UNSEEN", "UNLISTED"}


def test_a_second_oddity_is_a_remark():
    library = Library(share=rf"\\192.0.2.7\{SHARE}", server=SERVER)
    world = with_items([*items(), named(r"ISOs\ vorn.iso")])
    outcome = found(LIB_03, rf"\\192.0.2.7\{SHARE.lower()}", world, libraries=(library,))
    assert said(outcome) == (WARN, "BLANK")
    assert remarks(outcome) == {"INVENTORY", "UNSEEN", "IP_ADDRESS"}


def test_reparse_points_are_named():
    evidence, scope = simulate(GOOD)
    facts = decode(evidence, scope)
    library = scope.libraries[0]
    tree = facts.servers.tree(library)
    assert isinstance(tree, Tree)
    linked = [replace(i, is_reparse_point=i.path == "VHDs") for i in tree.items]
    facts.servers.tree = lambda _: replace(tree, items=tuple(linked))
    case = next(iter(LIB_03.cases(Seen(facts, Chain(facts)))))
    outcome = case.outcome()
    assert said(outcome) == (PASS, "")
    assert remarks(outcome) == {"INVENTORY", "UNSEEN", "REPARSE_POINT"}
    assert next(r for r in outcome.remarks if r.code == "REPARSE_POINT").values["paths"] == (
        "VHDs",
    )


# -- LIB-05 ---------------------------------------------------------------------------------


def test_full_control_of_system_and_administrators_passes():
    assert said(found(LIB_05, LIB1)) == (PASS, "")


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        # SYSTEM holds Administrators, so their entry is enough.
        ((Ace(ADMINISTRATORS, FULL), READERS), (PASS, "")),
        ((Ace("Everyone", FULL),), (PASS, "")),
        ((Ace("Authenticated Users", FULL),), (PASS, "")),
        ((READERS,), (FAIL, "SYSTEM_SHARE")),
        ((Ace("SYSTEM", FULL), READERS), (WARN, "ADMINISTRATORS")),
        ((Ace("SYSTEM", 0x2, DENY), *(SHARE_ACL.aces or ())), (FAIL, "SYSTEM_SHARE")),
        ((Ace(ADMINISTRATORS, FULL, CONDITIONAL_ALLOW), READERS), (OPEN, "UNDECIDABLE")),
        (
            (Ace("SYSTEM", FULL), Ace(ADMINISTRATORS, FULL, CONDITIONAL_ALLOW)),
            (OPEN, "UNDECIDABLE"),
        ),
    ],
)
def test_what_the_share_grants_is_computed(entries, expected):
    assert said(found(LIB_05, LIB1, with_share(*entries))) == expected


def test_what_the_root_folder_grants_is_computed():
    assert said(found(LIB_05, LIB1, with_root(READERS))) == (FAIL, "SYSTEM_NTFS")
    world = with_root(Ace("SYSTEM", FULL), READERS)
    assert said(found(LIB_05, LIB1, world)) == (WARN, "ADMINISTRATORS")


def test_one_unread_layer_leaves_it_open_unless_the_other_fails():
    assert said(found(LIB_05, LIB1, GOOD, SHARE_READ)) == (OPEN, "access-denied")
    assert said(found(LIB_05, LIB1, GOOD, TOP)) == (OPEN, "access-denied")
    assert said(found(LIB_05, LIB1, with_root(READERS), SHARE_READ)) == (FAIL, "SYSTEM_NTFS")
    assert said(found(LIB_05, LIB1, with_share(READERS), TOP)) == (FAIL, "SYSTEM_SHARE")


def test_a_certain_refusal_is_not_hidden_by_a_doubt():
    undecided = (Ace(ADMINISTRATORS, FULL, CONDITIONAL_ALLOW),)
    world = with_root(READERS, world=with_share(*undecided))
    assert said(found(LIB_05, LIB1, world)) == (FAIL, "SYSTEM_NTFS")


def test_a_share_without_stored_permissions_is_not_everyone():
    world = GOOD.with_share("LIBRARY01", SHARE, descriptor=None)
    assert said(found(LIB_05, LIB1, world)) == (OPEN, "not-found")


def test_every_code_of_lib_05_was_met():
    assert sentences(LIB_05) == {"SYSTEM_SHARE", "SYSTEM_NTFS", "ADMINISTRATORS", "UNDECIDABLE"}


def test_one_server_says_nothing_of_the_other():
    evidence, scope = simulate(GOOD)
    evidence = without(evidence, SHARE_READ)
    facts = decode(evidence, scope)
    for control in (LIB_01, LIB_05):
        cases = {c.subject.id: c.outcome() for c in control.cases(Seen(facts, Chain(facts)))}
        assert cases[LIB1].verdict is OPEN
        assert cases[LIB2].verdict is PASS
    assert len(images()) == 2
