"""A wire that answers from exports instead of the network, alone or where a server refused."""

from __future__ import annotations

import getpass
import hashlib
import platform
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from vmmaudit import __version__, questions
from vmmaudit.collect.wire import Wire
from vmmaudit.collector import manifest
from vmmaudit.commit import commit
from vmmaudit.evidence import IMPORTED, Answer, Gap, Origin, Question, Reason
from vmmaudit.imports.attributes import moment_of
from vmmaudit.imports.directory import Directory, NotExportedError
from vmmaudit.imports.reading import read
from vmmaudit.imports.record import ImportsError, Record
from vmmaudit.imports.servers import Servers, Told
from vmmaudit.scope import Scope
from vmmaudit.windows.sid import sid_from_bytes


class Offline:
    """Answers what the files of a folder tell; everything else is a gap that says what is missing.

    Raises:
        ImportsError: the folder holds nothing, or a file in it cannot be used.
    """

    def __init__(self, folder: Path, scope: Scope) -> None:
        now = datetime.now(UTC).replace(microsecond=0)
        self._digests: dict[str, str] = {}
        tool = f"vmmaudit {__version__}"
        self._origin = Origin(now, getpass.getuser(), platform.node(), tool, commit())
        records = self._read(folder)
        self._now = self._origin.moment
        self._directory = Directory(records)
        sids = _sids(records)
        self._servers = Servers(
            records,
            scope.libraries,
            lambda library: questions.file_server(scope, library),
            _domain_sid(records),
            lambda name: sids.get(name.lower().rpartition("\\")[2]),
            scope.audit.zone,
        )

    def _read(self, folder: Path) -> list[Record]:
        paths = [folder] if folder.is_file() else sorted(folder.rglob("*"))
        for path in paths if folder.is_dir() else ():
            if path.is_symlink():  # what it leads to was not handed over
                raise ImportsError(f"{path} is a link; hand over the file itself.")
        files = [p for p in paths if p.is_file() and not p.name.startswith(".")]
        if not files:
            raise ImportsError(f"{folder} holds no file; name the folder with the exports.")
        # Of what the script wrote nothing was altered, and it is known who read when.
        runs = {p.parent: manifest.read(p.parent) for p in files if p.name == manifest.NAME}
        if runs and all(path.parent in runs for path in files):
            last = max(runs.values(), key=lambda run: run.ended)
            ended = moment_of(last.ended)
            if ended is not None and ended <= self._origin.moment:
                ended = ended.replace(microsecond=0)
                self._origin = replace(self._origin, moment=ended, who=last.user, machine=last.host)
        records: list[Record] = []
        for path in files:
            if path.name == manifest.NAME or path.suffix.lower() == ".ps1":
                continue
            name = path.name if folder.is_file() else path.relative_to(folder).as_posix()
            records += (replace(record, source=name) for record in read(path))
            self._digests[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        return records

    @property
    def origin(self) -> Origin:
        """Who ran the script, and when it ended; of other exports who read them, and when.

        When those were exported only they themselves can say.
        """
        return self._origin

    def ask(self, asked: Sequence[Question]) -> list[Answer | Gap]:
        """One reply per question."""
        return [self._one(question) for question in asked]

    def _one(self, question: Question) -> Answer | Gap:
        try:
            rows, files = self._told(question)
        except NotExportedError as error:
            return Gap(error.reason, str(error), self._now)
        named = (f"{name} (SHA-256 {self._digests[name]})" for name in files)
        return Answer(rows, f"{IMPORTED}{', '.join(named)}", self._now)

    def _told(self, question: Question) -> Told:
        match question.kind, question.detail:
            case questions.SEARCH, _:
                return self._directory.search(question)
            case questions.SHARE, (name,):
                return self._servers.share(question.server, name)
            case questions.LIST, (share, path):
                return self._servers.listing(question.server, share, path)
            case questions.DESCRIPTOR, (share, path):
                return self._servers.descriptor(question.server, share, path)
            case questions.SERVICE, (name,):
                return self._servers.service(question.server, name)
            case questions.LEGACY_SMB, ():
                return self._servers.legacy_smb(question.server)
            case questions.BOOT, ():
                return self._servers.boot(question.server)
            case questions.SAM_DOMAIN, ():
                return self._servers.domains(question.server)
            case questions.ALIASES, (domain,):
                return self._servers.aliases(question.server, domain)
            case questions.MEMBERS, (group,):
                return self._servers.members(question.server, group)
            case questions.REACH, (server, port):
                return self._servers.reach(question.server, server, port)
            case questions.VMM_OBJECTS, (cmdlet,):
                return self._servers.objects(cmdlet)
        raise NotExportedError(
            Reason.NOT_ASKED, f"No export tells this of {question.server} ({question.kind})."
        )

    def close(self) -> None:
        """There is nothing to close."""


class Fallback:
    """Asks the servers, and takes from the exports what they refused."""

    def __init__(self, first: Wire, second: Wire) -> None:
        self._first = first
        self._second = second

    @property
    def origin(self) -> Origin:
        """That of the live reading."""
        return self._first.origin

    def ask(self, asked: Sequence[Question]) -> list[Answer | Gap]:
        """One reply per question; a gap remains the server's own where no file tells it."""
        replies = self._first.ask(asked)
        refused = [index for index, reply in enumerate(replies) if isinstance(reply, Gap)]
        told = self._second.ask([asked[index] for index in refused])
        for index, reply in zip(refused, told, strict=True):
            if isinstance(reply, Answer):
                replies[index] = reply
        return replies

    def close(self) -> None:
        """End all sessions; never raises."""
        self._first.close()
        self._second.close()


def _domain_sid(records: Sequence[Record]) -> str | None:
    """The domain that most accounts are of, which the letters of SDDL mean."""
    found: dict[str, int] = {}
    for sid in _sids(records).values():
        domain = sid.rpartition("-")[0]
        if domain.startswith("S-1-5-21-"):
            found[domain] = found.get(domain, 0) + 1
    return max(found, key=lambda domain: found[domain]) if found else None


def _sids(records: Sequence[Record]) -> dict[str, str]:
    """SIDs of exported accounts by their names."""
    found: dict[str, str] = {}
    for record in records:
        name, sid = record.text("sAMAccountName"), record.first("objectSid", "SID")
        if name and sid:
            found[name.lower()] = sid if isinstance(sid, str) else sid_from_bytes(sid)
    return found
