"""PDUs: some recorded from Samba 4.17, fragments, and hostile bytes."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmmaudit.errors import FormatError
from vmmaudit.windows import dcerpc, srvsvc
from vmmaudit.windows.dcerpc import BindAck, BindNak, Fault, Response, decode
from vmmaudit.windows.status import Fault as FaultStatus

BIND = bytes.fromhex(
    "05000b03100000004800000001000000b810b810000000000100000000000100c84f324b7016d30112785a47bf6e"
    "e18803000000045d888aeb1cc9119fe808002b10486002000000"
)
BIND_ACK = bytes.fromhex(
    "05000c03100000004400000001000000b810b810a1ef00000d005c706970655c7372767376630000010000000000"
    "0000045d888aeb1cc9119fe808002b10486002000000"
)
NO_SUCH_OPERATION = bytes.fromhex(
    "0500030310000000200000000200000018000000000000000200011c00000000"
)
NO_SUCH_INTERFACE = bytes.fromhex(
    "05000c03100000004400000001000000b810b810913600020d005c706970655c7372767376630000010000000200"
    "01000000000000000000000000000000000000000000"
)


def test_bind_as_recorded():
    assert dcerpc.encode_bind(1, srvsvc.INTERFACE) == BIND


def test_bind_ack_as_recorded():
    answer = decode(BIND_ACK)
    assert answer == BindAck(call=1, result=0, reason=0, largest=4280)
    assert answer.accepted


def test_refusals_as_recorded():
    assert decode(NO_SUCH_OPERATION) == Fault(2, FaultStatus.nca_s_op_rng_error)
    answer = decode(NO_SUCH_INTERFACE)
    assert isinstance(answer, BindAck)
    assert not answer.accepted


def test_bind_nak():
    pdu = b"\5\0\x0d\3\x10\0\0\0\x18\0\0\0\1\0\0\0\4\0\0\0\0\0\0\0"
    assert decode(pdu) == BindNak(call=1, reason=4)


@given(st.binary(max_size=5000), st.integers(40, 4280))
def test_requests_in_fragments(stub: bytes, largest: int):
    fragments = dcerpc.encode_request(9, 15, stub, largest)
    assert all(len(fragment) <= largest for fragment in fragments)
    assert b"".join(fragment[24:] for fragment in fragments) == stub
    flags = [fragment[3] for fragment in fragments]
    assert flags[0] & 1
    assert flags[-1] & 2
    assert not any(flag & 1 for flag in flags[1:])
    assert not any(flag & 2 for flag in flags[:-1])
    for fragment in fragments:
        assert dcerpc.fragment_length(fragment) == len(fragment)


def test_a_request_is_no_reply():
    with pytest.raises(FormatError, match="PDU type 0"):
        decode(dcerpc.encode_request(1, 1, b"")[0])


def test_a_response_with_its_flags():
    packed = bytearray(dcerpc.encode_request(3, 1, b"stub")[0])
    packed[2] = 2
    assert decode(bytes(packed)) == Response(3, b"stub", first=True, last=True)
    packed[3] = 1
    assert decode(bytes(packed)) == Response(3, b"stub", first=True, last=False)


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        (0, 4, "version 4.0"),
        (4, 0, "not little-endian"),
        (8, 0, "a fragment of"),
        (8, 0x20, "do not match"),
        (10, 8, "verifier"),
        (18, 1, "fragments of"),
        (24, 0xFF, "ends inside"),
    ],
)
def test_headers_that_are_wrong(place: int, value: int, problem: str):
    damaged = bytearray(BIND_ACK)
    damaged[place : place + 2] = bytes([value, damaged[place + 1] if place in (0, 4) else 0])
    with pytest.raises(FormatError, match=problem):
        decode(bytes(damaged))


@given(st.binary(max_size=100))
def test_only_format_errors_escape(data: bytes):
    with contextlib.suppress(FormatError):
        decode(data)


@given(st.sampled_from([BIND_ACK, NO_SUCH_OPERATION, NO_SUCH_INTERFACE]), st.data())
def test_only_format_errors_escape_damaged_pdus(pdu: bytes, data: st.DataObject):
    damaged = bytearray(pdu)
    for place in data.draw(st.lists(st.integers(0, len(pdu) - 1), max_size=4)):
        damaged[place] = data.draw(st.integers(0, 255))
    short = bytes(damaged[: data.draw(st.integers(0, len(pdu)))])
    with contextlib.suppress(FormatError):
        decode(short)
