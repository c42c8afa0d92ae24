"""A diagnosis in words: what `shown` puts on a terminal or into a notebook."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from babel.dates import format_skeleton

from vmmaudit.assessment import Judgement
from vmmaudit.controls.texts import Fill, Texts
from vmmaudit.diagnosis import codes
from vmmaudit.diagnosis.answer import Answer, State
from vmmaudit.diagnosis.failures import Failure
from vmmaudit.diagnosis.stamp import Stamp
from vmmaudit.diagnosis.wordings import Identity
from vmmaudit.display import visible
from vmmaudit.report.document import Bullets, Code, Paragraph
from vmmaudit.report.prose import blocks, plain

if TYPE_CHECKING:
    from vmmaudit.diagnosis.diagnosis import Cause, Diagnosis

LISTED: Final = 200
"""So many causes and lines of the timeline are shown; JSON and the frame have them all."""

REMEDIES: Final = 3
_SUMMARISED: Final = 5
_KNOWS_NOTHING: Final = (State.NO_FILE, State.NO_HOST, State.NO_SHARE)
"""Where a pack cannot answer, what to look at is still the best there is."""


@dataclass(frozen=True, slots=True)
class Said:
    """One cause in words: a headline, facts under labels, and what follows from the pack."""

    headline: str
    facts: tuple[tuple[str, str], ...]
    answer: tuple[str, ...] = ()
    remedies: tuple[tuple[str, tuple[str, ...]], ...] = ()


def told(diagnosis: Diagnosis, texts: Texts) -> list[Said]:
    """Every cause in words."""
    return [
        Said(
            visible(_headline(cause, texts)),
            tuple((label, visible(value)) for label, value in _facts(cause, texts)),
            tuple(visible(line) for line in _answer(cause, texts)),
            tuple(_remedies(cause.answer, texts)),
        )
        for cause in diagnosis.causes[:LISTED]
    ]


def timeline(
    diagnosis: Diagnosis, texts: Texts, limit: int | None = LISTED
) -> list[tuple[str, ...]]:
    """The head of the table and its rows, at most `limit` of them."""
    names = ("time", "kind", "code", "result", "host", "vm", "file", "who", "source")
    head = tuple(word(texts, "column", name) for name in names)
    rows = [
        tuple(
            visible(cell)
            for cell in (
                _when(failure.seen.when, texts, fraction=True),
                word(texts, "kind", failure.seen.kind.value),
                str(failure.code or ""),
                failure.hresult,
                failure.host,
                failure.vm,
                failure.file,
                word(texts, "short", failure.identity.value),
                _place(failure),
            )
        )
        for failure in diagnosis.timeline[:limit]
    ]
    return [head, *rows]


def summary(diagnosis: Diagnosis, texts: Texts) -> Iterator[str]:
    """What was read, and each of the first causes with the control that explains it."""
    yield inputs(diagnosis, texts)
    if not diagnosis.causes:
        yield word(texts, "nothing")
    for cause in diagnosis.causes[:_SUMMARISED]:
        found = [j.control for j in cause.answer.causes] if cause.answer else []
        look = found or list(cause.controls[:1])
        yield visible(" → ".join([_headline(cause, texts), *look[:1]]))


def omitted(diagnosis: Diagnosis, texts: Texts) -> Iterator[str]:
    """A sentence for what the timeline leaves out."""
    count = diagnosis.omitted + max(0, len(diagnosis.timeline) - LISTED)
    if count:
        yield say(texts, "omitted", count=count)


def inputs(diagnosis: Diagnosis, texts: Texts) -> str:
    """What was read."""
    named = [
        say(
            texts,
            "input",
            name=read.name,
            form=word(texts, "form", read.form),
            encoding=read.encoding,
            records=read.records,
        )
        for read in diagnosis.inputs
    ]
    return visible(say(texts, "inputs", inputs="; ".join(named)))


def _headline(cause: Cause, texts: Texts) -> str:
    failure = cause.failure
    what = say(texts, "error", code=str(failure.code)) if failure.code else word(texts, "no_code")
    key = {
        (True, True): "headline",
        (True, False): "headline_host",
        (False, True): "headline_vm",
        (False, False): "headline_bare",
    }[bool(failure.host), bool(failure.vm)]
    time = _when(cause.first.when, texts) or word(texts, "no_time")
    said = say(texts, key, what=what, host=failure.host, vm=failure.vm, time=time)
    return said[:1].upper() + said[1:]


def _facts(cause: Cause, texts: Texts) -> Iterator[tuple[str, str]]:
    failure = cause.failure
    if cause.count > 1:
        last = _when(cause.last.when, texts) or word(texts, "no_time")
        yield word(texts, "note"), say(texts, "times", count=cause.count, time=last)
    if failure.code:
        yield word(texts, "code"), _code(failure, texts)
    for label, value in (("result", failure.hresult), ("status", failure.status)):
        if value:
            yield word(texts, label), _result(value, texts)
    if failure.file:
        yield word(texts, "file"), failure.file
    if failure.identity is not Identity.NONE:
        yield word(texts, "who"), _who(failure, texts)
    if cause.tasks:
        yield word(texts, "task"), ", ".join(cause.tasks)
    if cause.follows:
        yield word(texts, "note"), say(texts, "follows", code=str(cause.follows))
    machines = failure.machines
    for note in failure.notes:
        yield word(texts, "note"), say(texts, "notes", note.value, machines=machines)
    known = [name for name in cause.controls if name in texts.controls]
    if known and (cause.answer is None or cause.answer.state in _KNOWS_NOTHING):
        yield word(texts, "look"), "; ".join(_control(name, texts) for name in known)


def _code(failure: Failure, texts: Texts) -> str:
    known = codes.code(failure.code or 0, failure.name)
    name = f" {failure.name}" if failure.name else ""
    if str(known.number) not in texts.words["diagnosis"]["codes"]:
        return f"{known.number}{name} – " + say(texts, "unknown_code", code=str(known.number))
    return f"{known.number}{name} – {word(texts, 'codes', str(known.number))}"


def _result(value: str, texts: Texts) -> str:
    known = codes.result(value)
    name = f" {known.symbol}" if known.symbol else ""
    if value in texts.words["diagnosis"]["results"]:
        return f"{value}{name} – {word(texts, 'results', value)}"
    if known.symbol:
        return say(texts, "win32_result", value=value, number=known.symbol.split()[-1])
    return say(texts, "unknown_result", value=value)


def _who(failure: Failure, texts: Texts) -> str:
    sure = word(texts, "confidence", failure.confidence.value)
    account = f": {failure.account}" if failure.account else ""
    return f"{word(texts, 'identity', failure.identity.value)}{account} ({sure})"


def _answer(cause: Cause, texts: Texts) -> Iterator[str]:
    """What the pack says, sentence by sentence."""
    given = cause.answer
    if given is None:
        return
    key = given.state.value
    if given.state is State.BROKEN and not given.causes:
        key = "broken_otherwise"
    moment = say(texts, "answer", moment=texts.moment(given.moment))
    yield f"{moment}: {word(texts, 'state', key)}"
    shown = given.causes or (given.besides if given.state is State.BROKEN else ())
    for judgement in shown:
        finding = texts.finding(judgement.control, judgement.code)
        yield f"→ {texts.fill(finding, judgement.values)} ({judgement.control})"
    if given.readable is not None:
        yield word(texts, f"readable_{given.readable.value}")
    if given.other_name and given.pair:
        used = cause.failure.file.split("\\")[2]
        yield say(texts, "other_name", used=used, known=given.pair.name)
    if given.causes and given.besides:
        yield say(texts, "besides", controls=_controls(given.besides, texts))
    if given.open:
        yield say(texts, "open", controls=_controls(given.open, texts))


def _remedies(given: Answer | None, texts: Texts) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What to do about the first causes, as the catalogue says it: a label and lines of text."""
    for judgement in (given.causes if given else ())[:REMEDIES]:
        template = texts.control(judgement.control).remedy_for(judgement.code)
        label = say(texts, "remedy", control=judgement.control)
        yield label, tuple(_prose(template, judgement, texts))


