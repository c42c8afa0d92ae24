"""What was asked, and what came back or did not."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

IMPORTED: Final = "import: "
"""What the source of an answer begins with that an export gave in a server's place."""


class Reason(StrEnum):
    """Why a question has no answer; the words stand in the catalogue of each language."""

    UNRESOLVABLE = "unresolvable"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    ACCESS_DENIED = "access-denied"
    AUTHENTICATION_FAILED = "authentication-failed"
    NO_SERVICE_PRINCIPAL = "no-service-principal"
    CREDENTIALS_EXPIRED = "credentials-expired"
    CLOCK_SKEW = "clock-skew"
    SIGNING_REQUIRED = "signing-required"
    CERTIFICATE_UNTRUSTED = "certificate-untrusted"
    NOT_FOUND = "not-found"
    NOT_SUPPORTED = "not-supported"
    NOT_IN_DIRECTORY = "not-in-directory"
    AMBIGUOUS = "ambiguous"
    MALFORMED_REPLY = "malformed-reply"
    INCOMPLETE = "incomplete"
    INTERRUPTED = "interrupted"
    NOT_ASKED = "not-asked"


class Question(NamedTuple):
    """What was asked of whom.

    Attributes:
        server: DNS name of the domain (LDAP) or of the server (SMB, RPC), lower case.
        kind: one of the kinds listed in `vmmaudit.collect.wire`.
        detail: the arguments of that kind, in its order.
    """

    server: str
    kind: str
    detail: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The evidence id printed in documents: the same question has it in every pack."""
        asked = "\0".join((self.server, self.kind, *self.detail))
        return "E-" + hashlib.sha256(asked.encode()).hexdigest()[:10]


@dataclass(frozen=True, slots=True)
class Row:
    """One thing of an answer: its name (a DN, a path or nothing) and its raw values."""

    name: str
    values: Mapping[str, tuple[bytes, ...]]

    def first(self, key: str) -> bytes | None:
        """The first value of `key`, or None where it has none."""
        found = self.values.get(key, ())
        return found[0] if found else None


@dataclass(frozen=True, slots=True, order=True)
class Reader:
    """Who asked, and from which machine."""

    who: str
    machine: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        rows: in the order received, which belongs to the evidence.
        source: the machine that really answered (one of the domain controllers).
        at: when, UTC, whole seconds.
        by: who asked, where it was another reader than the header's.
        taken: digest of the evidence in which it was read, where it was not asked for again.
    """

    rows: tuple[Row, ...]
    source: str
    at: datetime
    by: Reader | None = None
    taken: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """A question without an answer: the reason code and one sentence (English) about it.

    `by` is who asked, where it was another reader than the header's.
    """

    reason: Reason
    text: str
    at: datetime | None = None
    by: Reader | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """The moment of reading, who read, from which machine, with which tool version.

    `commit` is that of the tool's source, as `vmmaudit.commit` has it; empty: not known.
    """

    moment: datetime
    who: str
    machine: str
    tool: str
    commit: str = ""

    @property
    def reader(self) -> Reader:
        """Who asked whatever names nobody else."""
        return Reader(self.who, self.machine)
