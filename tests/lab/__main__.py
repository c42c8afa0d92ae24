"""`python -m tests.lab`: bring a lab up, take it down, run a command in it."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from types import FrameType

from tests.lab import namespaces, recipe
from tests.lab.namespaces import Holder, LabError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    options, command = _parse(list(sys.argv[1:] if arguments is None else arguments))
    signal.signal(signal.SIGTERM, _terminated)
    try:
        match options.what:
            case "up":
                return _up(options.name, fresh=options.fresh)
            case "down":
                return _down(namespaces.registered() if options.all else [options.name])
            case "sweep":
                for name in namespaces.sweep():
                    print(f"lab {name} was dead: removed what it left")
                return 0
            case "shell":
                command = [os.environ.get("SHELL", "/bin/sh")]
        return _exec(options.name, options.machine, command)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parse(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__)
    what = parser.add_subparsers(dest="what", required=True)
    up = what.add_parser("up", help="start a lab that stays")
    up.add_argument("--fresh", action="store_true", help="build from nothing")
    down = what.add_parser("down", help="end a lab")
    down.add_argument("--all", action="store_true", help="end every lab of this machine")
    what.add_parser("sweep", help="remove what dead labs left")
    shell = what.add_parser("shell", help="a shell on the auditor's workstation")
    run = what.add_parser("exec", help="run a command in a lab: exec [options] -- COMMAND…")
    for one in (up, down, shell):
        one.add_argument("--name", default="default")
    run.add_argument("--name", help="a running lab to use, or the name of a new one")
    for one in (shell, run):
        one.add_argument("--machine", default="auditor", choices=sorted(recipe.MACHINES))
    command: list[str] = []
    if "--" in arguments:
        cut = arguments.index("--")
        arguments, command = arguments[:cut], arguments[cut + 1 :]
    options = parser.parse_args(arguments)
    if (options.what == "exec") is not bool(command):
        parser.error("a command after -- belongs to exec, and exec needs one")
    return options, command


def _terminated(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _up(name: str, *, fresh: bool) -> int:
    if namespaces.find(name):
        print(f"lab {name} is running already")
        return 0
    holder = namespaces.raise_lab(name, bound=False, fresh=fresh)
    print(f"lab {name}: {recipe.REALM}, " + ", ".join(recipe.MACHINES))
    print(f"  enter     python -m tests.lab shell --name {name}")
    print(f"  run       python -m tests.lab exec --name {name} -- COMMAND")
    print(f"  end       python -m tests.lab down --name {name}")
    print(f"  accounts  Administrator, {', '.join(recipe.USERS)}, and every machine's own")
    print(f"  secrets   {recipe.STATE}/secrets.json in the lab, mode 0600 (pid {holder.pid})")
    return 0


def _down(names: Sequence[str]) -> int:
    for name in names:
        if holder := namespaces.find(name):
            holder.end()
            print(f"lab {name} has ended")
    namespaces.sweep()
    return 0


def _exec(name: str | None, machine: str, command: Sequence[str]) -> int:
    with _lab(name) as holder:
        process = subprocess.Popen(holder.enter(machine, command), env=namespaces.environment())
        try:
            code = process.wait()
        except KeyboardInterrupt:
            # The terminal has told the command, too: let it finish what it says.
            with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
                process.wait(20)
            code = 130
        finally:
            process.kill()
            process.wait()
        return 128 - code if code < 0 else code


@contextlib.contextmanager
def _lab(name: str | None) -> Iterator[Holder]:
    """The running lab of that name, or a new one that ends with the block."""
    if name and (running := namespaces.find(name)):
        yield running
        return
    holder = namespaces.raise_lab(name or namespaces.unused_name(), bound=True)
    try:
        yield holder
    finally:
        holder.end()


if __name__ == "__main__":
    raise SystemExit(main())
