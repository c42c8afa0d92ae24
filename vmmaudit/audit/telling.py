"""What packs tell over time, and what traces tell beside a pack."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vmmaudit import pack as packs
from vmmaudit.audit.opening import DEMO, assessed, demo, replayed
from vmmaudit.errors import AuditError, UsageError

if TYPE_CHECKING:
    from vmmaudit.diagnosis import Diagnosis
    from vmmaudit.trend import Development


def developed(folder: str | Path, name: str = "", language: str = "en") -> Development:
    """The numbers of all packs in a folder, by scope name and in time order.

    Args:
        folder: where the packs are.
        name: only the packs of this scope name.
        language: of the words that the result is shown in.

    Raises:
        UsageError: there is no pack, or none of that scope name.
    """
    from vmmaudit.trend import Development, series

    folder = Path(folder)

    found, problems = [], []
    for pack in sorted(packs.audits(folder), key=packs.age):
        if name and pack.name.rpartition("_")[0] != name:
            continue
        try:
            found.append((pack.name, assessed(pack)))
        except AuditError as error:
            problems.append(str(error))
    if not found:
        named = f" of the scope '{name}'" if name else ""
        raise UsageError("\n".join([f"There is no readable pack{named} in {folder}.", *problems]))
    return Development(series(found), tuple(problems), language)


def diagnosed(
    files: str | Path | Sequence[str | Path] = "", evidence: str | Path = "", language: str = "en"
) -> Diagnosis:
    """What failed in VMM traces, job exports or event exports (`-` is standard input).

    With evidence (a pack) each failure is looked up in its assessment. Without any file the
    embedded sample is read, beside the made-up site.

    Raises:
        UsageError: a file cannot be read, or there are no texts in that language.
        PackError: there is no such pack, or it was changed.
    """
    from vmmaudit.controls.texts import languages
    from vmmaudit.diagnosis import diagnose, opened

    if language not in languages():
        raise UsageError(
            f"There are no texts in '{language}'; choose from {', '.join(languages())}."
        )
    named = [files] if isinstance(files, str | Path) else list(files)
    named = [name for name in named if str(name)]
    assessment = None
    if evidence:
        source = Path(evidence)
        beside = source.parent / packs.SCOPE
        scope = beside if source.is_file() and beside.is_file() else None
        assessment = replayed(source, scope).assessment
    elif not named:
        assessment = demo().assessment
    if not named:
        return diagnose([opened(str(DEMO / "trace.log"), "trace.log")], assessment, language)
    return diagnose((opened(str(name)) for name in named), assessment, language)
