"""Audits of what was collected before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import vmmaudit
from vmmaudit import assessment as assessments
from vmmaudit import evidence as evidence_format
from vmmaudit import pack as packs
from vmmaudit import scope as scope_format
from vmmaudit.assessment import Assessment
from vmmaudit.audit.audit import Audit
from vmmaudit.errors import PackError, UsageError
from vmmaudit.scope import Scope

DEMO: Final = Path(vmmaudit.__file__).parent / "demo"


def open_audit(
    scope: str | Path = "", evidence: str | Path = "", previous: str | Path = ""
) -> Audit:
    """The audit of a scope file, of a pack, or the demo where neither is given.

    With a scope alone the evidence is collected now, read-only, which may prompt for a
    password on a terminal; with evidence (a pack's folder or an evidence file) nothing is asked.

    Raises:
        UsageError: an evidence file needs its scope beside it.
    """
    if evidence:
        found = replayed(Path(evidence), Path(scope) if scope else None)
    elif scope:
        from vmmaudit.audit.collecting import collected

        found = collected(Path(scope))
    else:
        found = demo()
    return replace(found, previous=assessed(Path(previous))) if previous else found


def demo() -> Audit:
    """A made-up site with the usual mistakes: offline, the same on every machine."""
    return replayed(DEMO / packs.EVIDENCE, DEMO / packs.SCOPE, name="demo")


def newest(output: Path) -> Path:
    """The pack of an audit in `output` that was written last.

    Raises:
        UsageError: there is none.
    """
    found = max(packs.audits(output), key=packs.age, default=None)
    if found is None:
        raise UsageError(
            f"There is no pack in {output}; name one with --evidence, or a scope with --scope."
        )
    return found


def replayed(source: Path, scope: Path | None = None, name: str = "") -> Audit:
    """The audit of evidence that was collected before.

    Raises:
        PackError: there is none.
        UsageError: an evidence file without a pack around it needs a scope.
    """
    derived_from: str | None = None
    previous: Assessment | None = None
    if not source.exists():
        raise PackError(f"There is no pack {source}.")
    if source.is_dir():
        pack = packs.read(source)
        derived_from = pack.digest
        evidence = pack.evidence()
        scope = scope or source / packs.SCOPE
        name = name or source.name.rpartition("_")[0]
        if (source / packs.PREVIOUS).exists():
            previous = assessed(source / packs.PREVIOUS)
    elif scope is None:
        raise UsageError(
            f"{source} is an evidence file without its pack; name the scope it was collected for."
        )
    else:
        evidence = evidence_format.load(source)
    text, loaded = stored_scope(scope, packed=source.is_dir() and scope == source / packs.SCOPE)
    return Audit(name or scope.stem, text, loaded, evidence, derived_from, previous)


def assessed(source: Path) -> Assessment:
    """The assessment as it stands in a pack (or an `assessment.json`): what was signed then.

    A pack that was only collected is judged now.

    Raises:
        PackError: there is none, or the pack was changed.
    """
    if not source.exists():
        raise PackError(f"There is no pack {source}.")
    if source.is_dir():
        packs.read(source)
        if not (source / packs.ASSESSMENT).exists():  # collected, and never judged
            return replayed(source).assessment
        source = source / packs.ASSESSMENT
    try:
        return assessments.loads(source.read_bytes(), str(source))
    except OSError as error:
        raise PackError(f"{source} cannot be read: {error.strerror or error}.") from error


def stored_scope(path: Path, *, packed: bool = False) -> tuple[str, Scope]:
    """A scope file as a pack stores it: lists of waivers, logo and templates written into it.

    Raises:
        PackError: it comes with a pack and names files, which are this machine's.
    """
    from vmmaudit.branding import inlined
    from vmmaudit.waivers import merged

    loaded = scope_format.load(path)
    brand = loaded.branding
    logo = brand.logo and not brand.logo.startswith("data:")
    templates = brand.templates and isinstance(brand.templates, str)
    if packed and (logo or templates or loaded.waivers_file):
        raise PackError(
            f"{path} names files outside of its pack, which no pack written by vmmaudit does."
        )
    text = path.read_text(encoding="utf-8-sig")
    whole = inlined(text, loaded.branding)
    if loaded.waivers_file:
        whole = merged(whole, str(path), path.parent)
    if whole == text:
        return text, loaded
    return whole, scope_format.parse(whole, str(path), path.parent)
