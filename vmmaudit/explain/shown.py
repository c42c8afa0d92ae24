"""An explanation in words: lines for a terminal, a table for a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from vmmaudit.assessment import Ternary
from vmmaudit.change.goal import IN_FORCE
from vmmaudit.change.words import actor, sentence
from vmmaudit.controls.texts import Texts
from vmmaudit.display import Tone, safe, visible
from vmmaudit.explain.chain import Entry, Explanation, Step
from vmmaudit.facts import Holding
from vmmaudit.windows.access import FULL, READ

SIGNS: Final = {Ternary.YES: "✓", Ternary.NO: "✗", Ternary.UNKNOWN: "?"}
_TONES: Final = {Ternary.YES: Tone.GOOD, Ternary.NO: Tone.BAD, Ternary.UNKNOWN: Tone.UNKNOWN}
_CHANGE: Final = 0x0013_01BF


@dataclass(frozen=True, slots=True)
class Line:
    """One link in words: `details` tell of the entries that decide."""

    state: Ternary
    title: str
    sentence: str
    details: tuple[str, ...]
    control: str


def text(explanation: Explanation, language: str) -> str:
    """The explanation as lines of text."""
    texts = Texts.load(language)
    return "\n".join(_lines(explanation, texts))


def _lines(explanation: Explanation, texts: Texts) -> Iterator[str]:
    yield _title(explanation, texts)
    yield _account(explanation, texts)
    yield ""
    yield verdict(explanation, texts)
    yield ""
    for line in told(explanation, texts):
        yield f" {SIGNS[line.state]} {line.title}  ({line.control})"
        yield f"     {line.sentence}"
        yield from (f"       {detail}" for detail in line.details)
    if not _holds(explanation):
        yield ""
        yield from advice(explanation, texts)


def verdict(explanation: Explanation, texts: Texts) -> str:
    """The answer in one sentence."""
    state: Ternary = explanation.ready
    if state is Ternary.YES and explanation.in_force is not Ternary.YES:
        key, state = "stale", explanation.in_force
    else:
        key = state.value
    broken = [step.name for step in explanation.steps if step.link.state is state]
    names = [texts.word("explain", "link", name) for name in broken]
    link = names[:1] if key == "no" else names
    return texts.fill(texts.word("explain", "verdict", key), {"link": link})


def advice(explanation: Explanation, texts: Texts) -> Iterator[str]:
    """*Would be ready if …*, and what no change is known for."""
    found = explanation.needed
    if found.changes:
        yield texts.word("explain", "needed")
        for number, change in enumerate(found.changes, 1):
            yield f" {number}. {visible(sentence(change, texts))}  [{actor(change, texts)}]"
    for obstacle in found.obstacles:
        named = {"link": texts.word("explain", "link", obstacle.link)}
        yield texts.fill(texts.word("explain", "beyond"), named)
    if not found.changes and not found.obstacles:
        yield texts.word("explain", "needed_unknown" if explanation.unknown else "needed_none")
    if explanation.unknown:
        yield texts.word("explain", "uncertain")


def told(explanation: Explanation, texts: Texts) -> list[Line]:
    """Every link in words."""
    return [
        Line(
            step.link.state,
            texts.word("explain", "link", step.name),
            visible(_sentence(step, texts)),
            tuple(visible(_entry(entry, texts)) for entry in step.entries),
            step.control,
        )
        for step in explanation.steps
    ]


def page(explanation: Explanation, texts: Texts) -> str:
    """Every link as markup for a frame."""
    rows = "".join(
        f"<tr><td class='{_TONES[line.state].value}' "
        f"title='{safe(texts.word('explain', 'state', line.state.value))}'>"
        f"{SIGNS[line.state]}</td><th scope='row'>{safe(line.title)}</th><td>{safe(line.sentence)}"
        + "".join(f"<br><small>{safe(detail)}</small>" for detail in line.details)
        + f"</td><td class='short'>{safe(line.control)}</td></tr>"
        for line in told(explanation, texts)
    )
    return (
        f"<h3>{safe(_title(explanation, texts))}</h3>"
        f"<p>{safe(_account(explanation, texts))}</p>"
        f"<p><strong>{safe(verdict(explanation, texts))}</strong></p>"
        f"<table>{rows}</table>"
    )


def mended(explanation: Explanation, texts: Texts) -> str:
    """What would mend the chain, as markup for a frame; nothing where it holds."""
    if _holds(explanation):
        return ""
    lines = "".join(f"<p>{safe(line)}</p>" for line in advice(explanation, texts))
    return f"<div class='advice'>{lines}</div>"


def _holds(explanation: Explanation) -> bool:
    return explanation.ready is Ternary.YES and explanation.in_force is Ternary.YES


def _title(explanation: Explanation, texts: Texts) -> str:
    values = {"host": explanation.host, "unc": explanation.unc}
    return visible(texts.fill(texts.word("explain", "title"), values))


def _account(explanation: Explanation, texts: Texts) -> str:
    if not explanation.account:
        return texts.word("explain", "acts_as_unknown")
    found = texts.fill(texts.word("explain", "acts_as"), {"account": explanation.account})
    return visible(found)


def _sentence(step: Step, texts: Texts) -> str:
    link = step.link
    if link.missing is not None:
        reason = texts.reasons[link.missing.reason.value]
        return f"{reason[:1].upper()}{reason[1:]}: {link.missing.text}"
    table = "access" if step.name.endswith(("_share", "_file")) else step.name
    if step.name == IN_FORCE:
        table = "in_force"
    return texts.fill(texts.word("explain", table, link.code or "pass"), link.values)


def _entry(entry: Entry, texts: Texts) -> str:
    """`→ HYPER07$ → GG_Hosts → DL_Library_R: allows Read (inherited from ISOs)`."""
    effect = texts.word("explain", "allows" if entry.allows else "denies")
    way = " → ".join(entry.path) or entry.trustee
    if entry.held is Holding.NETWORK_LOGON:
        way += f" ({texts.word('explain', 'logon')})"
    return f"{way}: {effect} {_rights(entry.mask, texts)} ({_origin(entry, texts)})"


def _rights(mask: int, texts: Texts) -> str:
    for name, rights in (("full", FULL), ("change", _CHANGE), ("read", READ)):
        if mask & rights == rights:
            return texts.word("explain", name)
    return texts.fill(texts.word("explain", "some_rights"), {"mask": f"0x{mask:x}"})


def _origin(entry: Entry, texts: Texts) -> str:
    if not entry.inherited:
        return texts.word("explain", "own")
    if entry.folder is None:
        return texts.word("explain", "inherited_unknown")
    folder = entry.folder or texts.word("explain", "root")
    return texts.fill(texts.word("explain", "inherited"), {"folder": folder})
