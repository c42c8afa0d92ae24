"""Moments as text that sorts."""

from __future__ import annotations

from datetime import datetime


def sortable(value: datetime | None) -> str | None:
    """Date and time in UTC, as the evidence has it."""
    return None if value is None else f"{value:%Y-%m-%d %H:%M}"
