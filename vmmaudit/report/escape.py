r"""What directory data may do in a document: be seen. Nothing else.

Names come from a directory that others write to. Every renderer passes its
text through `visible`, and then through the one function of its target:
Jinja's autoescape for HTML, JSON for Typst, `csv_cell` for CSV, `in_code` for
commands that a reader may copy.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from typing import Final

_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_QUOTES: Final = re.compile("['\u2018\u2019\u201a\u201b]")


def visible(text: str) -> str:
    r"""`text` with everything that steers instead of showing made visible.

    Control characters become their pictures (`␀`), bidirectional controls,
    zero-width and unassigned characters their code (`\u{202e}`).
    """
    if text.isprintable():
        return text
    return "".join(map(_shown, text))


def displayable(text: str, glyphs: Collection[int]) -> str:
    """`visible` text in which a character without a glyph stands as its code."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        shown if all(ord(c) in glyphs for c in shown) else f"\\u{{{ord(character):x}}}"
        for character in text
        for shown in [_shown(character)]
    )


def csv_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    shown = visible(text)
    return f"'{shown}" if text.lstrip(" ").startswith(_FORMULA) else shown


def in_code(text: str) -> str:
    """A value between the single quotes of a PowerShell line: it can't close them."""
    return _QUOTES.sub(lambda found: found[0] * 2, visible(text))


def _shown(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if unicodedata.category(character) in _HIDDEN:
        return f"\\u{{{code:x}}}"
    return character
