r"""What directory data may do in a document: be seen. Nothing else.

Names come from a directory that others write to. Every renderer passes its
text through `vmmaudit.display.visible`, and then through the one function of its target:
Jinja's autoescape for HTML, JSON for Typst, `csv_cell` for CSV, `in_code` for
commands that a reader may copy.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from vmmaudit.display import shown, visible

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_QUOTES: Final = re.compile("['\u2018\u2019\u201a\u201b]")


def displayable(text: str, glyphs: Collection[int]) -> str:
    """`visible` text in which a character without a glyph stands as its code."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        seen if all(ord(c) in glyphs for c in seen) else f"\\u{{{ord(character):x}}}"
        for character in text
        for seen in [shown(character)]
    )


def csv_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    seen = visible(text)
    return f"'{seen}" if text.lstrip(" ").startswith(_FORMULA) else seen


def in_code(text: str) -> str:
    """A value between the single quotes of a PowerShell line: it can't close them."""
    return _QUOTES.sub(lambda found: found[0] * 2, visible(text))
