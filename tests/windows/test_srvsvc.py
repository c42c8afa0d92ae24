"""The server service: replies recorded from Samba 4.17, made-up ones, and hostile bytes."""

import contextlib
import struct
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests import stubs
from vmmaudit.errors import FormatError
from vmmaudit.windows import descriptor, srvsvc
from vmmaudit.windows.ndr import Reader

SHARES = bytes.fromhex(
    "01000000010000000c0002000200000010000200020000001400020000000000180002001c000200030000802000"
    "02000f000000000000000f0000004d0053005300430056004d004d004c0069006200720061007200790000000000"
    "12000000000000001200000056004d004d0020004c006900620072006100720079002000460069006c0065007300"
    "00000500000000000000050000004900500043002400000000002300000000000000230000004900500043002000"
    "530065007200760069006300650020002800530061006d0062006100200034002e00310037002e00310032002d00"
    "440065006200690061006e0029000000000002000000240002000000000000000000"
)
SHARE_502 = bytes.fromhex(
    "f60100000400020008000200000000000c00020000000000ffffffff010000001000020014000200980000001800"
    "02000f000000000000000f0000004d0053005300430056004d004d004c0069006200720061007200790000000000"
    "12000000000000001200000056004d004d0020004c006900620072006100720079002000460069006c0065007300"
    "000036000000000000003600000043003a005c006d0065006400690061005c0076006d006d006100750064006900"
    "74002d006c00610062005c006c00690062007200610072007900300031005c007300680061007200650073005c00"
    "4d0053005300430056004d004d004c00690062007200610072007900000001000000000000000100000000000000"
    "98000000010004801400000024000000000000004000000001020000000000052000000020020000010500000000"
    "000515000000dcf4dc3b833d2b46828ba62801020000020058000300000000001800ff011f000102000000000005"
    "200000002002000000001400ff011f0001010000000000051200000000002400a900120001050000000000051500"
    "0000dcf4dc3b833d2b46828ba6285904000000000000"
)
TIME = bytes.fromhex(
    "04000200ca10046b000000000a000000090000000e000000000000000000000010270000170000000b000000ea07"
    "00000100000000000000"
)
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


def test_shares_as_recorded():
    library, pipes = srvsvc.decode_shares(SHARES)
    assert library == srvsvc.ShareInfo("MSSCVMMLibrary", 0, "VMM Library Files")
    assert (pipes.name, pipes.type) == ("IPC$", 0x80000003)


def test_share_with_its_descriptor_as_recorded():
    share = srvsvc.decode_share(SHARE_502, 502)
    assert share.name == "MSSCVMMLibrary"
    assert share.path == "C:\\media\\vmmaudit-lab\\library01\\shares\\MSSCVMMLibrary"
    assert (share.max_uses, share.current_uses) == (0xFFFFFFFF, 1)
    assert share.descriptor
    found = descriptor.decode(share.descriptor)
    assert [ace.mask for ace in found.aces] == [0x1F01FF, 0x1F01FF, 0x1200A9]


def test_time_as_recorded():
    time = srvsvc.decode_time(TIME)
    assert datetime.fromtimestamp(time.elapsed, UTC) == datetime(
        2026, 11, 23, 10, 9, 14, tzinfo=UTC
    )
    assert (time.msecs, time.timezone) == (0, 0)


@given(st.lists(st.tuples(NAMES, st.integers(0, 2**32 - 1), NAMES), max_size=20))
def test_shares_round_trip(found: list[tuple[str, int, str]]):
    decoded = srvsvc.decode_shares(stubs.shares(found))
    assert [(share.name, share.type, share.remark) for share in decoded] == found


@given(NAMES, NAMES, NAMES, st.binary(max_size=300))
def test_share_round_trip(name: str, remark: str, path: str, secured: bytes):
    share = srvsvc.decode_share(stubs.share_502(name, remark, path, secured or None), 502)
    assert share == srvsvc.Share(name, 0, remark, path, 0xFFFFFFFF, 0, secured or None)
    assert srvsvc.decode_share(stubs.share_1(name, remark), 1) == srvsvc.Share(name, 0, remark)


def test_an_empty_descriptor_is_none():
    """Samba 4.17 sends a pointer to nothing where it may not read its own store."""
    empty = stubs.share_502("a", "", "C:\\a", b"....")
    cut = empty[:-12] + struct.pack("<II", 0, 0)  # conformance 0, no bytes, status
    assert srvsvc.decode_share(cut, 502).descriptor is None


def test_no_shares_at_all():
    assert srvsvc.decode_shares(struct.pack("<IIIIIIII", 1, 1, 0x20000, 0, 0, 0, 0, 0)) == ()
    assert srvsvc.decode_shares(struct.pack("<IIIIII", 1, 1, 0, 0, 0, 0)) == ()


def test_time_zone_is_signed():
    now = datetime(2026, 10, 1, tzinfo=UTC)
    packed = bytearray(stubs.time_of_day(now, 5))
    packed[28:32] = struct.pack("<i", -60)
    assert srvsvc.decode_time(bytes(packed)) == srvsvc.TimeOfDay(int(now.timestamp()), 5, -60)


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        struct.pack("<III", 2, 2, 0),
        struct.pack("<IIIIII", 1, 1, 4, 9, 4, 0xFFFFFFFF),
        struct.pack("<IIIIII", 1, 1, 4, 9, 4, 9),
    ],
)
def test_shares_that_are_none(reply: bytes):
    with pytest.raises(FormatError, match="SHARE_INFO_1_CONTAINER at byte"):
        srvsvc.decode_shares(reply)


def test_another_level_than_asked_for():
    with pytest.raises(FormatError, match="not of level 1"):
        srvsvc.decode_share(SHARE_502, 1)
    with pytest.raises(FormatError, match="none of"):
        srvsvc.decode_share(struct.pack("<IIIIII", 2, 4, 0, 0, 0, 0), 2)


def test_requests():
    reader = Reader(srvsvc.encode_share_get_info("srv", "Bibliothek", 502), "request")
    assert reader.u32()
    assert (reader.string(), reader.string(), reader.u32()) == (r"\\srv", "Bibliothek", 502)
    reader = Reader(srvsvc.encode_share_enum("srv"), "request")
    assert reader.u32()
    assert (reader.string(), reader.u32(), reader.u32()) == (r"\\srv", 1, 1)
    reader = Reader(srvsvc.encode_remote_tod("srv"), "request")
    assert reader.u32()
    assert reader.string() == r"\\srv"


@given(st.binary(max_size=400))
@example(SHARES)
@example(SHARE_502)
def test_only_format_errors_escape(reply: bytes):
    for decode in (
        srvsvc.decode_shares,
        srvsvc.decode_time,
        lambda data: srvsvc.decode_share(data, 1),
        lambda data: srvsvc.decode_share(data, 502),
    ):
        with contextlib.suppress(FormatError):
            decode(reply)


@given(st.sampled_from([SHARES, SHARE_502]), st.data())
def test_only_format_errors_escape_damaged_replies(reply: bytes, data: st.DataObject):
    damaged = bytearray(reply)
    for place in data.draw(st.lists(st.integers(0, len(reply) - 1), max_size=6)):
        damaged[place] = data.draw(st.sampled_from([0, 1, 0x7F, 0xFF, damaged[place] ^ 1]))
    short = bytes(damaged[: data.draw(st.integers(0, len(reply)))])
    for decode in (srvsvc.decode_shares, lambda stub: srvsvc.decode_share(stub, 502)):
        with contextlib.suppress(FormatError):
            decode(short)
