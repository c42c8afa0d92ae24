"""What came out of an audit: its pack, its summary, its exit code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from vmmaudit.cli.screen import Exit, say, tell

if TYPE_CHECKING:
    from vmmaudit.assessment import Assessment
    from vmmaudit.audit import Audit


def finish(
    found: Audit, language: str, output: Path, extra: dict[str, str], *, interrupted: bool = False
) -> None:
    """Judge, execute the notebook, render, write the pack, and say what came out."""
    if interrupted:
        say("vmmaudit: interrupted; what was read by then is kept, the rest are gaps.")
        tell(str(found.save(output).folder))
        raise typer.Exit(Exit.INTERRUPTED)
    languages = found.languages(language)
    written = found.write(output, languages, notebook=True, parameters=extra)
    assert written is not None  # noqa: S101 - an output was named
    settle(found)
    summary(found.assessment)
    for file in sorted(written.folder.iterdir()):
        if file.suffix in (".pdf", ".html"):
            tell(str(file))
    raise typer.Exit(exit_of(found))


def settle(found: Audit) -> None:
    """The pack is written: what would have continued the run is not needed any more."""
    if found.journal:
        found.journal.unlink(missing_ok=True)


def exit_of(found: Audit) -> Exit:
    """The exit code that the verdicts ask for; why, where no domain could be read."""
    from vmmaudit.assessment import Verdict

    if not found.any_domain:
        for sentence in found.domain_problems():
            say(f"vmmaudit: no domain could be read: {sentence}")
        return Exit.NO_DOMAIN
    open_verdicts = {j.verdict for j in found.assessment.verdicts if j.waiver is None}
    if Verdict.FAIL in open_verdicts:
        return Exit.FAILURES
    return Exit.NOT_ASSESSABLE if Verdict.NOT_ASSESSABLE in open_verdicts else Exit.OK


_PAIRS: Final = 20


"""So many pairs that are not ready are named on the screen."""


def summary(assessment: Assessment) -> None:
    """Say how many verdicts of each kind there are, and which pairs are not ready."""
    from vmmaudit.assessment import Ternary, Verdict

    counts = assessment.counts()
    say("  ".join(f"{verdict.value} {counts[verdict]}" for verdict in Verdict))
    ready = [entry.ready for entry in assessment.readiness]
    say(
        f"{ready.count(Ternary.YES)} of {len(ready)} pairs of host and share are ready, "
        f"{ready.count(Ternary.NO)} are not, {ready.count(Ternary.UNKNOWN)} could not be assessed"
    )
    broken = [entry for entry in assessment.readiness if entry.broken]
    for entry in broken[:_PAIRS]:
        say(f"  {entry.host} -> {entry.share}: {', '.join(entry.broken)}")
    if len(broken) > _PAIRS:
        say(f"  and {len(broken) - _PAIRS} more, which the report's matrix shows")
