"""A wire that answers from an evidence file: the normal way to judge again, and to test."""

from __future__ import annotations

from collections.abc import Sequence

from vmmaudit.evidence import Answer, Evidence, Gap, Origin, Question


class Replay:
    """Answers every question as the evidence did; what it never asked is a gap."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    @property
    def origin(self) -> Origin:
        """The origin of the recorded evidence."""
        return self._evidence.origin

    def ask(self, questions: Sequence[Question]) -> list[Answer | Gap]:
        """The recorded replies."""
        return [self._evidence.reply(question) for question in questions]

    def close(self) -> None:
        """There is nothing to close."""
