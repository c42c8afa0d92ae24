"""A wire that does not ask again what is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vmmaudit.collect.wire import Wire
from vmmaudit.evidence import Answer, Gap, Origin, Question


class Known:
    """Asks another wire for the rest."""

    def __init__(self, wire: Wire, answers: Mapping[Question, Answer]) -> None:
        self._wire = wire
        self._answers = answers

    @property
    def origin(self) -> Origin:
        """That of the wire which is asked."""
        return self._wire.origin

    def ask(self, asked: Sequence[Question]) -> list[Answer | Gap]:
        """One reply per question."""
        unknown = [question for question in asked if question not in self._answers]
        told = dict(zip(unknown, self._wire.ask(unknown) if unknown else [], strict=True))
        return [self._answers[q] if q in self._answers else told[q] for q in asked]

    def close(self) -> None:
        """End all sessions; never raises."""
        self._wire.close()
