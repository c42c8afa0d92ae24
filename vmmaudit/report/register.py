"""The evidence as an annex lists it: one line per question, with a digest anybody can repeat."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from vmmaudit import evidence as records
from vmmaudit.evidence import Answer, Evidence, Origin, Reason


@dataclass(frozen=True, slots=True)
class Entry:
    """One question and what became of it.

    Attributes:
        digest: SHA-256 of the record's line in the evidence file, without its line end.
        reason: why there is no answer; None where there is one.
        text: the gap's sentence, as the tool wrote it.
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


@dataclass(frozen=True)
class EvidenceSummary:
    """What a document says about the evidence."""

    origin: Origin
    digest: str
    entries: tuple[Entry, ...]
    by_id: Mapping[str, Entry] = field(default_factory=dict)

    @property
    def gaps(self) -> tuple[Entry, ...]:
        """The questions without an answer."""
        return tuple(entry for entry in self.entries if entry.reason is not None)


def summarise(evidence: Evidence) -> EvidenceSummary:
    """The register of `evidence`, in the order of its file."""
    questions = sorted({*evidence.answers, *evidence.gaps})
    lines = gzip.decompress(records.dumps(evidence)).splitlines()
    # The file ends with its records, one a line in this order, and a trailer.
    recorded = lines[len(lines) - 1 - len(questions) : -1]
    entries = []
    for question, line in zip(questions, recorded, strict=True):
        reply = evidence.reply(question)
        digest = hashlib.sha256(line).hexdigest()
        about = (question.id, question.kind, question.server, question.detail)
        if isinstance(reply, Answer):
            entries.append(Entry(*about, reply.source, reply.at, digest))
        else:
            entries.append(Entry(*about, "", reply.at, digest, reply.reason, reply.text))
    return EvidenceSummary(
        evidence.origin,
        evidence.digest(),
        tuple(entries),
        {entry.id: entry for entry in entries},
    )
