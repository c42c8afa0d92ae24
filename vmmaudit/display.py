r"""How results look in a notebook: one small sheet, the same colours as the documents.

Names come from a directory that others write to, so everything that is shown passes through
`safe` (markup becomes text) and with it through `visible` (what steers is made visible). No
other module makes markup of a value for a notebook.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pandas as pd


class Tone(StrEnum):
    """What a symbol and its colour say; the symbol says it without the colour."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    UNKNOWN = "unknown"
    NONE = "none"
    MANUAL = "manual"

    @property
    def symbol(self) -> str:
        """One character that can be told from the others in black and white."""
        return _SYMBOLS[self]


_SYMBOLS: Final = {
    Tone.GOOD: "✓",
    Tone.WARN: "!",
    Tone.BAD: "✗",
    Tone.UNKNOWN: "?",
    Tone.NONE: "–",
    Tone.MANUAL: "✎",
}
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_ROWS: Final = 50
_SHORT: Final = 16
"""Ids and codes: longer values may be broken into lines."""
_SHEET: Final = """
.vmmaudit-explore{color:#1d232b;font:14px/1.5 "Source Sans 3","Segoe UI",Arial,sans-serif;
background:#fff;padding:6px 8px;border-radius:4px}
.vmmaudit-explore h3{font-weight:600;margin:.4em 0 .5em;font-size:1.15em}
.vmmaudit-explore table{color:inherit;border-collapse:separate;border-spacing:2px;margin:0 0 .6em;
font-size:13px;display:table;table-layout:auto}
.vmmaudit-explore table :is(th,td){text-align:left!important;vertical-align:top;padding:.25em .7em;
background:#fff;color:inherit;white-space:normal;max-width:none}
.vmmaudit-explore table thead th{background:#f3f5f8;font-weight:600;position:sticky;top:0}
.vmmaudit-explore table tbody th{font-weight:400;background:#fafbfc}
.vmmaudit-explore table tr:is(:nth-child(odd),:nth-child(even),:hover){background:none}
.vmmaudit-explore table td.short{white-space:nowrap}
.vmmaudit-explore .scroll{max-height:30em;overflow:auto;border:1px solid #d5dae1;
border-radius:4px;display:inline-block;max-width:100%}
.vmmaudit-explore .matrix td{text-align:center!important;min-width:6em;font-weight:600}
.vmmaudit-explore .matrix td small{font-weight:400;margin-left:.35em}
.vmmaudit-explore :is(td,span,p).good{color:#17633a;background:#e3f1e8}
.vmmaudit-explore :is(td,span,p).warn{color:#7d5200;background:#fcf0d4}
.vmmaudit-explore :is(td,span,p).bad{color:#9c1c1c;background:#fae3e1}
.vmmaudit-explore :is(td,span,p).unknown{color:#444f5e;background:#e6eaef}
.vmmaudit-explore :is(td,span,p).none{color:#5f6873;background:#f6f7f8}
.vmmaudit-explore :is(td,span,p).manual{color:#25497c;background:#e3ebf7}
.vmmaudit-explore td[role=gridcell]{cursor:pointer}
.vmmaudit-explore td[role=gridcell]:hover{box-shadow:inset 0 0 0 1px currentColor}
.vmmaudit-explore td[role=gridcell][aria-selected=true]{box-shadow:inset 0 0 0 2px #25497c}
.vmmaudit-explore td[role=gridcell]:focus-visible{outline:3px solid #d08700;outline-offset:-1px}
.vmmaudit-explore td.moved{outline:2px solid #25497c;outline-offset:-2px}
.vmmaudit-explore .was{opacity:.62;font-weight:400}
.vmmaudit-explore .tiles{display:flex;flex-wrap:wrap;gap:.6em;margin:.5em 0!important;
padding:0!important;
list-style:none}
.vmmaudit-explore .tiles li{background:#f3f5f8;border-top:3px solid #8a94a1;padding:.4em .9em;
min-width:6.5em}
.vmmaudit-explore .tiles strong{display:block;font-size:1.7em;line-height:1.2}
.vmmaudit-explore .key span,.vmmaudit-explore .badge{padding:.05em .5em;border-radius:3px;
margin-right:.8em;font-weight:600}
.vmmaudit-explore .note{color:#56606d;font-size:.92em;margin:.3em 0}
.vmmaudit-explore ol{margin:.3em 0 .6em 1.4em;padding:0}
.vmmaudit-explore .advice{border-left:4px solid #25497c;background:#f3f5f8;padding:.4em 1em;
margin:.6em 0}.vmmaudit-explore .advice p{margin:.15em 0}
.vmmaudit-explore details pre{white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere;
background:#f6f7f8;padding:.5em .8em;margin:.2em 0 .6em;font-size:12px;border-radius:4px}
.vmmaudit-explore details p{margin:.2em 0}
.vmmaudit-explore summary{cursor:pointer;color:#25497c;margin:.5em 0}
""".replace("\n", "")


