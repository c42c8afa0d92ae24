r"""Lines of VMM traces and job texts, put together to records.

    T1  2058 | 00002056    31.66240692    [2432] 0980.0570::09/23-14:56:38.031#19:Task.cs(246): …
    T2  00000035 4.64445496 [5600] 15E0.1740::07/29-02:36:09.104#14:ImgLibTask.cs(814): …
    T3  00005365 9.20626545 [388] 0184.0008::06/24-23:57:57.717  04VirVMTask.cs(211): …
    T4  48412,04:24:10.457 02-10-2014,0x097C,0x05BC,4,Lock.cs,822,0x00000000,…,{guid},1,
    T5  04:24:10.457 02-10-2014,0x09C4,0x0994,4,BitsDeployer.cs,506,0x00000000,"…
    T6  [1]0980.0570::2014-02-10 04:24:10.457 [Microsoft-VirtualMachineManager-Debug]…
    T7  1305 11:22:27.515 12-13-2011 InstallClusterSubtask.cs(392) …
    J   Error (13233)

T1 to T3 come from DebugView: a line without the part behind `[pid]` goes on with the record of
that process, and processes interleave. In the other shapes a line without a head goes on with
the line before it. Sources: Microsoft KB 2689989 and 2756886, and the samples in docs/sources.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from vmmaudit.diagnosis.stamp import Stamp, stamp

LINES: Final = 400
"""So many lines a record may have; the rest of a longer one is not looked at."""
_PROCESSES: Final = 64
_SIZE: Final = 1 << 16

_DEBUGVIEW: Final = re.compile(
    r"^[>\s]*(?:\d+\s*\|\s*|\d{1,7}\s+)?(?:(?P<seq>\d{8,})\s+\d+[.,]\d+\s+)?\[(?P<pid>\d+)\](?P<rest>(?:\s.*)?)$"
)
_VMM: Final = re.compile(
    r"^\s?(?P<hex>[0-9A-F]{4,})\.[0-9A-F]{4,}::(?P<when>\d\d/\d\d-\d\d:\d\d:\d\d\.\d+)"
    r"(?:#|:|\s+)(?:\d\d:?)?[A-Za-z_][\w.]*\(\d+\):\s?(?P<msg>.*)$"
)
_CSV: Final = re.compile(
    r"^(?:(?P<seq>\d+),)?(?P<when>[^,]{0,60}),0x(?P<hex>[0-9A-Fa-f]{4,8}),0x[0-9A-Fa-f]{4,8},\d+,"
    r"[\w.]*,\d+,0x(?P<hr>[0-9A-Fa-f]{8}),(?P<msg>.*)$"
)
_ETL: Final = re.compile(
    r"^\[\d+\](?P<hex>[0-9A-F]{4,})\.[0-9A-F]{4,}::(?P<when>[^\[]{0,80})\[(?P<provider>[^\]]*)\]\s?(?P<msg>.*)$"
)
_NUMBERED: Final = re.compile(
    r"^[>\s]*(?:(?P<seq>\d+)\s+)?(?P<when>\d\d:\d\d:\d\d\.\d+ \d\d-\d\d-\d{4}) "
    r"[A-Za-z_][\w.]*\(\d+\)\s?(?P<msg>.*)$"
)
_JOB: Final = re.compile(
    r"^[>\s_*]*(?P<msg>(?:Error|Warning|Information|Fehler|Warnung|Informationen)\s*\(\d{1,6}\).*)$"
)
_MACHINE: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\)")
_TASK: Final = re.compile(
    r"TaskID=([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})|,\{([0-9A-Fa-f-]{36})\},\d+,?\s*$"
)


@dataclass(slots=True)
class Line:
    """One line, taken apart; `head` says that a record begins here."""

    message: str
    head: bool = False
    shape: str = ""
    process: int | None = None
    when: Stamp | None = None
    sequence: str = ""
    hresult: str = ""
    agrees: bool = True


@dataclass(slots=True)
class Record:
    """What belongs together: a head and the lines that go on with it.

    Attributes:
        offset: of its first line, in bytes of the (UTF-8) input; `end` of its last one.
        shape: `debugview`, `csv`, `etl`, `numbered`, `job`, or empty for plain text.
        process: the process id, if there is one; `agrees` tells that the decimal and the
            hexadecimal one are the same, which speaks for an undamaged line.
        sequence: the line's own number, as the trace has it.
        computer: where it was written, if an export says so; `vm` is the machine it names.
    """

    offset: int
    shape: str = ""
    process: int | None = None
    when: Stamp | None = None
    sequence: str = ""
    hresult: str = ""
    agrees: bool = True
    computer: str = ""
    vm: str = ""
    source: str = ""
    lines: list[str] = field(default_factory=list)
    end: int = 0
    size: int = 0

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(self.lines)

    @property
    def task(self) -> str:
        """The GUID of the job it belongs to, in lower case; empty if it is not told."""
        found = _TASK.search(self.text)
        task = (found[1] or found[2]).lower() if found else ""
        return "" if set(task) <= set("0-") else task


def parse(line: str) -> Line:
    """One line without its end."""
    line = line.rstrip("\r\n")
    view = _DEBUGVIEW.match(line)
    inner = _VMM.match(view["rest"] if view else line)
    if inner:
        process = int(inner["hex"], 16)
        return Line(
            inner["msg"],
            True,
            "debugview",
            int(view["pid"]) if view else process,
            stamp(inner["when"]),
            (view["seq"] or "") if view else "",
            agrees=view is None or int(view["pid"]) == process,
        )
    if view:
        rest = view["rest"]
        return Line(rest[1:], False, "debugview", int(view["pid"]), sequence=view["seq"] or "")
    if found := _CSV.match(line):
        return Line(
            found["msg"],
            True,
            "csv",
            int(found["hex"], 16),
            stamp(found["when"]),
            found["seq"] or "",
            "0x" + found["hr"],
        )
    if found := _ETL.match(line):
        return Line(found["msg"], True, "etl", int(found["hex"], 16), stamp(found["when"]))
    if found := _NUMBERED.match(line):
        return Line(found["msg"], True, "numbered", None, stamp(found["when"]), found["seq"] or "")
    if found := _JOB.match(line):
        return Line(found["msg"], True, "job")
    return Line(line)


def records(lines: Iterable[tuple[int, str]]) -> Iterator[Record]:
    """Records of lines and their offsets, in the order in which they end."""
    views: dict[int, Record] = {}
    plain: Record | None = None
    for offset, raw in lines:
        line = parse(raw)
        if line.shape == "debugview":
            if plain:
                yield plain
                plain = None
            process = line.process or 0
            if line.head or process not in views:
                if ended := views.pop(process, None):
                    yield ended
                if len(views) >= _PROCESSES:
                    yield views.pop(next(iter(views)))
                views[process] = _begin(offset, line)
            else:
                _go_on(views[process], offset, line.message)
        elif line.head:
            if plain:
                yield plain
            plain = _begin(offset, line)
        elif line.message.strip():
            if plain is None:
                plain = _begin(offset, line)
            else:
                _go_on(plain, offset, line.message)
        elif plain and not plain.shape and not _unfinished(plain.text):
            yield plain  # an empty line ends a paragraph, but not a job's or a trace's text
            plain = None
    yield from views.values()
    if plain:
        yield plain


def plain_record(text: str) -> Record:
    """A record of a text that has no lines of its own."""
    return Record(0, lines=text[:_SIZE].split("\n")[:LINES])


def _unfinished(text: str) -> bool:
    """Whether VMM's first paragraph (which machine) waits for its second (why)."""
    return bool(_MACHINE.search(text)) and "(0x" not in text


def _begin(offset: int, line: Line) -> Record:
    return Record(
        offset,
        line.shape,
        line.process,
        line.when,
        line.sequence,
        line.hresult,
        line.agrees,
        lines=[line.message],
        end=offset,
        size=len(line.message),
    )


def _go_on(record: Record, offset: int, message: str) -> None:
    if len(record.lines) < LINES and record.size < _SIZE:
        record.lines.append(message)
        record.end = offset
        record.size += len(message)
