"""Jobs and events that were exported: CSV, JSON, XML of the event viewer, CLIXML.

Each job or event becomes one record. Which column is the time and which the machine is told by
its name, in English or German; every other text is kept. An event's number is left out: it is
none of VMM's error codes (12700 is also an event of Hyper-V's worker process).
"""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections.abc import Iterator
from typing import Any, Final
from xml.parsers import expat

from vmmaudit.diagnosis.lines import Record, plain_record
from vmmaudit.diagnosis.reading import Source, text
from vmmaudit.diagnosis.stamp import stamp
from vmmaudit.errors import UsageError

_JSON_LIMIT: Final = 64 << 20
_LINE_LIMIT: Final = 1 << 20
_ITEM_LIMIT: Final = 64 << 20
_XML_DEPTH: Final = 500
_TIMES: Final = (
    *("timecreated", "systemtime", "date and time", "datum und uhrzeit", "starttime", "startzeit"),
    *("addedtime", "modifiedtime", "endtime", "endzeit", "zeit", "time"),
)
_COMPUTERS: Final = ("computer", "machinename", "computername", "hostname")
_MACHINES: Final = ("vmname", "virtualmachinename")
_CODES: Final = ("code", "errorcode", "displayableerrorcode", "fehlercode", "hresult")
_NUMBER: Final = re.compile(r"-?\d{1,10}", re.ASCII)
_LEFT_OUT: Final = frozenset(
    {
        *("id", "event id", "ereignis-id", "eventid", "instanceid", "index", "level", "ebene"),
        *("leveldisplayname", "task category", "aufgabenkategorie", "task", "opcode", "keywords"),
        *("version", "qualifiers", "eventrecordid", "recordid", "providerid", "guid"),
        *("processid", "threadid", "relatedactivityid", "activityid", "userid", "channel"),
    }
)
_KNOWN: Final = frozenset(
    {*_TIMES, *_COMPUTERS, *_LEFT_OUT, "message", "meldung", "errorinfo", "status", "source"}
    | {"quelle", "name", "description", "beschreibung", "problem", "progress", "owner"}
)
_ESCAPE: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")


def form(head: bytes) -> str:
    """`xml`, `json`, `csv`, or empty for anything else."""
    begin = text(head).lstrip("\ufeff \t\r\n")
    if begin.startswith(("<?xml", "<Event", "<Objs")):
        return "xml"
    if re.match(r"\{\s*[\"}]|\[\s*[{\"\]]", begin):
        return "json"
    first = next((line for line in begin.split("\n") if line and not line.startswith("#TYPE")), "")
    first = first.replace("\r", " ")
    columns = [name.strip().casefold() for name in next(csv.reader([first], _dialect(first)), [])]
    return "csv" if len(columns) > 1 and len(_KNOWN & set(columns)) >= 2 else ""


def exported(source: Source, kind: str) -> Iterator[Record]:
    """The jobs or events of an export.

    Raises:
        UsageError: it is not what it begins as, or too large for its format.
    """
    items = {"xml": _xml, "json": _json, "csv": _csv}[kind](source)
    for number, item in enumerate(items, 1):
        if record := _record(item):
            record.sequence = str(number)
            yield record


def _record(fields: list[tuple[str, str]]) -> Record | None:
    """One job or event out of its named values."""
    names: dict[str, str] = {}
    for name, value in fields:
        names.setdefault(name.casefold(), value)
    kept: list[str] = []
    for name, value in fields:
        low = name.casefold()
        if not value or low in _LEFT_OUT or low in _TIMES or low in _COMPUTERS:
            continue
        kept.append(_marked(low, value))
    if not kept:
        return None
    record = plain_record("\n".join(dict.fromkeys(kept)))
    record.shape = "event" if {"message", "meldung", "provider", "quelle"} & names.keys() else "job"
    record.when = next((stamp(names[name]) for name in _TIMES if names.get(name)), None)
    record.computer = next((names[name] for name in _COMPUTERS if names.get(name)), "")
    record.vm = next((names[name] for name in _MACHINES if names.get(name)), "")
    return record


def _marked(name: str, value: str) -> str:
    """A value as the patterns expect it in a text."""
    if name == "errorinfo":
        return f"ErrorInfo: {value}"
    if name in _CODES and _NUMBER.fullmatch(value):
        number = int(value) & 0xFFFF_FFFF  # PowerShell shows an HRESULT as a negative number
        return f"0x{number:08X}" if number >> 31 else f"Code: {number}"
    return f"'{value}'" if value.startswith("\\\\") and "\n" not in value else value


