"""What was answered so far, kept beside the coming pack, so that a run that was killed can go on.

The file begins with a line that names the scope; then follow, each after its length in four
bytes, evidence files of one batch of answers each. A last one that was cut is left out. Gaps
are not kept: what failed is tried again. While its run goes on the file is locked, so that no
other run takes it away.
"""

from __future__ import annotations

import errno
import io
import json
import os
import secrets
import struct
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from vmmaudit import evidence as evidence_format
from vmmaudit.collect.known import Known
from vmmaudit.collect.wire import Wire
from vmmaudit.disk import sync_folder, write_new, write_on
from vmmaudit.errors import EvidenceError, UsageError
from vmmaudit.evidence import Answer, Evidence, Gap, Origin, Question

if sys.platform != "win32":
    import fcntl

FORMAT: Final = 1
OLDEST: Final = timedelta(hours=24)
"""Older answers are not mixed with new ones: they would be called one state."""
_LENGTH: Final = struct.Struct("<I")
_SUFFIX: Final = ".journal"
_BEGUN: Final = "-begun"


class Journal:
    """A wire that writes down what another one answers, and never asks again what it knows."""

    def __init__(
        self, wire: Wire, path: Path, scope: str, known: Mapping[Question, Answer]
    ) -> None:
        """Begin a new file.

        Args:
            wire: who is asked.
            path: the file.
            scope: digest of the scope that is asked for.
            known: what an earlier run was told.

        Raises:
            UsageError: the file cannot be written.
        """
        self.known: Final = dict(known)
        self._wire = Known(wire, self.known)
        self._lock = threading.Lock()
        self._asking, self._closed = 0, False
        # It gets its name once it holds what its predecessor did: the newest one is gone on with.
        begun = path.with_name(f"{path.name}{_BEGUN}")
        try:
            if path.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            path.parent.mkdir(parents=True, exist_ok=True)
            write_new(begun, _head(scope) + self._batch(self.known))
            begun.rename(path)
            sync_folder(path.parent)
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            with suppress(OSError):
                begun.unlink()
            raise UsageError(f"{path} cannot be written: {error.strerror or error}.") from error
        _hold(self._file.fileno())

    @property
    def origin(self) -> Origin:
        """That of the run which goes on."""
        return self._wire.origin

    def ask(self, asked: Sequence[Question]) -> list[Answer | Gap]:
        """One reply per question."""
        with self._lock:
            self._asking += 1
        try:
            told = dict(zip(asked, self._wire.ask(asked), strict=True))
            self.keep({q: reply for q, reply in told.items() if isinstance(reply, Answer)})
        finally:
            with self._lock:
                self._asking -= 1
                self._end()
        return [told[question] for question in asked]

    def close(self) -> None:
        """End all sessions; never raises. The file stays.

        What is being asked meanwhile is still written down: the partial pack has it too.
        """
        self._wire.close()
        with self._lock:
            self._closed = True
            self._end()

    def _end(self) -> None:
        if self._closed and not self._asking:
            with suppress(OSError):
                self._file.close()

    def keep(self, answers: Mapping[Question, Answer]) -> None:
        """Write down what was not known; never raises.

        A disk that is full ends neither the run nor the journal: that batch is left out.
        """
        data = self._batch({q: a for q, a in answers.items() if q not in self.known})
        with self._lock, suppress(OSError, ValueError):
            whole = self._file.seek(0, os.SEEK_END)
            try:
                write_on(self._file, data)
            except OSError:
                self._file.truncate(whole)

    def _batch(self, answers: Mapping[Question, Answer]) -> bytes:
        if not answers:
            return b""
        data = evidence_format.dumps(Evidence(self.origin, answers))
        return _LENGTH.pack(len(data)) + data


def path_in(folder: Path, name: str, moment: datetime) -> Path:
    """Where a run of that moment keeps its journal; no two runs share one."""
    return folder / f".{name}_{moment:%Y-%m-%dT%H%M%SZ}_{secrets.token_hex(4)}{_SUFFIX}"


def unfinished(
    folder: Path, name: str, scope: str, now: datetime | None = None
) -> tuple[Path, dict[Question, Answer]] | None:
    """The newest journal of a run of this scope that has ended unfinished, and what it holds."""
    now = now or datetime.now(UTC)
    found = []
    for path in folder.glob(f".{name}_*{_SUFFIX}"):
        with suppress(OSError):
            data = path.read_bytes()
            age = now - datetime.fromtimestamp(path.stat().st_mtime, UTC)
            if data.startswith(_head(scope)) and age < OLDEST and not _held(path):
                found.append((age, path, data[len(_head(scope)) :]))
    if not found:
        return None
    _, path, data = min(found, key=lambda one: one[0])
    answers: dict[Question, Answer] = {}
    for part in _parts(data, str(path)):
        answers |= {q: a for q, a in part.answers.items() if now - a.at < OLDEST}
    return path, answers


def clear(folder: Path, name: str, now: datetime | None = None) -> None:
    """Delete the journals of a scope that are too old to go on with."""
    now = now or datetime.now(UTC)
    for path in folder.glob(f".{name}_*{_SUFFIX}*"):
        with suppress(OSError):
            age = now - datetime.fromtimestamp(path.stat().st_mtime, UTC)
            if age >= OLDEST and not _held(path):
                path.unlink()


def _parts(data: bytes, name: str) -> Iterator[Evidence]:
    at = 0
    while at + _LENGTH.size <= len(data):
        (length,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size
        try:
            yield evidence_format.read(io.BytesIO(data[at : at + length]), name)
        except EvidenceError:
            return  # cut here when the run was killed
        at += length


def _head(scope: str) -> bytes:
    return json.dumps({"journal": FORMAT, "scope": scope}, sort_keys=True).encode() + b"\n"


def _hold(descriptor: int) -> None:
    """Lock a journal for as long as this process lives; not every file system can."""
    if sys.platform != "win32":  # there, what is open is locked
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _held(path: Path) -> bool:
    """Whether the run that writes this journal still goes on."""
    if sys.platform == "win32":  # unverified on Windows: nobody renames what another has open
        try:
            path.rename(path)
        except PermissionError:
            return True
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
    return False
