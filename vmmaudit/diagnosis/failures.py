"""What failed, read out of records: code, machine, file, and whose identity was refused.

Two identities must be able to open a shared image, and Hyper-V has a message for each; the
wording is known in English. In another language an account's name that ends in `$` still tells
the computer account; otherwise the identity stays unclear. Nothing is guessed from a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from vmmaudit.diagnosis import codes
from vmmaudit.diagnosis.codes import Kind
from vmmaudit.diagnosis.lines import Record
from vmmaudit.diagnosis.stamp import Stamp, stamp


class Identity(StrEnum):
    """Whose access was refused."""

    ACCOUNT = "account"
    COMPUTER = "computer"
    HYPER_V = "hyper-v"
    NOBODY = "nobody"
    UNCLEAR = "unclear"
    NONE = "none"


class Confidence(StrEnum):
    """How sure the identity is: the text says it, a sign of it stands there, or neither."""

    STATED = "stated"
    INFERRED = "inferred"
    NONE = "none"


class Kept(StrEnum):
    """What kind of record told it."""

    TASK = "task"
    EXCEPTION = "exception"
    JOB = "job"
    EVENT = "event"
    TEXT = "text"


class Note(StrEnum):
    """What a reader should know of how it was read."""

    NO_YEAR = "no-year"
    TWO_MACHINES = "two-machines"
    BLANK_IN_PATH = "blank-in-path"
    DAMAGED = "damaged"
    NO_TIME = "no-time"


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


_Q: Final = "'\"‘’‚‛„“”«»‹›"
_GUID: Final = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_CODES: Final = (
    re.compile(r"Task failed error (?P<name>\w+) \((?P<code>\d{1,6})\)"),
    re.compile(r"Carmine error was: (?P<name>\w+) \((?P<code>\d{1,6})\)"),
    re.compile(r"(?:^|[>\s_*])(?:Error|Warning|Fehler|Warnung)\s*\((?P<code>\d{1,6})\)(?P<name>)"),
    re.compile(r"(?:Error ID|Fehler-ID|FullyQualifiedErrorId)\s*:\s*(?P<code>\d{1,6})\b(?P<name>)"),
    re.compile(r"ErrorInfo\s*:\s*(?P<name>\w+) \((?P<code>\d{1,6})\)"),
    re.compile(r"\bCode\s*:\s*(?P<code>\d{3,5})\b(?P<name>)"),
)
_HRESULT: Final = re.compile(r"\b0x(?P<hex>[89A-Fa-f][0-9A-Fa-f]{7})\b|Code=\"(?P<dec>2\d{9})\"")
_STATUS: Final = re.compile(r"\b0x(?P<hex>80[0-9A-Fa-f]{2})\b|got error: (?P<dec>327[67]\d)\b")
_HOSTS: Final = (
    re.compile(r"\bon (?:the )?(?P<host>[\w.-]+) server because\b"),
    re.compile(r"\bcontact (?:server |an agent on the )(?P<host>[\w.-]+)"),
    re.compile(rf"\bServer [{_Q}]?(?P<host>[\w-]+(?:\.[\w-]+)+)"),
)
_COMPUTER: Final = re.compile(
    rf"[{_Q}]\s*(?P<name>[^{_Q}\\\s]+\\(?P<host>[^{_Q}\\\s]+)\$)\s*[{_Q}]"
)
_UNC: Final = re.compile(
    rf"[{_Q}]\s*(?P<quoted>\\\\[^{_Q}<>|*?]+?)\s*[{_Q}]|(?P<bare>\\\\[\w.$-]+\\[^\s{_Q}<>|*?,;\])]+)"
)
_LOCAL: Final = re.compile(rf"[{_Q}]\s*(?P<path>[A-Za-z]:\\[^{_Q}<>|*?]+?)\s*[{_Q}]")
_OWNER: Final = re.compile(rf"[{_Q}]\s*(?P<vm>[^{_Q}\\]{{1,100}}?)\s*[{_Q}]\s*:\s")
_DEVICE: Final = re.compile(rf"[{_Q}]\s*(?P<vm>[^{_Q}\\]{{1,100}}?)\s*[{_Q}] failed to add device")
_GUEST: Final = re.compile(r"\bon virtual machine (?P<vm>.{1,100}?)\. The ")
_MACHINE: Final = re.compile(rf"\([^()]{{0,80}}?\bID\b[^()]{{0,20}}?(?P<id>{_GUID})\s*\)")
_WORDINGS: Final = (
    # KB 2689989; published procedure and its trace; packer issue 7500. German: inferred.
    (re.compile(r"\bMachine Account\b"), Identity.COMPUTER, Confidence.STATED),
    (
        re.compile(r"\bVirtual Machine Management service account does not have\b", re.IGNORECASE),
        Identity.HYPER_V,
        Confidence.STATED,
    ),
    (
        re.compile(
            r"\bUser account does not have (?:permission|sufficient privilege)", re.IGNORECASE
        ),
        Identity.ACCOUNT,
        Confidence.STATED,
    ),
    (re.compile(r"\b(?:Computer|Maschinen)konto\b"), Identity.COMPUTER, Confidence.INFERRED),
    (re.compile(r"\bBenutzerkonto\b"), Identity.ACCOUNT, Confidence.INFERRED),
)
_WHEN: Final = re.compile(
    r"^[ \t]*(?:TimeCreated|StartTime|EndTime|Date and Time|Datum und Uhrzeit|Startzeit|Zeit)"
    r"[ \t]*:[ \t]*(.+)$",
    re.MULTILINE,
)


def failures(record: Record) -> Iterator[Failure]:
    """What a record says failed: one for each file that could not be opened, else one, or none."""
    text = " ".join(record.text.split())
    code, name = _code(record, text)
    opened = [*_UNC.finditer(text)] or [*_LOCAL.finditer(text)]
    refused = [found for found in opened if _result(text[found.end() : found.end() + 300])]
    if not refused:
        hresult = _result(text) or _own(record)
        if code or (hresult and (record.shape or _about_hyper_v(text))):
            yield _failure(record, text, text, code, name, "", hresult)
        return
    began = 0
    done: set[str] = set()
    for found in refused:
        segment = text[began : found.end() + 300]
        began = found.end()
        path = found[found.lastgroup or 0]
        if path.casefold() in done:
            continue
        done.add(path.casefold())
        hresult = _result(text[found.end() : found.end() + 300])
        yield _failure(record, text, segment, code, name, path, hresult)


def _failure(
    record: Record, text: str, segment: str, code: int | None, name: str, path: str, hresult: str
) -> Failure:
    identity, confidence, account, host = _identity(segment, path, hresult)
    owner = [*_OWNER.finditer(segment[: segment.find(path)])][-1:] if path else []
    device = _DEVICE.search(segment) or _DEVICE.search(text) or _GUEST.search(text)
    vm = owner[0]["vm"] if owner else device["vm"] if device else ""
    machines = tuple(dict.fromkeys(found["id"].upper() for found in _MACHINE.finditer(text)))
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
        host=_host(text) or host or record.computer,
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
    named = _COMPUTER.search(segment)
    account, host = (named["name"], named["host"]) if named else ("", "")
    for wording, identity, confidence in _WORDINGS:
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
    for pattern in _CODES:
        if (found := pattern.search(text)) and int(found["code"]):
            number = int(found["code"])
            return number, found["name"] or codes.code(number).name
    return None, ""


def _result(text: str) -> str:
    """The first HRESULT of a failure; WS-Management writes it as a decimal number."""
    found = _HRESULT.search(text)
    if not found:
        return ""
    value = int(found["hex"], 16) if found["hex"] else int(found["dec"])
    return f"0x{value:08X}" if value >> 31 == 1 else ""


def _own(record: Record) -> str:
    """The result in a field of its own (CSV)."""
    value = int(record.hresult, 16) if record.hresult else 0
    return f"0x{value:08X}" if value >> 31 == 1 else ""


def _status(text: str) -> str:
    found = _STATUS.search(text)
    if not found:
        return ""
    return f"0x{int(found['hex'], 16) if found['hex'] else int(found['dec']):04X}"


def _host(text: str) -> str:
    for pattern in _HOSTS:
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
    found = _WHEN.search(text)
    return stamp(found[1]) if found else None


def _about_hyper_v(text: str) -> bool:
    return bool(_MACHINE.search(text) or _DEVICE.search(text))
