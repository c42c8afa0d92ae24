"""The fast search finds exactly what the plain one does."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmmaudit.diagnosis.needle import Needle
from vmmaudit.diagnosis.scan import NEEDLES

ALL = pytest.mark.parametrize("needle", NEEDLES, ids=lambda needle: needle.core.decode())


@ALL
def test_at_every_place_of_a_block(needle: Needle):
    for before in range(40):
        for after in range(10):
            block = b"." * before + needle.whole + b"." * after
            assert list(needle.places(block)) == [before]


@ALL
def test_in_what_looks_like_it(needle: Needle):
    @given(st.lists(st.sampled_from([needle.whole, needle.core, needle.core[1:], b"*", b"0x8"])))
    def check(pieces: list[bytes]) -> None:
        block = b"".join(pieces)
        plain = [found.start() for found in re.finditer(re.escape(needle.whole), block)]
        assert list(needle.places(block)) == plain

    check()


@ALL
def test_in_a_crowd(needle: Needle):
    block = needle.core * 9000 + needle.whole + b" " + needle.whole * 3000
    assert len(list(needle.places(block))) == 3001
    assert list(needle.places(b"")) == []
