"""The list of files that the script writes last: what was read, when, by whom, and each digest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vmmaudit.imports.record import ImportsError

NAME: Final = "manifest.json"


@dataclass(frozen=True, slots=True)
class Manifest:
    """One run of the script.

    Attributes:
        started: UTC, ISO 8601, as written.
        ended: likewise.
        host: the machine it ran on.
        user: who ran it, with `user_sid`.
        files: those that are there unchanged.
    """

    version: str
    started: str
    ended: str
    host: str
    user: str
    user_sid: str
    files: tuple[Path, ...]


def read(folder: Path) -> Manifest:
    """The manifest of a folder, once every file in it has been found unchanged.

    Raises:
        ImportsError: there is none, or a file is missing, altered, or not listed.
    """
    path = folder / NAME
    try:
        found = json.loads(path.read_bytes().decode("utf-8-sig"))
        files = tuple(_unchanged(folder, entry) for entry in found["Files"])
        version, started, ended, host, user, sid = (
            str(found[name])
            for name in ("ScriptVersion", "StartUtc", "EndUtc", "Host", "User", "UserSid")
        )
        manifest = Manifest(version, started, ended, host, user, sid, files)
        others = {file.name for file in folder.glob("*.json")} - {file.name for file in files}
    except OSError as error:
        raise ImportsError(
            f"{error.filename or path} cannot be read ({error.strerror or error}); hand over the "
            "whole folder that collect.ps1 wrote."
        ) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ImportsError(f"{path.name} is not what collect.ps1 writes; run it again.") from error
    if others - {NAME}:
        raise ImportsError(
            f"{min(others - {NAME})} is not listed in {NAME}; hand over the folder as written."
        )
    return manifest


def _unchanged(folder: Path, entry: dict[str, object]) -> Path:
    name = str(entry["Name"])
    if Path(name).name != name or "\\" in name or not name.endswith(".json"):
        raise ValueError(name)
    path = folder / name
    if hashlib.sha256(path.read_bytes()).hexdigest() != str(entry["SHA256"]).lower():
        raise ImportsError(
            f"{name} was changed after collect.ps1 had written it; hand over the folder as written."
        )
    return path
