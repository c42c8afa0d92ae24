"""Commands that answer from a pack or a trace."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from vmmaudit.cli.arguments import (
    Language,
    Output,
    PackFolder,
    ScopeOption,
)
from vmmaudit.cli.gather import collected
from vmmaudit.cli.outcome import exit_of, finish, summary
from vmmaudit.cli.screen import Exit, say, tell


def judge(
    pack: PackFolder,
    scope: ScopeOption = None,
    output: Output = Path("output"),
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print assessment.json.")] = False,
) -> None:
    """Judge a pack again, offline, into a new pack.

    The new pack has no documents.
    """
    from vmmaudit import assessment as assessments
    from vmmaudit import audit as facade

    found = facade.replayed(pack, scope)
    if as_json:
        sys.stdout.buffer.write(assessments.dumps(found.assessment))
    else:
        written = found.save(output, judged=True)
        summary(found.assessment)
        tell(str(written.folder))
    raise typer.Exit(exit_of(found))


def report(
    pack: PackFolder,
    scope: ScopeOption = None,
    language: Language = "",
    output: Output = Path("output"),
) -> None:
    """Render a pack's documents again, in any language.

    Nothing is read but the pack.
    """
    from vmmaudit import audit as facade

    finish(facade.replayed(pack, scope), language, output, {})


def explain(
    host: Annotated[str, typer.Argument(metavar="HOST", help="E.g. HYPER07.", show_default=False)],
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="UNC path or name of the ISO file.", show_default=False
        ),
    ],
    *,
    evidence: Annotated[
        Path | None,
        typer.Option("--evidence", help="A pack (default: the newest one in output)."),
    ] = None,
    scope: Annotated[
        Path | None, typer.Option("--scope", help="Collect for this scope now.")
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Use the embedded, made-up site.")] = False,
    language: Annotated[str, typer.Option("--language", "-l", help="de or en.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say why a host can or cannot open an ISO image.

    It names every link of the chain for both identities, and what would mend it.
    """
    from vmmaudit import audit as facade

    if demo:
        found = facade.demo()
    elif scope is not None and evidence is None:
        found, _ = collected(scope, None)
    else:
        source = evidence or facade.newest(Path("output"))
        say(f"from {source}")
        found = facade.replayed(source, scope)
    (chosen,) = found.languages(language)[:1]
    explanation = found.explain(host, file)
    if as_json:
        tell(explanation.to_frame().to_json(orient="records", force_ascii=False, indent=1))
    else:
        for line in explanation.in_words(chosen).splitlines():
            tell(line)
    raise typer.Exit(
        {"yes": Exit.OK, "no": Exit.FAILURES}.get(explanation.ready.value, Exit.NOT_ASSESSABLE)
    )


def diagnose(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="VMM traces, job or event exports, error texts; - is standard input.",
            show_default=False,
        ),
    ],
    *,
    evidence: Annotated[
        Path | None, typer.Option("--evidence", help="A pack to look the failures up in.")
    ] = None,
    language: Annotated[str, typer.Option("--language", "-l", help="de or en.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what failed in VMM's traces, jobs and events.

    It names code and result with their meaning, whose access was refused, and what to look at;
    with a pack, the broken link and its remedy.
    """
    from vmmaudit import audit as facade

    found = facade.diagnosed(files, evidence or "", language)
    if as_json:
        tell(json.dumps(found.data(), indent=1))
    elif sys.stdout.isatty():
        from vmmaudit.diagnosis.shown import on_terminal

        on_terminal(found, sys.stdout)
    else:
        tell(str(found))


def plan(
    pack: PackFolder,
    *,
    host: Annotated[
        list[str] | None,
        typer.Option("--host", metavar="HOST", help="Only this host; may be given again."),
    ] = None,
    library: Annotated[
        list[str] | None,
        typer.Option("--library", metavar="UNC", help="Only this share; may be given again."),
    ] = None,
    scope: ScopeOption = None,
    language: Language = "",
    output: Output = Path("output"),
) -> None:
    """Write what would make hosts ready, and the way back.

    A folder with change.ps1, rollback.ps1 and the change request. Nothing is changed by it.
    """
    from vmmaudit import audit as facade

    found = facade.replayed(pack, scope).plan(host or (), library or ())
    told = replace(found, languages="en")
    say(told.summary)
    for row in found.to_frame().itertuples():
        say(f"{row.step:3}. {row.what}  [{row.who}]")
    for obstacle in told.obstacles:
        say(f"  no simple change mends {obstacle}")
    for proposal in found.plan.proposals:
        say(f"  accounts stand in {proposal.share} one by one; the request proposes groups")
    written = found.write(output, language)
    assert written is not None  # noqa: S101 - an output was named
    tell(str(written.folder))
