r"""`change.ps1` and `rollback.ps1`: fixed code, and the plan's values as data.

Names come from a directory that others write to. They stand in single-quoted literals alone,
never in code and never in a comment; a character that PowerShell could take for a quote is
doubled, and a text with anything that does not show is written as character numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any, Final, Literal

from vmmaudit.change.plan import EntryStep, Plan, as_data

_PARTS: Final = files("vmmaudit.change").joinpath("powershell")
_QUOTES: Final = frozenset("'\u2018\u2019\u201a\u201b")
_LEFT_OUT: Final = ("actor",)
ENCODING: Final = "utf-8-sig"
"""Windows PowerShell 5.1 reads a script without a byte order mark in the ANSI code page."""


def script(kind: Literal["change", "rollback"], plan: Plan) -> bytes:
    """The script with the plan's steps in it, with CRLF and a byte order mark."""
    data = "\n".join(_data(plan))
    parts = [_part(f"head_{kind}"), data, _part("steps"), _part(f"main_{kind}")]
    return "\n".join(parts).replace("\n", "\r\n").encode(ENCODING)


def literal(value: str) -> str:
    """`value` as an expression that PowerShell evaluates to exactly it, whatever is in it."""
    if value.isprintable():
        doubled = "".join(c * 2 if c in _QUOTES else c for c in value)
        return f"'{doubled}'"
    units = value.encode("utf-16-le", "surrogatepass")
    numbers = (int.from_bytes(units[i : i + 2], "little") for i in range(0, len(units), 2))
    return "(-join [char[]] @(" + ", ".join(f"0x{number:04x}" for number in numbers) + "))"


def _part(name: str) -> str:
    return _PARTS.joinpath(f"{name}.ps1").read_text(encoding="utf-8")


def _data(plan: Plan) -> Iterator[str]:
    yield f"$Evidence = {literal(plan.evidence)}"
    yield "$Steps = @("
    for number, step in enumerate(plan.steps, 1):
        values = {"number": number, **as_data(step)}
        if isinstance(step, EntryStep):
            values["name"] = step.place
            values |= _where(step)
        elif "host" in values:
            values["name"] = values.pop("host")
        yield from _table(values)
    yield ")"


def _where(step: EntryStep) -> Mapping[str, str]:
    if step.layer == "directory":
        return {"domain": step.server}
    return {"computer": step.server, "share": step.place.split("\\")[3]}


def _table(values: Mapping[str, Any]) -> Iterator[str]:
    yield "    @{"
    for key, value in values.items():
        if key not in _LEFT_OUT:
            name = "".join(part.capitalize() for part in key.split("_"))
            yield f"        {name} = {_value(value)}"
    yield "    }"


def _value(value: str | int | bool | Sequence[str]) -> str:
    if isinstance(value, bool):
        return "$true" if value else "$false"
    if isinstance(value, int):
        return f"[long] {value}" if abs(value) >= 2**31 else str(value)
    if isinstance(value, str):
        return literal(value)
    return "@(" + ", ".join(map(literal, value)) + ")"
