"""A fact that could not be had, as a value with its reason."""

from __future__ import annotations

from dataclasses import dataclass

from vmmaudit.evidence import Gap, Question, Reason


@dataclass(frozen=True, slots=True)
class Missing:
    """Why something is not known, and the questions that would have told it."""

    reason: Reason
    text: str
    evidence: tuple[str, ...] = ()

    @classmethod
    def of(cls, gap: Gap, *questions: Question) -> Missing:
        """The gap that stands in the place of an answer."""
        return cls(gap.reason, gap.text, tuple(question.id for question in questions))
