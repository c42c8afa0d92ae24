"""The folder of one run: named, written whole or not at all, read back and checked.

    evidence.jsonl.gz  scope.yaml  assessment.json  oscal.json  audit.ipynb
    report.de.pdf  report.de.html  report.de.docx  workbook.de.xlsx  verdicts.de.csv  …
    manifest.json  signatures/1-auditor/…

`manifest.json` lists every other file with size and SHA-256, but the signatures, which are
added later. A pack is never changed: judging or rendering again makes a new one with
`derived_from`.
"""

from __future__ import annotations

import errno
import hashlib
import json
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vmmaudit import evidence as evidence_format
from vmmaudit import scope as scope_format
from vmmaudit.disk import sync_folder, write_new
from vmmaudit.display import framed, properties, table
from vmmaudit.errors import PackError
from vmmaudit.evidence import Evidence
from vmmaudit.scope import Scope

if TYPE_CHECKING:
    import pandas as pd

EVIDENCE: Final = "evidence.jsonl.gz"
SCOPE: Final = "scope.yaml"
ASSESSMENT: Final = "assessment.json"
OSCAL: Final = "oscal.json"
PREVIOUS: Final = "previous.json"
NOTEBOOK: Final = "audit.ipynb"
MANIFEST: Final = "manifest.json"
FORMAT: Final = 1
_PARTIAL: Final = ".partial-"
_UNFIT: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f\ud800-\udfff]+')


