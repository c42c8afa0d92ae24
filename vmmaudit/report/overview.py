"""An audit at one glance: the verdicts counted, the pairs that are not ready, what was read."""

from __future__ import annotations

from collections.abc import Mapping

from vmmaudit.assessment import Assessment, Ternary, Verdict
from vmmaudit.controls.texts import Texts
from vmmaudit.display import framed, properties, safe, tiles
from vmmaudit.evidence import Evidence
from vmmaudit.scope import Scope


def overview(
    name: str, scope: Scope, evidence: Evidence, assessment: Assessment, texts: Texts
) -> str:
    """As HTML that stands for itself in a notebook cell."""
    counts, pairs = assessment.counts(), assessment.readiness
    found = [
        (texts.label("verdict", v.value), f"{v.tone.symbol} {texts.number(counts[v])}")
        for v in Verdict
        if counts[v]
    ]
    numbers = {"number": sum(p.ready is Ternary.NO for p in pairs), "total": len(pairs)}
    ready = texts.fill(texts.word("explore", "not_ready"), numbers)
    asked = {"answers": len(evidence.answers), "gaps": len(evidence.gaps)}
    rows: Mapping[str, object] = {
        "scope": f"{scope.audit.titled(texts.language)} ({name})",
        "moment": texts.moment(evidence.origin.moment),
        "by": evidence.origin.who,
        "answers": texts.fill(texts.word("explore", "answers_value"), asked),
        "digest": evidence.digest(),
    }
    return framed(
        f"{tiles(found)}<p><strong>{safe(ready)}</strong></p>",
        properties({texts.word("explore", key): value for key, value in rows.items()}),
        language=texts.language,
    )
