"""Descriptors: round trips, the four states of a DACL, and hostile bytes."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmmaudit.errors import FormatError
from vmmaudit.windows.descriptor import Ace, Dacl, decode, encode
from vmmaudit.windows.sid import sid_from_bytes, sid_to_bytes

SIDS = st.builds(
    lambda authority, parts: "-".join(["S-1", str(authority), *map(str, parts)]),
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(0, 2**32 - 1), max_size=15),
)
ACES = st.builds(
    Ace,
    st.sampled_from([0, 1]),
    st.integers(0, 0x1F),
    st.integers(0, 2**32 - 1),
    SIDS,
)


@given(SIDS)
def test_sid_round_trip(sid: str):
    assert sid_from_bytes(sid_to_bytes(sid)) == sid


@pytest.mark.parametrize(
    "data",
    [b"", b"\1", b"\2\0" + bytes(6), b"\1\x10" + bytes(70), b"\1\2" + bytes(6) + b"\1\2\3"],
)
def test_a_sid_that_is_none(data: bytes):
    with pytest.raises(FormatError, match="SID at byte 0"):
        sid_from_bytes(data)


@pytest.mark.parametrize("text", ["", "S-1", "S-2-5", "S-1-5-4294967296", "S-1-5-x", "s-1-5-1"])
def test_a_text_that_is_no_sid(text: str):
    with pytest.raises(FormatError):
        sid_to_bytes(text)


@given(st.lists(ACES, max_size=8), SIDS, SIDS)
def test_descriptor_round_trip(aces: list[Ace], owner: str, group: str):
    found = decode(encode(aces, owner=owner, group=group))
    assert found.aces == tuple(aces)
    assert (found.owner, found.group) == (owner, group)
    assert found.dacl is (Dacl.ENTRIES if aces else Dacl.EMPTY)


def test_absent_null_and_empty_are_told_apart():
    null = encode(None)
    absent = null[:2] + struct.pack("<H", 0x8000) + null[4:]
    assert decode(absent).dacl is Dacl.ABSENT
    assert decode(null).dacl is Dacl.NULL
    assert decode(encode([])).dacl is Dacl.EMPTY


def test_padding_inside_an_ace_does_not_shift_the_next():
    padded = struct.pack("<BBHI", 0, 0, 24, 0x120089) + sid_to_bytes("S-1-1-0") + b"\xff" * 4
    plain = struct.pack("<BBHI", 1, 0, 20, 0x1) + sid_to_bytes("S-1-5-7")
    acl = struct.pack("<BBHHH", 2, 0, 8 + 44, 2, 0) + padded + plain
    found = decode(struct.pack("<BBHIIII", 1, 0, 0x8004, 0, 0, 0, 20) + acl)
    assert [ace.sid for ace in found.aces] == ["S-1-1-0", "S-1-5-7"]


def test_bytes_after_the_last_ace_are_tolerated():
    ace = struct.pack("<BBHI", 0, 0, 20, 0x1) + sid_to_bytes("S-1-1-0")
    acl = struct.pack("<BBHHH", 2, 0, 8 + 20 + 16, 1, 0) + ace + bytes(16)
    assert len(decode(struct.pack("<BBHIIII", 1, 0, 0x8004, 0, 0, 0, 20) + acl).aces) == 1


def test_an_unknown_type_is_kept_as_unknown():
    ace = struct.pack("<BBH", 0x77, 0, 8) + b"abcd"
    acl = struct.pack("<BBHHH", 2, 0, 16, 1, 0) + ace
    found = decode(struct.pack("<BBHIIII", 1, 0, 0x8004, 0, 0, 0, 20) + acl).aces[0]
    assert (found.type, found.sid, found.data, found.understood) == (0x77, None, b"abcd", False)


@given(st.binary(max_size=200))
def test_any_bytes_give_a_descriptor_or_a_format_error(data: bytes):
    with contextlib.suppress(FormatError):
        decode(data)


@given(st.lists(ACES, min_size=1, max_size=4), st.data())
def test_a_damaged_descriptor_gives_a_descriptor_or_a_format_error(aces: list[Ace], data):
    packed = bytearray(encode(aces, owner="S-1-5-18"))
    position = data.draw(st.integers(0, len(packed) - 1))
    packed[position] = data.draw(st.integers(0, 255))
    with contextlib.suppress(FormatError):
        decode(bytes(packed[: data.draw(st.integers(0, len(packed)))]))
