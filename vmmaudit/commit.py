"""Which commit of its source this vmmaudit is: told by the package, or by git in a checkout.

A wheel and a source distribution carry it in a file that `hatch_build.py` writes when they are
built. In a checkout git is asked when somebody first wants to know. Where neither can tell, it is
not known; no other repository, such as one around `site-packages`, is ever taken for our own.

The build runs this file alone, before anything is installed: only the standard library is here.
"""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("commit.txt")
"""Written when a package is built; a checkout has none."""
MODIFIED = "-modified"
"""Behind the commit of a tree that differs from it in what a package would hold."""
_FORM = re.compile(rf"[0-9a-f]{{40}}(?:[0-9a-f]{{24}})?(?:{MODIFIED})?")
_HELD = ("vmmaudit", "notebooks", "templates", "pyproject.toml", "hatch_build.py")
_SECONDS = 10


@cache
def commit() -> str:
    """SHA-1 or SHA-256 of the commit, with `MODIFIED` where the tree differs; empty: not known."""
    found = _told()
    return found if _FORM.fullmatch(found) else ""


def _told() -> str:
    try:
        return FILE.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return _asked(FILE.parent.parent)
    except (OSError, ValueError):
        return ""


def _asked(root: Path) -> str:
    """What git says of a checkout of ours; empty where it is none, or git cannot tell."""
    git = _git()
    if not git or not _is_ours(root):
        return ""
    command = [
        *(git, "-c", "core.fsmonitor=false", "--no-optional-locks", "status"),
        *("--porcelain=v2", "--branch", "--untracked-files=all", "--", *_HELD),
    ]
    # Variables like GIT_DIR would name another repository, GIT_TRACE a file to write to.
    environment = {name: value for name, value in os.environ.items() if name[:4] != "GIT_"}
    environment["GIT_CEILING_DIRECTORIES"] = str(root.parent)
    try:
        done = subprocess.run(  # noqa: S603 - an absolute path and our own words
            command,
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    lines = done.stdout.decode("ascii", "replace").splitlines()
    head = next((line.split()[-1] for line in lines if line.startswith("# branch.oid ")), "")
    return head + (MODIFIED if any(not line.startswith("#") for line in lines) else "")


def _is_ours(root: Path) -> bool:
    """Whether `root` is a work tree of this project, not one that something else put us into."""
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        return (root / ".git").exists() and project["name"] == "vmmaudit"
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _git() -> str:
    """Git as the absolute folders of PATH have it.

    `shutil.which` and Windows itself look into the current folder first, which may be anybody's.
    """
    name = "git.exe" if os.name == "nt" else "git"
    for folder in os.get_exec_path():
        found = Path(folder, name)
        if found.is_absolute() and found.is_file() and os.access(found, os.X_OK):
            return str(found)
    return ""
