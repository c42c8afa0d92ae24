"""What a worker is sent, and what it does with it."""

from __future__ import annotations

import io
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from vmmaudit import evidence as evidence_format
from vmmaudit.collect.credentials import Vault
from vmmaudit.collect.gather import follow
from vmmaudit.collect.known import Known
from vmmaudit.collect.live import Live
from vmmaudit.collect.merge import under
from vmmaudit.collect.plan import Target
from vmmaudit.collect.unchanged import Earlier, Unchanged
from vmmaudit.collect.wire import Wire
from vmmaudit.evidence import Answer, Evidence, Gap, Question
from vmmaudit.scope import Domain

_AT_A_TIME: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Errand:
    """Whom to ask, how to log on there, and what is known already; secrets are references.

    Attributes:
        run: tells the runs apart, so that a password is tried once in each process and run.
        known: an evidence file with answers that are not asked for again, or nothing.
        earlier: an evidence file that unchanged files are taken from, or nothing.
        earlier_digest: digest of the whole evidence that it is a part of.
    """

    run: str
    target: Target
    domains: tuple[Domain, ...]
    known: bytes = b""
    earlier: bytes = b""
    earlier_digest: str = ""


def read(errand: Errand) -> bytes:
    """The partial evidence of one target, as an evidence file."""
    live = Live(errand.domains, vault=_vault(errand.run))
    wire: Wire = live
    if errand.known:
        told = evidence_format.read(io.BytesIO(errand.known), "what was known")
        wire = Known(live, under(told, live.origin).answers)
    if errand.earlier:
        before = evidence_format.read(io.BytesIO(errand.earlier), "the earlier evidence")
        wire = Unchanged(wire, Earlier(before, errand.earlier_digest))
    answers: dict[Question, Answer] = {}
    gaps: dict[Question, Gap] = {}
    try:
        for question, reply in follow(errand.target, wire.ask):
            if isinstance(reply, Gap):
                gaps[question] = reply
            else:
                answers[question] = reply
    finally:
        live.close()
    return evidence_format.dumps(Evidence(live.origin, answers, gaps))


def _vault(run: str) -> Vault:
    """One for each process and run: a password that was refused once is not offered again."""
    with _AT_A_TIME:
        return _vaults(run)


@lru_cache(maxsize=4)
def _vaults(run: str) -> Vault:
    return Vault()
