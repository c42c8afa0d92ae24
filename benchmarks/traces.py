"""A large VMM trace: found, decoded and understood, against grep and a plain loop.

`grep -c -F (12700)` only counts lines; ours tells machine, file, code and identity of each of them.
The loop reads line by line and looks for the same number. Fastest of five each, in turns, warm.
`python -m benchmarks.traces [MEBIBYTES [FAILURES PER GIBIBYTE]]`
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.diagnosis.samples import T1
from vmmaudit.diagnosis import diagnose, opened

ROUNDS = 5
EVERYDAY = (
    "{seq:08}    {seq:.8f}    [2432] 0980.0570::09/23-14:56:38.031#19:Task.cs(246): "
    "Scheduling subtask {seq}|TaskID=3F2D74BD-91B1-4E34-9CF9-F3DA2F5F0D82\r\n",
    "{seq:08}    {seq:.8f}    [2432] 0980.0A14::09/23-14:56:38.031#04:WsmanAPIWrapper.cs(1415): "
    "WSMAN: URL: [http://hyper{seq:05}:5985] Verb: [INVOKE], method: [GetLUNIDFromFSPath], "
    "resource: [http://schemas.microsoft.com/wbem/wsman/1/wmi/root/scvmm/FileInformation]\r\n",
    "{seq:08}    {seq:.8f}    [2432]\r\n",
    "{seq:08}    {seq:.8f}    [388] 0184.0008::09/23-14:56:38.031#04:CarmineObjectLock.cs(372): "
    "Releasing all locks for task aceeab52-cc21-449d-b1a8-730777ab5511\r\n",
    "{seq:08}    {seq:.8f}    [2432] 0980.0A14::09/23-14:56:38.031#04:WsmanAPIWrapper.cs(1534): "
    "WSMAN: query [select * from Msvm_ComputerSystem where Name='{seq}'], error count 0\r\n",
    "{seq:08}    {seq:.8f}    [2432]    at Microsoft.VirtualManager.Engine.TaskRepository."
    "SubtaskBase.Run(ErrorInfo& error) in d:\\bt\\52\\private\\SubtaskBase.cs:line 491\r\n",
)


def write(path: Path, size: int, failures: int) -> None:
    """A trace of `size` MiB with so many failures, the same on every run."""
    rng = random.Random(1)  # noqa: S311
    piece = "".join(
        rng.choice(EVERYDAY).format(seq=rng.randrange(10**8)) for _ in range(25_000)
    ).encode()
    count = size * (1 << 20) // len(piece)
    marked = [failures * (i + 1) // count - failures * i // count for i in range(count)]
    with path.open("wb") as file:
        for number in marked:
            file.write(piece)
            file.write(T1.encode() * number)


def best(*works: Callable[[], int]) -> list[tuple[int, float]]:
    """What each counted, and the seconds of its fastest of five; all take turns."""
    seconds: list[list[float]] = [[] for _ in works]
    counted = [0 for _ in works]
    for _ in range(ROUNDS):
        for index, work in enumerate(works):
            began = time.perf_counter()
            counted[index] = work()
            seconds[index].append(time.perf_counter() - began)
    return [(count, min(taken)) for count, taken in zip(counted, seconds, strict=True)]


def grep(path: Path, needle: str) -> int:
    """The rival that only counts."""
    found = subprocess.run(
        [shutil.which("grep") or "grep", "-c", "-F", needle, str(path)],
        capture_output=True,
        check=False,
    )
    return int(found.stdout)


def loop(path: Path) -> int:
    """The rival that everybody writes first."""
    with path.open(encoding="utf-8", errors="replace") as file:
        return sum("(12700)" in line for line in file)


def ours(path: Path) -> int:
    """How many failures of 12700 were understood."""
    found = diagnose([opened(str(path))])
    return sum(c.count for c in found.causes if c.failure.code == 12700 and c.failure.file)


def main(size: int = 1024, per_gibibyte: int = 100) -> None:
    """Print one JSON line."""
    failures = max(1, per_gibibyte * size // 1024)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.log"
        write(path, size, failures)
        megabytes = path.stat().st_size / 1e6
        (found, seconds), (counted, fast), (_, word) = best(
            lambda: ours(path),
            lambda: grep(path, "(12700)"),
            lambda: grep(path, "Task failed error"),
        )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        [(looped, slow)] = best(lambda: loop(path))
    assert found == counted == looped == failures, (found, counted, looped, failures)
    row = {
        "what": f"VMM trace of {megabytes:,.0f} MB with {failures} failures",
        "MB/s": round(megabytes / seconds),
        "ratio to grep -c -F (12700)": round(fast / seconds, 2),
        "wanted": ">= 0.8",
        "ratio to grep -c -F 'Task failed error'": round(word / seconds, 2),
        "ratio to a loop over lines": round(slow / seconds, 1),
        "peak MiB": peak,
    }
    print(json.dumps(row))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
