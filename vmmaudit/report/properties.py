"""What a document says about itself to a machine: the same facts that it prints, by fixed names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from vmmaudit.assessment import Assessment
from vmmaudit.controls.texts import Texts
from vmmaudit.evidence import Origin
from vmmaudit.scope import Role, Scope

VERSION: Final = "0.1"
"""Of a document: the draft made from the evidence. Whoever edits one counts on from here."""
_RUNS: Final = UUID("5f0c3b5e-4f0e-5d0c-8a57-1d1b1f1c9a10")


def properties(
    identifier: str,
    scope: Scope,
    assessment: Assessment,
    origin: Origin,
    texts: Texts,
    previous: str = "",
    made_with: str = "",
) -> Mapping[str, str]:
    """Names and values; what has no value is left out.

    `previous` is the SHA-256 of the evidence that the document is compared with, `made_with` the
    tool, version and commit that judged that evidence and wrote the document.
    """
    audit = scope.audit
    until = kept_until(scope, assessment.moment)
    found = {
        "document-id": identifier,
        "version": VERSION,
        "status": "draft",
        "classification": audit.classification,
        "language": texts.language,
        "evidence-sha256": assessment.evidence,
        "scope-sha256": assessment.scope,
        "previous-evidence-sha256": previous,
        "run-id": run(assessment.evidence),
        "collected": _stamp(origin.moment),
        "collected-by": origin.who,
        "collected-on": origin.machine,
        "tool": assessment.tool,
        "tool-commit": assessment.commit,
        "made-with": made_with,
        "catalogue": assessment.catalogue,
        "period-from": audit.period.start.isoformat() if audit.period else "",
        "period-to": audit.period.end.isoformat() if audit.period else "",
        **{role.value: person(scope, role) for role in Role},
        "retention-until": until.isoformat() if until else "",
    }
    return {name: content for name, content in found.items() if content}


def run(evidence: str) -> str:
    """The id of the collection, which follows from the digest of what it found."""
    return str(uuid5(_RUNS, evidence))


def person(scope: Scope, role: Role) -> str:
    """The name of whoever has a role; empty where the scope names nobody."""
    return next((person.name for person in scope.people if person.role is role), "")


def years_kept(scope: Scope) -> int:
    """For how many years the document is kept; 0 where nobody said."""
    return scope.audit.retention_years or scope.branding.retention_years or 0


def kept_until(scope: Scope, moment: datetime) -> date | None:
    """The first day on which it may be destroyed, were it approved on the day of the evidence."""
    years, day = years_kept(scope), moment.date()
    if not years:
        return None
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return (day + timedelta(days=1)).replace(year=day.year + years)


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
