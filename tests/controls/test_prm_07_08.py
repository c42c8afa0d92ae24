"""PRM-07 and PRM-08: what share and NTFS grant together beyond what is needed."""

from __future__ import annotations

import pytest

from tests.controls.test_lib_support import (
    CONDITIONAL_ALLOW,
    LIBRARY,
    SERVER,
    aces,
    found,
    remarks,
    said,
    sentences,
    with_files,
    with_root,
    with_share,
)
from tests.variants import GOOD, LIB1, pair
from tests.worlds import (
    BOTH,
    CHANGE,
    DENY,
    FILE_ACL,
    FULL,
    INHERIT_ONLY,
    READ,
    READ_EXECUTE,
    SHARE,
    SHARE_ACL,
    Ace,
    Alias,
    Descriptor,
)
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.prm_07 import PRM_07, WRITING
from vmmaudit.controls.prm_08 import PRM_08
from vmmaudit.scope import Library, TokenProfile

HOST = pair(1, LIB1)
PASS, WARN, FAIL, OPEN = Verdict.PASS, Verdict.WARN, Verdict.FAIL, Verdict.NOT_ASSESSABLE
WIDE_SHARE = with_share(Ace("Everyone", FULL))
"""Everyone with Full Control on the share, tight NTFS: as most servers are set up."""
SHARE_READ = questions.share(SERVER, SHARE)
ROOT = questions.listing(SERVER, SHARE, "")
SCRIPTS = questions.listing(SERVER, SHARE, "Scripts")
FILE = questions.descriptor(SERVER, SHARE, r"ISOs\en_windows_server_2008_r2.iso")
LOCAL_GROUPS = questions.sam_domains(SERVER)


def also(*entries: Ace, world=WIDE_SHARE):
    """Every image carries these entries besides its usual ones."""
    return with_files(Descriptor((*aces(FILE_ACL), *entries)), world)


# -- PRM-07 ---------------------------------------------------------------------------------


def test_read_alone_passes():
    assert said(found(PRM_07, HOST)) == (PASS, "")


def test_a_wide_share_with_tight_files_passes():
    assert said(found(PRM_07, HOST, WIDE_SHARE)) == (PASS, "")


def test_wide_files_behind_a_tight_share_pass():
    world = also(Ace("HYPER01", FULL), world=GOOD)
    assert said(found(PRM_07, HOST, world)) == (PASS, "")


@pytest.mark.parametrize("right", WRITING)
def test_every_single_right_beyond_read_is_found(right):
    outcome = found(PRM_07, HOST, also(Ace("HYPER01", right)))
    assert said(outcome) == (WARN, "WRITES")
    assert outcome.values["rights"] == (right.name,)
    assert said(found(PRM_07, pair(2, LIB1), also(Ace("HYPER01", right)))) == (PASS, "")


def test_the_group_counts_as_much():
    outcome = found(PRM_07, HOST, also(Ace("GG_HyperV_Hosts", CHANGE)))
    assert said(outcome) == (WARN, "WRITES")
    assert set(outcome.values["rights"]) >= {"WRITE_DATA", "DELETE"}
    assert r"ISOs\en_windows_server_2008_r2.iso" in outcome.values["paths"]


def test_a_folder_counts():
    root = aces(GOOD.library(LIBRARY).shares[0].root)
    world = with_root(*root, Ace("HYPER01", CHANGE), world=WIDE_SHARE)
    outcome = found(PRM_07, HOST, world)
    assert outcome.values["paths"] == ("\\",)
    only_below = Ace("HYPER01", CHANGE, flags=BOTH | INHERIT_ONLY)
    assert said(found(PRM_07, HOST, with_root(*root, only_below, world=WIDE_SHARE))) == (PASS, "")


def test_full_control_fails():
    assert said(found(PRM_07, HOST, also(Ace("HYPER01", FULL)))) == (FAIL, "FULL")
    administrator = GOOD.with_library(
        LIBRARY, aliases=(Alias(r"BUILTIN\Administrators", ("GG_HyperV_Hosts",)),)
    )
    assert said(found(PRM_07, HOST, administrator)) == (FAIL, "FULL")


def test_full_control_on_the_share_and_change_on_files_only_warns():
    assert said(found(PRM_07, HOST, also(Ace("HYPER01", CHANGE)))) == (WARN, "WRITES")


def test_a_host_that_owns_a_file_may_change_its_permissions():
    world = with_files(Descriptor(FILE_ACL.aces, owner="HYPER01"), WIDE_SHARE)
    outcome = found(PRM_07, HOST, world)
    assert outcome.values["rights"] == ("WRITE_DAC",)


def test_a_condition_leaves_it_open():
    world = also(Ace("HYPER01", CHANGE, CONDITIONAL_ALLOW))
    assert said(found(PRM_07, HOST, world)) == (OPEN, "UNDECIDABLE")


def test_local_groups_that_cannot_be_read_leave_it_open():
    assert said(found(PRM_07, HOST, GOOD, LOCAL_GROUPS)) == (OPEN, "access-denied")
    # Administrators own the usual share, and an owner may change its permissions.
    tight = Descriptor(aces(SHARE_ACL)[2:], owner="SYSTEM")
    tight = GOOD.with_share(LIBRARY, SHARE, descriptor=tight)
    assert said(found(PRM_07, HOST, tight, LOCAL_GROUPS)) == (PASS, "")


@pytest.mark.parametrize("gap", [ROOT, SCRIPTS, FILE])
def test_what_was_not_seen_is_open_unless_the_share_settles_it(gap):
    assert said(found(PRM_07, HOST, WIDE_SHARE, gap)) == (OPEN, "access-denied")
    assert said(found(PRM_07, HOST, GOOD, gap)) == (PASS, "")


