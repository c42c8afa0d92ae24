"""NDR: what is written is read again, and hostile counts cost an error only."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmmaudit.errors import FormatError
from vmmaudit.windows.ndr import Reader, Writer, return_code

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)


@given(st.lists(st.integers(0, 2**16 - 1) | st.integers(2**16, 2**32 - 1) | TEXTS))
def test_round_trip_with_alignment(values: list[int | str]):
    writer = Writer()
    for value in values:
        if isinstance(value, str):
            writer.string(value)
        elif value < 2**16:
            writer.u16(value)
        else:
            writer.u32(value)
    reader = Reader(writer.done(), "test")
    for value in values:
        if isinstance(value, str):
            assert reader.string() == value
        else:
            assert (reader.u16() if value < 2**16 else reader.u32()) == value


def test_alignment_counts_from_the_first_byte():
    assert Writer().raw(b"x").u16(1).u32(2).done() == b"x\0\1\0\2\0\0\0"
    reader = Reader(b"x\0\1\0\2\0\0\0", "test")
    assert (reader.take(1), reader.u16(), reader.u32()) == (b"x", 1, 2)


def test_pointers_are_told_apart_and_null_is_zero():
    reader = Reader(Writer().pointer().pointer().pointer(present=False).done(), "test")
    first, second, null = reader.u32(), reader.u32(), reader.u32()
    assert first != second
    assert null == 0


def test_signed():
    assert Reader(b"\xff\xff\xff\xff", "test").i32() == -1
    assert Reader(b"\x3c\0\0\0", "test").i32() == 60


def test_half_a_surrogate_pair_does_not_travel_on():
    packed = Writer().string("a\ud800b").done()
    assert Reader(packed, "test").string() == "a?b"


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff\xff",
        b"\x41\x42\x0f\0" + bytes(100),  # one more than is ever accepted
        b"\2\0\0\0ab",
    ],
)
def test_counts_that_do_not_fit(data: bytes):
    with pytest.raises(FormatError, match="test at byte 4: a count of"):
        Reader(data, "test").count(4)


@pytest.mark.parametrize(
    "head",
    [(5, 1, 4), (1, 0, 2), (0xFFFFFFFF, 0, 0xFFFFFFFF), (9, 0, 9)],
)
def test_strings_that_do_not_fit(head: tuple[int, int, int]):
    writer = Writer()
    for value in head:
        writer.u32(value)
    with pytest.raises(FormatError, match="a string of"):
        Reader(writer.raw(b"abcd").done(), "test").string()


def test_a_sid_whose_counts_differ():
    data = bytearray(Writer().sid("S-1-5-32-544").done())
    data[0] = 1
    with pytest.raises(FormatError, match="SID"):
        Reader(bytes(data), "test").sid()


def test_the_end_of_a_reply_is_its_status():
    assert return_code(b"abcd\5\0\0\0", "test") == 5
    with pytest.raises(FormatError):
        return_code(b"abc", "test")


@given(
    st.binary(max_size=200),
    st.lists(st.sampled_from(["u16", "u32", "i32", "string", "blob", "sid"])),
)
def test_only_format_errors_escape(data: bytes, calls: list[str]):
    reader = Reader(data, "test")
    with contextlib.suppress(FormatError):
        for call in calls:
            getattr(reader, call)()
    assert reader.offset <= len(data) + 3
