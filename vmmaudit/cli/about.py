"""Commands about the tool and its surroundings."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from vmmaudit import __version__
from vmmaudit.cli.arguments import (
    ScopeFile,
)
from vmmaudit.cli.screen import Exit, prompt, tell
from vmmaudit.errors import UsageError


def controls(
    language: Annotated[str, typer.Option("--language", "-l", help="de or en.")] = "en",
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the whole catalogue as a document.")
    ] = False,
) -> None:
    """Print the catalogue of controls.

    Each with its id, version, severity, origin and title.
    """
    from vmmaudit.controls import CATALOGUE
    from vmmaudit.controls.texts import Texts, languages

    if language not in languages():
        raise UsageError(
            f"There are no texts in '{language}'; choose from {', '.join(languages())}."
        )
    texts = Texts.load(language)
    rows = [
        {
            "id": control.id,
            "version": control.version,
            "severity": control.severity.value,
            "origin": control.origin.value,
            "title": texts.control(control.id).title,
        }
        for control in CATALOGUE
    ]
    if as_markdown:
        from vmmaudit.controls.handbook import markdown

        tell(markdown(CATALOGUE, texts).rstrip())
        return
    if as_json:
        tell(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for row in rows:
        head = f"{row['id']:8} v{row['version']}  {row['severity']:9} {row['origin']:9}"
        tell(f"{head} {row['title']}")


def doctor(
    scope: ScopeFile,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Try what an audit needs from here, and say what helps."""
    from dataclasses import asdict

    from vmmaudit import audit as facade

    checks = []
    for check in facade.examined(scope, prompt):
        checks.append(check)
        if not as_json:
            sign = {True: "ok", False: "NO", None: "-"}[check.works]
            tell(f"{sign:3} {check.target}: {check.what}: {check.sentence}")
    if as_json:
        tell(json.dumps([asdict(check) for check in checks], ensure_ascii=False, indent=1))
    readable = any(check.what == "directory" and check.works for check in checks)
    if not readable:
        raise typer.Exit(Exit.NO_DOMAIN)
    if any(check.works is False for check in checks):
        raise typer.Exit(Exit.NOT_ASSESSABLE)


def schema(
    name: Annotated[str, typer.Argument(help="scope or assessment")] = "scope",
) -> None:
    """Print the JSON Schema of a published format."""
    from vmmaudit import schemas

    tell(json.dumps(schemas.by_name(name), ensure_ascii=False, indent=1))


def version() -> None:
    """Print the version, and the commit of the source."""
    from vmmaudit.commit import commit

    tell(f"vmmaudit {__version__} (commit {commit() or 'not known'})")


def print_version(wanted: bool) -> None:
    """What `--version` does: print it, and nothing else."""
    if wanted:
        version()
        raise typer.Exit
