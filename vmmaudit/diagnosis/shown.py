"""How a diagnosis looks: lines of text, a terminal, a notebook."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, TextIO

from vmmaudit.controls.texts import Texts
from vmmaudit.diagnosis.words import (
    LISTED,
    Said,
    inputs,
    omitted,
    say,
    summary,
    timeline,
    told,
    word,
)
from vmmaudit.display import framed, safe

if TYPE_CHECKING:
    from vmmaudit.diagnosis.diagnosis import Diagnosis


_texts = cache(Texts.load)


def plain_text(diagnosis: Diagnosis) -> str:
    """The whole diagnosis as lines of text."""
    texts = _texts(diagnosis.language)
    lines = list(_causes(diagnosis, texts))
    if diagnosis.causes:
        lines += ["", f"{word(texts, 'timeline')}:"]
        rows = timeline(diagnosis, texts)[1:]
        lines += ["   " + "  ".join(cell or "–" for cell in row) for row in rows]
        lines += omitted(diagnosis, texts)
    return "\n".join(lines)


def on_terminal(diagnosis: Diagnosis, stream: TextIO) -> None:
    """The same for eyes: headlines stand out, the timeline is a table as wide as the terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    texts = _texts(diagnosis.language)
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    for line in _causes(diagnosis, texts):
        heading = line[:1].isdigit() or line.startswith("   →")
        console.print(Text(line, "bold" if heading else ""), soft_wrap=True)
    if not diagnosis.causes:
        return
    head, *rows = timeline(diagnosis, texts)
    shown = [index for index in range(len(head)) if any(row[index] for row in rows)]
    table = Table(title=word(texts, "timeline"), title_justify="left")
    for index in shown:
        table.add_column(head[index], overflow="fold")
    for row in rows:
        table.add_row(*(Text(row[index]) for index in shown))
    console.print()
    console.print(table)
    for line in omitted(diagnosis, texts):
        console.print(Text(line))


def _causes(diagnosis: Diagnosis, texts: Texts) -> Iterator[str]:
    yield inputs(diagnosis, texts)
    if not diagnosis.causes:
        yield word(texts, "nothing")
    for number, said in enumerate(told(diagnosis, texts), 1):
        yield ""
        yield f"{number}. {said.headline}"
        yield from (f"   {label}: {value}" for label, value in said.facts)
        yield from (f"   {line}" for line in said.answer)
        for label, lines in said.remedies:
            yield f"   {label}:"
            yield from (f"     {line}".rstrip() for line in lines)
    yield from _more(diagnosis, texts)


def _more(diagnosis: Diagnosis, texts: Texts) -> Iterator[str]:
    count = len(diagnosis.causes) - LISTED
    if count > 0:
        yield ""
        yield say(texts, "more_causes", count=count)


def rows(diagnosis: Diagnosis) -> list[tuple[str, ...]]:
    """The head of the timeline and all its rows."""
    return timeline(diagnosis, _texts(diagnosis.language), None)


def short_text(diagnosis: Diagnosis) -> str:
    """The inputs and the first causes in one line."""
    return " · ".join(summary(diagnosis, _texts(diagnosis.language)))


def page(diagnosis: Diagnosis) -> str:
    """The same as HTML that stands for itself in a notebook cell."""
    texts = _texts(diagnosis.language)
    parts = [f"<p class='note'>{safe(inputs(diagnosis, texts))}</p>"]
    if not diagnosis.causes:
        parts.append(f"<p>{safe(word(texts, 'nothing'))}</p>")
    parts.extend(map(_cause, told(diagnosis, texts)))
    parts.extend(f"<p>{safe(line)}</p>" for line in _more(diagnosis, texts) if line)
    if diagnosis.timeline:
        head, *found = timeline(diagnosis, texts)
        heads = "".join(f"<th scope='col'>{safe(cell)}</th>" for cell in head)
        body = "".join(
            f"<tr>{''.join(f'<td>{safe(cell)}</td>' for cell in row)}</tr>" for row in found
        )
        left = "".join(f"<p class='note'>{safe(line)}</p>" for line in omitted(diagnosis, texts))
        parts.append(
            f"<details><summary>{safe(word(texts, 'timeline'))}</summary><div class='scroll'>"
            f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>{left}"
            "</details>"
        )
    return framed(*parts, language=diagnosis.language)


def _cause(said: Said) -> str:
    facts = "".join(
        f"<tr><th scope='row'>{safe(label)}</th><td>{safe(value)}</td></tr>"
        for label, value in said.facts
    )
    answer = "".join(f"<p>{safe(line)}</p>" for line in said.answer)
    advice = f"<div class='advice'>{answer}</div>" if answer else ""
    remedies = "".join(
        f"<details><summary>{safe(label)}</summary>{_remedy(lines)}</details>"
        for label, lines in said.remedies
    )
    return f"<h3>{safe(said.headline)}</h3><table>{facts}</table>{advice}{remedies}"


def _remedy(lines: Sequence[str]) -> str:
    """Sentences as such, and what stands indented among them as the code it is."""
    newline = "\n"  # by itself: within a line it would be shown as what it is
    parts = []
    for is_code, found in groupby(lines, lambda line: line.startswith("    ")):
        shown = [safe(line[4:] if is_code else line) for line in found]
        if is_code:
            parts.append(f"<pre>{newline.join(shown)}</pre>")
        else:
            parts.extend(f"<p>{line}</p>" for line in shown)
    return "".join(parts)