def _prose(template: str, judgement: Judgement, texts: Texts) -> Iterator[str]:
    for block in blocks(template, judgement.values, texts):
        match block:
            case Paragraph(content):
                yield visible(plain(content))
            case Bullets(items):
                yield from (f"- {visible(plain(item))}" for item in items)
            case Code(lines):
                yield from (f"    {line}" for line in lines)


def _controls(judgements: Sequence[Judgement], texts: Texts) -> str:
    return "; ".join(dict.fromkeys(_control(j.control, texts) for j in judgements))


def _control(name: str, texts: Texts) -> str:
    return f"{name} {texts.control(name).title}"


def _when(at: Stamp | None, texts: Texts, *, fraction: bool = False) -> str:
    """A time as the language writes it, as far as the source has it; empty if it has none."""
    if at is None or at.month is None or at.day is None:
        return at.text if at else ""
    pattern = "MMMd" if at.year is None else "yMMMd"
    day = format_skeleton(pattern, date(at.year or 2000, at.month, at.day), locale=texts.locale)
    time = at.time if fraction else at.time.partition(".")[0]
    return f"{day}, {time} {at.zone}".rstrip()


def _place(failure: Failure) -> str:
    seen = failure.seen
    return f"{seen.source}:{seen.sequence}" if seen.sequence else f"{seen.source}@{seen.offset}"


def word(texts: Texts, *path: str) -> str:
    """A word of diagnosis.toml."""
    return texts.word("diagnosis", *path)


def say(texts: Texts, *path: str, **values: Fill) -> str:
    """A sentence of diagnosis.toml, filled."""
    return texts.fill(word(texts, *path), values)
