"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ScopeFile = Annotated[
    Path, typer.Argument(metavar="SCOPE", help="The scope file (YAML).", show_default=False)
]
PackFolder = Annotated[
    Path,
    typer.Argument(
        metavar="PACK", help="A pack's folder, or an evidence file.", show_default=False
    ),
]
Language = Annotated[
    str, typer.Option("--language", "-l", help="Languages of the documents, e.g. de,en.")
]
Output = Annotated[Path, typer.Option("--output", "-o", help="Where packs are written.")]
Imports = Annotated[
    Path | None,
    typer.Option("--imports", help="A folder of exports, for what the servers refuse."),
]
OfflineOption = Annotated[
    bool, typer.Option("--offline", help="Ask no server; only read --imports.")
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with a run of this scope that was cut off.")
]
ExecutorOption = Annotated[
    str | None,
    typer.Option(
        "--executor",
        metavar="URL",
        help="Have workers of a Dask cluster read: tls://HOST:PORT, or dask://HOST:PORT in clear.",
    ),
]
Incremental = Annotated[
    Path | None,
    typer.Option(
        "--incremental",
        metavar="PACK",
        help="Take the permissions of files that have not changed from this earlier pack.",
    ),
]
ScopeOption = Annotated[
    Path | None, typer.Option("--scope", help="Another scope than the pack's own.")
]
