"""What the servers said, word for word, for the evidence that the findings rest on."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Final

from vmmaudit import questions
from vmmaudit.errors import FormatError
from vmmaudit.evidence import Answer
from vmmaudit.facts import replies
from vmmaudit.report.document import Block, Code
from vmmaudit.report.material import Material
from vmmaudit.report.register import Entry
from vmmaudit.windows import sddl
from vmmaudit.windows.sid import sid_from_bytes

_RECORDS: Final = 40
_LINES: Final = 24
_ROOM: Final = 320
_SIDS: Final = frozenset(
    {"objectSid", "sIDHistory", "tokenGroups", "tokenGroupsGlobalAndUniversal", "sid"}
)
_DESCRIPTORS: Final = frozenset(
    {"descriptor", "nTSecurityDescriptor", "msDS-AllowedToActOnBehalfOfOtherIdentity"}
)


def extracts(material: Material) -> tuple[Block, ...]:
    """One listing for each piece of evidence that a finding names, the gravest first."""
    answers = material.evidence.answers
    cited = dict.fromkeys(
        item for group in material.findings for member in group.members for item in member.evidence
    )
    wanted = [item for item in cited if item in answers]
    if not wanted:
        return (material.paragraph("annex", "extracts_none"),)
    shown = (
        Code(_listing(material.evidence.by_id[item], answers[item])) for item in wanted[:_RECORDS]
    )
    found: list[Block] = [material.paragraph("annex", "extracts"), *shown]
    if len(wanted) > _RECORDS:
        found.append(material.note("annex", "extracts_more", shown=_RECORDS, total=len(wanted)))
    return tuple(found)


def _listing(entry: Entry, answer: Answer) -> tuple[str, ...]:
    about = " ".join(("#", entry.id, entry.kind, entry.source, *entry.detail[:1]))
    try:
        lines = list(_meant(entry, answer))
    except FormatError:
        lines = list(_raw(answer))
    lines = [line if len(line) <= _ROOM else line[:_ROOM] + "…" for line in (about, *lines)]
    return (*lines[:_LINES], *([f"… (+ {len(lines) - _LINES})"] if len(lines) > _LINES else []))


def _meant(entry: Entry, answer: Answer) -> Iterator[str]:
    """A reply of a remote procedure as what it says; anything else as it is."""
    if entry.kind == questions.SHARE:
        share, told = replies.share(answer, entry.detail[0])
        yield f"path: {share.path or '–'}"
        if told:
            yield f"descriptor: {_shown('descriptor', share.descriptor or b'') or '–'}"
    elif entry.kind == questions.MEMBERS:
        yield from (f"member: {sid}" for sid in replies.members(answer))
    elif entry.kind == questions.LIST:
        yield from (f"{found.name} ({found.size} B)" for found in replies.entries(answer))
    else:
        yield from _raw(answer)


def _raw(answer: Answer) -> Iterator[str]:
    """As LDIF has it: a name, then a value a line; a binary value as what it means."""
    for row in answer.rows:
        if row.name:
            yield row.name
        for key, found in row.values.items():
            yield from (f"{key}: {_shown(key, one)}" for one in found)


def _shown(key: str, found: bytes) -> str:
    try:
        if key in _SIDS:
            return sid_from_bytes(found)
        if found and key in _DESCRIPTORS:
            written = sddl.write(found)
            if written is not None:
                return written
        readable = found.decode()
    except (FormatError, UnicodeDecodeError):
        readable = ""
    if readable.isprintable() and (readable or not found):
        return readable
    return f":{base64.b64encode(found).decode()} ({len(found)} B)"
