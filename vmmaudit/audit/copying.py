"""Copies of a pack for others."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from vmmaudit import pack as packs
from vmmaudit.assessment import Assessment
from vmmaudit.audit.audit import Audit
from vmmaudit.audit.opening import replayed
from vmmaudit.errors import PackError
from vmmaudit.pack import Pack


def pseudonymised(source: Path, output: Path, key: Path) -> tuple[Pack, tuple[str, ...]]:
    """Write a copy of a pack under other names, and the key that maps back.

    Documents are rendered again in the languages they were there in. What is not made from
    evidence and scope (signatures, the logo) is not in the copy.

    Returns:
        The copy, and names that were left since they name nobody by themselves.

    Raises:
        PackError: the key would lie in the copy, or the copy would judge differently.
    """
    from vmmaudit import pseudonyms

    pack = packs.read(source)
    if output.resolve() in key.resolve().parents:
        raise PackError(f"The key {key} would be handed out with the copy; name another place.")
    known = pseudonyms.load(key) if key.exists() else pseudonyms.new()
    real = replayed(source)
    made = pseudonyms.pseudonymise(real.evidence, real.scope, real.assessment, known, real.previous)
    copy = Audit("pseudonymised", made.scope_text, made.scope, made.evidence, None, made.previous)
    differing = _tally(real.assessment) ^ _tally(copy.assessment)
    if differing:
        controls = ", ".join(sorted({control for control, *_ in differing}))
        raise PackError(
            f"The copy would not be judged as the original is ({controls}); nothing was written. "
            "Please report this."
        )
    known.save(key, pack.digest)
    listed = [file["path"] for file in pack.manifest["files"]]
    languages = [name.split(".")[1] for name in listed if name.startswith("report.")]
    if languages:
        chosen = real.languages(",".join(dict.fromkeys(languages)))
        written = copy.write(output, chosen, notebook=packs.NOTEBOOK in listed)
        assert written is not None  # noqa: S101 - an output was named
    else:
        written = copy.save(output, judged=packs.ASSESSMENT in listed)
    return written, made.left


def _tally(assessment: Assessment) -> set[tuple[str, str, str, bool, int]]:
    counts = Counter(
        (j.control, j.verdict.value, j.code, j.waiver is not None) for j in assessment.verdicts
    )
    return {(*kind, count) for kind, count in counts.items()}
