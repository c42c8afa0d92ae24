"""The signatures of a pack on disk: one folder per signature, written whole, never changed.

    signatures/1-auditor/   report.de.pdf  report.en.pdf  manifest.p7s
    signatures/2-reviewer/  …

Each PDF continues the one before it byte for byte (PDF's incremental update), so the last
stage carries all signatures and each earlier one still stands. `manifest.p7s` is a detached
CMS signature over the pack's manifest.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vmmaudit.disk import sync_folder, write_new
from vmmaudit.scope import Role
from vmmaudit.seal.errors import SealError

FOLDER: Final = "signatures"
CMS: Final = "manifest.p7s"
_NAME: Final = re.compile(rf"([1-9])-({'|'.join(Role)})")


@dataclass(frozen=True, slots=True)
class Stage:
    """One signature: whose, the how-manieth, and where its files are."""

    number: int
    role: Role
    folder: Path


def stages(pack: Path) -> tuple[Stage, ...]:
    """The signatures of a pack in the order they were made."""
    found = []
    for folder in sorted((pack / FOLDER).glob("*")):
        named = _NAME.fullmatch(folder.name)
        if named:
            found.append(Stage(int(named[1]), Role(named[2]), folder))
    return tuple(sorted(found, key=lambda stage: stage.number))


def add(pack: Path, role: Role, files: Mapping[str, bytes]) -> Stage:
    """Write the next stage whole or not at all.

    Raises:
        SealError: somebody else signed in between, or the folder cannot be written.
    """
    number = len(stages(pack)) + 1
    root = pack / FOLDER
    folder = root / f"{number}-{role.value}"
    try:
        root.mkdir(exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=root))
    except OSError as error:
        raise _cannot_write(root, error) from error
    try:
        for name, data in files.items():
            write_new(partial / name, data)
        sync_folder(partial)
        partial.rename(folder)
        sync_folder(root)
        sync_folder(pack)
    except BaseException as error:
        shutil.rmtree(partial, ignore_errors=True)
        if isinstance(error, OSError):
            raise _cannot_write(root, error) from error
        raise
    if len(stages(pack)) != number:
        shutil.rmtree(folder, ignore_errors=True)
        raise SealError("Somebody else signed this pack at the same moment; sign again.")
    return Stage(number, role, folder)


def reports(manifest: Mapping[str, object]) -> tuple[str, ...]:
    """The file names of the PDF reports that a manifest lists."""
    files = manifest["files"]
    assert isinstance(files, list)  # noqa: S101 - pack.read has looked
    return tuple(
        file["path"]
        for file in files
        if file["path"].startswith("report.") and file["path"].endswith(".pdf")
    )


def _cannot_write(root: Path, error: OSError) -> SealError:
    return SealError(
        f"The signature cannot be written to {root}: {error.strerror or error}. "
        "Nothing was left behind."
    )
