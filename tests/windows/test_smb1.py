"""An offer of SMB 1 and the replies to it; the real ones are those of Samba 4.17."""

import contextlib
import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests import stubs
from vmmaudit.errors import FormatError
from vmmaudit.windows import smb1

CHOSEN = bytes.fromhex(
    "ff534d4272000000008801c8000000000000000000000000ffff000000000000110000033200010004410000"
    "000001000c010000fdf38080243cc217297edd0100000070006c696272617279303200000000000000605e06"
    "062b0601050502a0543052a024302206092a864882f71201020206092a864886f712010202060a2b06010401"
    "823702020aa32a3028a0261b246e6f745f646566696e65645f696e5f5246433431373840706c656173655f69"
    "676e6f7265"
)
"""`server min protocol = NT1`: seventeen words, extended security."""
DECLINED = bytes.fromhex(
    "ff534d4272000000008803c0000000000000000000000000ffff00000000000001ffff0000"
)
"""Samba as it comes: one word, no dialect."""


def test_replies_of_samba():
    assert smb1.decode_reply(CHOSEN)
    assert not smb1.decode_reply(DECLINED)


def test_replies_of_our_own_encoder():
    assert smb1.decode_reply(stubs.smb1_chosen())
    assert not smb1.decode_reply(stubs.smb1_declined())


def test_nothing_but_smb_1_is_offered():
    offer = smb1.encode_offer()
    assert offer[:5] == b"\xffSMB\x72"
    count, size = offer[32], int.from_bytes(offer[33:35], "little")
    assert (count, offer[35:]) == (0, b"\x02NT LM 0.12\0")
    assert len(offer) == 35 + size
    assert b"SMB 2" not in offer


def altered(**places: bytes) -> bytes:
    """A reply that chooses, with other bytes from `at…` on."""
    reply = bytearray(CHOSEN)
    for place, value in places.items():
        start = int(place.removeprefix("at"))
        reply[start : start + len(value)] = value
    return bytes(reply)


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (b"", "not of SMB 1"),
        (b"\xfeSMB" + bytes(96), "not of SMB 1"),
        (CHOSEN[:20], "ends inside its header"),
        (CHOSEN[:32], "ends inside its header"),
        (CHOSEN[:33], "ends inside its parameters"),
        (CHOSEN[:-1], "do not fit their count"),
        (CHOSEN + b"\0", "do not fit their count"),
        (altered(at4=b"\x73"), "no reply to SMB_COM_NEGOTIATE"),
        (altered(at9=b"\x18"), "no reply to SMB_COM_NEGOTIATE"),
        (altered(at5=struct.pack("<I", 0xC00000BB)), "status 0xC00000BB"),
        (altered(at33=b"\1\0"), "dialect 1 in 17 words was not offered"),
        (altered(at33=b"\xff\xff"), "dialect 65535 in 17 words was not offered"),
        (DECLINED[:33] + bytes(4), "dialect 0 in 1 words was not offered"),
        (DECLINED[:32] + bytes(3), "dialect 0 in 0 words was not offered"),
        (CHOSEN[:67] + bytes(2), "dialect 0 in 17 words was not offered"),
        (DECLINED[:32] + b"\xff" + bytes(20), "ends inside its parameters"),
    ],
)
def test_what_is_no_reply_to_it(reply: bytes, problem: str):
    with pytest.raises(FormatError, match=problem):
        smb1.decode_reply(reply)


@given(st.binary(max_size=300))
@example(CHOSEN)
def test_only_format_errors_escape(reply: bytes):
    for decode in (smb1.decode_reply, smb1.without_names):
        with contextlib.suppress(FormatError):
            decode(reply)


@given(st.sampled_from([CHOSEN, DECLINED]), st.data())
def test_only_format_errors_escape_damaged_replies(reply: bytes, data: st.DataObject):
    damaged = bytearray(reply)
    for place in data.draw(st.lists(st.integers(0, len(reply) - 1), max_size=6)):
        damaged[place] = data.draw(st.sampled_from([0, 1, 0x7F, 0xFF, damaged[place] ^ 1]))
    with contextlib.suppress(FormatError):
        smb1.decode_reply(bytes(damaged[: data.draw(st.integers(0, len(reply)))]))


@pytest.mark.parametrize("reply", [CHOSEN, DECLINED, stubs.smb1_chosen(b"secret01")])
def test_a_reply_without_names_says_the_same(reply: bytes):
    bare = smb1.without_names(reply)
    assert smb1.decode_reply(bare) == smb1.decode_reply(reply)
    assert len(bare) == len(reply)
    assert b"library" not in bare
    assert b"secret" not in bare
