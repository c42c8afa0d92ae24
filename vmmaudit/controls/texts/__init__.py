"""The words of every document: one folder per language beside this file, and the loader.

    <language>/<CONTROL>.toml   title, requirement, rationale, evidence; [finding], [cause],
                                [remedy], [remark]
    <language>/labels.toml      words of tables, verdicts, severities, kinds; the locale
    <language>/reasons.toml     one phrase for every `vmmaudit.evidence.Reason`
    <language>/report.toml      the sentences of the audit report
    <language>/<other>.toml     the words of one more job each (explain, change, diagnosis, …)

Placeholders are `{{name}}` and nothing else. Numbers, dates and lists are written
as the language's locale has it, so a new language is one new folder and no code.

Folders outside the package are found through the environment: `VMMAUDIT_TEXTS` names one or
more folders (separated as in `PATH`) that hold one folder per language, complete, like those
here. The package's own languages cannot be replaced that way: their words are what is signed.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final, TypeAlias

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.lists import format_list
from babel.numbers import format_decimal

from vmmaudit.errors import UsageError

ELSEWHERE: Final = "VMMAUDIT_TEXTS"
"""The environment variable that names further folders of languages."""
PLACEHOLDER: Final = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_SHARED: Final = ("labels", "reasons", "report")
_CONTROL: Final = re.compile(r"[A-Z]{3}-\d\d")

Fill: TypeAlias = str | int | date | datetime | Sequence[str]
"""What may fill a placeholder."""


class TextError(LookupError):
    """A text or a value is missing: a fault of the catalogue, never of the audited systems."""


def languages() -> tuple[str, ...]:
    """The languages there are: the folders that hold labels."""
    return tuple(sorted(_folders()))


def _folders() -> dict[str, Traversable]:
    """The folder of every language, the package's own before those of `VMMAUDIT_TEXTS`."""
    found: dict[str, Traversable] = {}
    others = os.environ.get(ELSEWHERE, "").split(os.pathsep)
    for place in (files(__name__), *(Path(other) for other in others if other)):
        if not place.is_dir():
            raise UsageError(f"{ELSEWHERE} names {place}, which is no folder.")
        for entry in place.iterdir():
            if entry.is_dir() and entry.joinpath("labels.toml").is_file():
                found.setdefault(entry.name, entry)
    return found


def fill(template: str, values: Mapping[str, Fill], locale: str = "en") -> str:
    """`template` with every placeholder filled.

    Raises:
        TextError: a placeholder has no value.
    """
    return PLACEHOLDER.sub(lambda found: written(found[1], values, locale), template)


def written(name: str, values: Mapping[str, Fill], locale: str = "en") -> str:
    """The value called `name` as the locale writes it: a list as `A, B und C`."""
    if name not in values:
        raise TextError(f"The placeholder '{name}' has no value; there are {sorted(values)}.")
    value = values[name]
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        raise TextError(f"The placeholder '{name}' is a truth value; say it in words.")
    if isinstance(value, int):
        return _number(value, locale)
    if isinstance(value, datetime):
        return format_datetime(value, "d. MMMM y, HH:mm", locale=locale)
    if isinstance(value, date):
        return format_date(value, "long", locale=locale)
    return _list(tuple(value), locale) if value else "–"


# A large site writes the same numbers and names in tens of thousands of sentences.
@lru_cache(maxsize=10_000)
def _number(value: int, locale: str) -> str:
    return format_decimal(value, locale=locale)


@lru_cache(maxsize=10_000)
def _list(value: tuple[str, ...], locale: str) -> str:
    return format_list(list(value), locale=locale)


@dataclass(frozen=True, slots=True)
class ControlTexts:
    """The words of one control; the tables are keyed by the codes of its verdicts.

    `evidence` says what is read for it, and from where; `cause` by which mechanism a finding
    comes about, whoever is to answer for it.
    """

    title: str
    requirement: str
    rationale: str = ""
    finding: Mapping[str, str] = field(default_factory=dict)
    cause: Mapping[str, str] = field(default_factory=dict)
    remedy: Mapping[str, str] = field(default_factory=dict)
    remark: Mapping[str, str] = field(default_factory=dict)
    evidence: str = ""

    def cause_for(self, code: str) -> str:
        """How what `code` names comes about; empty where the catalogue does not say."""
        return self.cause.get(code) or self.cause.get("default", "")

    def remedy_for(self, code: str) -> str:
        """What to do about `code`; empty where the catalogue has no advice."""
        return self.remedy.get(code) or self.remedy.get("default", "")


