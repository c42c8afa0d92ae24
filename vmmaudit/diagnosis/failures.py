"""What failed, read out of records: code, machine, file, and whose identity was refused.

Two identities must be able to open a shared image, and Hyper-V has a message for each; the
wording is known in English. In another language an account's name that ends in `$` still tells
the computer account; otherwise the identity stays unclear. Nothing is guessed from a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from vmmaudit.diagnosis import codes, wordings
from vmmaudit.diagnosis.codes import Kind
from vmmaudit.diagnosis.lines import Record
from vmmaudit.diagnosis.stamp import Stamp, stamp
from vmmaudit.diagnosis.wordings import Confidence, Identity


class Kept(StrEnum):
    """What kind of record told it."""

    TASK = "task"
    EXCEPTION = "exception"
    JOB = "job"
    EVENT = "event"
    TEXT = "text"


class Note(StrEnum):
    """What a reader should know of how it was read."""

    NO_TIME = "no-time"
    NO_YEAR = "no-year"
    TWO_MACHINES = "two-machines"
    BLANK_IN_PATH = "blank-in-path"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Where and when it stood; `task` is the job's GUID, `sequence` the trace's line number."""

    source: str
    offset: int
    when: Stamp | None
    kind: Kept
    sequence: str = ""
    process: int | None = None
    task: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    r"""One thing that failed, once.

    Attributes:
        code: VMM's error code; None if there is none. `name` is what the trace calls it.
        hresult: the inner result, `0x` and eight digits; empty if there is none.
        status: the return value of Hyper-V's WMI, `0x` and four digits; empty if there is none.
        machines: the GUIDs of virtual machines in the block, as found.
        file: the path that could not be opened, usually `\\server\share\…`.
        account: the refused account's name, if it is told.
    """

    code: int | None
    name: str
    hresult: str
    status: str
    host: str
    vm: str
    machines: tuple[str, ...]
    file: str
    identity: Identity
    confidence: Confidence
    account: str
    notes: tuple[Note, ...]
    seen: Occurrence

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for failures that say the same of the same things."""
        things = (self.host, self.vm, self.file, self.account)
        return (self.code, self.hresult, self.identity, *(t.casefold() for t in things))


def failures(record: Record) -> Iterator[Failure]:
    """What a record says failed: one for each file that could not be opened, else one, or none."""
    if not (record.hresult or wordings.SIGN.search(record.text)):
        return  # nothing below could match
    text = " ".join(record.text.split())
    code, name = _code(record, text)
    told = False
    for path, segment, hresult in _refusals(text):
        told = True
        yield _failure(record, text, segment, code, name, path, hresult)
    hresult = _result(text) or _own(record)
    if not told and (code or (hresult and (record.shape or _about_hyper_v(text)))):
        yield _failure(record, text, text, code, name, "", hresult)


def _refusals(text: str) -> Iterator[tuple[str, str, str]]:
    """Each file that could not be opened: its path, the text about it, and the result.

    The text about a file reaches from the name of its machine to that of the next one's.
    """
    opened = [*wordings.UNC.finditer(text)] or [*wordings.LOCAL.finditer(text)]
    refused = [
        found for found in opened if _result(text[found.end() : found.end() + wordings.NEAR])
    ]
    if not refused:
        worded = _worded(text)
        refused = [found for found in opened if found.start() >= worded][:1]
    if not refused and len(opened) == 1 and opened[0].lastgroup != "bare":
        kind = codes.result(_result(text)).kind
        refused = opened if kind in (Kind.REFUSED, Kind.NOT_FOUND) else []
    begins = [0]
    for before, found in pairwise(refused):
        owners = [*wordings.OWNER.finditer(text, before.end(), found.start())]
        begins.append(owners[-1].start() if owners else before.end())
    done: set[str] = set()
    for index, found in enumerate(refused):
        path = found[found.lastgroup or 0]
        end = begins[index + 1] if index + 1 < len(begins) else found.end() + wordings.NEAR
        if path.casefold() not in done:
            done.add(path.casefold())
            after = text[found.end() : found.end() + wordings.NEAR]
            yield path, text[begins[index] : end], _result(after) or _result(text)


def _worded(text: str) -> int:
    """Behind which place a known wording of a refusal stands; the text's end if none does."""
    found = [
        match.end()
        for wording, _, sure in wordings.WORDINGS
        if sure is Confidence.STATED and (match := wording.search(text))
    ]
    return min(found, default=len(text))


