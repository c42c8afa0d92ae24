"""The access check by documented vectors (MS-DTYP 2.5.3.2), and what cannot be known."""

import pytest

from vmmaudit.windows.access import FULL, READ, READ_EXECUTE, FileRight, Token, check
from vmmaudit.windows.descriptor import Ace, SecurityDescriptor, decode, encode

ME = "S-1-5-21-1-2-3-1001"
GROUP = "S-1-5-21-1-2-3-2001"
OTHER = "S-1-5-21-1-2-3-9999"
ALIAS = "S-1-5-32-547"
TOKEN = Token(frozenset({ME, GROUP, "S-1-1-0"}))


def descriptor(*aces: Ace, owner: str = "S-1-5-18") -> SecurityDescriptor:
    return decode(encode(aces, owner=owner))


def allow(sid: str, mask: int = READ_EXECUTE, flags: int = 0, kind: int = 0) -> Ace:
    return Ace(kind, flags, mask, sid)


def deny(sid: str, mask: int = READ_EXECUTE, flags: int = 0) -> Ace:
    return Ace(1, flags, mask, sid)


@pytest.mark.parametrize(
    ("aces", "granted"),
    [
        ([allow(GROUP)], True),
        ([allow(OTHER)], False),
        ([], False),
        ([deny(ME), allow(GROUP)], False),
        ([allow(GROUP), deny(ME)], True),  # stored order counts, not the canonical one
        ([allow(GROUP, 0x1), allow(ME, READ)], True),
        ([allow(GROUP, 0x1), deny(ME, 0x80), allow(ME, READ)], False),
        ([allow(GROUP, flags=0x08)], False),  # INHERIT_ONLY
        ([deny(ME, flags=0x08), allow(GROUP)], True),
        ([allow("S-1-3-0", FULL)], False),  # CREATOR OWNER never matches
        ([allow(GROUP, 0x80000000)], True),  # GENERIC_READ
        ([allow(GROUP, 0x10000000)], True),  # GENERIC_ALL
        ([allow(GROUP, 0x20000000)], False),  # GENERIC_EXECUTE lacks READ_DATA
        ([deny(ME, 0x80000000), allow(GROUP)], False),
    ],
)
def test_in_stored_order(aces: list[Ace], granted: bool):
    assert check(descriptor(*aces), TOKEN, READ).granted is granted


@pytest.mark.unverified
def test_null_and_absent_grant_everything_empty_nothing():
    null = encode(None)
    assert check(decode(null), TOKEN, FULL).granted is True
    assert check(decode(null[:2] + b"\x00\x80" + null[4:]), TOKEN, FULL).granted is True
    assert check(decode(encode([])), TOKEN, 1).granted is False


def test_the_owner_reads_and_changes_the_descriptor_but_no_data():
    mine = descriptor(owner=ME)
    assert check(mine, TOKEN, FileRight.READ_CONTROL | FileRight.WRITE_DAC).granted is True
    assert check(mine, TOKEN, READ).granted is False


def test_owner_rights_replace_what_the_owner_has_by_nature():
    limited = descriptor(allow("S-1-3-4", 0x1), owner=ME)
    assert check(limited, TOKEN, FileRight.READ_CONTROL).granted is False
    assert check(limited, TOKEN, FileRight.READ_DATA).granted is True
    assert check(descriptor(allow("S-1-3-4", FULL), owner=OTHER), TOKEN, READ).granted is False


def test_the_entries_that_decide_are_named():
    found = check(descriptor(allow(OTHER), allow(GROUP, 0x1), allow(ME, READ)), TOKEN, READ)
    assert found.entries == (1, 2)
    refused = check(descriptor(allow(GROUP, 0x1), deny(ME, 0x80)), TOKEN, READ)
    assert (refused.granted, refused.entries) == (False, (1,))
    missing = check(descriptor(allow(GROUP, 0x1)), TOKEN, READ)
    assert (missing.entries, missing.missing) == ((), READ & ~0x1)


@pytest.mark.unverified
def test_a_conditional_entry_matters_only_where_it_decides():
    conditional = Ace(9, 0, READ, ME, b"artx\0\0\0\0")
    assert check(descriptor(conditional), TOKEN, READ).granted is None
    assert check(descriptor(allow(GROUP), conditional), TOKEN, READ).granted is True
    assert check(descriptor(deny(ME), conditional), TOKEN, READ).granted is False
    denying = Ace(10, 0, READ, ME, b"artx\0\0\0\0")
    assert check(descriptor(denying, allow(GROUP)), TOKEN, READ).granted is None
    assert check(descriptor(denying), TOKEN, READ).granted is False


@pytest.mark.unverified
def test_an_unknown_entry_matters_only_where_it_decides():
    unknown = Ace(0x77, 0, 0, None, b"abcd")
    assert check(descriptor(unknown, allow(GROUP)), TOKEN, READ).granted is None
    assert check(descriptor(allow(GROUP), unknown), TOKEN, READ).granted is True
    assert check(descriptor(deny(ME), unknown), TOKEN, READ).granted is False


def test_an_uncertain_membership_matters_only_where_it_decides():
    perhaps = Token(TOKEN.sids, frozenset({ALIAS}))
    assert check(descriptor(allow(ALIAS)), perhaps, READ).granted is None
    assert check(descriptor(allow(GROUP), deny(ALIAS)), perhaps, READ).granted is True
    assert check(descriptor(deny(ALIAS), allow(GROUP)), perhaps, READ).granted is None
    assert check(descriptor(allow(OTHER)), perhaps, READ).granted is False
