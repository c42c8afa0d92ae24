"""The evidence as an annex lists it: one line per question, with a digest anybody can repeat."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from vmmaudit import evidence as records
from vmmaudit.display import framed, properties, table
from vmmaudit.evidence import Answer, Evidence, Origin, Reader, Reason

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Entry:
    """One question and what became of it.

    Attributes:
        digest: SHA-256 of the record's line in the evidence file, without its line end.
        reason: why there is no answer; None where there is one.
        text: the gap's sentence, as the tool wrote it.
        by: who asked, where it was another than the header's reader.
        taken: digest of the evidence that it was taken from without being asked for again.
    """

    id: str
    kind: str
    server: str
    detail: tuple[str, ...]
    source: str
    at: datetime | None
    digest: str
    reason: Reason | None = None
    text: str = ""
    by: Reader | None = None
    taken: str = ""

    @property
    def imported(self) -> bool:
        """Whether an export told it, not the system itself."""
        return self.source.startswith(records.IMPORTED)


@dataclass(frozen=True, repr=False)
class EvidenceSummary:
    """What a document says about the evidence; what was answered, by id, for the extracts."""

    origin: Origin
    digest: str
    entries: tuple[Entry, ...]
    by_id: Mapping[str, Entry] = field(default_factory=dict)
    answers: Mapping[str, Answer] = field(default_factory=dict)

    @property
    def gaps(self) -> tuple[Entry, ...]:
        """The questions without an answer."""
        return tuple(entry for entry in self.entries if entry.reason is not None)

    @property
    def times(self) -> tuple[datetime, ...]:
        """When this collection asked; what was taken from an earlier one does not count."""
        return tuple(entry.at for entry in self.entries if entry.at and not entry.taken)

    @property
    def readers(self) -> Mapping[str, int]:
        """The machines that asked besides the header's, and how many questions each.

        An account that is not the header's stands beside its machine.
        """

        def shown(by: Reader) -> str:
            return by.machine if by.who == self.origin.who else f"{by.machine} ({by.who})"

        return Counter(shown(e.by) for e in self.entries if e.by and not e.taken)

    @property
    def taken(self) -> Mapping[str, int]:
        """How many answers are from earlier evidence, by its digest."""
        return Counter(entry.taken for entry in self.entries if entry.taken)

    def to_frame(self) -> pd.DataFrame:
        """One row per question, with the digest by which its answer can be compared."""
        import pandas as pd

        names = ("id", "server", "kind", "detail", "from", "at", "reason", "sha256")
        return pd.DataFrame(
            [
                (
                    *(e.id, e.server, e.kind, " ".join(e.detail), e.source),
                    e.at.isoformat() if e.at else "",
                    e.reason.value if e.reason else "",
                    e.digest,
                )
                for e in self.entries
            ],
            columns=names,
        )

    def _repr_html_(self) -> str:
        about = {"moment": self.origin.moment.isoformat(), "sha256": self.digest}
        frame = self.to_frame()[["id", "reason", "server", "kind", "sha256", "detail", "from"]]
        return framed(properties(about), table(frame))

    def __repr__(self) -> str:
        return f"<EvidenceSummary {self.digest[:12]}: {len(self.entries)} questions>"


def summarise(evidence: Evidence) -> EvidenceSummary:
    """The register of `evidence`, in the order of its file."""
    whole, entries = hashlib.sha256(), []
    for question, line in evidence.lines():
        whole.update(line)
        if question is None:
            continue
        reply = evidence.reply(question)
        digest = hashlib.sha256(line[:-1]).hexdigest()  # the line without its end
        about = (question.id, question.kind, question.server, question.detail)
        if isinstance(reply, Answer):
            entry = Entry(*about, reply.source, reply.at, digest, by=reply.by, taken=reply.taken)
        else:
            entry = Entry(*about, "", reply.at, digest, reply.reason, reply.text, reply.by)
        entries.append(entry)
    return EvidenceSummary(
        evidence.origin,
        whole.hexdigest(),
        tuple(entries),
        {entry.id: entry for entry in entries},
        {question.id: answer for question, answer in evidence.answers.items()},
    )
