"""The document as HTML: one fragment that stands for itself in a notebook or in a page.

Jinja's autoescape makes every text plain, and `visible` goes before it: this is
the only place where a document's text becomes HTML.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from vmmaudit.report.data import template_loader
from vmmaudit.report.escape import visible

if TYPE_CHECKING:
    from vmmaudit.report.document import Document


def fragment(document: Document) -> str:
    """A `div` with its style sheet, cover, contents and sections."""
    environment = _environment(document.templates) if document.templates else _ours()
    template = environment.get_template("document.html.j2")
    return template.render(document=document)


@cache
def _ours() -> Environment:
    return _environment({})


def _environment(own: Mapping[str, str]) -> Environment:
    environment = Environment(
        loader=template_loader("audit-html", own),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters["kind"] = lambda block: type(block).__name__
    environment.filters["base64"] = lambda content: base64.b64encode(content).decode()
    return environment


def _shown(value: Any) -> Any:
    return value if isinstance(value, Markup) else visible(str(value))
