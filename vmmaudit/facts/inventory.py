"""What VMM itself says, object by object: read over remoting, or handed over as an export."""

from __future__ import annotations

from dataclasses import dataclass

from vmmaudit.evidence import Row


@dataclass(frozen=True, slots=True)
class Inventory:
    """The objects that one cmdlet returned."""

    rows: tuple[Row, ...]
    evidence: tuple[str, ...]


def told(row: Row, name: str) -> str:
    """One property as text, whatever the case of its name; empty where there is none."""
    for key, values in row.values.items():
        if key.lower() == name.lower() and values:
            return values[0].decode("utf-8", "replace").strip()
    return ""


def flag(row: Row, name: str) -> bool:
    """One property that is true or false."""
    return told(row, name).lower() in ("true", "wahr", "1")
