"""Times as traces and exports write them: kept as found, read only as far as they are clear.

DebugView traces have no year and no zone; `9/10/2026` may be September or October. What is
not there is not guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

_TIME: Final = (
    r"(?P<h>\d\d?):(?P<mi>\d\d):(?P<s>\d\d)(?:[.,](?P<f>\d{1,9}))?(?:\s?(?P<half>[AaPp])[Mm])?"
)
_ZONE: Final = r"\s?(?P<z>Z|[+-]\d\d:?\d\d)?"
_MARKS: Final = re.compile("[\u200e\u200f\u202a-\u202e\u202f\u00a0]")
_PATTERNS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?P<y>\d{{4}})[-/.](?P<m>\d\d?)[-/.](?P<d>\d\d?)[-T ]{_TIME}{_ZONE}",
        rf"{_TIME} (?P<m>\d\d)-(?P<d>\d\d)-(?P<y>\d{{4}})",  # VMMTrace
        rf"(?P<d>\d\d?)\.(?P<m>\d\d?)\.(?P<y>\d{{4}}),? {_TIME}",  # German
        rf"(?P<a>\d\d?)/(?P<b>\d\d?)/(?P<y>\d{{4}}),?[- ]+{_TIME}",  # month or day first
        rf"(?P<m>\d\d)/(?P<d>\d\d)-{_TIME}",  # DebugView: no year
    )
)
_EPOCH: Final = re.compile(r"/Date\((-?\d{1,15})\)")


@dataclass(frozen=True, slots=True)
class Stamp:
    """A moment as found.

    Attributes:
        text: what stood there.
        year: None where the source has none, as month and day are where they are not clear.
        time: `HH:MM:SS` with the fraction that was found; empty if there is none.
        zone: `UTC` or an offset if the source says so, else empty.
    """

    text: str
    year: int | None = None
    month: int | None = None
    day: int | None = None
    time: str = ""
    zone: str = ""

    def __str__(self) -> str:
        if self.month is None or self.day is None:
            return self.text
        year = "-" if self.year is None else f"{self.year:04}"  # ISO 8601: --09-23
        return f"{year}-{self.month:02}-{self.day:02} {self.time} {self.zone}".rstrip()


def stamp(text: str) -> Stamp | None:
    """The first time in `text`; None if there is none."""
    plain = _MARKS.sub("", text)
    if epoch := _EPOCH.search(plain):
        moment = datetime.fromtimestamp(int(epoch[1]) / 1000, UTC)
        return Stamp(
            epoch[0],
            moment.year,
            moment.month,
            moment.day,
            f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03}",
            "UTC",
        )
    for pattern in _PATTERNS:
        if (found := pattern.search(plain)) and (made := _stamp(found.groupdict(), found[0])):
            return made
    return None


def _stamp(parts: dict[str, str | None], text: str) -> Stamp | None:
    hour = int(parts["h"] or 0)
    if half := parts["half"]:
        hour = hour % 12 + (12 if half in "Pp" else 0)
    time = f"{hour:02}:{parts['mi']}:{parts['s']}" + (f".{parts['f']}" if parts["f"] else "")
    if parts.get("a"):
        first, second = int(parts["a"] or 0), int(parts["b"] or 0)
        if first <= 12 and second <= 12 and first != second:
            return Stamp(text, None, None, None, time)  # either could be the month
        month, day = (first, second) if first <= 12 else (second, first)
    else:
        month, day = int(parts["m"] or 0), int(parts["d"] or 0)
    year = int(parts.get("y") or 0) or None
    try:  # 2000 is a leap year: the 29th of February is not refused for want of a year
        datetime(year or 2000, month, day, hour, int(parts["mi"] or 0), tzinfo=UTC)
    except ValueError:
        return None
    zone = parts.get("z") or ""
    return Stamp(text, year, month, day, time, "UTC" if zone == "Z" else zone)
