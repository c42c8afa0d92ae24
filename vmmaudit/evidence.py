"""What was read, as bytes, and what could not be read, with the reason.

Evidence maps each question to its answer or to a gap. It is canonical: the same
answers give the same bytes and one digest, in whatever order they arrived.
No secret can be in it, since only listed attributes are ever asked for.

File format 1 (gzip, one JSON value a line, keys sorted):

    header   {"format":1, "tool":…, "commit":…, "moment":…, "who":…, "machine":…}
    blob     {"blob":SHA-256, "data":base64}                          sorted by digest
    answer   {"ask":[server, kind, …detail], "at":…, "from":…, "rows":[[name, {key:[value…]}]…]}
    gap      {"ask":[…], "at":…, "reason":…, "text":…}                both sorted by question
    trailer  {"end":number of lines before it, "sha256":digest of those lines}

A value is text where it is printable UTF-8, else {"b64":…}; values of 64 bytes
and more stand once as a blob and are named by {"blob":SHA-256}. There is no "commit" where it is
not known of which commit the tool was.

What somebody else than the reader in the header asked, elsewhere, has "by":[who, machine]. An
answer that was not asked for again has "taken":digest of the evidence that it was taken from.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from vmmaudit.display import framed, properties, table, tiles
from vmmaudit.errors import EvidenceError

if TYPE_CHECKING:
    import pandas as pd

FORMAT: Final = 1
IMPORTED: Final = "import: "
"""What the source of an answer begins with that an export gave in a server's place."""
_BLOB_FROM: Final = 64
_LONGEST_LINE: Final = 256 * 1024 * 1024
_PIECE: Final = 16 * 1024 * 1024
_FREE: Final = 64 * 1024 * 1024
"""Bytes that any file may unpack to."""
_RATIO: Final = 200
"""Beyond that, so many times its size; what we write packs to a fortieth at best."""
_MALFORMED: Final = (
    *(ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError),
    RecursionError,
)


class Reason(StrEnum):
    """Why a question has no answer; the words stand in the catalogue of each language."""

    UNRESOLVABLE = "unresolvable"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    ACCESS_DENIED = "access-denied"
    AUTHENTICATION_FAILED = "authentication-failed"
    NO_SERVICE_PRINCIPAL = "no-service-principal"
    CREDENTIALS_EXPIRED = "credentials-expired"
    CLOCK_SKEW = "clock-skew"
    SIGNING_REQUIRED = "signing-required"
    CERTIFICATE_UNTRUSTED = "certificate-untrusted"
    NOT_FOUND = "not-found"
    NOT_SUPPORTED = "not-supported"
    NOT_IN_DIRECTORY = "not-in-directory"
    AMBIGUOUS = "ambiguous"
    MALFORMED_REPLY = "malformed-reply"
    INCOMPLETE = "incomplete"
    INTERRUPTED = "interrupted"
    NOT_ASKED = "not-asked"


@dataclass(frozen=True, slots=True, order=True)
class Question:
    """What was asked of whom.

    Attributes:
        server: DNS name of the domain (LDAP) or of the server (SMB, RPC), lower case.
        kind: one of the kinds listed in `vmmaudit.collect.wire`.
        detail: the arguments of that kind, in its order.
    """

    server: str
    kind: str
    detail: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The evidence id printed in documents: the same question has it in every pack."""
        asked = "\0".join((self.server, self.kind, *self.detail))
        return "E-" + hashlib.sha256(asked.encode()).hexdigest()[:10]


@dataclass(frozen=True, slots=True)
class Row:
    """One thing of an answer: its name (a DN, a path or nothing) and its raw values."""

    name: str
    values: Mapping[str, tuple[bytes, ...]]

    def first(self, key: str) -> bytes | None:
        """The first value of `key`, or None where it has none."""
        found = self.values.get(key, ())
        return found[0] if found else None


@dataclass(frozen=True, slots=True, order=True)
class Reader:
    """Who asked, and from which machine."""

    who: str
    machine: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        rows: in the order received, which belongs to the evidence.
        source: the machine that really answered (one of the domain controllers).
        at: when, UTC, whole seconds.
        by: who asked, where it was another reader than the header's.
        taken: digest of the evidence in which it was read, where it was not asked for again.
    """

    rows: tuple[Row, ...]
    source: str
    at: datetime
    by: Reader | None = None
    taken: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """A question without an answer: the reason code and one sentence (English) about it.

    `by` is who asked, where it was another reader than the header's.
    """

    reason: Reason
    text: str
    at: datetime | None = None
    by: Reader | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """The moment of reading, who read, from which machine, with which tool version.

    `commit` is that of the tool's source, as `vmmaudit.commit` has it; empty: not known.
    """

    moment: datetime
    who: str
    machine: str
    tool: str
    commit: str = ""

    @property
    def reader(self) -> Reader:
        """Who asked whatever names nobody else."""
        return Reader(self.who, self.machine)


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
        digest = hashlib.sha256()
        for line in _lines(self):
            digest.update(line)
        return digest.hexdigest()

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
        for line in _lines(evidence):
            packed.write(line)
            digest.update(line)
            count += 1
        packed.write(_json({"end": count, "sha256": digest.hexdigest()}))
    return digest.hexdigest()


