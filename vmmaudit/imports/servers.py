"""Shares, files, services, start times and local groups, from what was handed over."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Final

from vmmaudit.errors import FormatError
from vmmaudit.evidence import Reason, Row
from vmmaudit.imports.attributes import dn_of, moment_of
from vmmaudit.imports.directory import NotExportedError
from vmmaudit.imports.record import Record
from vmmaudit.imports.vmm import cmdlet_of
from vmmaudit.scope import Library
from vmmaudit.windows import sddl
from vmmaudit.windows.descriptor import Ace, encode
from vmmaudit.windows.sid import ADMINISTRATORS, is_builtin, sid_to_bytes

Told = tuple[tuple[Row, ...], tuple[str, ...]]
_PROVIDER: Final = re.compile(r"^(?:Microsoft\.PowerShell\.Core\\)?FileSystem::", re.IGNORECASE)
_STARTS: Final = {"boot": 0, "system": 1, "auto": 2, "automatic": 2, "automatisch": 2,
                  "manual": 3, "manuell": 3, "disabled": 4, "deaktiviert": 4}  # fmt: skip
_STATES: Final = {"stopped": 1, "beendet": 1, "startpending": 2, "stoppending": 3, "running": 4,
                  "wird ausgeführt": 4, "gestartet": 4}  # fmt: skip
_RIGHTS: Final = {"full": 0x1F01FF, "change": 0x1301BF, "read": 0x1200A9,
                  "0": 0x1F01FF, "1": 0x1301BF, "2": 0x1200A9}  # fmt: skip
_NO: Final = ("false", "falsch", "0")
_YES: Final = ("true", "wahr", "1")
_WELL_KNOWN: Final = {
    "everyone": "S-1-1-0", "jeder": "S-1-1-0",
    "nt authority\\system": "S-1-5-18", "nt-autorität\\system": "S-1-5-18",
    "nt authority\\authenticated users": "S-1-5-11",
    "nt-autorität\\authentifizierte benutzer": "S-1-5-11",
    "builtin\\administrators": ADMINISTRATORS, "vordefiniert\\administratoren": ADMINISTRATORS,
    "builtin\\users": "S-1-5-32-545", "vordefiniert\\benutzer": "S-1-5-32-545",
    "creator owner": "S-1-3-0", "ersteller-besitzer": "S-1-3-0",
}  # fmt: skip
_ADMINISTRATORS: Final = ("administrators", "administratoren")


@dataclass
class _File:
    path: str
    descriptor: bytes | None
    kind: str | None
    size: str
    source: str


@dataclass
class _Share:
    descriptor: bytes | None = None
    path: str = ""
    entries: list[tuple[str, str, str]] = field(default_factory=list)
    source: str = ""


_WHOLE: Final = 20
"""Any Windows has more services than this: so many are no selection."""


class Servers:
    """Everything that was exported of single servers."""

    def __init__(
        self,
        records: Iterable[Record],
        libraries: Iterable[Library],
        server_of: Callable[[Library], str],
        domain_sid: str | None,
        sid_of: Callable[[str], str | None],
        zone: tzinfo = UTC,
    ) -> None:
        self._zone = zone
        self._sid_of = sid_of
        self._domain_sid = domain_sid
        self._libraries = list(libraries)
        self._server_of = server_of
        self._shares: dict[tuple[str, str], _Share] = {}
        self._files: dict[tuple[str, str], dict[str, _File]] = {}
        self._services: dict[tuple[str, str], Record] = {}
        self._boots: dict[str, Record] = {}
        self._smb: list[Record] = []
        self._members: dict[tuple[str, str], tuple[list[str], str, str]] = {}
        self._objects: dict[str, list[Record]] = {}
        self._tried: list[Record] = []
        found = list(records)
        for record in found:
            self._note_share(record)
        for record in found:
            if dn_of(record) is None:
                self._note(record)

    # -- taking in --------------------------------------------------------------------------

    def _note_share(self, record: Record) -> None:
        name = record.text("share") if record.has("descriptor") else None
        name = name or record.text("Name")
        is_share = record.has("ScopeName") or record.has("ShareType") or record.has("ShareState")
        if not name or not is_share:
            return
        for key in self._keys(record, name):
            share = self._shares.setdefault(key, _Share(source=record.source))
            share.path = share.path or (record.text("Path") or "")
            if record.has("AccountName", "AccessRight"):
                share.entries.append(
                    (
                        record.text("AccountName") or "",
                        (record.text("AccessControlType") or "").lower(),
                        (record.text("AccessRight") or "").lower(),
                    )
                )
            else:
                found = self._descriptor(record, "descriptor", "SecurityDescriptor", "sddl", "Sddl")
                share.descriptor = share.descriptor or found

    def _keys(self, record: Record, share: str) -> Iterator[tuple[str, str]]:
        """The library shares of the scope that a record can mean."""
        server = _host(record)
        for library in self._libraries:
            asked = self._server_of(library)
            same = server is None or server in (asked, library.unc_name, asked.split(".")[0])
            if same and library.share_name.lower() == share.lower():
                yield asked, share.lower()

    def _note(self, record: Record) -> None:
        if cmdlet := cmdlet_of(record):
            self._objects.setdefault(cmdlet, []).append(record)
        elif record.has("StartName") and (record.text("service") or record.text("Name")):
            name = record.text("service") or record.text("Name") or ""
            self._services[(_host(record) or "", name.lower())] = record
        elif record.has("TcpTestSucceeded", "RemotePort"):
            self._tried.append(record)
        elif record.has("EnableSMB1Protocol"):
            self._smb.append(record)
        elif record.has("LastBootUpTime"):
            self._boots[_host(record) or ""] = record
        elif record.has("Path") or record.has("path", "kind"):
            self._note_file(record)
        elif record.has("members", "SID") or record.has("PrincipalSource"):
            self._note_members(record)

    def _note_file(self, record: Record) -> None:
        descriptor = self._descriptor(record, "descriptor", "SecurityDescriptor", "Sddl", "sddl")
        path = _PROVIDER.sub("", record.text("Path", "path") or "")
        for key, inside in self._places(record, path):
            kind = record.text("kind") or _kind(record)
            size = record.text("size", "Length") or "0"
            file = _File(inside, descriptor, kind, size if size.isdigit() else "0", record.source)
            known = self._files.setdefault(key, {})
            if inside.lower() not in known or known[inside.lower()].descriptor is None:
                known[inside.lower()] = file

    def _places(self, record: Record, path: str) -> Iterator[tuple[tuple[str, str], str]]:
        """Library shares that a path lies in, and where under them."""
        for library in self._libraries:
            key = (self._server_of(library), library.share_name.lower())
            if record.has("share", "kind"):
                if key in self._keys(record, record.text("share") or ""):
                    yield key, path.strip("\\")
                continue
            share = self._shares.get(key)
            roots = [library.share, rf"\\{key[0]}\{library.share_name}"]
            roots += [share.path] if share and share.path else []
            for root in roots:
                inside = _under(path, root)
                if inside is not None:
                    yield key, inside
                    break
            else:
                # icacls /save writes what follows the folder; two servers may share its name.
                first, _, rest = path.partition("\\")
                if first.lower() == key[1] and self._is_only(record, key):
                    yield key, rest

    def _is_only(self, record: Record, key: tuple[str, str]) -> bool:
        """Whether no other library has a share of this name, or the file is named after it."""
        alike = {
            self._server_of(lib) for lib in self._libraries if lib.share_name.lower() == key[1]
        }
        return len(alike) == 1 or key[0].split(".")[0] in record.source.lower()

    def _note_members(self, record: Record) -> None:
        server = _host(record) or ""
        if record.has("members", "SID"):
            if (record.text("complete") or "").lower() in _NO:
                return
            group = record.text("SID") or ""
            sids = [str(v) for v in record.all("members.SID", "members")]
            found = [sid for sid in sids if sid.startswith("S-1-")]
            self._members[(server, group)] = (found, record.text("Name") or "", record.source)
            return
        group = record.text("GroupSid") or ""
        if not group and (record.text("Group", "GroupName") or "").lower() in _ADMINISTRATORS:
            group = ADMINISTRATORS
        sid = record.text("SID")
        if group and sid:
            name = record.text("Group", "GroupName") or ""
            entry = self._members.setdefault((server, group), ([], name, record.source))
            entry[0].append(sid)

    def _descriptor(self, record: Record, *names: str) -> bytes | None:
        for name in names:
            value = record.first(name)
            if isinstance(value, bytes):
                return value
            if isinstance(value, str) and re.match(r"[OGDS]:", value.strip()):
                try:
                    return sddl.parse(value.strip(), domain=self._domain_sid)
                except FormatError:
                    return None
        return None

    # -- answering --------------------------------------------------------------------------

    def share(self, server: str, name: str) -> Told:
        """The permissions of a share."""
        found = self._shares.get((server, name))
        if found is None:
            raise _missing(f"the permissions of the share {name} of {server} (Get-SmbShare)")
        descriptor = found.descriptor or self._from_entries(found)
        values = {"descriptor": (descriptor,), "path": (found.path.encode(),)}
        return (Row(name, values),), (found.source,)

    def _from_entries(self, share: _Share) -> bytes:
        """What Get-SmbShareAccess shows, name by name."""
        aces = []
        for account, kind, right in share.entries:
            sid = account if account.startswith("S-1-") else self._known(account)
            if sid is None:
                raise NotExportedError(
                    Reason.INCOMPLETE,
                    f"{share.source} names {account}, whom no file shows with a SID; export that "
                    "account, or the SDDL of the share.",
                )
            denies = kind in ("1", "deny", "verweigern")
            aces.append(Ace(int(denies), 0, _RIGHTS.get(right, 0), sid))
        if not aces:
            raise NotExportedError(
                Reason.INCOMPLETE, f"{share.source} shows the share without its permissions."
            )
        denied = [ace for ace in aces if ace.denies]
        return encode([*denied, *(ace for ace in aces if not ace.denies)])

    def _known(self, account: str) -> str | None:
        return _WELL_KNOWN.get(account.lower()) or self._sid_of(account)

    def listing(self, server: str, share: str, path: str) -> Told:
        """What lies in a folder, as far as permissions were exported of it."""
        files = self._files.get((server, share))
        if not files or "" not in files:
            raise _missing(
                rf"the permissions below \\{server}\{share} (icacls /save, Get-Acl), from the "
                "share's own folder on"
            )
        rows, folders = [], {_parent(key) for key in files if key}
        for key, file in files.items():
            if key and _parent(key) == path.lower():
                is_folder = file.kind == "folder" or (file.kind is None and key in folders)
                if file.kind is None and not is_folder:
                    is_folder = not re.search(r"\.\w{1,5}$", key)
                kind = b"folder" if is_folder else b"file"
                name = file.path.rpartition("\\")[2]
                rows.append(Row(name, {"kind": (kind,), "size": (file.size.encode(),)}))
        return tuple(rows), (files[""].source,)

    def descriptor(self, server: str, share: str, path: str) -> Told:
        """The permissions of a folder or file."""
        file = self._files.get((server, share), {}).get(path.lower())
        if file is None or file.descriptor is None:
            raise _missing(rf"the permissions of \\{server}\{share}\{path}")
        return (Row("", {"descriptor": (file.descriptor,)}),), (file.source,)

    def service(self, server: str, name: str) -> Told:
        """A service; none if others of the server were exported and it was not."""
        record = self._services.get((server, name.lower())) or self._services.get(
            (server.split(".", maxsplit=1)[0], name.lower())
        )
        if record is None or (record.text("exists") or "").lower() in _NO:
            others = [r for (host, _), r in self._services.items() if host in _forms(server)]
            if record is None and len(others) < _WHOLE:
                raise _missing(f"the services of {server} (Win32_Service, sc qc)")
            return (), ((record or others[0]).source,)
        values = {"account": (record.text("StartName") or "").encode()}
        start = _number(record.text("StartMode", "StartType"), _STARTS)
        state = _number(record.text("State", "Status"), _STATES)
        values |= {"start": start} if start else {}
        values |= {"state": state} if state else {}
        return (Row("", {key: (value,) for key, value in values.items()}),), (record.source,)

    def boot(self, server: str) -> Told:
        """When a server started."""
        record = next((self._boots[form] for form in _forms(server) if form in self._boots), None)
        text = (record.text("LastBootUpTime") or "") if record else ""
        moment = moment_of(text, self._zone)
        if record is None or (moment is None and not re.match(r"\d{14}\.", text)):
            raise _missing(f"the start of {server} (Win32_OperatingSystem, LastBootUpTime)")
        written = moment.strftime("%Y%m%d%H%M%S.000000+000") if moment else text
        return (Row("", {"LastBootUpTime": (written.encode(),)}),), (record.source,)

    def legacy_smb(self, server: str) -> Told:
        """Whether a server is configured to speak SMB 1."""
        for record in self._smb:
            text = (record.text("EnableSMB1Protocol") or "").lower()
            if _is_of(record, server) and text in (*_YES, *_NO):
                values = {"enabled": (b"true" if text in _YES else b"false",)}
                return (Row("", values),), (record.source,)
        raise _missing(
            f"whether {server} speaks SMB 1 (Get-SmbServerConfiguration: EnableSMB1Protocol, and "
            "PSComputerName unless the file is named after the server)"
        )

    def domains(self, server: str) -> Told:
        """The SAM domains that exported local groups are of."""
        sids = self._groups(server)
        found = {sid.rpartition("-")[0] for sid in sids}
        rows = tuple(Row("", {"sid": (sid_to_bytes(sid),)}) for sid in sorted(found))
        return rows, (next(iter(sids.values()))[2],)

    def aliases(self, server: str, domain: str) -> Told:
        """The exported local groups of one SAM domain."""
        sids = {sid: told for sid, told in self._groups(server).items() if _domain(sid) == domain}
        rows = tuple(
            Row(name, {"rid": (sid.rpartition("-")[2].encode(),)})
            for sid, (_, name, _) in sids.items()
        )
        return rows, (next(iter(sids.values()))[2],)

    def members(self, server: str, group: str) -> Told:
        """The members of a local group."""
        for form in _forms(server):
            found = self._members.get((form, group))
            if found is not None:
                values = tuple(sid_to_bytes(sid) for sid in found[0]) or (b"",)
                return (Row("", {"sid": values}),), (found[2],)
        raise _missing(f"the members of the local group {group} of {server}")

    def _groups(self, server: str) -> dict[str, tuple[list[str], str, str]]:
        found = {g: told for (host, g), told in self._members.items() if host in _forms(server)}
        if not any(is_builtin(sid) for sid in found):
            raise _missing(f"the local groups of {server} with the SIDs of their members")
        return found

    def reach(self, server: str, other: str, port: str) -> Told:
        """What Test-NetConnection on `server` said of a port of another server."""
        for record in self._tried:
            tried_by = (record.text("PSComputerName", "SourceComputer") or "").lower()
            there = (record.text("ComputerName") or "").lower()
            same = tried_by in _forms(server)[:2] and there in _forms(other)[:2]
            if same and record.text("RemotePort") == port:
                worked = (record.text("TcpTestSucceeded") or "").lower() in ("true", "wahr")
                values = {"open": (b"true" if worked else b"false",)}
                return (Row("", values),), (record.source,)
        raise _missing(f"that {server} reaches {other} on port {port} (Test-NetConnection)")

    def objects(self, cmdlet: str) -> Told:
        """What VMM's cmdlet returned."""
        found = self._objects.get(cmdlet.lower())
        if found is None:
            raise _missing(f"the output of {cmdlet}")
        rows = tuple(
            Row(
                record.text("Name") or "",
                {
                    key: tuple(v if isinstance(v, bytes) else v.encode() for v in values)
                    for key, values in record.values.items()
                    if values
                },
            )
            for record in found
        )
        return rows, (found[0].source,)


