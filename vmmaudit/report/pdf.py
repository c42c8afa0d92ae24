"""The document as PDF/A-3a and PDF/UA-1, set by Typst, with the data attached.

Equal input gives equal bytes: the fonts are shipped, the clock is the moment of
the evidence.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final, Literal

import typst

from vmmaudit.report.data import font_folder, template_files
from vmmaudit.report.document import Document
from vmmaudit.report.glyphs import coverage
from vmmaudit.report.parts.closing import ATTACH_LIMIT
from vmmaudit.report.typeset import Json, Typesetter

STANDARDS: Final[tuple[Literal["a-3a", "ua-1"], ...]] = ("a-3a", "ua-1")
_MIME: Final = {
    ".csv": "text/csv",
    ".gz": "application/gzip",
    ".json": "application/json",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}


def render_pdf(document: Document, attachments: Mapping[str, bytes] | None = None) -> bytes:
    """The document as one PDF file.

    Args:
        document: what is written.
        attachments: file names and contents. Above `ATTACH_LIMIT` bytes together,
            a list of their sizes and SHA-256 values is attached in their place.
    """
    setter = Typesetter(document, coverage(font_folder()))
    data = setter.data()
    files = template_files("audit-pdf", document.templates)
    data["attachments"] = []
    for index, (name, content) in enumerate(_attached(attachments or {}).items()):
        data["attachments"].append(_attachment(name, index))
        files[f"attached/{index}"] = content
    if document.cover.logo is not None:
        ending = ".png" if document.cover.logo_type == "image/png" else ".jpg"
        data["cover"]["logo"] = f"logo{ending}"
        files[f"logo{ending}"] = document.cover.logo
    files["data.json"] = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    # Typst reads binary files from a folder alone; this one is ours and short-lived.
    with tempfile.TemporaryDirectory(prefix="vmmaudit-") as folder:
        for name, content in files.items():
            path = Path(folder, name)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        return typst.compile(
            str(Path(folder, "main.typ")),
            root=folder,
            font_paths=[str(font_folder())],
            ignore_system_fonts=True,
            format="pdf",
            pdf_standards=list(STANDARDS),
            timestamp=int(document.moment.timestamp()),
        )


def _attached(files: Mapping[str, bytes]) -> Mapping[str, bytes]:
    if sum(map(len, files.values())) <= ATTACH_LIMIT:
        return dict(sorted(files.items()))
    listed = [
        {"name": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in sorted(files.items())
    ]
    return {"manifest.json": json.dumps({"files": listed}, indent=1).encode() + b"\n"}


def _attachment(name: str, index: int) -> Json:
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", PurePosixPath(name).name) or "file"
    mime = _MIME.get(PurePosixPath(safe).suffix.lower(), "application/octet-stream")
    return {"name": safe, "path": str(index), "mime": mime}
