"""Waivers: which verdicts they cover, which are void and why, and lists kept in Excel or CSV.

`waivers_file: waivers.xlsx` in a scope names such a list. It is merged into the
scope text that a pack stores, each entry with its file and row, so that judging
again needs nothing but the pack.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from fnmatch import translate
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from vmmaudit import spreadsheet
from vmmaudit.assessment import GrantedWaiver, Judgement, Verdict
from vmmaudit.errors import ScopeError
from vmmaudit.scope import Scope, Waiver

SOON: Final = timedelta(days=30)
_MET: Final = (Verdict.PASS, Verdict.NOT_APPLICABLE)
_HEADS: Final[Mapping[str, tuple[str, ...]]] = {
    "control": ("control", "kontrolle", "controls", "kontrollen"),
    "subject": ("subject", "object", "objekt", "gegenstand", "prüfgegenstand"),
    "reason": ("reason", "justification", "begründung", "grund"),
    "owner": ("owner", "risk owner", "verantwortlich", "verantwortlicher", "risikoeigner"),
    "approver": ("approver", "approved by", "genehmigt von", "genehmigt durch", "genehmiger"),
    "ticket": ("ticket", "change", "vorgang", "ticketnummer"),
    "until": ("until", "valid until", "expires", "gültig bis", "bis", "befristet bis", "ablauf"),
}
_NEEDED: Final = ("control", "reason", "until")
_GERMAN_DAY: Final = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_SHEETS: Final = (".xlsx", ".xlsm", ".xls", ".ods")
_TEXT: Final = (".csv", ".txt")


class Void(StrEnum):
    """Why a waiver counts for nothing."""

    EXPIRED = "expired"
    UNAPPROVED = "unapproved"


@dataclass(frozen=True, slots=True)
class Standing:
    """A waiver and what became of it.

    Attributes:
        void: why it counts for nothing; empty where it is valid.
        covered: verdicts it lies over; for a void one, those it would have lain over.
        met: subjects it names whose requirement is met, so that there is nothing to waive.
        soon: it is valid, and runs out within 30 days of the evidence.
    """

    waiver: Waiver
    void: tuple[Void, ...]
    covered: int
    met: int
    soon: bool


def void(waiver: Waiver, day: date) -> tuple[Void, ...]:
    """Why a waiver counts for nothing on the day of the evidence; empty if it is valid."""
    expired = (Void.EXPIRED,) if waiver.until < day else ()
    return expired if waiver.approver else (*expired, Void.UNAPPROVED)


def names(waiver: Waiver, judgement: Judgement) -> bool:
    """Whether its patterns fit a verdict's control and subject (id or shown name)."""
    if not _pattern(waiver.control).match(judgement.control):
        return False
    if waiver.subject == "*":
        return True
    subject = _pattern(waiver.subject)
    return bool(subject.match(judgement.subject.id) or subject.match(judgement.subject.name))


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    """A pattern of `*`, `?` and `[…]`, without regard to case."""
    return re.compile(translate(pattern), re.IGNORECASE)


def granted(
    judgement: Judgement, waivers: Sequence[Waiver], day: date
) -> tuple[GrantedWaiver, int] | None:
    """The first valid waiver that names an unmet verdict, and its place in the list."""
    if judgement.verdict in _MET:
        return None
    for index, waiver in enumerate(waivers):
        if not void(waiver, day) and names(waiver, judgement):
            found = GrantedWaiver(
                waiver.reason, waiver.owner, waiver.approver, waiver.ticket, waiver.until
            )
            return found, index
    return None


def standings(scope: Scope, verdicts: Sequence[Judgement], day: date) -> tuple[Standing, ...]:
    """What became of every waiver of the scope, in its order."""
    reasons = [void(waiver, day) for waiver in scope.waivers]
    covered, met = [0] * len(reasons), [0] * len(reasons)
    for judgement in verdicts:
        fitting = [i for i, waiver in enumerate(scope.waivers) if names(waiver, judgement)]
        if judgement.verdict in _MET:
            for index in fitting:
                met[index] += 1
            continue
        first = next((index for index in fitting if not reasons[index]), None)
        for index in fitting:
            covered[index] += bool(reasons[index]) or index == first
    return tuple(
        Standing(waiver, why, covered[i], met[i], not why and waiver.until <= day + SOON)
        for i, (waiver, why) in enumerate(zip(scope.waivers, reasons, strict=True))
    )


