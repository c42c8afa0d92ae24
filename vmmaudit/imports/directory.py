"""Searches answered from exported objects of a directory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from vmmaudit import questions
from vmmaudit.evidence import Question, Reason, Row
from vmmaudit.imports.attributes import EVERYTHING, asked, attributes, dn_of
from vmmaudit.imports.filters import fits
from vmmaudit.imports.record import Record
from vmmaudit.windows.sid import sid_from_bytes, sid_to_bytes

_MODES: Final = {
    "windows2000": 0, "windows2003interim": 1, "windows2003": 2, "windows2008": 3,
    "windows2008r2": 4, "windows2012": 5, "windows2012r2": 6, "windows2016": 7, "windows2025": 10,
}  # fmt: skip
_DIRECTIONS: Final = {"disabled": 0, "inbound": 1, "outbound": 2, "bidirectional": 3}
_DECISIVE: Final = {
    "computer": (
        *("objectsid", "useraccountcontrol", "serviceprincipalname", "msds-allowedtodelegateto"),
        "msds-allowedtoactonbehalfofotheridentity",
    ),
    "user": ("objectsid", "useraccountcontrol", "accountexpires"),
    "msds-groupmanagedserviceaccount": ("objectsid", "useraccountcontrol", "accountexpires"),
    "group": ("objectsid", "grouptype"),
}
_OTHERS: Final = ("serviceconnectionpoint", "crossref", "trusteddomain", "domaindns", "domain")
_OF_A_DOMAIN: Final = r"(objectSid=\01\05\00\00\00\00\00\05\15\00\00\00"
_TOKEN: Final = ("tokengroups", "tokengroupsglobalanduniversal")
_DOMAIN_LOCAL: Final = 0x4
_ROOT: Final = "\0"
"""Before a domain's name: its root, which is told by the script; else there is one for all."""


_Search: TypeAlias = tuple[str, str, str]
"""Base, depth and filter, in lower case."""


@dataclass
class _Entry:
    dn: str
    values: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    sources: list[str] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    """Attributes that an export has a column for, also where the object has no value."""
    found_by: set[_Search] = field(default_factory=set)
    """The searches of the script that showed it."""

    @property
    def kind(self) -> str:
        """The last of its classes, in lower case."""
        classes = self.values.get("objectclass", ())
        return classes[-1].decode("utf-8", "replace").lower() if classes else ""


