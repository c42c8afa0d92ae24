"""The canonical line of each thing: equal evidence, equal bytes."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from vmmaudit.evidence.replies import Answer, Gap, Origin, Question

FORMAT: Final = 1
_BLOB_FROM: Final = 64
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def header(origin: Origin) -> bytes:
    """The first line."""
    return _json(
        {
            "format": FORMAT,
            "machine": origin.machine,
            "moment": _stamp(origin.moment),
            "tool": origin.tool,
            "who": origin.who,
            **({"commit": origin.commit} if origin.commit else {}),
        }
    )


def blobs(answers: Iterable[Answer]) -> Iterator[bytes]:
    """A line for each long value, in the order of their digests."""
    found = {
        hashlib.sha256(value).hexdigest(): value
        for answer in answers
        for row in answer.rows
        for values in row.values.values()
        for value in values
        if len(value) >= _BLOB_FROM
    }
    for digest in sorted(found):
        yield _json({"blob": digest, "data": base64.b64encode(found[digest]).decode()})


def record(question: Question, reply: Answer | Gap) -> bytes:
    """The canonical line of one question: equal replies, equal bytes."""
    by = {"by": [reply.by.who, reply.by.machine]} if reply.by else {}
    if isinstance(reply, Gap):
        return _json(
            {
                "ask": _asked(question),
                "at": _stamp(reply.at) if reply.at else None,
                "reason": reply.reason.value,
                "text": reply.text,
                **by,
            }
        )
    taken = {"taken": reply.taken} if reply.taken else {}
    return _json(
        {
            "ask": _asked(question),
            "at": _stamp(reply.at),
            "from": reply.source,
            "rows": [[row.name, _encoded(row.values)] for row in reply.rows],
            **by,
            **taken,
        }
    )


def closing(count: int, digest: str) -> bytes:
    """The last line: how many are before it, and the SHA-256 of those."""
    return _json({"end": count, "sha256": digest})


def _encoded(values: Mapping[str, Iterable[bytes]]) -> dict[str, list[str | dict[str, str]]]:
    return {key: [_value(value) for value in found] for key, found in values.items()}


def _value(value: bytes) -> str | dict[str, str]:
    if len(value) >= _BLOB_FROM:
        return {"blob": hashlib.sha256(value).hexdigest()}
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = ""
    if text.isprintable() and (text or not value):
        return text
    return {"b64": base64.b64encode(value).decode()}


def _json(value: object) -> bytes:
    return _ENCODER.encode(value).encode("utf-8", "surrogateescape") + b"\n"


def _asked(question: Question) -> list[str]:
    return [question.server, question.kind, *question.detail]


@lru_cache
def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
