"""Security descriptors over SMB: compounds with several under way.

Against Samba's C client, which asks for one after the other, on loopback and over a link
whose round trip takes 2 ms, and against `smbcacls` per file. All of them sign.
Needs the lab: `python -m tests.lab exec -- python -m benchmarks.descriptors [FILES]`.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from benchmarks.measure import growth, left_out, middle, process, ratio, row, seconds
from benchmarks.relay import delayed, found_at
from tests import worlds
from tests.lab.apply import apply
from tests.lab.lab import Lab
from tests.lab.recipe import MACHINES
from tests.live.collecting import log_on
from tests.worlds import DOMAIN, SHARE, Item
from vmmaudit import questions
from vmmaudit.collect.credentials import Vault
from vmmaudit.collect.smb import FileServer
from vmmaudit.evidence import Answer
from vmmaudit.scope import Authentication, Domain

ROUNDS: Final = 3
MILLISECONDS: Final = 2
SERVER: Final = f"library01.{DOMAIN}"
LINK: Final = "10.53.57.80"
"""Where the relay to the server listens."""
SAMPLES: Final = {"smbcacls": 20, "link": 1000}
"""Files on which the slow ones are measured; one file of them costs as much as the next."""


def main(files: int = 20_000) -> None:
    """Print the rows, or say that there is no lab."""
    if "VMMAUDIT_LAB" not in os.environ:
        left_out("security descriptors over SMB", "no lab")
        return
    lab = Lab.current()
    isos = tuple(Item(rf"ISOs\b{n}.iso", worlds.FILE_ACL, size=1) for n in range(files))
    good = worlds.conforming()
    folders = good.library("LIBRARY01").shares[0].items[:3]
    apply(lab, good.with_share("LIBRARY01", SHARE, items=(*folders, *isos)))
    log_on(lab, "auditadmin")
    paths = [item.path for item in isos]
    with _c_client() as c:
        _loopback(paths, c)
        _link(paths, c)
    _smbcacls(paths)  # the last: it remembers for all of Samba where the server was found


def ours(paths: Sequence[str]) -> float:
    """Our seconds, without the logon."""
    server = FileServer(SERVER, Domain(name=DOMAIN, auth=Authentication(secret="ccache")), Vault())
    asked = [questions.descriptor(SERVER, SHARE, path) for path in paths]
    server.answer(asked[:1])
    answers: list[object] = []
    taken = seconds(lambda: answers.extend(server.answer(asked)))
    server.close()
    assert all(isinstance(answer, Answer) for answer in answers)
    return taken


@contextlib.contextmanager
def _c_client() -> Iterator[Callable[[Sequence[str]], float]]:
    client = subprocess.Popen(
        ["/usr/bin/python3", "-I", str(Path(__file__).with_name("c_client.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert client.stdin is not None
    assert client.stdout is not None
    given, told = client.stdin, client.stdout

    def read(paths: Sequence[str]) -> float:
        order = {"server": SERVER, "share": SHARE, "paths": list(paths)}
        given.write(json.dumps(order) + "\n")
        given.flush()
        return float(told.readline())

    try:
        yield read
    finally:
        given.close()
        client.wait()


def _loopback(paths: list[str], c: Callable[[Sequence[str]], float]) -> None:
    taken: dict[str, list[float]] = {"ours": [], "rival": []}
    for _ in range(ROUNDS):
        taken["ours"].append(ours(paths))
        taken["rival"].append(c(paths))
    row(
        f"security descriptors of {len(paths):,} files, loopback",
        "Samba's C client, in sequence",
        ">= 0.5",
        ratio(taken["rival"], taken["ours"]),
        middle(taken["ours"]),
        middle(taken["rival"]),
        note="both sign; logon not counted",
    )
    sizes = [len(paths) // 100, len(paths) // 10]
    points = {size: min(ours(paths[:size]) for _ in range(ROUNDS)) for size in sizes}
    growth("security descriptors read", "files", points | {len(paths): min(taken["ours"])})


def _smbcacls(paths: list[str]) -> None:
    sample = paths[: SAMPLES["smbcacls"]]
    command = ["smbcacls", "--use-kerberos=required", rf"//{SERVER}/{SHARE}"]
    mine = ours(paths)
    theirs = seconds(lambda: [process([*command, path]) for path in sample])
    theirs *= len(paths) / len(sample)
    row(
        f"security descriptors of {len(paths):,} files, loopback",
        "smbcacls per file",
        ">= 30",
        theirs / mine,
        mine,
        theirs,
        note=f"smbcacls on {len(sample)} files, extrapolated",
    )


def _link(paths: list[str], c: Callable[[Sequence[str]], float]) -> None:
    sample = paths[: SAMPLES["link"]]
    subprocess.run(["ip", "address", "add", f"{LINK}/24", "dev", "lo"], check=True)
    server = {LINK: MACHINES["library01"].address}
    with found_at({SERVER: LINK}), delayed(MILLISECONDS, server) as relays:
        theirs = c(sample) * len(paths) / len(sample)
        mine = ours(paths)
    assert relays.seen[LINK].all == 2, relays.seen
    row(
        f"security descriptors of {len(paths):,} files, round trip of {MILLISECONDS} ms",
        "Samba's C client, in sequence",
        ">= 3",
        theirs / mine,
        mine,
        theirs,
        note=f"through a relay; the C client on {len(sample):,} files, extrapolated",
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