def framed(*parts: str, language: str = "en") -> str:
    """Markup that stands for itself in a cell; `parts` are markup already, by default in English.

    Jupyter reads what is between two dollars as a formula, and computer accounts end in one:
    the classes of MathJax (3, and 2) say that there are none.
    """
    return (
        f"<style>{_SHEET}</style><div lang='{language}' "
        "class='vmmaudit-explore mathjax_ignore tex2jax_ignore'>" + "".join(parts) + "</div>"
    )


def safe(text: object) -> str:
    """Any text as markup: what steers is made visible, what is markup becomes text."""
    return html.escape(visible(str(text)))


def visible(text: str) -> str:
    r"""`text` with everything that steers instead of showing made visible.

    Control characters become their pictures (`␀`), bidirectional controls,
    zero-width and unassigned characters their code (`\u{202e}`).
    """
    if text.isprintable():
        return text
    return "".join(map(shown, text))


def shown(character: str) -> str:
    """One character, or what stands for it."""
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if unicodedata.category(character) in _HIDDEN:
        return f"\\u{{{code:x}}}"
    return character


def table(frame: pd.DataFrame) -> str:
    """The first rows of a frame; a verdict or a state has its colour and its symbol.

    How many rows there are besides is said without words: what has no language of its own
    can be shown with this as well.
    """
    heads = "".join(f"<th scope='col'>{safe(head)}</th>" for head in frame.columns)
    rows = "".join(
        f"<tr>{''.join(map(_cell, row))}</tr>"
        for row in frame.head(_ROWS).itertuples(index=False, name=None)
    )
    more = len(frame) - _ROWS
    return (
        f"<div class='scroll'><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
        "</div>" + (f"<p class='note'>+ {more}: <code>to_frame()</code></p>" if more > 0 else "")
    )


def _cell(value: object) -> str:
    if isinstance(value, Tone):
        return f"<td class='{value.value}'>{value.symbol}</td>"
    tone = getattr(value, "tone", None)
    if isinstance(tone, Tone):
        return f"<td class='{tone.value}'>{tone.symbol} {safe(value)}</td>"
    text = "" if value is None else str(value)
    short = " class='short'" if len(text) <= _SHORT else ""
    return f"<td{short}>{safe(text)}</td>"


def properties(values: Mapping[str, object]) -> str:
    """A table of names and values."""
    rows = "".join(
        f"<tr><th scope='row'>{safe(name)}</th><td>{safe(value)}</td></tr>"
        for name, value in values.items()
    )
    return f"<table>{rows}</table>"


def tiles(counts: Iterable[tuple[object, object]]) -> str:
    """Numbers that are seen at once, each with what it counts; both are escaped here."""
    found = "".join(
        f"<li><strong>{safe(count)}</strong>{safe(label)}</li>" for label, count in counts
    )
    return f"<ul class='tiles'>{found}</ul>"
