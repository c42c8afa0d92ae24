"""Commands that put something where the user works: workbench, notebooks, the reading script."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vmmaudit.cli.arguments import (
    ScopeOption,
)
from vmmaudit.cli.screen import say, tell


def explore(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="PACK|SCOPE",
            help="A pack's folder, an evidence file, or a scope file to collect for.",
            show_default=False,
        ),
    ] = None,
    *,
    scope: ScopeOption = None,
    language: Annotated[str, typer.Option("--language", "-l", help="de or en.")] = "",
    browser: Annotated[bool, typer.Option(help="Open a browser.")] = True,
    port: Annotated[int | None, typer.Option(help="Where JupyterLab listens.")] = None,
) -> None:
    """Look around in a pack by hand, in JupyterLab.

    Without a pack it is the made-up site.
    """
    from vmmaudit.explore import lab

    written = lab.own_copy(Path(), lab.parameters(source, scope, language))
    say(f"{written} is yours; what you change in it stays.")
    raise typer.Exit(lab.start(written, browser=browser, port=port))


def notebooks(
    destination: Annotated[
        Path, typer.Argument(metavar="DEST", help="The folder to copy to.", show_default=False)
    ],
) -> None:
    """Copy the notebooks into a folder of your own.

    Nothing there is overwritten.
    """
    from vmmaudit.explore import lab

    for path, copied in lab.copy_notebooks(destination):
        if copied:
            tell(str(path))
        else:
            say(f"{path} is there already and was left as it is.")


def collector(
    destination: Annotated[
        Path, typer.Argument(metavar="DEST", help="The folder to write to.", show_default=False)
    ],
    scope: Annotated[
        Path | None, typer.Option("--scope", help="Write what this scope needs to be read, too.")
    ] = None,
) -> None:
    """Write the script for sites that give you no rights.

    Their administrators run it (PowerShell, read-only) and hand over what it wrote.
    """
    from vmmaudit import collector as scripts
    from vmmaudit import scope as scopes

    wanted = scopes.load(scope) if scope is not None else None
    for path in scripts.write(destination, wanted):
        tell(str(path))
