"""Words, progress and exit codes; everything else is in `vmmaudit.audit`.

Exit: 0 all well (warnings and waived failures included) · 1 usage or scope · 2 no domain
could be read · 3 a failure · 4 no failure, but something not assessable · 5 internal error ·
6 verification failed · 130 interrupted.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
from typing import Annotated

import typer
from typer.exceptions import TyperException

from vmmaudit import interruption
from vmmaudit.cli import about, answer, bring, compare, gather, hand_over
from vmmaudit.cli.screen import Exit, say
from vmmaudit.errors import AuditError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Audit, read-only, whether Hyper-V hosts can use ISO images shared from a VMM library.",
    epilog="Exit: 0 ok, 1 usage or scope, 2 no domain readable, 3 failures, 4 something could "
    "not be assessed, 5 internal error, 6 verification failed, 130 interrupted.",
)


for command in (
    *(gather.init, gather.audit, gather.collect),
    *(answer.judge, answer.report, answer.explain, answer.diagnose, answer.plan),
    *(bring.explore, bring.notebooks, bring.collector),
    *(compare.diff, compare.trend),
    *(hand_over.pseudonymise, hand_over.sign, hand_over.verify),
    *(about.controls, about.doctor, about.schema, about.version),
):
    app.command()(command)


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=about.print_version,
            is_eager=True,
            help="Print version and commit, and exit.",
        ),
    ] = False,
) -> None:
    """What goes before a command."""
    del version


def main() -> None:
    """The entry point of the process."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.ERROR)
    gc.set_threshold(50_000, 20, 100)  # a large site is millions of values, and none is a cycle
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(encoding="utf-8", errors="backslashreplace")
    interruption.listen()
    code = run()
    interruption.ending()
    gc.freeze()  # what is left ends with the process, and need not be looked through first
    sys.exit(code)


def run() -> int:
    """Do what `sys.argv` asks for: every error becomes one sentence and one exit code."""
    try:
        code = app(standalone_mode=False)
        if code == Exit.INTERRUPTED and not isinstance(code, Exit):  # typer's word, not ours
            say("vmmaudit: interrupted; nothing was written.")
    except AuditError as error:
        say(f"vmmaudit: {error}")
        code = error.exit_code
    except TyperException as error:
        say(f"vmmaudit: {error.format_message().rstrip('.')}. See {_asked(error)} --help.")
        code = Exit.USAGE
    except (KeyboardInterrupt, typer.Abort):
        say("vmmaudit: interrupted; nothing was written.")
        code = Exit.INTERRUPTED
    except BrokenPipeError:
        code = Exit.OK
    except Exception as error:
        code = _unexpected(error)
    return int(code or 0)


def _asked(error: TyperException) -> str:
    """The command that was typed, as far as it is known."""
    context = getattr(error, "ctx", None)
    return f"vmmaudit {context.info_name}" if context and context.parent else "vmmaudit"


def _unexpected(error: Exception) -> int:
    """Nobody foresaw this; say so without a traceback, unless one is asked for."""
    say(
        f"vmmaudit: internal error: {type(error).__name__}: {error}. Please report it together "
        "with what you typed; VMMAUDIT_DEBUG=1 shows where it happened."
    )
    if os.environ.get("VMMAUDIT_DEBUG"):
        raise error
    return Exit.INTERNAL
