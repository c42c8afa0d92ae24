"""Puts partial evidence together, whoever read it and in whatever order it arrives.

Each question keeps the best reply: an answer rather than a gap; one that was read rather than
one that was taken over; the later one; and of two that differ in nothing of this the one whose
canonical line is the greater, which is arbitrary and the same everywhere. The header is the
earliest one. So merging is commutative, associative and idempotent, and the digest of the
whole does not show who was first.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, TypeAlias, TypeVar

from vmmaudit.evidence import Answer, Evidence, Gap, Origin, Question, Reader, record

_Reply = TypeVar("_Reply", Answer, Gap)
_Rank: TypeAlias = tuple[bool, bool, datetime, bytes]
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


def merge(first: Evidence, *others: Evidence) -> Evidence:
    """All that the parts tell, under the header of the earliest of them.

    A record that named no reader names that of its own part, unless it is the whole's.
    """
    parts = (first, *others)
    origin = min((part.origin for part in parts), key=_earlier)
    answers: dict[Question, Answer] = {}
    gaps: dict[Question, Gap] = {}
    for part in parts:
        moved = under(part, origin)
        for question, answer in moved.answers.items():
            known = answers.get(question)
            if known is None or _rank(question, answer, origin) > _rank(question, known, origin):
                answers[question] = answer
        for question, gap in moved.gaps.items():
            there = gaps.get(question)
            if there is None or _rank(question, gap, origin) > _rank(question, there, origin):
                gaps[question] = gap
    unanswered = {question: gap for question, gap in gaps.items() if question not in answers}
    return Evidence(origin, answers, unanswered)


def under(evidence: Evidence, origin: Origin) -> Evidence:
    """The same records beneath another header; who asked stays told."""
    own, reader = evidence.origin.reader, origin.reader

    def signed(reply: _Reply) -> _Reply:
        by: Reader | None = reply.by or own
        by = None if by == reader else by
        return reply if reply.by == by else replace(reply, by=by)

    return Evidence(
        origin,
        {question: signed(answer) for question, answer in evidence.answers.items()},
        {question: signed(gap) for question, gap in evidence.gaps.items()},
    )


def _rank(question: Question, reply: Answer | Gap, origin: Origin) -> _Rank:
    """What makes a reply the better one; the reader is spelt out, whatever the header is."""
    told = replace(reply, by=reply.by or origin.reader)
    taken = isinstance(reply, Answer) and bool(reply.taken)
    return isinstance(reply, Answer), not taken, reply.at or _NEVER, record(question, told)


def _earlier(origin: Origin) -> tuple[datetime, str, str, str, str]:
    return origin.moment, origin.machine, origin.who, origin.tool, origin.commit
