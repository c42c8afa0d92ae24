"""The evidence file: canonical, checked, and clear about what is wrong with it."""

import gzip
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmmaudit import evidence as format_
from vmmaudit.errors import EvidenceError
from vmmaudit.evidence import Answer, Evidence, Gap, Origin, Question, Reader, Reason, Row

AT = datetime(2026, 10, 1, 6, 0, tzinfo=UTC)
ORIGIN = Origin(AT, "CONTOSO\\prüfer", "jump01", "vmmaudit 0")
ROWS = st.builds(
    Row,
    st.text(),
    st.dictionaries(st.text(max_size=5), st.lists(st.binary(max_size=80), max_size=3).map(tuple)),
)
READERS = st.builds(Reader, st.text(), st.text())
QUESTIONS = st.builds(Question, st.text(max_size=8), st.text(max_size=4), st.tuples(st.text()))
EVIDENCE = st.builds(
    Evidence,
    st.just(ORIGIN),
    st.dictionaries(
        QUESTIONS,
        st.builds(
            Answer,
            st.lists(ROWS, max_size=3).map(tuple),
            st.text(),
            st.just(AT),
            st.none() | READERS,
            st.text(),
        ),
        max_size=4,
    ),
    st.dictionaries(
        st.builds(Question, st.text(max_size=8), st.just("other kind")),
        st.builds(Gap, st.sampled_from(Reason), st.text(), st.none() | st.just(AT), READERS),
        max_size=2,
    ),
)


def test_the_commit_stands_in_the_header_where_it_is_known():
    """Evidence from before there was one is read, and written as it was."""
    for commit in ("", "a" * 40, "a" * 64 + "-modified"):
        origin = Origin(AT, "CONTOSO\\prüfer", "jump01", "vmmaudit 0", commit)
        data = format_.dumps(Evidence(origin))
        header = json.loads(gzip.decompress(data).splitlines()[0])
        assert header.get("commit", "") == commit
        assert ("commit" in header) == bool(commit)
        assert format_.read(io.BytesIO(data), "e").origin == origin


def small() -> Evidence:
    return Evidence(
        ORIGIN,
        {
            Question("a", "x", ("1",)): Answer(
                (Row("r", {"k": (b"text", b"\xff", b"B" * 64)}),), "a", AT
            ),
            Question("b", "x"): Answer((Row("r", {"k": (b"B" * 64,)}),), "b", AT),
        },
        {Question("c", "x"): Gap(Reason.ACCESS_DENIED, "It was refused.", AT)},
    )


@given(EVIDENCE)
def test_round_trip(evidence: Evidence):
    again = format_.read(io.BytesIO(format_.dumps(evidence)), "memory")
    assert again == evidence
    assert again.digest() == evidence.digest()


def test_order_of_arrival_does_not_show():
    one = small()
    other = Evidence(ORIGIN, dict(reversed(one.answers.items())), one.gaps)
    assert format_.dumps(one) == format_.dumps(other)


def test_equal_values_stand_once():
    lines = gzip.decompress(format_.dumps(small())).decode().splitlines()
    assert sum('"data"' in line for line in lines) == 1


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "evidence.jsonl.gz"
    path.write_bytes(data)
    return path


def lines_of(evidence: Evidence) -> list[bytes]:
    return gzip.decompress(format_.dumps(evidence)).splitlines(keepends=True)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda lines: lines[:-1], "truncated"),
        (lambda lines: lines[:2] + lines[3:], "altered|does not match"),
        (lambda lines: [*lines, b"{}\n"], "more after the closing line"),
        (lambda lines: [lines[0].replace(b'"format":1', b'"format":99'), *lines[1:]], "format 99"),
        (lambda lines: [lines[0].replace("prüfer".encode(), b"andere"), *lines[1:]], "altered"),
        (lambda lines: [lines[0], b"{not json}\n", *lines[1:]], "line 2"),
        (lambda lines: [], "empty"),
    ],
)
def test_damage_is_one_sentence(tmp_path: Path, change, sentence: str):
    path = written(tmp_path, gzip.compress(b"".join(change(lines_of(small())))))
    with pytest.raises(EvidenceError, match=sentence) as caught:
        format_.load(path)
    assert str(path) in str(caught.value)


def test_every_truncation_is_noticed(tmp_path: Path):
    data = format_.dumps(small())
    for length in range(len(data)):
        with pytest.raises(EvidenceError):
            format_.load(written(tmp_path, data[:length]))


def test_any_flipped_bit_of_the_content_is_noticed(tmp_path: Path):
    content = bytearray(gzip.decompress(format_.dumps(small())))
    for position in range(0, len(content), 3):
        changed = bytearray(content)
        changed[position] ^= 1
        with pytest.raises(EvidenceError):
            format_.load(written(tmp_path, gzip.compress(bytes(changed))))


def test_no_evidence_file(tmp_path: Path):
    with pytest.raises(EvidenceError, match="cannot be read"):
        format_.load(tmp_path / "missing.gz")
    with pytest.raises(EvidenceError, match="not an evidence file"):
        format_.load(written(tmp_path, b"PK\3\4 something else"))


def test_a_person_can_read_it():
    header = json.loads(lines_of(small())[0])
    assert header["who"] == "CONTOSO\\prüfer"
