"""A wire that reads the permissions of a file again only if the file has changed since.

On Windows a new security descriptor moves the file's ChangeTime (MS-FSA 2.1.5.17), also where it
comes by inheritance, since what is inherited is written into every file; LastWriteTime it does
not move. Listings are always read, and tell both. So a descriptor of the earlier evidence is
taken if

- the file is the same one with the same ChangeTime, in both listings, on the same server;
- this time is neither that of the last writing nor that of the creation: Samba, among others,
  has no time of change and tells another in its place;
- the file had not changed shortly before it was read, when a later change could bear that time;
- a sample of the share, read again, is as it was: so is found who does not move the time at all,
  and with luck who set one back. Else all of the share is read.

Folders, shares, groups and the directory are always read again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from vmmaudit import questions
from vmmaudit.collect.merge import under
from vmmaudit.collect.wire import Wire
from vmmaudit.errors import FormatError
from vmmaudit.evidence import Answer, Evidence, Gap, Origin, Question
from vmmaudit.facts import replies
from vmmaudit.windows.file_information import DirectoryEntry
from vmmaudit.windows.filetime import from_filetime

NEEDED: Final = frozenset({questions.SERVER, questions.LIST, questions.DESCRIPTOR})
"""The kinds of question whose earlier answers are looked at."""
_MARGIN: Final = timedelta(minutes=10)
"""By which a change must lie before the reading; Kerberos lets clocks differ by five minutes."""
_SAMPLED: Final = 20
"""One in so many is read all the same."""
_AT_LEAST: Final = 5
_NO_ID: Final = (0, 2**64 - 1)
"""MS-FSCC 2.1.9: the file system has none, or none that fits."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an earlier collection read, and the digest of the whole of it."""

    evidence: Evidence
    digest: str

    def by_server(self) -> dict[str, Evidence]:
        """What is needed of each server."""
        found: dict[str, dict[Question, Answer]] = {}
        for question, answer in self.evidence.answers.items():
            if question.kind in NEEDED:
                found.setdefault(question.server, {})[question] = answer
        return {
            server: replace(self.evidence, answers=its, gaps={}) for server, its in found.items()
        }


class Unchanged:
    """Asks another wire for everything else."""

    def __init__(self, wire: Wire, earlier: Earlier, margin: timedelta = _MARGIN) -> None:
        self._wire = wire
        self._margin = margin
        self._digest = earlier.digest
        self._earlier = under(earlier.evidence, wire.origin).answers
        self._files = dict(_files(self._earlier.items()))
        self._now: dict[Question, DirectoryEntry] = {}
        self._servers: dict[str, Answer | Gap] = {}

    @property
    def origin(self) -> Origin:
        """That of the wire which is asked."""
        return self._wire.origin

    def ask(self, asked: Sequence[Question]) -> list[Answer | Gap]:
        """One reply per question; one that was taken names the earlier evidence."""
        taken = {q: answer for q in asked if (answer := self._unchanged(q)) is not None}
        sampled = self._sample(taken)
        first = [question for question in asked if question not in taken or question in sampled]
        told = dict(zip(first, self._wire.ask(first) if first else [], strict=True))
        differing = {_share(q) for q in sampled if not _equal(told[q], taken[q])}
        again = [q for q in taken if _share(q) in differing and q not in told]
        told |= dict(zip(again, self._wire.ask(again) if again else [], strict=True))
        self._learn(told)
        return [told[q] if q in told else taken[q] for q in asked]

    def close(self) -> None:
        """End all sessions; never raises."""
        self._wire.close()

    def _learn(self, told: Mapping[Question, Answer | Gap]) -> None:
        for question, reply in told.items():
            if question.kind == questions.SERVER:
                self._servers[question.server] = reply
        self._now |= dict(_files(told.items()))

    def _unchanged(self, question: Question) -> Answer | None:
        """The earlier answer, as it is to stand in the evidence, if it still holds."""
        answer = self._earlier.get(question)
        then, now = self._files.get(question), self._now.get(question)
        if answer is None or then is None or now is None:
            return None
        if (then.file_id, then.changed) != (now.file_id, now.changed):
            return None
        if not _before(then.changed, answer.at - self._margin) or not self._same(question.server):
            return None
        return replace(answer, taken=answer.taken or self._digest)

    def _same(self, server: str) -> bool:
        """Whether the machine that answers is the one that did."""
        asked = questions.smb_server(server)
        replies_ = (self._earlier.get(asked), self._servers.get(server))
        then, now = (_guid(reply) for reply in replies_)
        return then is not None and then == now

    def _sample(self, taken: Iterable[Question]) -> set[Question]:
        """Which of them are read nevertheless: nobody can tell before the run begins."""
        by_share: dict[tuple[str, str], list[tuple[bytes, Question]]] = {}
        salt = f"{self._digest} {self.origin.moment.isoformat()} "
        for question in taken:
            lot = hashlib.sha256((salt + question.id).encode()).digest()
            by_share.setdefault(_share(question), []).append((lot, question))
        return {
            question
            for lots in by_share.values()
            for _, question in sorted(lots)[: max(_AT_LEAST, -(-len(lots) // _SAMPLED))]
        }


def _files(
    answers: Iterable[tuple[Question, Answer | Gap]],
) -> Iterator[tuple[Question, DirectoryEntry]]:
    """Every file that listings tell, by the question for its permissions."""
    for question, answer in answers:
        if question.kind != questions.LIST or isinstance(answer, Gap):
            continue
        share, folder = question.detail
        prefix = f"{folder}\\" if folder else ""
        try:
            entries = list(replies.entries(answer))
        except FormatError:
            continue  # the plan cannot use it either
        for entry in entries:
            told = entry.file_id not in _NO_ID
            told = told and entry.changed not in (0, entry.written, entry.created)
            if told and not entry.is_folder and not entry.is_reparse_point:
                yield questions.descriptor(question.server, share, prefix + entry.name), entry


def _share(question: Question) -> tuple[str, str]:
    return question.server, question.detail[0]


def _equal(now: Answer | Gap, then: Answer) -> bool:
    return isinstance(now, Answer) and now.rows == then.rows


def _before(changed: int, moment: datetime) -> bool:
    time = from_filetime(changed)
    return time is not None and time < moment


def _guid(reply: Answer | Gap | None) -> bytes | None:
    return reply.rows[0].first("guid") if isinstance(reply, Answer) and reply.rows else None
