"""FILETIME (MS-DTYP 2.3.3): 100-nanosecond intervals since 1601-01-01 UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)
NEVER: Final = 0x7FFFFFFFFFFFFFFF


def from_filetime(value: int) -> datetime | None:
    """The moment; None for 0 and for *never*, which MS-ADA1 2.2 (accountExpires) treats alike."""
    if value <= 0 or value >= NEVER:
        return None
    try:
        return _EPOCH + timedelta(microseconds=value // 10)
    except OverflowError:
        return None


def to_filetime(moment: datetime) -> int:
    """The moment as FILETIME, to the microsecond."""
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 10_000_000 + delta.microseconds * 10
