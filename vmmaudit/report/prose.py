"""The little Markdown of the catalogue's texts: paragraphs, lists, `code`, fences, **bold**.

A template is parsed first and filled afterwards, so a value is never parsed:
whatever a directory holds stands in a run of its own, as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Final

from vmmaudit.controls.texts import PLACEHOLDER, Fill, Texts
from vmmaudit.report.document import Block, Bullets, Code, Paragraph, Rich, Run, Style
from vmmaudit.report.escape import in_code

_INLINE: Final = re.compile(r"`([^`]+)`|\*\*(.+?)\*\*")
_FENCE: Final = re.compile(r"^```[^\n]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
_SENTENCE: Final = re.compile(r"[.!?] (?=[^\W\d_a-z])")
_LEADING_OVER: Final = 30
"""Characters of a sentence that says no more than that something follows."""
_BULLET: Final = re.compile(r"^- ", re.MULTILINE)


def blocks(template: str, values: Mapping[str, Fill], texts: Texts) -> tuple[Block, ...]:
    """The blocks of `template`, filled."""
    found: list[Block] = []
    pieces = _FENCE.split(template.strip() + "\n")
    for index, piece in enumerate(pieces):
        if index % 2:
            found.append(_code(piece, values, texts))
            continue
        for part in re.split(r"\n\s*\n", piece.strip()):
            found.extend(_part(part, values, texts))
    return tuple(found)


def rich(template: str, values: Mapping[str, Fill], texts: Texts) -> Rich:
    """One line of `template`, filled."""
    runs: list[Run] = []
    at = 0
    line = " ".join(template.split())
    for found in _INLINE.finditer(line):
        runs += _filled(line[at : found.start()], Style.PLAIN, values, texts)
        if found[1] is not None:
            code = PLACEHOLDER.sub(lambda name: texts.written(name[1], values), found[1])
            runs.append(Run(code, Style.CODE))
        else:
            runs += _filled(found[2], Style.STRONG, values, texts)
        at = found.end()
    runs += _filled(line[at:], Style.PLAIN, values, texts)
    return tuple(runs)


def told(template: str, values: Mapping[str, Fill], texts: Texts) -> str:
    """`rich` as text alone, for the tens of thousands of rows of a large site."""
    return texts.fill(_bare(template), values)


@cache
def _bare(template: str) -> str:
    """A template of the catalogue without its marks."""
    line = " ".join(template.split())
    return _INLINE.sub(lambda found: found[1] if found[1] is not None else found[2], line)


def closed(content: Rich) -> Rich:
    """A paragraph that led over to what follows it, as one that stands alone."""
    said = plain(content).rstrip()
    if not said.endswith(":"):
        return content
    ends = [found.end() for found in _SENTENCE.finditer(said)]
    if ends and len(said) - ends[-1] <= _LEADING_OVER:
        return _first(content, ends[-1] - 1)
    return (*_first(content, len(said) - 1), Run("."))


def _first(content: Rich, length: int) -> Rich:
    """The first `length` characters."""
    runs: list[Run] = []
    for run in content:
        if length > 0:
            runs.append(replace(run, text=run.text[:length]))
        length -= len(run.text)
    return tuple(runs)


def plain(content: Rich) -> str:
    """The text alone."""
    return "".join(run.text for run in content)


def _part(part: str, values: Mapping[str, Fill], texts: Texts) -> list[Block]:
    if not part:
        return []
    first, *items = _BULLET.split(part)
    found: list[Block] = []
    if first.strip():
        found.append(Paragraph(rich(first, values, texts)))
    if items:
        found.append(Bullets(tuple(rich(item, values, texts) for item in items)))
    return found


def _code(piece: str, values: Mapping[str, Fill], texts: Texts) -> Code:
    """Filled line by line: a value can neither begin a line nor close a quotation."""
    return Code(
        tuple(
            PLACEHOLDER.sub(lambda name: in_code(texts.written(name[1], values)), line)
            for line in piece.rstrip("\n").split("\n")
        )
    )


def _filled(text: str, style: Style, values: Mapping[str, Fill], texts: Texts) -> list[Run]:
    runs: list[Run] = []
    at = 0
    for found in PLACEHOLDER.finditer(text):
        if found.start() > at:
            runs.append(Run(text[at : found.start()], style))
        value = texts.written(found[1], values)
        number = not isinstance(values[found[1]], str | tuple | list)
        runs.append(Run(value, style if number or style is Style.STRONG else Style.VALUE))
        at = found.end()
    if at < len(text):
        runs.append(Run(text[at:], style))
    return runs
