from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from tests.report import sample
from vmmaudit.assessment import SubjectKind, Ternary, Verdict
from vmmaudit.controls.texts import PLACEHOLDER, TextError, Texts, fill, languages
from vmmaudit.display import Tone
from vmmaudit.evidence import Reason
from vmmaudit.scope import Role

LOADED = {name: Texts.load(name) for name in languages()}


def leaves(table: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from leaves(value, (*path, key))
        else:
            yield ".".join((*path, key)), value


def test_both_languages_are_there() -> None:
    assert set(languages()) >= {"de", "en"}


@pytest.mark.parametrize("name", ["labels", "reasons", "report"])
@pytest.mark.parametrize("language", languages())
def test_every_language_has_the_same_keys_and_placeholders(language: str, name: str) -> None:
    ours, theirs = (dict(leaves(getattr(LOADED[one], name))) for one in (language, "de"))

    assert set(ours) == set(theirs)
    assert {key: set(PLACEHOLDER.findall(text)) for key, text in ours.items()} == {
        key: set(PLACEHOLDER.findall(text)) for key, text in theirs.items()
    }


@pytest.mark.parametrize("texts", LOADED.values(), ids=LOADED)
def test_every_enumeration_has_its_words(texts: Texts) -> None:
    assert set(texts.reasons) == {reason.value for reason in Reason}
    for table, values in (
        ("verdict", Verdict),
        ("subject", SubjectKind),
        ("ternary", Ternary),
        ("role", Role),
        ("duty", Role),
    ):
        assert set(texts.labels[table]) == {value.value for value in values}, table
    assert set(texts.labels["readiness"]) == set(Tone) - {Tone.MANUAL}


def test_no_language_is_named_in_code() -> None:
    for path in Path("vmmaudit/report").rglob("*.py"):
        assert not re.search(r'language\s*[!=]=|["\'](?:de|en)["\']', path.read_text()), path


@pytest.mark.parametrize(
    "folder", ["templates/audit-html", "templates/audit-pdf"], ids=["html", "pdf"]
)
def test_templates_hold_no_words(folder: str) -> None:
    german = {
        word
        for _, text in leaves(LOADED["de"].report)
        for word in re.findall(r"[A-ZÄÖÜ][a-zäöüß]{6,}", text)
    }
    for path in Path(folder).iterdir():
        assert german.isdisjoint(re.findall(r"\w+", path.read_text())), path


@pytest.mark.parametrize(
    ("locale", "written"),
    [
        ("de_DE", "A, B und C; 1.234; 30. September 2026"),
        ("en_GB", "A, B and C; 1,234; 30 September 2026"),
    ],
)
def test_lists_numbers_and_dates_are_written_as_the_language_does(
    locale: str, written: str
) -> None:
    values = {"names": ("A", "B", "C"), "count": 1234, "day": date(2026, 9, 30)}

    assert fill("{{names}}; {{count}}; {{day}}", values, locale) == written


def test_a_missing_placeholder_is_an_error() -> None:
    with pytest.raises(TextError, match="'host' has no value"):
        fill("{{host}}", {"account": "x"})


def test_only_double_braces_are_placeholders() -> None:
    powershell = "@{ 'a' = \"$($x)\" } ${y} %s {0}"

    assert fill(powershell, {}) == powershell


def test_a_value_is_not_filled_again() -> None:
    assert fill("{{name}}", {"name": "{{secret}}", "secret": "x"}) == "{{secret}}"


def test_a_reason_is_a_sentence_where_the_control_has_none() -> None:
    said = sample.texts().finding("DEL-01", "access-denied")

    assert said == "Nicht prüfbar: der Zugriff wurde verweigert."


def test_an_unknown_code_is_an_error_that_names_it() -> None:
    with pytest.raises(TextError, match="DEL-01 has no sentence for the code NEW"):
        sample.texts().finding("DEL-01", "NEW")


def test_a_moment_has_its_offset_and_utc() -> None:
    texts = Texts(**{**vars(LOADED["de"]), "zone": timezone(timedelta(hours=2))})
    moment = datetime(2026, 9, 30, 6, 15, tzinfo=UTC)

    assert texts.moment(moment) == "30.09.2026, 08:15 +02:00 (30.09.2026, 06:15 UTC)"


@pytest.mark.parametrize("texts", LOADED.values(), ids=LOADED)
def test_texts_hold_only_printable_characters(texts: Texts) -> None:
    for table in (texts.labels, texts.reasons, texts.report):
        for key, text in leaves(table):
            assert text.replace("\n", "").isprintable(), key
            assert not set(text) & set("\"'") - set("'"), key
            assert string.whitespace[1] not in text, key


def test_a_stamp_is_written_as_a_moment() -> None:
    said = LOADED["de"].fill("{{changed}}", {"changed": "2026-10-01T06:00:00Z"})

    assert said == "01.10.2026, 06:00 UTC"
