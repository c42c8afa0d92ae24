"""Directory listings: one recorded from Samba 4.17, made-up ones, and hostile bytes."""

import contextlib
import struct
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import stubs
from vmmaudit.errors import FormatError
from vmmaudit.windows.file_information import decode_entries

LISTING = bytes.fromhex(
    "7000000000000000f0353c54327bdd01b1586054327bdd01f0353c54327bdd01f0353c54327bdd01000000000000"
    "00000000000000000000100000000200000000000000000000000000000000000000000000000000000000000000"
    "0000000060030000000000002e000000000000007000000000000000b1b93b54327bdd01b1586054327bdd01b1b9"
    "3b54327bdd01b1b93b54327bdd010000000000000000000000000000000010000000040000000000000000000000"
    "0000000000000000000000000000000000000000000000005f030000000000002e002e0000000000880000000000"
    "0000f0353c54327bdd01f0353c54327bdd01923b3c54327bdd01923b3c54327bdd01000001000000000000000100"
    "00000000800000001a00000000000000000000000000000000000000000000000000000000000000000000006403"
    "00000000000050007200fc00660075006e0067005f00e4002e00690073006f000000000000000000000000000000"
    "b1b93b54327bdd01b1b93b54327bdd01f0353c54327bdd01f0353c54327bdd010000010000000000000001000000"
    "0000800000003a000000000000000000000000000000000000000000000000000000000000000000000063030000"
    "0000000065006e005f00770069006e0064006f00770073005f007300650072007600650072005f00320030003000"
    "38005f00720032002e00690073006f00"
)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
MOMENT = datetime(2026, 10, 1, 6, 0, tzinfo=UTC)


def entry(step: int, name: bytes, length: int | None = None, attributes: int = 0x20) -> bytes:
    size = len(name) if length is None else length
    return (
        struct.pack("<IIQQQQQQIII", step, 0, 1, 2, 3, 4, 5, 6, attributes, size, 0)
        + bytes(2 + 24)
        + struct.pack("<HQ", 0, 7)
        + name
    )


def test_listing_as_recorded():
    here, above, first, second = decode_entries(LISTING)
    assert (here.name, above.name) == (".", "..")
    assert here.is_folder
    assert above.is_folder
    assert (first.name, first.size, first.is_folder) == ("Prüfung_ä.iso", 65_536, False)
    assert second.name == "en_windows_server_2008_r2.iso"
    assert second.file_id
    assert not second.is_reparse_point
    assert second.written == 0x01DD7B32543BB9B1 or second.written > 0x01DD000000000000


@given(st.lists(st.tuples(NAMES, st.none() | st.integers(0, 2**63)), max_size=20))
def test_round_trip(found: list[tuple[str, int | None]]):
    entries = list(decode_entries(stubs.entries(found, MOMENT)))
    assert [(e.name, None if e.is_folder else e.size) for e in entries[2:]] == found


def test_every_field():
    (found,) = decode_entries(entry(0, "a".encode("utf-16-le"), attributes=0x410))
    assert (found.created, found.written, found.changed) == (1, 3, 4)
    assert (found.size, found.file_id) == (5, 7)
    assert found.is_folder
    assert found.is_reparse_point


def test_an_empty_buffer_has_no_entries():
    assert list(decode_entries(b"")) == []


@pytest.mark.parametrize(
    ("buffer", "problem"),
    [
        (b"\0" * 103, "ends inside an entry"),
        (entry(0, b"a\0", length=4), "a name of 4 bytes"),
        (entry(0, b"abc"), "a name of 3 bytes"),
        (entry(0, b"", length=2**32 - 2), "does not fit"),
        (entry(8, b"a\0") * 2, "8 bytes on, overlaps"),
        (entry(104, b"a\0") * 2, "104 bytes on, overlaps"),
        (entry(2**32 - 8, b"a\0"), "ends inside an entry"),
    ],
)
def test_offsets_that_lead_astray(buffer: bytes, problem: str):
    with pytest.raises(FormatError, match=problem):
        list(decode_entries(buffer))


@given(st.binary(max_size=400))
def test_only_format_errors_escape(buffer: bytes):
    with contextlib.suppress(FormatError):
        assert len(list(decode_entries(buffer))) <= len(buffer) // 104 + 1


@given(st.data())
def test_only_format_errors_escape_damaged_listings(data: st.DataObject):
    damaged = bytearray(LISTING)
    for place in data.draw(st.lists(st.integers(0, len(LISTING) - 1), max_size=6)):
        damaged[place] = data.draw(st.integers(0, 255))
    with contextlib.suppress(FormatError):
        list(decode_entries(bytes(damaged[: data.draw(st.integers(0, len(LISTING)))])))
