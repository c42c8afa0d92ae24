"""Where the files beside the code are: in a checkout, or inside the installed package."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from jinja2 import BaseLoader, ChoiceLoader, DictLoader, FileSystemLoader

from vmmaudit.branding import templates
from vmmaudit.errors import AuditError, ScopeError
from vmmaudit.scope import Branding

_PACKAGE: Final = Path(__file__).resolve().parent.parent


def data_folder(name: str) -> Path:
    """The folder `name` (`templates`, `notebooks`): the checkout's, else the wheel's.

    Raises:
        AuditError: it is in neither place, so the installation is damaged.
    """
    checkout, installed = _PACKAGE.parent / name, _PACKAGE / "_data" / name
    if checkout.is_dir() and (_PACKAGE.parent / "pyproject.toml").is_file():
        return checkout
    if installed.is_dir():
        return installed
    raise AuditError(
        f"The folder '{name}' is missing from this installation; install vmmaudit again."
    )


def own_templates(branding: Branding) -> Mapping[str, str]:
    """The customer's own templates, each of which takes the place of one of ours.

    Raises:
        ScopeError: one that takes no place, or cannot be read.
    """
    found, folder = templates(branding), data_folder("templates")
    for name in found:
        if PurePosixPath(name).is_absolute() or ".." in name or not (folder / name).is_file():
            raise ScopeError(
                f"branding.templates: {name} takes the place of no template; keep the folders and "
                "names of templates/."
            )
    return found


def template_loader(name: str, own: Mapping[str, str]) -> BaseLoader:
    """Loads the templates of the folder `name`, the customer's own first."""
    prefix = f"{name}/"
    first = {key.removeprefix(prefix): text for key, text in own.items() if key.startswith(prefix)}
    return ChoiceLoader([DictLoader(first), FileSystemLoader(data_folder("templates") / name)])


def template_files(name: str, own: Mapping[str, str]) -> dict[str, bytes]:
    """All files of the folder `name`, the customer's own in place of ours."""
    folder = data_folder("templates") / name
    return {
        path.name: own[f"{name}/{path.name}"].encode()
        if f"{name}/{path.name}" in own
        else path.read_bytes()
        for path in sorted(folder.iterdir())
        if path.is_file()
    }


def font_folder() -> Path:
    """The shipped fonts, so that a document looks the same on every system."""
    return _PACKAGE / "_fonts"
