"""One target in a process of its own, guided by coverage (atheris, libFuzzer).

`python -m tests.fuzz.worker TARGET INPUTS SECONDS KEPT FOUND`: inputs that reach something new are
kept in KEPT, one input for each place that breaks goes to FOUND. What breaks does not end the run;
what hangs or eats its memory does. No seconds are no limit.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import resource
import sys
import time
import traceback
from pathlib import Path

import atheris

SECONDS = 60
"""By the clock: nothing of a few kilobytes takes that long unless it hangs, not even at the lowest
priority on a busy machine."""
MEMORY = 3 << 30
"""Address space in bytes, libraries and coverage counters included."""
RESIDENT = 1024
"""Mebibytes in use; the readers with their libraries take about 300."""


def main() -> None:
    name, inputs, seconds, kept, found = sys.argv[1:6]
    os.nice(19)
    with atheris.instrument_imports(include=["vmmaudit"], enable_loader_override=False):
        from tests.fuzz.targets import BY_NAME
    target = BY_NAME[name]
    logging.disable(logging.CRITICAL)
    places: set[str] = set()
    for number, seed in enumerate(target.seeds):
        Path(kept, f"seed-{number}").write_bytes(seed[: target.largest])
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    def one(data: bytes) -> None:
        try:
            target.run(data)
        except Exception as error:
            place = _place(error)
            if place not in places:
                places.add(place)
                Path(found, hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
                print(json.dumps({"broke": name, "place": place}), flush=True)

    arguments = [
        f"-runs={inputs}", f"-max_total_time={seconds}",
        f"-max_len={target.largest}", f"-timeout={SECONDS}", f"-report_slow_units={SECONDS}",
        f"-rss_limit_mb={RESIDENT}", f"-artifact_prefix={found}/", "-verbosity=0", "-seed=1",
        "-print_final_stats=1", "-close_fd_mask=0", *_dictionary(target.words, Path(found)), kept,
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *arguments], one)
    print(json.dumps({"began": time.time()}), flush=True)
    atheris.Fuzz()


def _place(error: BaseException) -> str:
    """The kind of error and the product's line that it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/vmmaudit/" in frame.filename] or frames
    last = ours[-1]
    return f"{type(error).__name__} {Path(last.filename).name}:{last.lineno}"


def _dictionary(words: tuple[bytes, ...], folder: Path) -> list[str]:
    if not words:
        return []
    path = folder.parent / f"{folder.name}.words"
    lines = ("".join(f"\\x{byte:02x}" for byte in word) for word in words if len(word) < 60)
    path.write_text("".join(f'"{line}"\n' for line in lines))
    return [f"-dict={path}"]


if __name__ == "__main__":
    main()
