"""The account database: replies recorded from Samba 4.17, made-up ones, and hostile bytes."""

import contextlib
import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests import stubs
from vmmaudit.errors import FormatError
from vmmaudit.windows import samr
from vmmaudit.windows.ndr import Reader, Writer
from vmmaudit.windows.sid import sid_to_bytes

ALIASES = bytes.fromhex(
    "0300000000000200030000000400020003000000220200000c000c0008000200200200001c001c000c0002002102"
    "00000a000a00100002000600000000000000060000004700750065007300740073000e000000000000000e000000"
    "410064006d0069006e006900730074007200610074006f0072007300050000000000000005000000550073006500"
    "7200730000000300000000000000"
)
MEMBERS = bytes.fromhex(
    "0100000000000200010000000400020005000000010500000000000515000000dcf4dc3b833d2b46828ba6280002"
    "000000000000"
)
HANDLE = bytes(range(20))
SIDS = st.lists(st.integers(0, 2**32 - 1), max_size=15).map(
    lambda parts: "-".join(["S-1-5", *map(str, parts)])
)
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


def test_aliases_as_recorded():
    expected = ((546, "Guests"), (544, "Administrators"), (545, "Users"))
    assert samr.decode_aliases(ALIASES) == expected
    assert samr.decode_names(ALIASES) == (3, expected)


def test_members_as_recorded():
    assert samr.decode_members(MEMBERS) == ("S-1-5-21-1004336348-1177238915-682003330-512",)


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), NAMES), max_size=20))
def test_aliases_round_trip(found: list[tuple[int, str]]):
    assert samr.decode_aliases(stubs.aliases(found)) == tuple(found)


@given(st.lists(SIDS, max_size=20))
def test_members_round_trip(sids: list[str]):
    assert samr.decode_members(stubs.members(sids)) == tuple(sids)


@given(SIDS)
def test_domain_sid_round_trip(sid: str):
    reply = Writer().pointer().sid(sid).u32(0).done()
    assert samr.decode_lookup_domain(reply) == sid


def test_a_domain_without_a_sid():
    with pytest.raises(FormatError, match="there is no SID"):
        samr.decode_lookup_domain(bytes(8))


def test_connect5_gives_a_handle():
    reply = struct.pack("<IIII", 1, 1, 3, 0) + HANDLE + bytes(4)
    assert samr.decode_connect5(reply) == HANDLE
    with pytest.raises(FormatError, match="not of revision 1"):
        samr.decode_connect5(struct.pack("<IIII", 1, 2, 3, 0) + HANDLE + bytes(4))
    with pytest.raises(FormatError, match="ends inside"):
        samr.decode_handle(HANDLE[:19])


def test_requests_ask_for_reading_only():
    """SAM access masks, MS-SAMR 2.2.1.3 to 2.2.1.6: lookups and lists, nothing that changes."""
    assert samr.SERVER_LOOKUP == 0x10 | 0x20
    assert samr.DOMAIN_LIST == 0x100 | 0x200
    assert samr.ALIAS_LIST == 0x4
    assert samr.encode_open_alias(HANDLE, 544) == HANDLE + struct.pack("<II", 4, 544)
    opened = samr.encode_open_domain(HANDLE, "S-1-5-32")
    assert opened == HANDLE + struct.pack("<II", 0x300, 1) + sid_to_bytes("S-1-5-32")
    assert samr.encode_enumerate_aliases(HANDLE, 7) == HANDLE + struct.pack("<II", 7, 0xFFFF)
    assert samr.encode_get_members(HANDLE) == HANDLE == samr.encode_close(HANDLE)


def test_names_go_out_with_their_length():
    reader = Reader(samr.encode_lookup_domain(HANDLE, "LÄB"), "request")
    assert reader.take(20) == HANDLE
    assert (reader.u16(), reader.u16()) == (6, 6)
    assert reader.u32()
    assert reader.string() == "LÄB"
    reader = Reader(samr.encode_connect5("srv"), "request")
    assert reader.u32()
    assert (reader.string(), reader.u32()) == (r"\\srv", 0x30)
    reader = Reader(samr.encode_connect2("srv"), "request")
    assert reader.u32()
    assert (reader.string(), reader.u32()) == (r"\\srv", 0x30)


@given(st.binary(max_size=300))
@example(ALIASES)
@example(struct.pack("<III", 3, 4, 3) + b"\xff" * 60)
def test_only_format_errors_escape(reply: bytes):
    for decode in (
        samr.decode_names,
        samr.decode_members,
        samr.decode_lookup_domain,
        samr.decode_connect5,
        samr.decode_handle,
    ):
        with contextlib.suppress(FormatError):
            decode(reply)


@given(st.sampled_from([ALIASES, MEMBERS]), st.data())
def test_only_format_errors_escape_damaged_replies(reply: bytes, data: st.DataObject):
    damaged = bytearray(reply)
    for place in data.draw(st.lists(st.integers(0, len(reply) - 1), max_size=6)):
        damaged[place] = data.draw(st.sampled_from([0, 1, 0x7F, 0xFF, damaged[place] ^ 1]))
    short = bytes(damaged[: data.draw(st.integers(0, len(reply)))])
    for decode in (samr.decode_names, samr.decode_members):
        with contextlib.suppress(FormatError):
            decode(short)
