"""The files a report carries inside."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pikepdf

from vmmaudit import pack as packs


@dataclass(frozen=True, slots=True)
class Attached:
    """What a PDF carries.

    Attributes:
        files: contents by name.
        digests: SHA-256 by name, in a PDF that carries a list in the files' place.
    """

    files: Mapping[str, bytes] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)


def attached(pdf: bytes) -> Attached | None:
    """The attachments, or nothing if the PDF cannot be read."""
    try:
        with pikepdf.open(io.BytesIO(pdf)) as document:
            files = {
                name: document.attachments[name].get_file().read_bytes()
                for name in document.attachments
            }
    except (pikepdf.PdfError, ValueError, LookupError, TypeError, RuntimeError):
        return None
    listing = files.get(packs.MANIFEST)
    if listing is None:
        return Attached(files)
    try:
        listed = {
            str(entry["name"]): str(entry["sha256"]) for entry in json.loads(listing)["files"]
        }
    except (ValueError, LookupError, TypeError):
        return None
    return Attached({}, listed)
