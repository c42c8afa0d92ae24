"""Security descriptors over SMB: compounds with several under way, against smbcacls per file.

Needs the lab: `python -m tests.lab exec -- python -m benchmarks.descriptors [FILES]`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

from tests import worlds
from tests.lab.apply import apply
from tests.lab.lab import Lab
from tests.live.collecting import lab_scope, log_on
from tests.worlds import SHARE, Item
from vmmaudit import questions
from vmmaudit.collect.credentials import Vault
from vmmaudit.collect.smb import FileServer
from vmmaudit.evidence import Answer

SAMPLE = 20
SERVER = f"library01.{worlds.DOMAIN}"


def main(files: int = 1000) -> None:
    """Print one JSON line, or say that there is no lab."""
    if "VMMAUDIT_LAB" not in os.environ:
        print(json.dumps({"what": "security descriptors over SMB", "left out": "no lab"}))
        return
    lab = Lab.current()
    isos = tuple(Item(rf"ISOs\b{n}.iso", worlds.FILE_ACL, size=1) for n in range(files))
    good = worlds.conforming()
    folders = good.library("LIBRARY01").shares[0].items[:3]
    world = good.with_share("LIBRARY01", SHARE, items=(*folders, *isos))
    apply(lab, world)
    log_on(lab, "auditadmin")
    server = FileServer(SERVER, lab_scope(world).domains[0], Vault())
    asked = [questions.descriptor(SERVER, SHARE, item.path) for item in isos]
    server.answer(asked[:1])  # the logon is not what is measured
    began = time.perf_counter()
    answers = server.answer(asked)
    seconds = time.perf_counter() - began
    server.close()
    assert all(isinstance(answer, Answer) for answer in answers)
    began = time.perf_counter()
    for item in isos[:SAMPLE]:
        command = ["smbcacls", "--use-kerberos=required", rf"//{SERVER}/{SHARE}", item.path]
        subprocess.run(command, check=True, capture_output=True)
    rival = (time.perf_counter() - began) / SAMPLE * files
    row = {
        "what": f"security descriptors of {files} files over SMB (loopback)",
        "rival": "smbcacls per file",
        "seconds": round(seconds, 3),
        "rival seconds (extrapolated)": round(rival, 1),
        "ratio": round(rival / seconds, 1),
        "wanted": ">= 30",
    }
    print(json.dumps(row))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
