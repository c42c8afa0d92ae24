"""A failure beside the assessment of a pack: what is broken for that host and share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from vmmaudit.assessment import Assessment, Judgement, Readiness, SubjectKind, Ternary, Verdict
from vmmaudit.diagnosis.failures import Failure
from vmmaudit.diagnosis.rank import controls
from vmmaudit.diagnosis.wordings import Identity

_ACCESS = ("PRM-01", "PRM-03", "PRM-04", "PRM-06", "PRM-09", "PRM-11")
_OPEN = (Verdict.NOT_ASSESSABLE, Verdict.WARN)


class State(StrEnum):
    """What the pack has to say."""

    BROKEN = "broken"
    NOT_IN_FORCE = "not-in-force"
    READY = "ready"
    UNKNOWN = "unknown"
    NO_FILE = "no-file"
    NO_HOST = "no-host"
    NO_SHARE = "no-share"


@dataclass(frozen=True, slots=True)
class Answer:
    r"""What the pack says of one failure.

    Attributes:
        moment: when the pack's evidence was read.
        pair: host and share as the pack knows them; None if it does not.
        other_name: the failure names the share's server by another form than the pack, whose
            delegation was therefore judged for the other name.
        readable: whether the refused identity may read that very file; None if the pack does
            not hold the file, or no identity is known.
        causes: failing verdicts that explain the failure, the likeliest first.
        besides: failing verdicts of the same pair that do not explain it.
        open: verdicts that do not rule a cause out: not assessable, or advisory.
    """

    state: State
    moment: datetime
    pair: Readiness | None = None
    other_name: bool = False
    readable: Ternary | None = None
    causes: tuple[Judgement, ...] = ()
    besides: tuple[Judgement, ...] = ()
    open: tuple[Judgement, ...] = ()


def answer(failure: Failure, assessment: Assessment) -> Answer:
    """What the assessment knows of the failure's host and share."""
    parts = failure.file.split("\\")
    if not failure.file.startswith("\\\\") or len(parts) < 4:
        return Answer(State.NO_FILE, assessment.moment)
    hosts = [pair for pair in assessment.readiness if _same(pair.host, failure.host)]
    if not failure.host or len({pair.host for pair in hosts}) != 1:
        return Answer(State.NO_HOST, assessment.moment)
    shares = [pair for pair in hosts if _share(pair) == parts[3].casefold()]
    exact = [pair for pair in shares if pair.name == parts[2].casefold()]
    found = exact or [pair for pair in shares if _same(pair.name, parts[2])]
    if len(found) != 1:
        return Answer(State.NO_SHARE, assessment.moment)
    return _answer(failure, assessment, found[0], other_name=not exact)


def _answer(
    failure: Failure, assessment: Assessment, pair: Readiness, *, other_name: bool
) -> Answer:
    ranked = controls(failure)
    readable = _readable(failure, assessment, pair)
    wanted = dict.fromkeys((*ranked, *pair.broken))
    mine = [j for j in assessment.verdicts if j.control in wanted and _concerns(j, pair)]
    order = list(wanted)
    mine.sort(key=lambda judgement: order.index(judgement.control))
    bad = [j for j in mine if j.verdict is Verdict.FAIL or (other_name and _other_form(j))]
    explaining = [
        j
        for j in bad
        if j.control in ranked and not (j.control in _ACCESS and readable is Ternary.YES)
    ]
    state = State.UNKNOWN
    if explaining or pair.ready is Ternary.NO:
        state = State.BROKEN
    elif pair.ready is Ternary.YES:
        state = State.READY if pair.in_force is Ternary.YES else State.NOT_IN_FORCE
    return Answer(
        state,
        assessment.moment,
        pair,
        other_name,
        readable,
        tuple(explaining),
        tuple(j for j in bad if j not in explaining),
        tuple(j for j in mine if j.verdict in _OPEN and j.control in ranked and j not in bad),
    )


def _other_form(judgement: Judgement) -> bool:
    """Whether a name form that is not the pack's was found missing."""
    return judgement.control == "DEL-01" and judgement.verdict is Verdict.WARN


def _readable(failure: Failure, assessment: Assessment, pair: Readiness) -> Ternary | None:
    if failure.identity not in (Identity.ACCOUNT, Identity.COMPUTER):
        return None
    wanted = _plain("\\".join(failure.file.split("\\")[4:]))
    descriptors = {
        file.descriptor
        for content in assessment.shares
        if content.share.casefold() == pair.share.casefold()
        for file in content.files
        if _plain(file.path) == wanted
    }
    for access in pair.access:
        if {access.descriptor} == descriptors:
            account = failure.identity is Identity.ACCOUNT
            return access.account_read if account else access.host_read
    return None


def _concerns(judgement: Judgement, pair: Readiness) -> bool:
    """Whether the verdict's subject is the pair, or one half of it."""
    subject = judgement.subject
    ids = _halves(subject.id, " -> ")
    names = _halves(subject.name, " → ")
    share = pair.share.casefold()
    match subject.kind:
        case SubjectKind.HOST:
            return subject.id == pair.host
        case SubjectKind.DOMAIN:
            return subject.id == pair.host.partition(".")[2]
        case SubjectKind.CONTROLLER:
            return subject.id.partition(".")[2] == pair.host.partition(".")[2]
        case SubjectKind.SHARE:
            return subject.id == share
        case SubjectKind.LIBRARY:
            return subject.name == pair.library
        case SubjectKind.ACCOUNT:
            return subject.name == pair.account
        case SubjectKind.HOST_SHARE:
            return ids == (pair.host, share)
        case SubjectKind.ACCOUNT_SHARE:
            return names[0] == pair.account and ids[1] == share
        case SubjectKind.HOST_LIBRARY:
            return ids[0] == pair.host and names[1] == pair.library
    return False


def _halves(text: str, mark: str) -> tuple[str, str]:
    first, _, second = text.partition(mark)
    return first, second


def _same(one: str, other: str) -> bool:
    """Whether two names may mean one machine: equal, or one is the short form of the other."""
    first, second = one.casefold(), other.casefold()
    if first == second:
        return True
    short = "." not in first or "." not in second
    return short and first.split(".")[0] == second.split(".")[0]


def _share(pair: Readiness) -> str:
    return pair.share.split("\\")[3].casefold()


def _plain(path: str) -> str:
    """A path without what line breaks and typesetting do to blanks."""
    return re.sub(r"\s+", "", path).casefold()
