"""Dates as PowerShell of either generation, WMI and a directory write them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from vmmaudit.imports.attributes import moment_of

WANTED = datetime(2026, 9, 12, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-09-12T04:00:00.0000000Z",  # ToString('o') of the script
        "2026-09-12T04:00:00.000Z",  # /Date(…)/ of ConvertTo-Json, as it is read
        "2026-09-12T06:00:00.1234567+02:00",  # ConvertTo-Json of PowerShell 7
        "2026-09-12T04:00:00+00:00",  # Export-Clixml
        "2026-09-12T04:00:00Z",
        "2026-09-12 04:00:00Z",
        "20260912040000.0Z",
    ],
)
def test_dates_that_name_their_offset(text: str):
    found = moment_of(text, ZoneInfo("Europe/Berlin"))
    assert found is not None
    assert found.replace(microsecond=0) == WANTED


@pytest.mark.parametrize(
    "text",
    [
        "12.09.2026 06:00:00",
        "12.09.2026 06:00",
        "9/12/2026 6:00:00 AM",
        "2026-09-12T06:00:00",
        "2026-09-12 06:00:00",
    ],
)
def test_dates_without_an_offset_are_of_the_site(text: str):
    assert moment_of(text, ZoneInfo("Europe/Berlin")) == WANTED
    assert moment_of(text) == WANTED.replace(hour=6)


@pytest.mark.parametrize(
    "text", ["", "12/09/2026 06:00", "2026-09-12", "0001-01-01T00:00:00+14:00", "20260912", "x"]
)
def test_what_is_no_moment(text: str):
    assert moment_of(text) is None