def test_an_unread_share_is_open():
    assert said(found(PRM_07, HOST, GOOD, SHARE_READ)) == (OPEN, "access-denied")


def test_what_is_certain_is_not_hidden_by_what_is_open():
    world = also(Ace("HYPER01", CHANGE))
    assert said(found(PRM_07, HOST, world, FILE)) == (WARN, "WRITES")
    assert said(found(PRM_07, HOST, also(Ace("HYPER01", FULL)), SCRIPTS)) == (FAIL, "FULL")


def test_every_code_of_prm_07_was_met():
    assert sentences(PRM_07) == {"FULL", "WRITES", "UNDECIDABLE"}


# -- PRM-08 ---------------------------------------------------------------------------------


def test_nobody_wide_passes():
    outcome = found(PRM_08, LIB1)
    assert (said(outcome), remarks(outcome)) == ((PASS, ""), set())


def test_everyone_on_the_share_alone_is_no_finding():
    outcome = found(PRM_08, LIB1, WIDE_SHARE)
    assert (said(outcome), remarks(outcome)) == ((PASS, ""), {"SHARE_ALONE"})
    assert outcome.remarks[0].values["principals"] == ("Everyone",)


@pytest.mark.parametrize(
    "name",
    ["Everyone", "Authenticated Users", r"BUILTIN\Users", "Domain Users", "Domain Computers"],
)
def test_wide_entries_are_found_behind_everyone_on_the_share(name):
    """Who is in Authenticated Users is in Everyone too: the share lets both in."""
    outcome = found(PRM_08, LIB1, also(Ace(name, READ)))
    assert said(outcome) == (WARN, "READ")
    assert outcome.values["entries"][0].endswith(name)
    assert said(found(PRM_08, LIB1, also(Ace(name, CHANGE)))) == (FAIL, "MORE_THAN_READ")


def test_only_the_widest_is_named():
    outcome = found(PRM_08, LIB1, also(Ace("Everyone", READ)))
    assert outcome.values["principals"] == ("Everyone",)
    outcome = found(PRM_08, LIB1, also(Ace("Domain Users", READ), Ace("Domain Computers", READ)))
    assert outcome.values["principals"] == (r"CONTOSO\Domain Users", r"CONTOSO\Domain Computers")


@pytest.mark.parametrize("right", WRITING)
def test_every_single_right_is_more_than_read(right):
    assert said(found(PRM_08, LIB1, also(Ace("Everyone", right)))) == (FAIL, "MORE_THAN_READ")


def test_wide_entries_behind_a_tight_share_have_no_effect():
    assert said(found(PRM_08, LIB1, also(Ace("Everyone", FULL), world=GOOD))) == (PASS, "")


def test_a_deny_before_it_takes_it_away():
    files = Descriptor((Ace("Everyone", FULL, DENY), Ace("Everyone", FULL)))
    assert said(found(PRM_08, LIB1, with_files(files, WIDE_SHARE))) == (PASS, "")


def test_local_groups_of_the_server_are_resolved():
    library = WIDE_SHARE.library(LIBRARY)
    aliases = (*library.aliases, Alias("Alle", ("Domain Users",)))
    world = also(Ace("Alle", CHANGE), world=WIDE_SHARE.with_library(LIBRARY, aliases=aliases))
    outcome = found(PRM_08, LIB1, world)
    assert said(outcome) == (FAIL, "MORE_THAN_READ")
    assert outcome.values["principals"] == (r"CONTOSO\Domain Users",)


def test_users_hold_everybody_who_logged_on_only_on_windows():
    world = also(Ace(r"BUILTIN\Users", READ_EXECUTE))
    windows = found(PRM_08, LIB1, world)
    assert windows.values["principals"] == (r"NT AUTHORITY\Authenticated Users",)
    shares = [rf"\\library0{number}.contoso.com\{SHARE}" for number in (1, 2)]
    libraries = [Library(share=s, token_profile=TokenProfile.SAMBA_MEMBER) for s in shares]
    samba = found(PRM_08, LIB1, world, libraries=tuple(libraries))
    assert samba.values["principals"] == (r"BUILTIN\Users",)


def test_no_access_list_fails():
    outcome = found(PRM_08, LIB1, with_files(Descriptor(None)))
    assert said(outcome) == (FAIL, "NO_DACL")
    assert outcome.values["count"] == len(outcome.values["paths"]) == 2
    world = GOOD.with_share(LIBRARY, SHARE, descriptor=Descriptor(None))
    assert said(found(PRM_08, LIB1, world)) == (FAIL, "NO_DACL_SHARE")


def test_an_empty_access_list_passes():
    assert said(found(PRM_08, LIB1, with_files(Descriptor(()), WIDE_SHARE))) == (PASS, "")


def test_a_wide_condition_leaves_it_open():
    world = also(Ace("Everyone", CHANGE, CONDITIONAL_ALLOW))
    assert said(found(PRM_08, LIB1, world)) == (OPEN, "UNDECIDABLE")


@pytest.mark.parametrize("gap", [SHARE_READ, ROOT, SCRIPTS, FILE, LOCAL_GROUPS])
def test_gaps_leave_it_open(gap):
    assert said(found(PRM_08, LIB1, GOOD, gap)) == (OPEN, "access-denied")


@pytest.mark.parametrize("gap", [SCRIPTS, FILE, LOCAL_GROUPS])
def test_gaps_do_not_hide_what_was_found(gap):
    world = also(Ace("Everyone", CHANGE))
    assert said(found(PRM_08, LIB1, world, gap)) == (FAIL, "MORE_THAN_READ")


def test_every_code_of_prm_08_was_met():
    assert sentences(PRM_08) == {
        *("MORE_THAN_READ", "READ", "NO_DACL", "NO_DACL_SHARE", "UNDECIDABLE"),
    }
