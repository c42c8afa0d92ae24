"""The catalogue as a document: `docs/controls.<language>.md` is generated from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vmmaudit.controls.control import Control
from vmmaudit.controls.texts import Texts


def markdown(catalogue: Sequence[Control], texts: Texts) -> str:
    """Every control with what it requires, why, what it can find and what to do then."""
    return "\n".join(_lines(catalogue, texts)) + "\n"


def _lines(catalogue: Sequence[Control], texts: Texts) -> Iterator[str]:
    yield f"# {texts.sentence('handbook', 'title')}"
    yield ""
    yield texts.sentence("handbook", "lead")
    for control in catalogue:
        own = texts.control(control.id)
        yield ""
        yield f"## {control.id} · {own.title}"
        yield ""
        severity = texts.label("severity", control.severity.value)
        origin = texts.label("origin", control.origin.value)
        yield f"*{severity} · {origin} · Version {control.version}*"
        yield ""
        yield f"**{texts.sentence('handbook', 'requirement')}.** {own.requirement}"
        yield ""
        yield f"**{texts.sentence('handbook', 'rationale')}.** {own.rationale}"
        yield ""
        yield f"| {texts.sentence('handbook', 'code')} | {texts.sentence('handbook', 'finding')} |"
        yield "|---|---|"
        for code, sentence in own.finding.items():
            yield f"| `{code}` | {sentence} |"
        for code, remedy in own.remedy.items():
            yield ""
            yield f"**{texts.sentence('handbook', 'remedy')}** (`{code}`)"
            yield ""
            yield remedy.strip()
        if control.references:
            yield ""
            yield f"{texts.sentence('handbook', 'references')}: {'; '.join(control.references)}"
