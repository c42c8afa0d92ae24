"""A run that is told to stop, or simply stopped: what it leaves is whole."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vmmaudit import pack as packs

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


def audit(output: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "vmmaudit", "audit", "--demo", "-o", output, "-l", "en"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def left(output: Path) -> list[Path]:
    return sorted(output.iterdir()) if output.exists() else []


def listens(process: subprocess.Popen[str]) -> bool:
    """Whether it has begun, and heeds SIGTERM (SigCgt of proc(5))."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="proc(5)")
@pytest.mark.parametrize("seconds", [0.0, 0.3, 0.6, 1.5, 2.5, 3.5])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop(tmp_path: Path, number: signal.Signals, seconds: float):
    output = tmp_path / "output"
    process = audit(output)
    while not listens(process):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    time.sleep(seconds)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    assert process.returncode in (130, 3), err  # 3: it had been done by then
    for folder in left(output):
        packs.read(folder)
    if process.returncode == 130:
        assert left(output) == []
        assert "interrupted" in err


SWALLOWED = """
import signal, time, weakref
from vmmaudit import interruption

class Thing: pass

thing = Thing()
interruption.listen()
watch = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGTERM))
try:
    del thing
    time.sleep(10)
except KeyboardInterrupt:
    print("heard")
"""
IMPORTING = """
import signal, time
from vmmaudit import interruption

interruption.listen()
done = []
source = "raise_signal(SIGTERM)\\nfor _ in range(1000): pass\\ndone.append(1)"
try:
    exec(compile(source, "<frozen importlib._bootstrap>", "exec"), {**vars(signal), "done": done})
    time.sleep(10)
except KeyboardInterrupt:
    print("heard", *done)
"""


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)


IGNORED = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"


@pytest.mark.parametrize("before", ["", IGNORED], ids=["", "nohup"])
def test_a_stop_that_python_would_swallow_is_heard(before: str):
    done = python(before + SWALLOWED)
    assert (done.stdout, done.stderr) == ("heard\n", "")


def test_a_stop_waits_for_the_import_machinery():
    done = python(IMPORTING)
    assert (done.stdout, done.stderr) == ("heard 1\n", "")


def test_what_is_to_be_ignored_stays_ignored():
    code = (
        "import signal; from vmmaudit import interruption; "
        "signal.signal(signal.SIGINT, signal.SIG_IGN); interruption.listen(); "
        "signal.raise_signal(signal.SIGINT); print('goes on')"
    )
    done = python(code)
    assert done.stdout == "goes on\n"


@pytest.mark.parametrize("seconds", [1.0, 2.0, 3.0])
def test_killed(tmp_path: Path, seconds: float):
    output = tmp_path / "output"
    process = audit(output)
    time.sleep(seconds)
    process.kill()
    process.communicate(timeout=60)
    for folder in left(output):
        if not folder.name.startswith("."):
            packs.read(folder)
    again = audit(output)
    out, err = again.communicate(timeout=120)
    assert again.returncode == 3, err
    packs.read(Path(out.split()[0]).parent)


def test_two_at_once_on_one_output_folder(tmp_path: Path):
    """Each prints the pack that it wrote, and both are whole."""
    runs = [audit(tmp_path / "output") for _ in range(2)]
    printed = []
    for run in runs:
        out, err = run.communicate(timeout=300)
        assert run.returncode == 3, err
        printed.append(Path(out.split()[0]).parent)
    assert left(tmp_path / "output") == sorted(printed)
    assert len({packs.read(folder).folder for folder in printed}) == 2
