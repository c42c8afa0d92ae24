"""The tables of a large site, those of each language made by a process of its own.

Workbook and CSV of 80,000 rows keep one processor busy for five seconds, and Python uses but one.
The process is this interpreter; it is given its input and gives its output over pipes.
"""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Final, NamedTuple

from vmmaudit.assessment import Assessment
from vmmaudit.controls.texts import Texts
from vmmaudit.report.csv import render_csv
from vmmaudit.report.document import ControlInfo, Document
from vmmaudit.report.register import EvidenceSummary
from vmmaudit.report.sheets import verdicts
from vmmaudit.report.xlsx import render_xlsx
from vmmaudit.waivers import Standing

_LARGE: Final = 5_000
"""Judgements; below that starting a process takes longer than it gains."""


class Common(NamedTuple):
    """What the tables of all languages tell; `waivers` are the scope's and what became of them."""

    assessment: Assessment
    evidence: EvidenceSummary
    catalogue: Sequence[ControlInfo]
    previous: Assessment | None
    waivers: Sequence[Standing]


class Own(NamedTuple):
    """What the tables of one language are made with."""

    document: Document
    texts: Texts


class Tables(NamedTuple):
    """The files of one language."""

    xlsx: bytes
    csv: bytes


def begin(pool: Executor, common: Common, each: Sequence[Own]) -> list[Callable[[], Tables]]:
    """Begin to make the tables of each language.

    Args:
        pool: threads that wait for the processes.
        common: most of what they need.
        each: the languages.

    Returns:
        For each, what waits for it and returns the files.
    """
    if len(common.assessment.verdicts) < _LARGE or (os.cpu_count() or 1) < 2:
        return [partial(_made, own, common) for own in each]
    given = pickle.dumps(common)
    return [pool.submit(_apart, own, common, given).result for own in each]


def _made(own: Own, common: Common) -> Tables:
    (document, texts), (assessment, evidence, catalogue, previous, waivers) = own, common
    rows = verdicts(assessment, catalogue, texts)
    workbook = render_xlsx(document, assessment, rows, evidence, texts, previous, waivers)
    return Tables(workbook, render_csv(rows, texts))


def _apart(own: Own, common: Common, given: bytes) -> Tables:
    """By another process; where none can be started, by this one."""
    # -P: nothing is imported from the folder that somebody happens to work in.
    command = [sys.executable, "-P", "-c", f"from {__name__} import _serve; _serve()"]
    sent = pickle.dumps(own) + given
    try:
        done = subprocess.run(command, input=sent, capture_output=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return _made(own, common)
    made: Tables = pickle.loads(done.stdout)  # noqa: S301 - from the process that we started
    return made


def _serve() -> None:
    """What the other process does; who started it is who writes into it."""
    gc.disable()  # it ends before there is anything to collect
    own, common = (pickle.load(sys.stdin.buffer) for _ in range(2))  # noqa: S301
    sys.stdout.buffer.write(pickle.dumps(_made(own, common)))