@dataclass(frozen=True, slots=True, repr=False)
class Pack:
    """A finished pack on disk.

    pack.folder          # where it is
    pack.to_frame()      # its files, each with size and SHA-256
    pack.digest          # names the whole of it, as signatures do
    """

    folder: Path
    manifest: Mapping[str, Any]

    @property
    def of_audit(self) -> bool:
        """Whether it holds evidence; a planned change and its proof only follow from a pack."""
        return any(file["path"] == EVIDENCE for file in self.manifest["files"])

    def evidence(self) -> Evidence:
        """The evidence of this pack, checked.

        Raises:
            PackError: it holds none, or it is damaged.
        """
        if not self.of_audit:
            raise PackError(
                f"{self.folder} follows from an audit and holds no evidence: name the audit's pack."
            )
        return evidence_format.load(self.folder / EVIDENCE)

    def scope(self) -> Scope:
        """The scope of this pack."""
        return scope_format.load(self.folder / SCOPE)

    def scope_text(self) -> str:
        """The scope file as it was given."""
        return (self.folder / SCOPE).read_text(encoding="utf-8")

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest: names the whole pack."""
        return hashlib.sha256((self.folder / MANIFEST).read_bytes()).hexdigest()

    def to_frame(self) -> pd.DataFrame:
        """One row per file of the manifest, whose words these are."""
        import pandas as pd  # noqa: PLC0415 - costs 0.3 s

        return pd.DataFrame(self.manifest["files"], columns=["path", "size", "sha256"])

    def _repr_html_(self) -> str:
        told = ("tool", "moment", "derived_from")
        about = {name: self.manifest[name] for name in told if self.manifest.get(name)}
        files = table(self.to_frame())
        return framed(properties({"folder": self.folder, **about}), files)

    def __repr__(self) -> str:
        return f"<Pack {self.folder}: {len(self.manifest['files'])} files>"


def name_of(scope_name: str, moment: datetime) -> str:
    """`<scope>_<UTC>`, fit for every file system: no colon, no path, not too long."""
    clean = _UNFIT.sub("-", scope_name).strip(" .-")[:60] or "audit"
    return f"{clean}_{moment.astimezone(UTC):%Y-%m-%dT%H%M%SZ}"


def write(
    output: Path,
    name: str,
    files: Mapping[str, bytes],
    *,
    tool: str,
    moment: datetime,
    derived_from: str | None = None,
    commit: str = "",
) -> Pack:
    """Write all files and the manifest under a temporary name, then rename the folder.

    An existing pack is never overwritten: the new one gets a number behind its name.

    Raises:
        PackError: the disk is full, or the folder cannot be written; nothing is left behind.
    """
    manifest = {
        "format": FORMAT,
        "tool": tool,
        **({"commit": commit} if commit else {}),
        "moment": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "derived_from": derived_from,
        "files": [
            {"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for path, data in sorted(files.items())
        ],
    }
    listing = json.dumps(manifest, ensure_ascii=False, indent=1).encode() + b"\n"
    try:
        output.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=output))
    except OSError as error:
        raise _cannot_write(output, error) from error
    try:
        for path, data in {**files, MANIFEST: listing}.items():
            write_new(partial / path, data)
        sync_folder(partial)
        folder = _rename(partial, output, name)
        sync_folder(output)
    except BaseException as error:
        shutil.rmtree(partial, ignore_errors=True)
        if isinstance(error, OSError):
            raise _cannot_write(output, error) from error
        raise
    return Pack(folder, manifest)


def read(folder: Path) -> Pack:
    """Open a pack and check every file against its manifest.

    Raises:
        PackError: it is no pack, a file is missing, or one was changed.
    """
    pack, problems = examine(folder)
    if problems:
        raise PackError(problems[0])
    return pack


def examine(folder: Path) -> tuple[Pack, tuple[str, ...]]:
    """A pack, and a sentence for every file that is missing or was changed.

    Raises:
        PackError: it is no pack, or of a newer format.
    """
    pack = _opened(folder)
    problems = []
    for file in pack.manifest["files"]:
        path = file["path"]
        try:
            with _opened_own(folder / path) as opened:
                found = hashlib.file_digest(opened, "sha256").hexdigest()
        except OSError:
            problems.append(f"{folder / path} is missing or cannot be read.")
            continue
        if found != file["sha256"]:
            problems.append(f"{folder / path} was changed after the pack was written.")
    return pack, tuple(problems)


def audits(output: Path) -> Iterator[Path]:
    """The packs of audits in a folder; what only follows from an audit is passed over.

    A damaged manifest is not: who opens its pack says what is wrong.
    """
    for manifest in output.glob(f"[!.]*/{MANIFEST}"):  # one with a dot was not finished
        try:
            wanted = _opened(manifest.parent).of_audit
        except PackError:
            wanted = True
        if wanted:
            yield manifest.parent


def age(pack: Path) -> tuple[float, str]:
    """What sorts packs by when they were written, the oldest first."""
    return (pack / MANIFEST).stat().st_mtime, pack.name


def _opened(folder: Path) -> Pack:
    """A pack whose files nobody has looked at yet."""
    try:
        manifest = json.loads(read_own(folder / MANIFEST))
        listed = {file["path"]: file["sha256"] for file in manifest["files"]}
        newer = manifest["format"] > FORMAT
    except OSError as error:
        raise PackError(
            f"{folder} is not a pack: {MANIFEST} cannot be read ({error.strerror})."
        ) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise PackError(f"{folder / MANIFEST} is damaged: it is not a list of files.") from error
    if newer:
        raise PackError(f"{folder} is of a newer format; use a newer vmmaudit to read it.")
    for path in listed:
        if not isinstance(path, str) or _UNFIT.search(path) or path in ("", ".", ".."):
            raise PackError(f"{folder / MANIFEST} names '{path}', which is not a file of the pack.")
    return Pack(folder, manifest)


def read_own(path: Path) -> bytes:
    """A file of a pack, which is neither a link to what lies elsewhere nor a pipe nor a device.

    A pack comes from somebody else: what it links to is this machine's, and may never end.

    Raises:
        OSError: it cannot be read, or is no plain file.
    """
    with _opened_own(path) as file:
        return file.read()


def _opened_own(path: Path) -> BufferedReader:
    if not stat.S_ISREG(path.lstat().st_mode):
        raise OSError(errno.EINVAL, "it is a link or a device, not a file", str(path))
    return path.open("rb")


def write_file(path: Path, data: bytes) -> None:
    """Write one file whole or not at all, for its owner alone; what stood there is replaced.

    Raises:
        OSError: it cannot be written; what stood there still stands.
    """
    folder = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=path.parent))
    try:
        write_new(folder / path.name, data)
        (folder / path.name).replace(path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sync_folder(path.parent)


def _rename(partial: Path, output: Path, name: str) -> Path:
    number = 1
    while True:
        folder = output / (name if number == 1 else f"{name}-{number}")
        number += 1
        if folder.exists():
            continue
        try:
            partial.rename(folder)
        except OSError as error:  # another run took the name in between
            if error.errno in (errno.EEXIST, errno.ENOTEMPTY):
                continue
            raise
        return folder


def _cannot_write(output: Path, error: OSError) -> PackError:
    return PackError(
        f"The pack cannot be written to {output}: {error.strerror or error}. "
        "Nothing was left behind; name another folder with --output or make room."
    )