def merged(text: str, name: str, folder: Path) -> str:
    """The scope text with its list of waivers written into it; unchanged where it names none.

    Raises:
        ScopeError: the list cannot be read, or a row is wrong; names file and row.
    """
    if "waivers_file" not in text:
        return text
    yaml = YAML(typ="rt", pure=True)
    yaml.width = 1_000
    document = yaml.load(text)
    if not isinstance(document, CommentedMap) or not document.get("waivers_file"):
        return text
    listed = str(document.pop("waivers_file"))
    entries = document.setdefault("waivers", CommentedSeq())
    if not isinstance(entries, CommentedSeq):
        raise ScopeError(f"{name}: waivers: a list is expected here.")
    for waiver in read_list(folder / listed, listed):
        entries.append(
            {key: value for key, value in waiver.model_dump().items() if value not in ("", None)}
        )
    buffer = io.StringIO()
    yaml.dump(document, buffer)
    return buffer.getvalue()


def read_list(path: Path, name: str = "") -> tuple[Waiver, ...]:
    """The waivers in an Excel, OpenDocument or CSV list with German or English heads.

    Raises:
        ScopeError: it cannot be read, a head is missing, or a row is wrong.
    """
    name = name or path.name
    rows = _rows(path, name)
    try:
        number, head = next((n, row) for n, row in rows if any(row))
    except StopIteration:
        raise ScopeError(f"{name} is empty; its first row must name the columns.") from None
    columns = _columns(head, f"{name}, row {number}")
    return tuple(
        _waiver(row, columns, name, number)
        for number, row in rows
        if any(cell not in ("", None) for cell in row)
    )


def _rows(path: Path, name: str) -> Iterator[tuple[int, list[Any]]]:
    """Rows with their number as the spreadsheet shows it."""
    kind = path.suffix.lower()
    if kind not in (*_SHEETS, *_TEXT):
        raise ScopeError(f"The list of waivers {name} is neither Excel, ODS nor CSV; save it so.")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ScopeError(
            f"The list of waivers {path} cannot be read: {error.strerror or error}."
        ) from error
    if kind in _TEXT:
        return _lines(content, name)
    try:
        return iter(spreadsheet.rows(content))
    except ValueError as error:
        raise ScopeError(f"{name} cannot be read as a workbook: {error}.") from error


def _lines(content: bytes, name: str) -> Iterator[tuple[int, list[Any]]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScopeError(
            f"{name} is not UTF-8 text (byte {error.start}); save it as CSV UTF-8."
        ) from error
    first = text.partition("\n")[0]
    delimiter = max(";,\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for row in reader:
            yield reader.line_num, [cell.strip() for cell in row]
    except csv.Error as error:
        raise ScopeError(f"{name}, row {reader.line_num}: {error}.") from error


def _columns(head: Sequence[Any], place: str) -> dict[str, int]:
    known = {word: field for field, words in _HEADS.items() for word in words}
    columns: dict[str, int] = {}
    for index, cell in enumerate(head):
        word = " ".join(str(cell).casefold().split()).rstrip(":*")
        field = known.get(word)
        if field in columns:
            raise ScopeError(f"{place}: two columns are called '{cell}' or mean the same.")
        if field:
            columns[field] = index
    missing = [field for field in _NEEDED if field not in columns]
    if missing:
        called = ", ".join(f"'{_HEADS[field][0]}' ('{_HEADS[field][1]}')" for field in missing)
        raise ScopeError(f"{place}: there is no column {called}.")
    return columns


def _waiver(row: Sequence[Any], columns: Mapping[str, int], name: str, number: int) -> Waiver:
    values = {
        field: _cell(row[index]) if index < len(row) else "" for field, index in columns.items()
    }
    if not values.get("subject"):
        values.pop("subject", None)
    place = f"{name}, row {number}"
    try:
        return Waiver.model_validate({**values, "source": place})
    except ValidationError as error:
        problem = error.errors()[0]
        field = str(problem["loc"][0]) if problem["loc"] else ""
        raise ScopeError(f"{place}: {_problem(field, values.get(field, ''))}.") from error


def _problem(field: str, value: object) -> str:
    if field == "until":
        return f"'{value}' is not a day; write 2026-12-31 or 31.12.2026"
    return f"the column {field} is empty or not as it should be"


def _cell(value: Any) -> Any:
    """A cell as the scope would have it: days as days, whole numbers without `.0`."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value).strip()
    german = _GERMAN_DAY.fullmatch(text)
    return f"{german[3]}-{int(german[2]):02}-{int(german[1]):02}" if german else text
