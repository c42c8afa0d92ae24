"""The catalogue as a document: `docs/controls.<language>.md` is generated from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from vmmaudit.assessment import Verdict
from vmmaudit.controls.control import Control
from vmmaudit.controls.outcomes import FOR_WANT_OF_A_FACT, Outcomes, declared
from vmmaudit.controls.texts import ControlTexts, Texts


def markdown(catalogue: Sequence[Control], texts: Texts) -> str:
    """Every control with what it requires, why, what it can find and what to do then."""
    return "\n".join(_lines(catalogue, texts)) + "\n"


def _lines(catalogue: Sequence[Control], texts: Texts) -> Iterator[str]:
    yield f"# {texts.sentence('handbook', 'title')}"
    yield ""
    yield texts.sentence("handbook", "lead")
    for control in catalogue:
        own = texts.control(control.id)
        outcomes = declared(control.id)
        yield ""
        yield f"## {control.id} · {own.title}"
        yield ""
        severity = texts.label("severity", control.severity.value)
        origin = texts.label("origin", control.origin.value)
        yield f"*{severity} · {origin} · Version {control.version}*"
        for name in ("requirement", "rationale", "evidence"):
            yield ""
            yield f"**{texts.sentence('handbook', name)}.** {getattr(own, name)}"
        yield ""
        yield from _findings(own, outcomes, texts)
        yield from _table(texts, "remark", own.remark)
        yield from _table(texts, "cause", own.cause)
        yield from _bases(outcomes, texts)
        for code, remedy in own.remedy.items():
            yield ""
            yield f"**{texts.sentence('handbook', 'remedy')}** (`{code}`)"
            yield ""
            yield remedy.strip()
        for name, named in (("references", control.references), ("mapping", control.mapping)):
            if named:
                yield ""
                yield f"{texts.sentence('handbook', name)}: {'; '.join(named)}"


def _findings(own: ControlTexts, outcomes: Outcomes, texts: Texts) -> Iterator[str]:
    heads = ("code", "verdict", "finding")
    yield f"| {' | '.join(texts.sentence('handbook', head) for head in heads)} |"
    yield "|---|---|---|"
    for code, verdicts in outcomes.items():
        shown = " / ".join(texts.label("verdict", verdict.value) for verdict in verdicts)
        if code == FOR_WANT_OF_A_FACT:
            yield f"| – | {shown} | {texts.sentence('handbook', 'gap')} |"
        else:
            yield f"| `{code}` | {shown} | {own.finding[code]} |"


def _table(texts: Texts, name: str, sentences: Mapping[str, str]) -> Iterator[str]:
    if sentences:
        yield ""
        yield f"| {texts.sentence('handbook', 'code')} | {texts.sentence('handbook', name)} |"
        yield "|---|---|"
    for code, sentence in sentences.items():
        yield f"| `{code}` | {sentence} |"


def _bases(outcomes: Outcomes, texts: Texts) -> Iterator[str]:
    """On what each FAIL rests; what rests on inference alone is none."""
    found: dict[str, list[str]] = {}
    for code, verdicts in outcomes.items():
        if Verdict.FAIL in verdicts:
            found.setdefault(verdicts[Verdict.FAIL], []).append(f"`{code}`")
    if found:
        yield ""
        rests = (f"{', '.join(codes)}: {basis}" for basis, codes in found.items())
        yield f"{texts.sentence('handbook', 'basis')}: {'; '.join(rests)}"
