"""Evidence made to burst, or to be read as what it is not."""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
from pathlib import Path

import pytest

from tests.hostile.limited import MEBIBYTE, said
from vmmaudit import evidence
from vmmaudit.audit import DEMO

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs its limits of memory")


def lines(*more: bytes) -> bytes:
    """An evidence file with these lines after its header, properly closed."""
    head = gzip.decompress((DEMO / "evidence.jsonl.gz").read_bytes()).split(b"\n")[0] + b"\n"
    body = head + b"".join(more)
    end = {"end": body.count(b"\n"), "sha256": hashlib.sha256(body).hexdigest()}
    return gzip.compress(body + json.dumps(end).encode(), 6)


def test_a_bomb_in_the_place_of_evidence(tmp_path: Path):
    """A gigabyte of one character in a megabyte: a line that never ends."""
    bomb = tmp_path / "bomb.gz"
    with gzip.open(bomb, "wb", 9) as file:
        for _ in range(1024):
            file.write(b" " * MEBIBYTE)
    assert said(lambda: evidence.load(bomb)) == (
        f"{bomb} unpacks to more than 200 times its size, which evidence never does; it is not "
        "read."
    )


def test_a_bomb_of_many_lines(tmp_path: Path):
    bomb = tmp_path / "bomb.gz"
    row = json.dumps({"ask": ["a", "x", "N"], "at": None, "reason": "timeout", "text": "t" * 900})
    head = gzip.decompress((DEMO / "evidence.jsonl.gz").read_bytes()).split(b"\n")[0] + b"\n"
    with gzip.open(bomb, "wb", 9) as file:
        file.write(head)
        for number in range(150_000):
            file.write(row.replace("N", str(number)).encode() + b"\n")
    told = said(lambda: evidence.load(bomb), 512)
    assert "unpacks to more than" in told


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 1_000_000 + b"\n",
        b'{"a":' * 1_000_000 + b"\n",
        b'{"blob":' + b"1" * 5000 + b',"data":""}\n',
        b'{"ask":["a","x"],"at":"2026-10-01T06:00:00","from":"","rows":[]}\n',
        b'{"ask":["a","x"],"at":"2026-10-01T06:00:00.5Z","from":"","rows":[]}\n',
        b'{"ask":["a","x"],"at":"9999-12-31T23:59:59-14:00","from":"","rows":[]}\n',
        b'{"ask":["a","x"],"at":"0001-01-01T00:00:00+14:00","from":"","rows":[]}\n',
        b'{"ask":["a","x"],"at":null,"reason":["timeout"],"text":""}\n',
        b'{"ask":["a","x",{}],"at":null,"reason":"timeout","text":""}\n',
        b'{"ask":["a","x",1],"at":null,"reason":"timeout","text":""}\n',
        b'{"ask":["a","x"],"at":null,"reason":"timeout","text":5}\n',
        b'{"ask":["a","x"],"at":"2026-10-01T06:00:00Z","from":5,"rows":[]}\n',
        b'{"ask":["a","x"],"at":"2026-10-01T06:00:00Z","from":"","rows":[[5,{}]]}\n',
        b'{"ask":["a","x"],"at":"2026-10-01T06:00:00Z","by":["a"],"from":"","rows":[]}\n',
        b'{"ask":["a","x"],"at":null,"by":"ab","reason":"timeout","text":""}\n',
        b'{"ask":["a","x"],"at":"2026-10-01T06:00:00Z","from":"","rows":[],"taken":5}\n',
    ],
    ids=lambda line: line[:40].decode(),
)
def test_a_line_that_nobody_wrote(tmp_path: Path, line: bytes):
    bad = tmp_path / "bad.gz"
    bad.write_bytes(lines(line))
    assert said(lambda: evidence.load(bad)).startswith(f"{bad}, line 2: it cannot be understood")


@pytest.mark.parametrize("kinds", ["aa", "ag", "ga", "gg"])
def test_a_question_with_two_replies(tmp_path: Path, kinds: str):
    """Who sees the first and who sees the last would judge differently."""
    made = {
        "a": b'{"ask":["a","x"],"at":"2026-10-01T06:00:00Z","from":"","rows":[]}\n',
        "g": b'{"ask":["a","x"],"at":null,"reason":"timeout","text":""}\n',
    }
    bad = tmp_path / "bad.gz"
    bad.write_bytes(lines(*(made[kind] for kind in kinds)))
    assert said(lambda: evidence.load(bad)) == (
        f"{bad}, line 3: this question has a reply already, so it was altered."
    )
