"""A diagnosis in words: lines for a terminal, the same as HTML for a notebook."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from babel.dates import format_skeleton

from vmmaudit.assessment import Judgement
from vmmaudit.controls.texts import Fill, Texts
from vmmaudit.diagnosis import codes
from vmmaudit.diagnosis.answer import Answer, State
from vmmaudit.diagnosis.failures import Failure, Identity
from vmmaudit.diagnosis.stamp import Stamp
from vmmaudit.report.document import Bullets, Code, Paragraph
from vmmaudit.report.escape import visible
from vmmaudit.report.prose import blocks, plain

if TYPE_CHECKING:
    from vmmaudit.diagnosis.diagnosis import Cause, Diagnosis

LISTED: Final = 200
"""So many lines of the timeline are shown; a table or JSON has them all."""


@dataclass(frozen=True, slots=True)
class Said:
    """One cause in words: a headline, facts under labels, and what follows from the pack."""

    headline: str
    facts: tuple[tuple[str, str], ...]
    answer: tuple[str, ...] = ()
    remedy: tuple[str, ...] = ()


def plain_text(diagnosis: Diagnosis) -> str:
    """The whole diagnosis as lines of text."""
    return "\n".join(_lines(diagnosis, Texts.load(diagnosis.language)))


def _lines(diagnosis: Diagnosis, texts: Texts) -> Iterator[str]:
    yield _inputs(diagnosis, texts)
    if not diagnosis.causes:
        yield _word(texts, "nothing")
        return
    for number, said in enumerate(told(diagnosis, texts), 1):
        yield ""
        yield f"{number}. {said.headline}"
        for label, value in said.facts:
            yield f"   {label}: {value}"
        yield from (f"   {line}" for line in said.answer)
        if said.remedy:
            yield f"   {_word(texts, 'remedy')}:"
            yield from (f"     {line}".rstrip() for line in said.remedy)
    yield ""
    yield f"{_word(texts, 'timeline')}:"
    for row in timeline(diagnosis, texts)[1:]:
        yield "   " + "  ".join(cell or "–" for cell in row)
    yield from _omitted(diagnosis, texts)


def page(diagnosis: Diagnosis) -> str:
    """The same as HTML that stands for itself in a notebook cell."""
    texts = Texts.load(diagnosis.language)
    parts = [f"<p>{html.escape(_inputs(diagnosis, texts))}</p>"]
    if not diagnosis.causes:
        parts.append(f"<p>{html.escape(_word(texts, 'nothing'))}</p>")
    for said in told(diagnosis, texts):
        rows = "".join(
            f"<tr><th scope='row' style='text-align:left;vertical-align:top'>{html.escape(label)}"
            f"</th><td style='text-align:left'>{html.escape(value)}</td></tr>"
            for label, value in said.facts
        )
        answer = "".join(f"<p><strong>{html.escape(line)}</strong></p>" for line in said.answer)
        remedy = html.escape("\n".join(said.remedy))
        parts.append(
            f"<h3>{html.escape(said.headline)}</h3><table>{rows}</table>{answer}"
            + (
                f"<details><summary>{html.escape(_word(texts, 'remedy'))}</summary>"
                f"<pre style='white-space:pre-wrap'>{remedy}</pre></details>"
                if remedy
                else ""
            )
        )
    if diagnosis.timeline:
        head, *rows_ = timeline(diagnosis, texts)
        table = "".join(f"<th scope='col'>{html.escape(cell)}</th>" for cell in head)
        body = "".join(
            "<tr>"
            + "".join(f"<td style='text-align:left'>{html.escape(cell)}</td>" for cell in row)
            + "</tr>"
            for row in rows_
        )
        parts.append(
            f"<h3>{html.escape(_word(texts, 'timeline'))}</h3>"
            f"<table><thead><tr>{table}</tr></thead><tbody>{body}</tbody></table>"
        )
        parts.extend(f"<p>{html.escape(line)}</p>" for line in _omitted(diagnosis, texts))
    return f"<div lang='{diagnosis.language}'>{''.join(parts)}</div>"


def told(diagnosis: Diagnosis, texts: Texts) -> list[Said]:
    """Every cause in words."""
    return [
        Said(
            visible(_headline(cause, texts)),
            tuple((label, visible(value)) for label, value in _facts(cause, texts)),
            tuple(visible(line) for line in _answer(cause, texts)),
            tuple(_remedy(cause.answer, texts)),
        )
        for cause in diagnosis.causes
    ]


def timeline(diagnosis: Diagnosis, texts: Texts) -> list[tuple[str, ...]]:
    """The head of the table and its rows."""
    names = ("time", "kind", "code", "result", "host", "vm", "file", "who", "source")
    head = tuple(_word(texts, "column", name) for name in names)
    rows = [
        tuple(
            visible(cell)
            for cell in (
                _when(failure.seen.when, texts, fraction=True),
                _word(texts, "kind", failure.seen.kind.value),
                str(failure.code or ""),
                failure.hresult,
                failure.host,
                failure.vm,
                failure.file,
                _word(texts, "short", failure.identity.value),
                _place(failure),
            )
        )
        for failure in diagnosis.timeline[:LISTED]
    ]
    return [head, *rows]


def _omitted(diagnosis: Diagnosis, texts: Texts) -> Iterator[str]:
    count = diagnosis.omitted + max(0, len(diagnosis.timeline) - LISTED)
    if count:
        yield _say(texts, "omitted", count=count)


def _inputs(diagnosis: Diagnosis, texts: Texts) -> str:
    named = [
        _say(
            texts,
            "input",
            name=read.name,
            form=_word(texts, "form", read.form),
            encoding=read.encoding,
            records=read.records,
        )
        for read in diagnosis.inputs
    ]
    return visible(_say(texts, "inputs", inputs="; ".join(named)))


def _headline(cause: Cause, texts: Texts) -> str:
    failure = cause.failure
    what = _say(texts, "error", code=str(failure.code)) if failure.code else _word(texts, "no_code")
    key = {
        (True, True): "headline",
        (True, False): "headline_host",
        (False, True): "headline_vm",
        (False, False): "headline_bare",
    }[bool(failure.host), bool(failure.vm)]
    time = _when(cause.first.when, texts) or _word(texts, "no_time")
    said = _say(texts, key, what=what, host=failure.host, vm=failure.vm, time=time)
    return said[:1].upper() + said[1:]


def _facts(cause: Cause, texts: Texts) -> Iterator[tuple[str, str]]:
    failure = cause.failure
    if cause.count > 1:
        last = _when(cause.last.when, texts) or _word(texts, "no_time")
        yield _word(texts, "note"), _say(texts, "times", count=cause.count, time=last)
    if failure.code:
        yield _word(texts, "code"), _code(failure, texts)
    for label, value in (("result", failure.hresult), ("status", failure.status)):
        if value:
            yield _word(texts, label), _result(value, texts)
    if failure.file:
        yield _word(texts, "file"), failure.file
    if failure.identity is not Identity.NONE:
        yield _word(texts, "who"), _who(failure, texts)
    if cause.first.task:
        yield _word(texts, "task"), cause.first.task
    if cause.follows:
        yield _word(texts, "note"), _say(texts, "follows", code=str(cause.follows))
    machines = failure.machines
    for note in failure.notes:
        yield _word(texts, "note"), _say(texts, "notes", note.value, machines=machines)
    known = [name for name in cause.controls if name in texts.controls]
    if known and cause.answer is None:
        yield _word(texts, "look"), "; ".join(_control(name, texts) for name in known)


def _code(failure: Failure, texts: Texts) -> str:
    known = codes.code(failure.code or 0, failure.name)
    name = f" {failure.name}" if failure.name else ""
    if str(known.number) not in texts.words["diagnosis"]["codes"]:
        return f"{known.number}{name} – " + _say(texts, "unknown_code", code=str(known.number))
    return f"{known.number}{name} – {_word(texts, 'codes', str(known.number))}"


def _result(value: str, texts: Texts) -> str:
    known = codes.result(value)
    name = f" {known.symbol}" if known.symbol else ""
    if value in texts.words["diagnosis"]["results"]:
        return f"{value}{name} – {_word(texts, 'results', value)}"
    if known.symbol:
        return _say(texts, "win32_result", value=value, number=known.symbol.split()[-1])
    return _say(texts, "unknown_result", value=value)


def _who(failure: Failure, texts: Texts) -> str:
    sure = _word(texts, "confidence", failure.confidence.value)
    account = f" {failure.account}" if failure.account else ""
    return f"{_word(texts, 'identity', failure.identity.value)}{account} ({sure})"


def _answer(cause: Cause, texts: Texts) -> Iterator[str]:
    """What the pack says, sentence by sentence."""
    given = cause.answer
    if given is None:
        return
    key = given.state.value
    if given.state is State.BROKEN and not given.causes:
        key = "broken_otherwise"
    moment = _say(texts, "answer", moment=texts.moment(given.moment))
    yield f"{moment}: {_word(texts, 'state', key)}"
    shown = given.causes or (given.besides if given.state is State.BROKEN else ())
    for judgement in shown:
        finding = texts.finding(judgement.control, judgement.code)
        yield f"→ {texts.fill(finding, judgement.values)} ({judgement.control})"
    if given.readable is not None:
        yield _word(texts, f"readable_{given.readable.value}")
    if given.other_name and given.pair:
        used = cause.failure.file.split("\\")[2]
        yield _say(texts, "other_name", used=used, known=given.pair.name)
    if given.causes and given.besides:
        yield _say(texts, "besides", controls=_controls(given.besides, texts))
    if given.open:
        yield _say(texts, "open", controls=_controls(given.open, texts))


def _remedy(given: Answer | None, texts: Texts) -> Iterator[str]:
    """What to do about the first cause, as the catalogue says it."""
    if given is None or not given.causes:
        return
    first = given.causes[0]
    template = texts.control(first.control).remedy_for(first.code)
    for block in blocks(template, first.values, texts):
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


def _word(texts: Texts, *path: str) -> str:
    return texts.word("diagnosis", *path)


def _say(texts: Texts, *path: str, **values: Fill) -> str:
    return texts.fill(_word(texts, *path), values)
