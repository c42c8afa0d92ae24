"""The published JSON Schemas: of the scope file, and of `assessment.json`."""

from __future__ import annotations

from typing import Any, Final

from vmmaudit import scope
from vmmaudit.assessment import SubjectKind, Ternary, Verdict
from vmmaudit.errors import UsageError

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_TEXT: Final = {"type": "string"}
_DIGEST: Final = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_TERNARY: Final = {"enum": [value.value for value in Ternary]}
_VALUES: Final = {
    "type": "object",
    "description": "What fills the placeholders of the sentence that the code names.",
    "additionalProperties": {
        "oneOf": [_TEXT, {"type": "integer"}, {"type": "array", "items": _TEXT}]
    },
}


def by_name(name: str) -> dict[str, Any]:
    """The schema of `scope` or `assessment`.

    Raises:
        UsageError: there is no such schema.
    """
    if name == "scope":
        return scope.schema()
    if name == "assessment":
        return assessment()
    raise UsageError(f"There is no schema '{name}'; choose scope or assessment.")


def assessment() -> dict[str, Any]:
    """`assessment.json`, format 1: keys may be added within a format, never renamed."""
    return {
        "$schema": _DIALECT,
        "title": "vmmaudit assessment, format 1",
        **_object(
            {
                "format": {"const": 1},
                "tool": _TEXT,
                "catalogue": _TEXT,
                "moment": {"type": "string", "format": "date-time"},
                "evidence": _DIGEST,
                "scope": _DIGEST,
                "verdicts": {"type": "array", "items": _judgement()},
                "shares": {"type": "array", "items": _share()},
                "readiness": {"type": "array", "items": _readiness()},
            },
            commit={"type": "string", "description": "Of the tool; absent: not known."},
        ),
    }


def _object(properties: dict[str, Any], **optional: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**properties, **optional},
        "required": list(properties),
    }


def _judgement() -> dict[str, Any]:
    return _object(
        {
            "control": {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{2}$"},
            "version": {"type": "integer", "minimum": 1},
            "subject": _object(
                {"kind": {"enum": [kind.value for kind in SubjectKind]}, "id": _TEXT, "name": _TEXT}
            ),
            "verdict": {"enum": [verdict.value for verdict in Verdict]},
            "code": _TEXT,
            "values": _VALUES,
            "remarks": {"type": "array", "items": _object({"code": _TEXT, "values": _VALUES})},
            "evidence": {
                "type": "array",
                "items": {"type": "string", "pattern": "^E-[0-9a-f]{10}$"},
            },
            "waiver": {
                "oneOf": [
                    {"type": "null"},
                    _object(
                        {
                            "reason": _TEXT,
                            "owner": _TEXT,
                            "approver": _TEXT,
                            "ticket": _TEXT,
                            "until": {"type": "string", "format": "date"},
                        }
                    ),
                ]
            },
        }
    )


def _share() -> dict[str, Any]:
    file = _object({"path": _TEXT, "descriptor": {"oneOf": [_DIGEST, {"type": "null"}]}})
    return _object({"library": _TEXT, "share": _TEXT, "files": {"type": "array", "items": file}})


def _readiness() -> dict[str, Any]:
    links = (
        "delegation",
        "delegatable",
        "account_share",
        "account_ntfs",
        "host_share",
        "host_ntfs",
    )
    access = _object({"descriptor": _DIGEST, "host_read": _TERNARY, "account_read": _TERNARY})
    return _object(
        {
            "host": _TEXT,
            "library": _TEXT,
            "share": _TEXT,
            "name": _TEXT,
            "account": _TEXT,
            "links": _object(dict.fromkeys(links, _TERNARY)),
            "access": {"type": "array", "items": access},
            "ready": _TERNARY,
            "in_force": _TERNARY,
            "broken": {"type": "array", "items": {"type": "string"}},
            "reason": _TEXT,
        }
    )