def _csv(source: Source) -> Iterator[list[tuple[str, str]]]:
    """Rows; the event viewer writes the message behind the last named column."""
    lines = _text_lines(source)
    first = next((line for line in lines if line.strip() and not line.startswith("#TYPE")), "")
    dialect = _dialect(first)
    try:
        columns = [name.strip() for name in next(csv.reader([first], dialect), [])]
        for row in csv.reader(lines, dialect):
            names = [*columns, *["Message"] * max(0, len(row) - len(columns))]
            yield [*zip(names, row, strict=False)]
    except csv.Error as error:
        raise UsageError(f"{source.name} is not CSV that can be read: {error}.") from error


def _json(source: Source) -> Iterator[list[tuple[str, str]]]:
    data = bytearray()
    for chunk in source.chunks():
        data += chunk
        if len(data) > _JSON_LIMIT:
            raise UsageError(f"{source.name} is more than 64 MB of JSON; export it as CSV.")
    try:
        value = json.loads(text(bytes(data)))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{source.name} is not JSON that can be read: {error}.") from error
    for item in value if isinstance(value, list) else [value]:
        yield [*_leaves("", item)]


def _leaves(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(str(key), inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(name, inner)
    elif value is not None and not isinstance(value, bool):
        yield name, str(value)


def _xml(source: Source) -> Iterator[list[tuple[str, str]]]:
    """Items of the second level, or the root where it is an event itself."""
    reader = _Items(source.name)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    try:
        for chunk in source.chunks():
            # A str is parsed as UTF-8 whatever encoding the declaration names.
            reader.parser.Parse(decoder.decode(chunk), False)
            yield from reader.finished()
        reader.parser.Parse("", True)
        yield from reader.finished()
    except expat.ExpatError as error:
        raise UsageError(f"{source.name} is not XML that can be read: {error}.") from error


class _Items:
    """Turns elements into named values, an item at a time; document types are refused."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._open: list[list[str] | None] = []
        """The text of each open element; None once an element in it began."""
        self._values: list[tuple[str, list[str]]] = []
        self._size = 0
        self._done: list[list[tuple[str, str]]] = []
        self._level = 2
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters

    def finished(self) -> list[list[tuple[str, str]]]:
        """The items that ended since the last time."""
        done, self._done = self._done, []
        return done

    def _refuse(self, *_: object) -> None:
        raise UsageError(f"{self._name} declares a document type; no export of Windows does.")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        plain = tag.rpartition(":")[2]
        if not self._open:
            self._level = 1 if plain == "Event" else 2
        elif len(self._open) >= _XML_DEPTH:
            raise UsageError(f"{self._name} nests more elements than an export of Windows does.")
        else:
            self._open[-1] = None
        text: list[str] = []
        self._open.append(text)
        if len(self._open) < self._level:
            return
        for key, value in attributes.items():
            if key in ("SystemTime", "Name"):
                self._values.append(("Provider" if key == "Name" else key, [value]))
        self._values.append((attributes.get("N") or attributes.get("Name") or plain, text))
        self._grow(1 + sum(map(len, attributes.values())))

    def _characters(self, text: str) -> None:
        if self._open[-1] is not None and len(self._open) >= self._level:
            self._open[-1].append(text)
            self._grow(len(text))

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > _ITEM_LIMIT:
            raise UsageError(f"{self._name} holds an event of more than 64 MB; export it as CSV.")

    def _end(self, _: str) -> None:
        self._open.pop()
        if len(self._open) == self._level - 1:
            named = ((name, "".join(parts).strip()) for name, parts in self._values)
            self._done.append(
                [(n, _ESCAPE.sub(lambda f: chr(int(f[1], 16)), text)) for n, text in named if text]
            )
            self._values, self._size = [], 0


def _text_lines(source: Source) -> Iterator[str]:
    """Lines as the csv module wants them: without zeros and without returns in their midst."""
    rest = b""
    for chunk in source.chunks():
        *whole, rest = (rest + chunk).split(b"\n")
        yield from map(_text_line, whole)
        if len(rest) > _LINE_LIMIT:
            yield _text_line(rest)
            rest = b""
    if rest:
        yield _text_line(rest)


def _text_line(line: bytes) -> str:
    return text(line).rstrip("\r").replace("\r", " ").replace("\0", "") + "\n"


def _dialect(line: str) -> type[csv.Dialect]:
    counts = {mark: line.count(mark) for mark in ",;\t"}

    class Found(csv.excel):
        delimiter = max(counts, key=lambda mark: counts[mark])

    return Found