def _missing(what: str) -> NotExportedError:
    return NotExportedError(Reason.NOT_ASKED, f"No file that was handed over shows {what}.")


def _host(record: Record) -> str | None:
    found = record.text("server", "PSComputerName", "CSName", "SystemName", "ComputerName")
    return found.lower() if found else None


def _forms(server: str) -> tuple[str, ...]:
    return server, server.split(".", maxsplit=1)[0], ""


def _is_of(record: Record, server: str) -> bool:
    """Whether a record names a server; what names none is of the one its file is named after.

    The cmdlet names no computer where it was run on the server itself, and one server's answer
    must not be taken for that of all.
    """
    named = _host(record)
    own = _forms(server)[:2]
    if named:
        return named in own
    return not set(own).isdisjoint(re.split(r"[^\w.-]+|\.(?=\w+$)", record.source.lower()))


def _kind(record: Record) -> str | None:
    if record.has("PSIsContainer"):
        return "folder" if (record.text("PSIsContainer") or "").lower() == "true" else "file"
    if any("DirectorySecurity" in kind for kind in record.kinds):
        return "folder"
    return "file" if any("FileSecurity" in kind for kind in record.kinds) else None


def _under(path: str, root: str) -> str | None:
    if path.lower() == root.lower():
        return ""
    if path.lower().startswith(root.lower().rstrip("\\") + "\\"):
        return path[len(root.rstrip("\\")) + 1 :].strip("\\")
    return None


def _parent(path: str) -> str:
    return path.rpartition("\\")[0]


def _domain(sid: str) -> str:
    return sid.rpartition("-")[0]


def _number(text: str | None, words: dict[str, int]) -> bytes | None:
    if not text:
        return None
    if text.isdigit():
        return text.encode()
    found = words.get(text.lower())
    return None if found is None else str(found).encode()
