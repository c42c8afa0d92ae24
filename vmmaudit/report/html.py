"""The document as one HTML page, by nbconvert: ours and that of an executed notebook alike.

`vmmaudit` is registered as an nbconvert exporter, so `jupyter nbconvert --to
vmmaudit audit.ipynb` makes the same page from a notebook that shows a document.
"""

from __future__ import annotations

import base64
import hashlib
import re
import sys
from typing import TYPE_CHECKING, Any, Final

# Imported by jsonschema for one format nobody here checks: 1.2 s for a grammar (docs).
if "rfc3987_syntax" not in sys.modules:
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]

import nbformat.v4
from jinja2.sandbox import SandboxedEnvironment
from nbconvert.exporters.templateexporter import TemplateExporter
from traitlets.config import Config

from vmmaudit.report.data import data_folder, template_loader

if TYPE_CHECKING:
    from vmmaudit.report.document import Document

_HIDDEN: Final = ("operator", "remove_cell", "parameters", "injected-parameters")
_SCRIPT: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_TOKEN: Final = "VMMAUDIT-SCRIPT-HASH"  # noqa: S105 - a place in the page


class AuditHTMLExporter(TemplateExporter):
    """The documents that a notebook shows, and nothing else of it, as one page."""

    export_from_notebook = "vmmaudit"
    output_mimetype = "text/html"

    def __init__(self, config: Any = None, **options: Any) -> None:
        options.setdefault("extra_template_basedirs", [str(data_folder("templates"))])
        super().__init__(config=config, **options)  # type: ignore[no-untyped-call]

    def _file_extension_default(self) -> str:
        return ".html"

    def _template_extension_default(self) -> str:
        return ".html.j2"

    def _template_name_default(self) -> str:
        return "audit-html"

    @property
    def default_config(self) -> Config:
        """Inputs and the operator's cells are left out."""
        ours = Config(
            {
                "TagRemovePreprocessor": {"enabled": True, "remove_cell_tags": set(_HIDDEN)},
                "TemplateExporter": {"exclude_input": True, "exclude_markdown": True},
            }
        )
        theirs: Config = super().default_config
        ours.merge(theirs)
        return ours

    def _create_environment(self) -> Any:
        theirs = super()._create_environment()  # type: ignore[no-untyped-call]
        # A pack brings the templates of whoever wrote it, who must not run anything here.
        environment = SandboxedEnvironment(
            loader=theirs.loader, extensions=list(theirs.extensions), autoescape=True
        )
        environment.globals |= theirs.globals
        environment.filters |= theirs.filters
        return environment

    def from_notebook_node(  # type: ignore[override]
        self, nb: Any, resources: dict[str, Any] | None = None, **options: Any
    ) -> tuple[str, dict[str, Any]]:
        """The page, which allows exactly its own script to run."""
        page, resources = super().from_notebook_node(nb, resources, **options)
        script = _SCRIPT.findall(page)[-1]
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        return page.replace(_TOKEN, f"sha256-{digest}", 1), resources


def render_html(document: Document) -> bytes:
    """The document as one file without any link to the outside."""
    data, metadata = document._repr_mimebundle_()
    v4: Any = nbformat.v4
    output = v4.new_output("display_data", data=data, metadata=metadata)
    notebook = v4.new_notebook(cells=[v4.new_code_cell(id="document", outputs=[output])])
    loader = template_loader("audit-html", document.templates)
    exporter = AuditHTMLExporter(extra_loaders=[loader] if document.templates else [])
    page, _ = exporter.from_notebook_node(notebook)
    return page.encode()
