"""How the documents look for a customer: logo and templates as part of the scope.

`branding.logo` names a picture and `branding.templates` a folder with those files of
`templates/` that differ. Both are written into the scope text that a pack stores, so that
its documents can be rendered again anywhere, and are covered by its digest.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

from vmmaudit.errors import ScopeError
from vmmaudit.scope import Branding

_TYPES: Final = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}
_DATA: Final = re.compile(r"data:(image/(?:png|jpeg));base64,([A-Za-z0-9+/=\s]+)")
_LIMIT: Final = 2**20
"""Bytes of a logo or a template."""


def inlined(text: str, branding: Branding) -> str:
    """The scope text with logo and templates in place of their paths.

    Args:
        text: the scope file.
        branding: what it says, with absolute paths.

    Raises:
        ScopeError: a picture or a template cannot be read, or is none.
    """
    files = isinstance(branding.templates, str) and branding.templates
    picture = branding.logo and not _DATA.fullmatch(branding.logo)
    if not files and not picture:
        return text
    yaml = YAML(typ="rt", pure=True)
    yaml.width = 1_000
    document = yaml.load(text)
    if picture:
        content, kind = logo(branding)
        document["branding"]["logo"] = f"data:{kind};base64,{base64.b64encode(content).decode()}"
    if files:
        document["branding"]["templates"] = {
            name: LiteralScalarString(content) for name, content in templates(branding).items()
        }
    buffer = io.StringIO()
    yaml.dump(document, buffer)
    return buffer.getvalue()


def logo(branding: Branding) -> tuple[bytes, str]:
    """The picture and its media type; empty without one.

    Raises:
        ScopeError: it cannot be read, or is neither PNG nor JPEG.
    """
    if not branding.logo:
        return b"", ""
    found = _DATA.fullmatch(branding.logo)
    if found:
        try:
            return base64.b64decode(found[2], validate=False), found[1]
        except binascii.Error as error:
            raise ScopeError("branding.logo: the picture's base64 is damaged.") from error
    path = Path(branding.logo)
    kind = _TYPES.get(path.suffix.lower())
    if kind is None:
        raise ScopeError(f"The logo {path} is not a PNG or JPEG picture.")
    return _read(path, "logo"), kind


def templates(branding: Branding) -> Mapping[str, str]:
    """The customer's own templates by their path under `templates/`.

    Raises:
        ScopeError: the folder or a file in it cannot be read, or is no text.
    """
    if not isinstance(branding.templates, str):
        return dict(branding.templates)
    if not branding.templates:
        return {}
    folder = Path(branding.templates)
    if not folder.is_dir():
        raise ScopeError(f"branding.templates: there is no folder {folder}.")
    found = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.name.startswith("."):
            continue
        name = path.relative_to(folder).as_posix()
        try:
            found[name] = _read(path, "template").decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            raise ScopeError(f"The template {path} is not UTF-8 text.") from error
    return found


def _read(path: Path, what: str) -> bytes:
    try:
        if path.stat().st_size > _LIMIT:
            raise ScopeError(f"The {what} {path} is larger than 1 MB; make it smaller.")
        return path.read_bytes()
    except OSError as error:
        raise ScopeError(f"The {what} {path} cannot be read: {error.strerror or error}.") from error
