"""The lab's hands: Samba's own Python, running on a machine of the lab, fed with JSON lines.

The part of this module that runs there is `remote.py`, under the system's Python, because
Samba's modules are made for that one only.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tests.lab import recipe
from tests.lab.namespaces import LabError, inside

_REMOTE: Final = Path(__file__).with_name("remote.py")


def binary(value: bytes) -> dict[str, str]:
    """A value that is not text, as the agent takes it."""
    return {"b64": base64.b64encode(value).decode("ascii")}


def unicode_password(password: str) -> dict[str, str]:
    """A password as the attribute unicodePwd wants it."""
    return binary(f'"{password}"'.encode("utf-16-le"))


class Agent:
    """One process of Samba's Python on one machine."""

    def __init__(self, pid: int) -> None:
        """Start it on the machine whose anchor is `pid`."""
        self._process = subprocess.Popen(
            inside(pid, ["/usr/bin/python3", "-I", str(_REMOTE)]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=sys.stderr.fileno() if hasattr(sys.stderr, "fileno") else None,
            text=True,
            env={"PATH": recipe.SYSTEM_PATH, "HOME": "/"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def ask(self, what: str, **values: Any) -> Any:
        """Have one thing done; what it answers."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"ask": what, **values}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise LabError(f"the agent died at {what}")
        answer = json.loads(line)
        if "error" in answer:
            raise LabError(f"{what}: {answer['error']}")
        return answer["answer"]

    def close(self) -> None:
        """End the process."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait()