@dataclass(frozen=True)
class Texts:
    """All words of one language."""

    language: str
    labels: Mapping[str, Any]
    reasons: Mapping[str, str]
    report: Mapping[str, Any]
    controls: Mapping[str, ControlTexts] = field(default_factory=dict)
    words: Mapping[str, Any] = field(default_factory=dict)
    zone: tzinfo = UTC

    @classmethod
    def load(cls, language: str) -> Texts:
        """The texts of a language.

        Raises:
            TextError: there is no such folder, or a file in it lacks a key.
            UsageError: a folder of `VMMAUDIT_TEXTS` is missing or lacks a file.
        """
        folders = _folders()
        if language not in folders:
            raise TextError(f"There are no texts in '{language}'; there are {languages()}.")
        folder = folders[language]
        wanted = {entry.name for entry in files(__name__).joinpath("en").iterdir()}
        lacking = sorted(wanted - {entry.name for entry in folder.iterdir()})
        if lacking and folder != files(__name__).joinpath(language):
            raise UsageError(
                f"The language '{language}' in {folder} lacks {', '.join(lacking)}; "
                "every file of vmmaudit/controls/texts/en has to be there."
            )
        tables: dict[str, dict[str, Any]] = {}
        for entry in folder.iterdir():
            if entry.name.endswith(".toml"):
                tables[entry.name.removesuffix(".toml")] = tomllib.loads(
                    entry.read_text(encoding="utf-8")
                )
        shared: dict[str, Any] = {name: tables.pop(name) for name in _SHARED}
        try:
            controls = {
                name: ControlTexts(**table)
                for name, table in sorted(tables.items())
                if _CONTROL.fullmatch(name)
            }
        except TypeError as error:
            raise TextError(f"A control's texts in '{language}' are malformed: {error}.") from error
        words = {name: table for name, table in tables.items() if name not in controls}
        return cls(language=language, controls=controls, words=words, **shared)

    @property
    def locale(self) -> str:
        """The Babel locale that writes numbers and dates, e.g. `de_DE`."""
        return self.label("language", "locale")

    @property
    def right_to_left(self) -> bool:
        """Whether the language is written from right to left."""
        return Locale.parse(self.locale).text_direction == "rtl"

    def label(self, *path: str) -> str:
        """A word of `labels.toml` by its path."""
        return _find(self.labels, path, "labels")

    def sentence(self, *path: str) -> str:
        """A template of `report.toml` by its path."""
        return _find(self.report, path, "report")

    def word(self, *path: str) -> str:
        """A word or template of one of the other files: its name without ending, then the path."""
        return _find(self.words, path, path[0])

    def settles(self, kind: str, reason: str) -> str:
        """What would settle a question of `kind` that stayed open for `reason`."""
        ways = self.words["settle"]
        return _find(
            ways, ("reason", reason) if reason in ways["reason"] else ("kind", kind), "settle"
        )

    @property
    def glossary(self) -> tuple[tuple[str, str], ...]:
        """Terms and their meanings, in alphabetical order."""
        entries = [(item["term"], item["meaning"]) for item in self.report["glossary"].values()]
        return tuple(sorted(entries, key=lambda entry: entry[0].casefold()))

    @property
    def abbreviations(self) -> tuple[tuple[str, str], ...]:
        """Short forms and what they stand for, in alphabetical order."""
        entries = self.words["abbreviations"]["abbreviation"].items()
        return tuple(sorted(entries, key=lambda entry: entry[0].casefold()))

    def control(self, name: str) -> ControlTexts:
        """The words of a control."""
        try:
            return self.controls[name]
        except KeyError:
            raise TextError(f"The control {name} has no texts in '{self.language}'.") from None

    def finding(self, control: str, code: str) -> str:
        """The sentence for a verdict: the control's own, or the phrase of a reason.

        Raises:
            TextError: the code is neither among the control's nor a reason.
        """
        own = self.control(control).finding
        reason = code.lower().replace("_", "-")
        if not code:
            return own.get("pass", "") or self.sentence("results", "satisfied")
        if code in own:
            return own[code]
        if reason in self.reasons:
            return fill(self.sentence("results", "gap"), {"reason": self.reasons[reason]})
        raise TextError(f"{control} has no sentence for the code {code} in '{self.language}'.")

    def remark(self, control: str, code: str) -> str:
        """The sentence of a remark.

        Raises:
            TextError: the control has no such remark.
        """
        try:
            return self.control(control).remark[code]
        except KeyError:
            raise TextError(f"{control} has no remark {code} in '{self.language}'.") from None

    def fill(self, template: str, values: Mapping[str, Fill]) -> str:
        """`template`, filled as this language writes numbers, dates and lists."""
        return PLACEHOLDER.sub(lambda found: self.written(found[1], values), template)

    def written(self, name: str, values: Mapping[str, Fill]) -> str:
        """One value as this language writes it; a stamp `2026-10-01T06:00:00Z` as a moment."""
        value = values.get(name)
        if isinstance(value, str) and not _STAMP.fullmatch(value):
            return value
        if name in values:
            values = {name: self._here(values[name])}
        return written(name, values, self.locale)

    def number(self, value: int) -> str:
        """A number with the language's separators."""
        return _number(value, self.locale)

    def day(self, value: date) -> str:
        """A date in words."""
        return format_date(value, "long", locale=self.locale)

    def moment(self, value: datetime) -> str:
        """Date and time with its offset, and in UTC too where the two differ."""
        here, there = value.astimezone(self.zone), value.astimezone(UTC)
        pattern = self.label("language", "moment")
        if here.utcoffset() == there.utcoffset():
            return f"{format_datetime(there, pattern, locale=self.locale)} UTC"
        return (
            f"{format_datetime(here, pattern + ' xxx', locale=self.locale)} "
            f"({format_datetime(there, pattern, locale=self.locale)} UTC)"
        )

    def _here(self, value: Fill) -> Fill:
        if isinstance(value, str) and _STAMP.fullmatch(value):
            value = datetime.fromisoformat(value)
        return self.moment(value) if isinstance(value, datetime) else value


def _find(table: Mapping[str, Any], path: Sequence[str], name: str) -> str:
    found: Any = table
    try:
        for key in path:
            found = found[key]
    except (KeyError, TypeError):
        raise TextError(f"{name}.toml has no '{'.'.join(path)}'.") from None
    if not isinstance(found, str):
        raise TextError(f"'{'.'.join(path)}' in {name}.toml is not a text.")
    return found
