"""All that one collection saw and did not see, and its file."""

from __future__ import annotations

import gzip
import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO

from vmmaudit.display import framed, properties, table, tiles
from vmmaudit.evidence.lines import blobs, closing, header, record
from vmmaudit.evidence.replies import Answer, Gap, Origin, Question, Reason

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class Evidence:
    """Everything one collection saw and did not see.

    evidence.to_frame()                        # one row per question
    evidence.to_frame().query("reason != ''")  # what could not be read, and why
    evidence.reply(question)                   # one answer with its raw values, or the gap

    Shown with the names of its file format, which are the same in every language.
    """

    origin: Origin
    answers: Mapping[Question, Answer] = field(default_factory=dict)
    gaps: Mapping[Question, Gap] = field(default_factory=dict)

    def reply(self, question: Question) -> Answer | Gap:
        """The answer to `question`, or the gap that stands in its place."""
        answer = self.answers.get(question)
        if answer is not None:
            return answer
        return self.gaps.get(question) or Gap(Reason.NOT_ASKED, "This was not asked.")

    def of(self, kind: str, server: str | None = None) -> Iterator[tuple[Question, Answer]]:
        """All answers of one kind (and server), in the order of their questions."""
        for question in sorted(self.answers):
            if question.kind == kind and server in (None, question.server):
                yield question, self.answers[question]

    def digest(self) -> str:
        """SHA-256 over the canonical lines: equal evidence, equal digest."""
        return self._digest

    @cached_property
    def _digest(self) -> str:
        digest = hashlib.sha256()
        for _, line in self.lines():
            digest.update(line)
        return digest.hexdigest()

    def lines(self) -> Iterator[tuple[Question | None, bytes]]:
        """The canonical lines of the file but the last, and the question that a line answers."""
        yield None, header(self.origin)
        for line in blobs(self.answers.values()):
            yield None, line
        for question in sorted({*self.answers, *self.gaps}):
            yield question, record(question, self.reply(question))

    def to_frame(self) -> pd.DataFrame:
        """One row per question: what was asked of whom, and its answer or the reason for none."""
        import pandas as pd  # noqa: PLC0415 - costs 0.3 s

        names = ("id", "server", "kind", "detail", "rows", "from", "at", "reason", "text")
        return pd.DataFrame(map(self._line, sorted({*self.answers, *self.gaps})), columns=names)

    def _line(self, question: Question) -> tuple[str | int, ...]:
        reply, detail = self.reply(question), " ".join(question.detail)
        about = (question.id, question.server, question.kind, detail)
        at = reply.at.isoformat() if reply.at else ""
        if isinstance(reply, Gap):
            return (*about, 0, "", at, reply.reason.value, reply.text)
        return (*about, len(reply.rows), reply.source, at, "", "")

    def _repr_html_(self) -> str:
        origin = self.origin
        about = {
            "moment": origin.moment.isoformat(),
            "who": origin.who,
            "machine": origin.machine,
            "tool": origin.tool,
            "sha256": self.digest(),
        }
        frame = self.to_frame()
        frame = frame.sort_values("reason", key=lambda reason: reason == "", kind="stable")
        frame = frame[["id", "reason", "server", "kind", "rows", "text", "detail", "from"]]
        counts = (("answers", len(self.answers)), ("gaps", len(self.gaps)))
        return framed(tiles(counts), properties(about), table(frame))

    def __repr__(self) -> str:
        moment = self.origin.moment.isoformat()
        return f"<Evidence of {moment}: {len(self.answers)} answers, {len(self.gaps)} gaps>"


def write(evidence: Evidence, target: BinaryIO) -> str:
    """Write the file format above to `target` and return the digest."""
    digest, count = hashlib.sha256(), 0
    with gzip.GzipFile(filename="", mode="wb", fileobj=target, mtime=0) as packed:
        for _, line in evidence.lines():
            packed.write(line)
            digest.update(line)
            count += 1
        packed.write(closing(count, digest.hexdigest()))
    return digest.hexdigest()


def dumps(evidence: Evidence) -> bytes:
    """The file as bytes."""
    buffer = io.BytesIO()
    write(evidence, buffer)
    return buffer.getvalue()