def _failure(
    record: Record, text: str, segment: str, code: int | None, name: str, path: str, hresult: str
) -> Failure:
    identity, confidence, account, host = _identity(segment, path, hresult)
    owner = [*wordings.OWNER.finditer(segment[: segment.find(path)])][-1:] if path else []
    device = (
        wordings.DEVICE.search(segment)
        or wordings.DEVICE.search(text)
        or wordings.GUEST.search(text)
    )
    vm = owner[0]["vm"] if owner else device["vm"] if device else record.vm
    machines = tuple(
        dict.fromkeys(found["id"].upper() for found in wordings.MACHINE.finditer(segment))
    )
    when = record.when or _written(record.text)
    notes = (
        (Note.NO_TIME, when is None),
        (Note.NO_YEAR, when is not None and when.year is None and when.month is not None),
        (Note.TWO_MACHINES, len(machines) > 1),
        (Note.BLANK_IN_PATH, bool(re.search(r"\\ | \\", path))),
        (Note.DAMAGED, not record.agrees),
    )
    return Failure(
        code=code,
        name=name,
        hresult=hresult,
        status=_status(text),
        host=_host(text, wordings.STATED)
        or host
        or _host(text, wordings.NAMED)
        or record.computer
        or _host(record.text, [wordings.WRITER]),
        vm=vm,
        machines=machines,
        file=path,
        identity=identity,
        confidence=confidence,
        account=account,
        notes=tuple(note for note, holds in notes if holds),
        seen=Occurrence(
            record.source,
            record.offset,
            when,
            _kind(record),
            record.sequence,
            record.process,
            record.task,
        ),
    )


def _identity(segment: str, path: str, hresult: str) -> tuple[Identity, Confidence, str, str]:
    """Who was refused, how sure that is, the account's name, and the host that it tells."""
    kind = codes.result(hresult).kind if hresult else Kind.UNKNOWN
    named = wordings.COMPUTER.search(segment)
    account, host = (named["name"], named["host"]) if named else ("", "")
    for wording, identity, confidence in wordings.WORDINGS:
        if wording.search(segment):
            return identity, confidence, account, host
    if named and kind is Kind.REFUSED and path:
        return Identity.COMPUTER, Confidence.INFERRED, account, host
    if kind is Kind.NOT_FOUND and path.startswith("\\\\"):
        return Identity.NOBODY, Confidence.INFERRED, account, host
    if kind is Kind.REFUSED and path.startswith("\\\\"):
        return Identity.UNCLEAR, Confidence.NONE, account, host
    return Identity.NONE, Confidence.NONE, account, host


def _code(record: Record, text: str) -> tuple[int | None, str]:
    """VMM's code and what the trace calls it. An event's own number is none of VMM's codes."""
    for pattern in wordings.CODES:
        if (found := pattern.search(text)) and int(found["code"]):
            number = int(found["code"])
            return number, found["name"] or codes.code(number).name
    return None, ""


def _result(text: str) -> str:
    """The first HRESULT of a failure; WS-Management writes it as a decimal number."""
    found = wordings.HRESULT.search(text)
    if not found:
        return ""
    value = int(found["hex"], 16) if found["hex"] else int(found["dec"])
    return f"0x{value:08X}" if value >> 31 == 1 else ""


def _own(record: Record) -> str:
    """The result in a field of its own (CSV)."""
    value = int(record.hresult, 16) if record.hresult else 0
    return f"0x{value:08X}" if value >> 31 == 1 else ""


def _status(text: str) -> str:
    found = wordings.STATUS.search(text)
    if not found:
        return ""
    return f"0x{int(found['hex'], 16) if found['hex'] else int(found['dec']):04X}"


def _host(text: str, patterns: Iterable[re.Pattern[str]]) -> str:
    for pattern in patterns:
        if found := pattern.search(text):
            return found["host"].rstrip(".")
    return ""


def _kind(record: Record) -> Kept:
    if "Task failed error" in record.text:
        return Kept.TASK
    if record.shape in ("job", "event"):
        return Kept(record.shape)
    return Kept.EXCEPTION if record.shape else Kept.TEXT


def _written(text: str) -> Stamp | None:
    found = wordings.WHEN.search(text)
    return stamp(found[1]) if found else None


def _about_hyper_v(text: str) -> bool:
    return bool(wordings.MACHINE.search(text) or wordings.DEVICE.search(text))