def dumps(evidence: Evidence) -> bytes:
    """The file as bytes."""
    buffer = io.BytesIO()
    write(evidence, buffer)
    return buffer.getvalue()


def load(path: Path) -> Evidence:
    """Read and check an evidence file.

    Raises:
        EvidenceError: missing, truncated, altered or of a newer format; names file and line.
    """
    try:
        with path.open("rb") as file:
            return read(file, str(path))
    except OSError as error:
        if isinstance(error, gzip.BadGzipFile):
            raise EvidenceError(f"{path} is not an evidence file: {error}.") from error
        raise EvidenceError(f"{path} cannot be read: {error.strerror or error}.") from error


def read(source: BinaryIO, name: str) -> Evidence:
    """Read the file format above from `source`; `name` is used in error sentences."""
    return _Reader(name).read(source)


class _Reader:
    """Reads line by line, so that an error can say where."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.number = 0
        self.blobs: dict[str, bytes] = {}

    def read(self, source: BinaryIO) -> Evidence:
        """The evidence, after every check has passed."""
        origin: Origin | None = None
        answers: dict[Question, Answer] = {}
        gaps: dict[Question, Gap] = {}
        digest = hashlib.sha256()
        trailer: dict[str, Any] | None = None
        for line in self._decompressed(source):
            self.number += 1
            if trailer is not None:
                raise self._error("there is more after the closing line, so it was altered")
            try:
                value = json.loads(line)
                if origin is None:
                    origin = self._header(value)
                elif "blob" in value:
                    self._blob(value)
                elif "rows" in value:
                    answers[self._new(value, answers, gaps)] = self._answer(value)
                elif "reason" in value:
                    gaps[self._new(value, answers, gaps)] = Gap(
                        Reason(value["reason"]),
                        _text(value["text"]),
                        _moment(value.get("at")),
                        _reader(value),
                    )
                elif "end" in value:
                    trailer = value
                    continue
                else:
                    raise self._error("a record of unknown form")
            except _MALFORMED as error:
                raise self._error(f"it cannot be understood ({error})") from error
            digest.update(line)
        if origin is None:
            raise EvidenceError(f"{self.name} is empty; it is not an evidence file.")
        if trailer is None:
            raise self._error("the file ends here without its closing line, so it is truncated")
        if trailer.get("end") != self.number - 1 or trailer.get("sha256") != digest.hexdigest():
            raise EvidenceError(
                f"{self.name} was altered: its content does not match the digest in its last "
                "line. Use the original file of the pack."
            )
        return Evidence(origin, answers, gaps)

    def _decompressed(self, source: BinaryIO) -> Iterator[bytes]:
        try:
            with gzip.GzipFile(fileobj=source, mode="rb") as packed:
                yield from self._lines(packed, source)
        except EOFError as error:
            raise self._error("the file is truncated here") from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise EvidenceError(
                f"{self.name} is not an evidence file, or was damaged: {error}."
            ) from error

    def _lines(self, packed: gzip.GzipFile, source: BinaryIO) -> Iterator[bytes]:
        """Line after line, unless the file was made to burst."""
        total, line = 0, b""
        while piece := packed.readline(_PIECE):
            total += len(piece)
            if total > _FREE and total > _RATIO * source.tell():
                raise EvidenceError(
                    f"{self.name} unpacks to more than {_RATIO} times its size, which evidence "
                    "never does; it is not read."
                )
            line += piece
            if len(line) > _LONGEST_LINE:
                self.number += 1
                raise self._error("it is too long for a line of evidence")
            if line.endswith(b"\n") or len(piece) < _PIECE:
                yield line
                line = b""
        if line:
            yield line

    def _header(self, value: dict[str, Any]) -> Origin:
        if not isinstance(value.get("format"), int):
            raise self._error("there is no format number, so it is not an evidence file")
        if value["format"] > FORMAT:
            raise EvidenceError(
                f"{self.name} has format {value['format']}; this vmmaudit reads up to {FORMAT}. "
                "Use the version that wrote it, or a newer one."
            )
        moment = _moment(value["moment"])
        if moment is None:
            raise self._error("the moment of reading is missing")
        who, machine, tool = (_text(value[name]) for name in ("who", "machine", "tool"))
        return Origin(moment, who, machine, tool, _text(value.get("commit", "")))

    def _blob(self, value: dict[str, Any]) -> None:
        data = base64.b64decode(value["data"], validate=True)
        if hashlib.sha256(data).hexdigest() != value["blob"]:
            raise self._error("a stored value does not match its digest, so it was altered")
        self.blobs[value["blob"]] = data

    def _new(self, value: dict[str, Any], *known: Mapping[Question, object]) -> Question:
        question = _question(value)
        if any(question in replies for replies in known):
            raise self._error("this question has a reply already, so it was altered")
        return question

    def _answer(self, value: dict[str, Any]) -> Answer:
        rows = tuple(
            Row(
                _text(name),
                {key: tuple(map(self._value, values)) for key, values in content.items()},
            )
            for name, content in value["rows"]
        )
        at = _moment(value["at"])
        if at is None:
            raise self._error("the time of an answer is missing")
        return Answer(rows, _text(value["from"]), at, _reader(value), _text(value.get("taken", "")))

    def _value(self, value: str | dict[str, str]) -> bytes:
        if isinstance(value, str):
            return value.encode()
        if "blob" in value:
            return self.blobs[value["blob"]]
        return base64.b64decode(value["b64"], validate=True)

    def _error(self, problem: str) -> EvidenceError:
        return EvidenceError(f"{self.name}, line {self.number}: {problem}.")


def _lines(evidence: Evidence) -> Iterator[bytes]:
    """The canonical lines but the trailer."""
    origin = evidence.origin
    yield _json(
        {
            "format": FORMAT,
            "machine": origin.machine,
            "moment": _stamp(origin.moment),
            "tool": origin.tool,
            "who": origin.who,
            **({"commit": origin.commit} if origin.commit else {}),
        }
    )
    blobs = {
        hashlib.sha256(value).hexdigest(): value
        for answer in evidence.answers.values()
        for row in answer.rows
        for values in row.values.values()
        for value in values
        if len(value) >= _BLOB_FROM
    }
    for digest in sorted(blobs):
        yield _json({"blob": digest, "data": base64.b64encode(blobs[digest]).decode()})
    for question in sorted({*evidence.answers, *evidence.gaps}):
        yield record(question, evidence.reply(question))


def record(question: Question, reply: Answer | Gap) -> bytes:
    """The canonical line of one question: equal replies, equal bytes."""
    by = {"by": [reply.by.who, reply.by.machine]} if reply.by else {}
    if isinstance(reply, Gap):
        return _json(
            {
                "ask": _asked(question),
                "at": _stamp(reply.at) if reply.at else None,
                "reason": reply.reason.value,
                "text": reply.text,
                **by,
            }
        )
    taken = {"taken": reply.taken} if reply.taken else {}
    return _json(
        {
            "ask": _asked(question),
            "at": _stamp(reply.at),
            "from": reply.source,
            "rows": [[row.name, _encoded(row.values)] for row in reply.rows],
            **by,
            **taken,
        }
    )


def _encoded(values: Mapping[str, Iterable[bytes]]) -> dict[str, list[str | dict[str, str]]]:
    return {key: [_value(value) for value in found] for key, found in values.items()}


def _value(value: bytes) -> str | dict[str, str]:
    if len(value) >= _BLOB_FROM:
        return {"blob": hashlib.sha256(value).hexdigest()}
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = ""
    if text.isprintable() and (text or not value):
        return text
    return {"b64": base64.b64encode(value).decode()}


def _json(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8", "surrogateescape") + b"\n"


def _asked(question: Question) -> list[str]:
    return [question.server, question.kind, *question.detail]


def _question(value: dict[str, Any]) -> Question:
    server, kind, *detail = map(_text, value["ask"])
    return Question(server, kind, tuple(detail))


def _reader(value: dict[str, Any]) -> Reader | None:
    if "by" not in value:
        return None
    if not isinstance(value["by"], list):
        raise TypeError("a reader is who and machine")
    who, machine = map(_text, value["by"])
    return Reader(who, machine)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("text is expected")
    return value


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or moment.microsecond:
        raise ValueError("a time is given in whole seconds and with its zone")
    return moment.astimezone(UTC)
