"""How results look in a notebook: one small sheet, the same colours as the documents."""

from __future__ import annotations

import html
from typing import Final

from vmmaudit.report.escape import visible

_SHEET: Final = """
.vmmaudit-explore{color:#1d232b;font:14px/1.5 "Source Sans 3","Segoe UI",Arial,sans-serif;
background:#fff;padding:6px 8px}
.vmmaudit-explore h3{font-weight:600;margin:.4em 0 .5em;font-size:1.15em}
.vmmaudit-explore table{border-collapse:separate;border-spacing:2px;margin:0 0 .6em;
font-size:13px;display:table;table-layout:auto}
.vmmaudit-explore table :is(th,td){text-align:left!important;vertical-align:top;padding:.25em .7em;
background:#fff;color:inherit;white-space:normal;max-width:none}
.vmmaudit-explore table thead th{background:#f3f5f8;font-weight:600;position:sticky;top:0}
.vmmaudit-explore table tbody th{font-weight:400;background:#fafbfc}
.vmmaudit-explore table tr:is(:nth-child(odd),:nth-child(even),:hover){background:none}
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
.vmmaudit-explore td.moved{outline:2px solid #25497c;outline-offset:-2px}
.vmmaudit-explore .was{opacity:.62;font-weight:400}
.vmmaudit-explore .tiles{display:flex;flex-wrap:wrap;gap:.6em;margin:.5em 0;padding:0;
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


def framed(*parts: str, language: str) -> str:
    """Markup that stands for itself in a cell; `parts` are markup already.

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
