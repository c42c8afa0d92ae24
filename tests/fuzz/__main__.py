"""The long run: `python -m tests.fuzz --inputs 1000000 [TARGET…]`, at the lowest priority.

One process for each target, one after the other. What breaks a reader is written to
`tests/fuzz/corpus/TARGET/` and from then on is part of every test run. Inputs that reached
something new are kept in `output/fuzz/TARGET/`, and the next run begins with them and with those
of `kept.zip`. What a run came to is noted in `runs.jsonl`; `--table` prints it as it stands in
`docs/fuzzing.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from tests.fuzz.target import CORPUS, Target
from tests.fuzz.targets import BY_NAME, TARGETS

KEPT = Path("output/fuzz")
EARLIER = Path(__file__).with_name("kept.zip")
"""Inputs that reached something new in the long runs so far."""
RUNS = Path(__file__).with_name("runs.jsonl")
"""What each long run came to."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(BY_NAME))
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=0, help="at most, for each target")
    parser.add_argument("--table", action="store_true", help="print what was run so far")
    asked = parser.parse_args()
    if asked.table:
        print(table(), end="")
        return 0
    broken = 0
    for name in asked.targets or BY_NAME:
        result = run(BY_NAME[name], asked.inputs, asked.seconds)
        print(json.dumps(result), flush=True)
        with RUNS.open("a", encoding="utf-8") as noted:
            noted.write(json.dumps(result) + "\n")
        broken += bool(result["broke"])
    return int(broken > 0)


def run(target: Target, inputs: int, seconds: int) -> dict[str, object]:
    """What came out: inputs done, inputs a second, and what broke."""
    kept = KEPT / target.name
    kept.mkdir(parents=True, exist_ok=True)
    _unpack(target.name)
    with tempfile.TemporaryDirectory(prefix="vmmaudit-fuzz-") as scratch:
        found = Path(scratch, "found")
        found.mkdir()
        began = time.monotonic()
        arguments = [target.name, str(inputs), str(seconds), str(kept), str(found)]
        ended = subprocess.run(
            [sys.executable, "-m", "tests.fuzz.worker", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            env={**os.environ, "TMPDIR": scratch}, check=False,
        )  # fmt: skip
        took = time.monotonic() - began
        said = ended.stdout
        told = re.search(r"number_of_executed_units: (\d+)", said)
        done = int(told[1]) if told else 0
        broke = [json.loads(line)["place"] for line in said.splitlines() if '"broke"' in line]
        broke += [] if ended.returncode == 0 else [said[-300:]]
        folder = CORPUS / target.name
        for file in found.iterdir():
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, folder / file.name)
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "target": target.name,
        "inputs": done,
        "seconds": round(took, 1),
        "per_second": round(done / took),
        "kept": sum(1 for _ in kept.iterdir()),
        "broke": broke,
    }


def table() -> str:
    """Each reader with its inputs so far and what they brought to light, as Markdown."""
    noted = [json.loads(line) for line in RUNS.read_text(encoding="utf-8").splitlines()]
    lines = ["| reader | inputs | in one run at most | last run | broke it, mended since |"]
    lines.append("|---|---|---|---|---|")
    for target in TARGETS:
        runs = [run for run in noted if run["target"] == target.name]
        inputs = [run["inputs"] for run in runs]
        broke = sum(1 for _ in (CORPUS / target.name).glob("*"))
        last = max((run["date"] for run in runs), default="–")
        lines.append(
            f"| {target.name} | {sum(inputs):,} | {max(inputs, default=0):,} | {last} | {broke} |"
        )
    return "\n".join(lines) + "\n"


def _unpack(name: str) -> None:
    """Begin with what earlier runs reached; a run's own folder goes before it."""
    with zipfile.ZipFile(EARLIER) as packed:
        for entry in packed.namelist():
            folder, _, file = entry.rpartition("/")
            if folder == name and not (KEPT / name / file).exists():
                (KEPT / name / file).write_bytes(packed.read(entry))


if __name__ == "__main__":
    sys.exit(main())
