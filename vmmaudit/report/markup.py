"""The document as HTML: one fragment that stands for itself in a notebook or in a page.

Jinja's autoescape makes every text plain, and `visible` goes before it: this is
the only place where a document's text becomes HTML.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from vmmaudit.display import visible
from vmmaudit.report.data import template_loader

_COUNTERS: Final = {"{{page}}": "counter(page)", "{{pages}}": "counter(pages)"}
_COUNTER: Final = re.compile("({{pages?}})")

if TYPE_CHECKING:
    from vmmaudit.report.document import Document


def fragment(document: Document) -> str:
    """A `div` with its style sheet, cover, contents and sections."""
    environment = _environment(document.templates) if document.templates else _ours()
    template = environment.get_template("document.html.j2")
    return template.render(document=document)


@cache
def _ours() -> SandboxedEnvironment:
    return _environment({})


def _environment(own: Mapping[str, str]) -> SandboxedEnvironment:
    # A pack brings the templates of whoever wrote it, who must not run anything here.
    environment = SandboxedEnvironment(
        loader=template_loader("audit-html", own),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters["kind"] = lambda block: type(block).__name__
    environment.filters["css"] = _css
    environment.filters["base64"] = lambda content: base64.b64encode(content).decode()
    return environment


def _css(text: str) -> Markup:
    """A text as a string of CSS, which nothing in it can end; pages are counted in it."""
    parts = []
    for part in _COUNTER.split(visible(text)):
        if part in _COUNTERS:
            parts.append(_COUNTERS[part])
        elif part:
            written = "".join(c if c.isalnum() or c == " " else f"\\{ord(c):x} " for c in part)
            parts.append(f'"{written}"')
    return Markup(" ".join(parts))  # noqa: S704 - letters, digits and escapes alone


def _shown(value: Any) -> Any:
    return value if isinstance(value, Markup) else visible(str(value))