class NotExportedError(Exception):
    """No file tells what was asked: the reason, and a sentence."""

    def __init__(self, reason: Reason, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class Directory:
    """All objects that were exported, by their distinguished names."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._entries: dict[str, _Entry] = {}
        self._searched: dict[_Search, set[str]] = {}
        """What the script noted: each search, and the attributes that it asked for."""
        self._columns: dict[tuple[str, str], set[str]] = {}
        """What a file tells of any object of a class: LDIF leaves out what has no value."""
        for record in records:
            self._add(record)

    def _add(self, record: Record) -> None:
        if record.has("base", "scope", "filter", "found", "error"):
            if not record.all("error") and not record.lost("error"):
                names = {str(name).lower() for name in record.all("attributes")}
                self._searched.setdefault(_noted(record), set()).update(names)
            return
        if record.has("DomainMode", "NetBIOSName"):
            self._add_domain(record)
            return
        by_script = record.has("base", "scope", "filter")
        dn = dn_of(record)
        if dn is None and not (by_script and record.has("dn")):
            return
        # The root of a controller has no name, and each domain has its own.
        key = dn.lower() if dn else _root(record.text("domain"))
        entry = self._entries.setdefault(key, _Entry(dn or ""))
        for key, values in attributes(record).items():
            if key != "dn" and not entry.values.get(key):
                entry.values[key] = values
        entry.asked |= asked(record)
        if by_script:
            entry.found_by.add(_noted(record))
        self._columns.setdefault((record.source, entry.kind), set()).update(entry.asked)
        if record.source not in entry.sources:
            entry.sources.append(record.source)

    def _add_domain(self, record: Record) -> None:
        """What Get-ADDomain shows."""
        dn, sid = record.text("DistinguishedName") or "", record.text("DomainSID", "objectSid")
        mode = (record.text("DomainMode") or "").lower().removesuffix("domain")
        entry = self._entries.setdefault(dn.lower(), _Entry(dn))
        entry.sources.append(record.source)
        entry.values["objectclass"] = (b"top", b"domain", b"domainDNS")
        if sid:
            entry.values["objectsid"] = (sid_to_bytes(sid),)
        if mode in _MODES:
            entry.values["msds-behavior-version"] = (str(_MODES[mode]).encode(),)
        name = record.text("NetBIOSName") or ""
        configuration = f"CN=Configuration,{dn}"
        crossref = f"CN={name},CN=Partitions,{configuration}"
        values: dict[str, tuple[bytes, ...]] = {
            "objectclass": (b"top", b"crossRef"),
            "ncname": (dn.encode(),),
            "netbiosname": (name.encode(),),
        }
        self._entries[crossref.lower()] = _Entry(crossref, values, [record.source])
        controller = record.text("PDCEmulator", "InfrastructureMaster") or ""
        root: dict[str, tuple[bytes, ...]] = {
            "configurationnamingcontext": (configuration.encode(),),
            "defaultnamingcontext": (dn.encode(),),
            "dnshostname": (controller.lower().encode(),),
        }
        self._entries[""] = _Entry("", root, [record.source])

    def search(self, question: Question) -> tuple[tuple[Row, ...], tuple[str, ...]]:
        """Rows and the files they come from.

        Raises:
            NotExportedError: nothing that was handed over tells it.
        """
        base, depth, query, wanted = question.detail[-4:]
        names = wanted.split(",")
        if {name.lower() for name in names} <= set(_TOKEN):
            return self._token(base)
        rows, sources = [], []
        search = _search(base, depth, query)
        for entry in self._below(base or _root(question.server), depth):
            # What a search of the script found may not show why: it asks for what is needed alone.
            if search in entry.found_by or fits(entry.values, query):
                self._demand(entry, names)
                values = {n: entry.values[n.lower()] for n in names if entry.values.get(n.lower())}
                rows.append(Row(entry.dn, values))
                sources += entry.sources
        too_few = not rows or len(rows) < query.count(_OF_A_DOMAIN)
        if too_few and not self._is_told(question):
            raise NotExportedError(
                Reason.INCOMPLETE,
                f"No file that was handed over shows an object for {query[:200]} in "
                f"{question.server}; export it, with the attributes named in the handbook.",
            )
        return tuple(rows), tuple(sorted(set(sources)))

    def _demand(self, entry: _Entry, names: Iterable[str]) -> None:
        """Nothing decisive may be taken for empty only because nobody exported it."""
        wanted = {name.lower() for name in names}
        told = set(entry.asked).union(*(self._searched.get(by, ()) for by in entry.found_by))
        for source in entry.sources:
            told |= self._columns.get((source, entry.kind), set())
        usual = () if entry.kind in _OTHERS else ("objectclass", "objectsid")
        files = ", ".join(entry.sources)
        for name in () if EVERYTHING in told else _DECISIVE.get(entry.kind, usual):
            if name in wanted and name not in told and not entry.values.get(name):
                raise NotExportedError(
                    Reason.INCOMPLETE,
                    f"{files} does not tell {name} of {entry.dn}; export it with that column.",
                )

    def _is_told(self, question: Question) -> bool:
        """Whether finding nothing means that there is nothing: the script noted its search."""
        base, depth, query, _ = question.detail[-4:]
        return _search(base, depth, query) in self._searched

    def _below(self, base: str, depth: str) -> Iterator[_Entry]:
        low = base.lower()
        if depth == "base":
            entry = self._entries.get(low) or (self._entries.get("") if _ROOT in low else None)
            if entry is not None:
                yield entry
            return
        for key, entry in self._entries.items():
            if not key or _ROOT in key:
                continue
            parent = _parent(key)
            if parent == low if depth == "one" else (key == low or key.endswith(f",{low}")):
                yield entry

    # -- tokens -----------------------------------------------------------------------------

    def _token(self, dn: str) -> tuple[tuple[Row, ...], tuple[str, ...]]:
        entry = self._entries.get(dn.lower())
        if entry is None:
            raise NotExportedError(Reason.INCOMPLETE, f"No file shows {dn}.")
        if entry.values.get("tokengroups"):
            wide = entry.values.get("tokengroupsglobalanduniversal") or self._wide(
                entry.values["tokengroups"]
            )
            values = {"tokenGroups": entry.values["tokengroups"]}
            values["tokenGroupsGlobalAndUniversal"] = wide
            return (Row(entry.dn, values),), tuple(entry.sources)
        return self._computed(entry)

    def _wide(self, sids: tuple[bytes, ...]) -> tuple[bytes, ...]:
        local = {
            value
            for entry in self._entries.values()
            if _number(entry, "grouptype") & _DOMAIN_LOCAL
            for value in entry.values.get("objectsid", ())
        }
        return tuple(sid for sid in sids if sid not in local and sid[8:12] != b"\x20\0\0\0")

    def _computed(self, entry: _Entry) -> tuple[tuple[Row, ...], tuple[str, ...]]:
        """Over memberOf and the primary group, if every group on the way was exported."""
        held: dict[str, _Entry] = {}
        waiting = [entry, self._primary(entry)]
        while waiting:
            here = waiting.pop()
            if "memberof" not in here.asked:
                files = ", ".join(here.sources) or "No file"
                raise NotExportedError(
                    Reason.INCOMPLETE,
                    f"{files} does not tell the groups of {here.dn}; "
                    "export tokenGroups, or memberOf of the account and of all its groups.",
                )
            if here is not entry:
                held[here.dn.lower()] = here
            for value in here.values.get("memberof", ()):
                name = value.decode("utf-8", "replace")
                group = self._entries.get(name.lower())
                if group is None:
                    raise NotExportedError(
                        Reason.INCOMPLETE, f"{entry.dn} is in {name}, which no file shows."
                    )
                if group.dn.lower() not in held:
                    waiting.append(group)
        sids = tuple(sorted(sid for g in held.values() for sid in g.values.get("objectsid", ())))
        values = {"tokenGroups": sids, "tokenGroupsGlobalAndUniversal": self._wide(sids)}
        sources = sorted({s for g in (entry, *held.values()) for s in g.sources})
        return (Row(entry.dn, values),), tuple(sources)

    def _primary(self, entry: _Entry) -> _Entry:
        sid, rid = entry.values.get("objectsid", ()), entry.values.get("primarygroupid", ())
        if sid and rid:
            domain = sid_from_bytes(sid[0]).rpartition("-")[0]
            wanted = sid_to_bytes(f"{domain}-{rid[0].decode('ascii', 'replace')}")
            for found in self._entries.values():
                if wanted in found.values.get("objectsid", ()):
                    return found
        raise NotExportedError(
            Reason.INCOMPLETE,
            f"No file shows the primary group of {entry.dn}; export primaryGroupID and that group.",
        )


def _root(domain: str | None) -> str:
    return f"{_ROOT}{(domain or '').lower()}"


def _noted(record: Record) -> _Search:
    return _search(*(record.text(name) for name in ("base", "scope", "filter")))


def _search(base: str | None, depth: str | None, query: str | None) -> _Search:
    return (base or "").lower(), (depth or "").lower(), (query or "").lower()


def _number(entry: _Entry, name: str) -> int:
    try:
        return int((entry.values.get(name) or (b"0",))[0])
    except ValueError:
        return 0


def _parent(dn: str) -> str:
    """What follows the first comma that is not escaped."""
    index = 0
    while index < len(dn):
        if dn[index] == "\\":
            index += 2
            continue
        if dn[index] == ",":
            return dn[index + 1 :]
        index += 1
    return ""


def is_search(question: Question) -> bool:
    """Whether a question is answered here."""
    return question.kind == questions.SEARCH
