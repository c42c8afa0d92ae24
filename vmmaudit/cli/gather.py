"""Commands that read: a scope, an audit, a pack."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vmmaudit.cli.arguments import (
    ExecutorOption,
    Imports,
    Incremental,
    Language,
    OfflineOption,
    Output,
    Resume,
    ScopeFile,
)
from vmmaudit.cli.outcome import exit_of, finish, settle
from vmmaudit.cli.screen import Exit, prompt, say, tell, write_file
from vmmaudit.errors import UsageError

if TYPE_CHECKING:
    from vmmaudit.audit import Audit


def init(
    domain: Annotated[
        str, typer.Argument(metavar="DOMAIN", help="DNS name of the domain.", show_default=False)
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write (default: print it).")
    ] = None,
    controller: Annotated[
        list[str] | None, typer.Option("--controller", help="A domain controller to ask.")
    ] = None,
    transport: Annotated[str, typer.Option(help="sealed, ldaps or starttls.")] = "sealed",
    ca: Annotated[Path | None, typer.Option(help="The CA's certificate, for TLS.")] = None,
    user: Annotated[str | None, typer.Option(help="Another user than yourself.")] = None,
    secret: Annotated[
        str, typer.Option(help="A reference: sso, ccache, prompt, env:NAME, keyring:service/user.")
    ] = "sso",  # noqa: S107 - names the logon of this session
) -> None:
    """Write a commented scope out of the directory.

    It finds VMM servers, hosts and libraries; read the scope before you use it.
    """
    from vmmaudit import audit as facade
    from vmmaudit import scope as scope_format

    asked = scope_format.parse_domain(
        {
            "name": domain,
            "controllers": controller or [],
            "transport": transport,
            "ca": ca,
            "auth": {"user": user, "secret": secret},
        }
    )
    text = facade.discovery(asked, prompt).scope_text()
    if output is None:
        tell(text.rstrip())
        return
    if output.exists():
        raise UsageError(f"{output} exists already and is not overwritten; name another file.")
    write_file(output, text.encode())
    tell(str(output))


def audit(
    scope: Annotated[
        Path | None,
        typer.Argument(metavar="SCOPE", help="The scope file (YAML).", show_default=False),
    ] = None,
    *,
    demo: Annotated[bool, typer.Option("--demo", help="Use the embedded, made-up site.")] = False,
    evidence: Annotated[
        Path | None, typer.Option("--evidence", help="Replay this pack instead of collecting.")
    ] = None,
    language: Language = "",
    output: Output = Path("output"),
    previous: Annotated[
        Path | None, typer.Option("--previous", help="The last audit's pack, to compare with.")
    ] = None,
    imports: Imports = None,
    offline: OfflineOption = False,
    resume: Resume = False,
    executor: ExecutorOption = None,
    incremental: Incremental = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter", "-p", help="NAME=VALUE for the notebook.", metavar="NAME=VALUE"
        ),
    ] = None,
) -> None:
    """Collect, judge, and write the documents: the whole job."""
    from vmmaudit import audit as facade
    from vmmaudit.runner import check_parameters

    extra = dict(_parameter(text) for text in parameter or [])
    check_parameters("audit", extra)
    if sum((demo, evidence is not None, scope is not None and evidence is None)) != 1:
        raise UsageError("Name a scope file, or --evidence PACK, or --demo.")
    if demo:
        found, interrupted = facade.demo(), False
    elif evidence is not None:
        found, interrupted = facade.replayed(evidence, scope), False
    else:
        assert scope is not None  # noqa: S101 - one of the three was given
        found, interrupted = collected(
            scope,
            output,
            imports,
            offline=offline,
            resume=resume,
            executor=executor,
            incremental=incremental,
        )
    if previous is not None:
        found = replace(found, previous=facade.assessed(previous))
    finish(found, language, output, extra, interrupted=interrupted)


def collect(
    scope: ScopeFile,
    *,
    imports: Imports = None,
    offline: OfflineOption = False,
    resume: Resume = False,
    executor: ExecutorOption = None,
    incremental: Incremental = None,
    output: Output = Path("output"),
) -> None:
    """Read domain and servers into a pack; judge nothing."""
    found, interrupted = collected(
        scope,
        output,
        imports,
        offline=offline,
        resume=resume,
        executor=executor,
        incremental=incremental,
    )
    written = found.save(output)
    if not interrupted:
        settle(found)
    say(f"{len(found.evidence.answers)} answers, {len(found.evidence.gaps)} gaps")
    tell(str(written.folder))
    if interrupted:
        raise typer.Exit(Exit.INTERRUPTED)
    raise typer.Exit(Exit.OK if found.any_domain else exit_of(found))


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"'{text}' is not a parameter; write NAME=VALUE.")
    return name, value


def collected(
    scope: Path,
    output: Path | None,
    imports: Path | None = None,
    *,
    offline: bool = False,
    resume: bool = False,
    executor: str | None = None,
    incremental: Path | None = None,
) -> tuple[Audit, bool]:
    """The audit, and whether somebody interrupted it; what was read by then is kept."""
    from vmmaudit import audit as facade
    from vmmaudit.collect.gather import Interruption
    from vmmaudit.progress import display

    if executor and executor.startswith("dask:"):
        say(
            "vmmaudit: the way to the workers is neither encrypted nor authenticated; "
            "use it in a closed network alone, else tls://."
        )
    interruption = Interruption()
    with display(sys.stderr) as report:
        found = facade.collected(
            scope,
            report,
            interruption,
            prompt,
            imports,
            offline=offline,
            journal=output,
            resume=resume,
            executor=executor,
            incremental=incremental,
        )
    return found, interruption.requested
