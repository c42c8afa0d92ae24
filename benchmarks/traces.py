"""A large VMM trace: found, decoded and understood, against grep and a plain loop.

`grep -c -F (12700)` only counts lines; ours tells machine, file, code and identity of each of them.
The loop reads line by line and looks for the same number.
`python -m benchmarks.traces [MEBIBYTES [FAILURES PER GIBIBYTE]]`
"""

from __future__ import annotations

import random
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from benchmarks.measure import growth, in_turns, middle, ratio, row, seconds
from tests.diagnosis.samples import T1
from vmmaudit.diagnosis import diagnose, opened

ROUNDS: Final = 5
NEEDLE: Final = "(12700)"
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
    """Print the row, and how the scan grows."""
    failures = max(1, per_gibibyte * size // 1024)
    points: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.log"
        for part in (size // 100, size // 10):
            write(path, part, 1)
            points[part] = min(seconds(lambda: ours(path)) for _ in range(ROUNDS))
        write(path, size, failures)
        assert ours(path) == grep(path, NEEDLE) == loop(path) == failures
        taken = in_turns(
            ROUNDS,
            {
                "ours": lambda: ours(path),
                "grep": lambda: grep(path, NEEDLE),
                "word": lambda: grep(path, "Task failed error"),
            },
        )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        slow = seconds(lambda: loop(path))
        megabytes = path.stat().st_size / 1e6
    speed = megabytes / middle(taken["ours"])
    word = ratio(taken["word"], taken["ours"])
    row(
        f"VMM trace of {megabytes:,.0f} MB with {failures} failures",
        f"grep -c -F '{NEEDLE}'",
        ">= 0.8",
        ratio(taken["grep"], taken["ours"]),
        middle(taken["ours"]),
        middle(taken["grep"]),
        note=f"median of {ROUNDS} rounds in turns; {speed:,.0f} MB/s, peak memory {peak} MiB with "
        f"what is mapped; {word:.2g} times grep for 'Task failed error', "
        f"{slow / middle(taken['ours']):.0f} times a loop over lines",
        **{"peak MiB": peak, "MB/s": round(speed)},
    )
    growth("VMM trace scanned", "MiB", points | {size: min(taken["ours"])})


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
