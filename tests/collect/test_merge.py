"""Partial evidence becomes one, whoever read it and in whatever order it arrives."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.random_worlds import random_world
from tests.simulate import simulate
from vmmaudit.collect.merge import merge, under
from vmmaudit.evidence import Answer, Evidence, Gap, Origin, Question, Reader, Reason, Row

AT = datetime(2026, 10, 1, 6, 0, tzinfo=UTC)
TIMES = st.sampled_from([AT, AT + timedelta(seconds=1), AT + timedelta(hours=1)])
NAMES = st.sampled_from(["worker1", "worker2", "jump01"])
READERS = st.builds(Reader, st.just("auditor"), NAMES)
# Few of each, so that they meet.
QUESTIONS = st.builds(Question, st.sampled_from("ab"), st.just("x"), st.sampled_from([(), ("1",)]))
ROWS = st.builds(Row, st.just(""), st.dictionaries(st.sampled_from("kl"), st.just((b"1",))))
ANSWERS = st.builds(
    Answer,
    st.lists(ROWS, max_size=1).map(tuple),
    st.sampled_from(["dc01", "dc02"]),
    TIMES,
    st.none() | READERS,
    st.sampled_from(["", "0" * 64]),
)
GAPS = st.builds(
    Gap, st.sampled_from(Reason), st.sampled_from("tu"), st.none() | TIMES, st.none() | READERS
)
ORIGINS = st.builds(Origin, TIMES, st.just("auditor"), NAMES, st.just("vmmaudit 0"))


@st.composite
def parts(draw: st.DrawFn) -> Evidence:
    replies = draw(st.dictionaries(QUESTIONS, ANSWERS | GAPS, max_size=4))
    return Evidence(
        draw(ORIGINS),
        {question: reply for question, reply in replies.items() if isinstance(reply, Answer)},
        {question: reply for question, reply in replies.items() if isinstance(reply, Gap)},
    )


def canonical(evidence: Evidence) -> Evidence:
    """The same with no reader named that is the header's."""
    return under(evidence, evidence.origin)


@given(parts(), parts())
def test_it_does_not_matter_who_is_first(one: Evidence, other: Evidence):
    assert merge(one, other) == merge(other, one)
    assert merge(one, other).digest() == merge(other, one).digest()


@given(parts(), parts(), parts())
def test_nor_how_they_are_grouped(one: Evidence, two: Evidence, three: Evidence):
    whole = merge(one, two, three)
    assert merge(merge(one, two), three) == whole
    assert merge(one, merge(two, three)) == whole
    assert merge(merge(three, one), two).digest() == whole.digest()


@given(parts())
def test_the_same_again_adds_nothing(one: Evidence):
    assert merge(one, one) == canonical(one)
    assert merge(one) == canonical(one)


@given(parts(), parts())
def test_nothing_is_made_up_and_no_question_is_lost(one: Evidence, other: Evidence):
    whole = merge(one, other)
    asked = {*one.answers, *one.gaps, *other.answers, *other.gaps}
    assert {*whole.answers, *whole.gaps} == asked
    assert not whole.answers.keys() & whole.gaps.keys()
    for question, answer in whole.answers.items():
        by = answer.by or whole.origin.reader
        read = [
            (part.answers[question], part.origin.reader)
            for part in (one, other)
            if question in part.answers
        ]
        assert any(
            (answer.rows, answer.at, answer.taken) == (mine.rows, mine.at, mine.taken)
            and by == (mine.by or reader)
            for mine, reader in read
        )


@given(parts(), ORIGINS, ORIGINS)
def test_who_read_survives_any_header(one: Evidence, first: Origin, second: Origin):
    assert under(under(one, first), second) == under(one, second)
    assert under(under(one, first), one.origin) == canonical(one)


ASKED = Question("a", "x")
HERE = Origin(AT, "auditor", "jump01", "vmmaudit 0")
THERE = Origin(AT + timedelta(seconds=5), "auditor", "worker1", "vmmaudit 0")
LATER = AT + timedelta(hours=1)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (Answer((), "dc01", AT), Gap(Reason.TIMEOUT, "It took too long.", LATER)),
        (Answer((), "dc01", AT), Answer((), "dc01", LATER, None, "0" * 64)),
        (Answer((), "dc01", LATER), Answer((), "dc01", AT)),
        (Gap(Reason.TIMEOUT, "Later.", LATER), Gap(Reason.UNREACHABLE, "Before.", AT)),
        (Gap(Reason.TIMEOUT, "Asked.", AT), Gap(Reason.INTERRUPTED, "Never asked.")),
    ],
)
def test_the_better_reply_is_kept(better: Answer | Gap, worse: Answer | Gap):
    def part(origin: Origin, reply: Answer | Gap) -> Evidence:
        said = {ASKED: reply}
        return Evidence(origin, said) if isinstance(reply, Answer) else Evidence(origin, {}, said)

    for origins in permutations((HERE, THERE)):
        whole = merge(part(origins[0], worse), part(origins[1], better))
        kept = whole.reply(ASKED)
        assert (type(kept), kept.at) == (type(better), better.at)
        assert (kept.by or whole.origin.reader) == origins[1].reader


@pytest.mark.parametrize("seed", range(5))
def test_evidence_cut_by_server_and_put_together_is_the_same(seed: int):
    evidence, _ = simulate(random_world(seed))
    servers = {question.server for question in (*evidence.answers, *evidence.gaps)}
    cut = [
        Evidence(
            evidence.origin,
            {q: a for q, a in evidence.answers.items() if q.server == server},
            {q: g for q, g in evidence.gaps.items() if q.server == server},
        )
        for server in servers
    ]
    assert merge(*cut).digest() == evidence.digest()
    assert merge(*reversed(cut)) == evidence
