"""`python -m benchmarks [NAME…]`: every row, or those of some; all of them make the document.

Each is a process of its own, those over the network in a lab of their own.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks import document

LIVE: Final = ("ldap", "descriptors", "incremental", "rpc")
NAMES: Final = (*LIVE, "access", "documents", "startup", "traces")
DOCS: Final = Path(__file__).resolve().parents[1] / "docs"


def main(names: list[str]) -> int:
    """Print the lines of every benchmark as they come; 1 if one of them broke off."""
    wanted = names or list(NAMES)
    assert set(wanted) <= set(NAMES), f"there are {', '.join(NAMES)}"
    lines: list[dict[str, Any]] = []
    broken = []
    for name in wanted:
        code = _run(name, lines)
        if code:
            broken.append(name)
            lines.append({"what": name, "left out": f"it broke off with exit code {code}"})
    if not names:
        found = {"machine": _machine(), "lines": lines}
        document.write(DOCS, found)
    print(*(f"{name} broke off" for name in broken), sep="\n", file=sys.stderr)
    return 1 if broken else 0


def _run(name: str, lines: list[dict[str, Any]]) -> int:
    command = [sys.executable, "-m", f"benchmarks.{name}"]
    if name in LIVE and os.geteuid() == 0 and shutil.which("apt-get"):
        command = [sys.executable, "-m", "tests.lab", "exec", "--", *command]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(json.loads(line))
    return process.returncode


def _machine() -> dict[str, object]:
    return {
        "day": datetime.now(UTC).date().isoformat(),
        "system": f"{platform.freedesktop_os_release()['PRETTY_NAME']}, {platform.machine()}",
        "python": platform.python_version(),
        "cores": os.cpu_count(),
    }


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
