"""How a diagnosis looks: lines of text, a terminal, a notebook."""

from __future__ import annotations

import html
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, TextIO

from vmmaudit.controls.texts import Texts
from vmmaudit.diagnosis.words import LISTED, inputs, omitted, say, timeline, told, word

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


def page(diagnosis: Diagnosis) -> str:
    """The same as HTML that stands for itself in a notebook cell."""
    texts = _texts(diagnosis.language)
    parts = [f"<p>{html.escape(inputs(diagnosis, texts))}</p>"]
    if not diagnosis.causes:
        parts.append(f"<p>{html.escape(word(texts, 'nothing'))}</p>")
    for said in told(diagnosis, texts):
        rows = "".join(
            f"<tr><th scope='row' style='text-align:left;vertical-align:top'>{html.escape(label)}"
            f"</th><td style='text-align:left'>{html.escape(value)}</td></tr>"
            for label, value in said.facts
        )
        answer = "".join(f"<p><strong>{html.escape(line)}</strong></p>" for line in said.answer)
        remedies = "".join(
            f"<details><summary>{html.escape(label)}</summary><pre style='white-space:pre-wrap'>"
            f"{html.escape(chr(10).join(lines))}</pre></details>"
            for label, lines in said.remedies
        )
        parts.append(
            f"<h3>{html.escape(said.headline)}</h3><table>{rows}</table>{answer}{remedies}"
        )
    parts.extend(f"<p>{html.escape(line)}</p>" for line in _more(diagnosis, texts) if line)
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
            f"<h3>{html.escape(word(texts, 'timeline'))}</h3>"
            f"<table><thead><tr>{table}</tr></thead><tbody>{body}</tbody></table>"
        )
        parts.extend(f"<p>{html.escape(line)}</p>" for line in omitted(diagnosis, texts))
    return f"<div lang='{diagnosis.language}'>{''.join(parts)}</div>"
