"""The evidence judged again: the verdicts that stand must come out of it, byte for byte."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from vmmaudit import __version__
from vmmaudit import assessment as assessments
from vmmaudit import evidence as evidence_format
from vmmaudit import pack as packs
from vmmaudit import scope as scope_format
from vmmaudit.assessment import Assessment
from vmmaudit.commit import commit
from vmmaudit.errors import AuditError
from vmmaudit.judge import catalogue_digest, judge
from vmmaudit.scope import Role

NEEDED: Final = (packs.EVIDENCE, packs.SCOPE, packs.ASSESSMENT)
_ALWAYS: Final = frozenset({Role.AUDITOR, Role.APPROVER})
"""Who must sign whatever the scope says: two persons, one of whom releases the report."""


@dataclass(frozen=True, slots=True)
class Rejudged:
    """What came out.

    Attributes:
        moment: when the evidence was read; nobody can have signed before.
        demanded: the roles that have to sign, in their order.
        people: the names the scope gives to roles.
    """

    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    moment: datetime | None = None
    demanded: tuple[Role, ...] = tuple(role for role in Role if role in _ALWAYS)
    people: Mapping[Role, str] | None = None


def rejudge(files: Mapping[str, bytes], folder: Path) -> Rejudged:
    """Judge evidence under its scope again, and compare with the assessment beside it.

    Args:
        files: contents by file name; of `NEEDED`, what is missing is not compared.
        folder: what relative paths in the scope are meant from.
    """
    if packs.EVIDENCE not in files or packs.SCOPE not in files:
        return Rejudged()
    try:
        evidence = evidence_format.read(io.BytesIO(files[packs.EVIDENCE]), packs.EVIDENCE)
        scope = scope_format.parse(_text(files[packs.SCOPE]), packs.SCOPE, folder)
    except AuditError as error:
        return Rejudged((str(error),))
    notes = []
    made, here = evidence.origin, f"vmmaudit {__version__}"
    if made.tool != here:
        notes.append(f"The pack was made by {made.tool}; this is {here}.")
    elif made.commit and commit() and made.commit != commit():
        notes.append(
            f"The pack was made by {made.tool} of commit {made.commit}; this is {commit()}."
        )
    problems: tuple[str, ...] = ()
    if packs.ASSESSMENT in files:
        try:
            stated = assessments.loads(files[packs.ASSESSMENT], packs.ASSESSMENT)
            found = judge(evidence, scope)
            if assessments.dumps(found) != files[packs.ASSESSMENT]:
                problems = (_difference(found, stated),)
        except AuditError as error:
            problems = (str(error),)
    else:
        notes.append("There is no assessment, so no verdicts were compared.")
    named = {person.role: person.name for person in scope.people}
    demanded = tuple(role for role in Role if role in _ALWAYS or role in named)
    return Rejudged(problems, tuple(notes), evidence.origin.moment, demanded, named)


def _text(data: bytes) -> str:
    return data.decode("utf-8-sig", "replace")


def _difference(found: Assessment, stated: Assessment) -> str:
    """The first thing in which the two differ, as a sentence."""
    if stated.evidence != found.evidence:
        return f"{packs.ASSESSMENT} was not judged from this evidence: the digests differ."
    if stated.scope != found.scope:
        return f"{packs.ASSESSMENT} was not judged under this scope: the digests differ."
    if stated.catalogue != catalogue_digest():
        return (
            f"{packs.ASSESSMENT} was judged with catalogue {stated.catalogue}, and this vmmaudit "
            f"has {catalogue_digest()}: verify with the version that judged it."
        )
    said = {(item.control, item.subject.kind, item.subject.id): item for item in stated.verdicts}
    now = {(item.control, item.subject.kind, item.subject.id): item for item in found.verdicts}
    for key in sorted({*said, *now}):
        before, after = said.get(key), now.get(key)
        if before == after:
            continue
        control, _, subject = key
        if before is None or after is None:
            there = packs.ASSESSMENT if after is None else "the evidence"
            return f"Only {there} has a verdict on {control} for {subject}."
        if before.verdict is not after.verdict:
            return (
                f"{packs.ASSESSMENT} says {before.verdict.value} for {control} on {subject}, but "
                f"the evidence gives {after.verdict.value}."
            )
        return (
            f"{packs.ASSESSMENT} gives other particulars for {control} on {subject} than the "
            "evidence."
        )
    for pair, again in zip(stated.readiness, found.readiness, strict=False):
        if pair != again:
            return (
                f"{packs.ASSESSMENT} says '{pair.ready.value}' for {pair.host} and {pair.share}, "
                f"but the evidence gives '{again.ready.value}'."
            )
    return f"{packs.ASSESSMENT} differs from what the evidence gives when judged again."
