"""The files a report carries inside."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pikepdf

from vmmaudit import pack as packs

_BROKEN: Final = (
    *(pikepdf.PdfError, zlib.error, ValueError, LookupError, TypeError, RuntimeError),
    AttributeError,
)
MOST: Final = 256 * 1024 * 1024
"""Bytes of all attachments; beyond a tenth of it our reports carry a list in their place."""


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
            files, left = {}, MOST
            for name in document.attachments:
                files[name] = _content(document.attachments[name].get_file().obj, left)
                left -= len(files[name])
    except _BROKEN:
        return None
    listing = files.get(packs.MANIFEST)
    if listing is None:
        return Attached(files)
    try:
        listed = {
            str(entry["name"]): str(entry["sha256"]) for entry in json.loads(listing)["files"]
        }
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return Attached({}, listed)


def _content(stream: Any, most: int) -> bytes:
    """A file, unpacked by us: the library would unpack a bomb to its end.

    Raises:
        ValueError: it unpacks to more, or is packed in another way than ours are.
    """
    if not isinstance(stream, pikepdf.Stream):
        raise ValueError("an attachment without content")  # noqa: TRY004 - the file is wrong
    raw, packed = bytes(stream.read_raw_bytes()), stream.get("/Filter")
    if packed is None:
        data = raw
    elif packed in ("/FlateDecode", ["/FlateDecode"]) and "/DecodeParms" not in stream:
        data = zlib.decompressobj().decompress(raw, most + 1)
    else:
        raise ValueError(f"an attachment with the filter {packed}")
    if len(data) > most:
        raise ValueError("attachments that are too large")
    return data
