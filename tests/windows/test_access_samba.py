"""A million random descriptors and tokens: no unexplained difference to Samba's own check.

A plain run takes 20,000 of them; `VMMAUDIT_DESCRIPTORS=1000000` the million. What Samba is known
to do otherwise than Windows is left out: an absent DACL (it refuses), entries with conditions or
of unknown types (it knows none), generic bits in an entry (a server maps them when they are set).
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from vmmaudit.windows import access
from vmmaudit.windows.descriptor import Ace, decode, encode
from vmmaudit.windows.sid import CREATOR_OWNER, EVERYONE, OWNER_RIGHTS

pytestmark = pytest.mark.live
COUNT = int(os.environ.get("VMMAUDIT_DESCRIPTORS", "20000"))
SYSTEM_PYTHON = "/usr/bin/python3"
DOMAIN = "S-1-5-21-1-2-3"
SIDS = (
    *(f"{DOMAIN}-{rid}" for rid in range(1100, 1108)),
    EVERYONE,
    "S-1-5-11",
    "S-1-5-32-544",
    "S-1-5-32-545",
)
TRUSTEES = (*SIDS, CREATOR_OWNER, OWNER_RIGHTS)
MASKS = (0x120089, 0x1200A9, 0x1301BF, 0x1F01FF, 0x1, 0x80, 0x20000, 0x40000, 0x100000, 0x0)
BITS = (0x1, 0x2, 0x4, 0x8, 0x10, 0x20, 0x40, 0x80, 0x100, 0x10000, 0x20000, 0x40000, 0x80000)
FLAGS = (0, 0, 0, 0x10, 0x03, 0x13, 0x08, 0x0B)


def cases(count: int) -> Iterator[tuple[bytes, tuple[str, ...], int]]:
    random = Random(20261123)  # noqa: S311 - reproducible, not secret
    for _ in range(count):
        aces: list[Ace] | None = [
            Ace(
                random.choice((0, 0, 0, 1)),
                random.choice(FLAGS),
                random.choice(MASKS) | sum(random.sample(BITS, random.randrange(3))),
                random.choice(TRUSTEES),
            )
            for _ in range(random.choice((0, 1, 2, 3, 5, 8, 13)))
        ]
        if random.random() < 0.01:
            aces = None
        data = encode(aces, owner=random.choice(SIDS), group=f"{DOMAIN}-513")
        held = tuple(random.sample(SIDS, random.randrange(1, 7)))
        wanted = random.choice(
            (access.READ, access.READ_EXECUTE, access.FULL, 0x1, 0x80, sum(random.sample(BITS, 3)))
        )
        yield data, held, wanted


def sambas(batch: list[tuple[bytes, tuple[str, ...], int]]) -> list[str]:
    lines = "".join(
        json.dumps({"sd": base64.b64encode(data).decode(), "sids": held, "mask": wanted}) + "\n"
        for data, held, wanted in batch
    )
    script = Path(__file__).with_name("samba_access.py")
    done = subprocess.run(
        [SYSTEM_PYTHON, script], input=lines, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_random_descriptors_and_tokens():
    batch: list[tuple[bytes, tuple[str, ...], int]] = []
    granted = checked = 0

    def compare() -> Iterator[str]:
        nonlocal granted, checked
        for (data, held, wanted), theirs in zip(batch, sambas(batch), strict=True):
            ours = access.check(decode(data), access.Token(frozenset(held)), wanted).granted
            checked += 1
            granted += bool(ours)
            if theirs != {True: "1", False: "0"}.get(ours):  # type: ignore[arg-type]
                yield f"{base64.b64encode(data).decode()} {held} 0x{wanted:x}: {ours}, {theirs}"

    differences: list[str] = []
    for case in cases(COUNT):
        batch.append(case)
        if len(batch) == 20_000:
            differences += compare()
            batch.clear()
    if batch:
        differences += compare()
    assert not differences, differences[:5]
    assert checked == COUNT
    assert 0.1 < granted / checked < 0.9
