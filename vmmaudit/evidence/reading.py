"""Reads an evidence file, and finds out whether it is whole."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

from vmmaudit.errors import EvidenceError
from vmmaudit.evidence.lines import FORMAT
from vmmaudit.evidence.replies import Answer, Gap, Origin, Question, Reader, Reason, Row
from vmmaudit.evidence.whole import Evidence

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


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or moment.microsecond:
        raise ValueError("a time is given in whole seconds and with its zone")
    return moment.astimezone(UTC)
