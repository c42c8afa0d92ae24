"""What this machine, this account and these servers allow, before an audit is run.

A few harmless questions per target; each answer says what works, each refusal what would
help. Nothing is judged and nothing is kept.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from vmmaudit import questions
from vmmaudit.collect.wire import Wire
from vmmaudit.errors import FormatError
from vmmaudit.evidence import Answer, Gap, Question
from vmmaudit.scope import Library, Scope
from vmmaudit.windows import srvsvc

SKEW_SECONDS: Final = 300
"""What Kerberos tolerates by default (RFC 4120 8.2)."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried.

    Attributes:
        works: None where it works in part.
        sentence: what was found, or what would help.
    """

    target: str
    what: str
    works: bool | None
    sentence: str


def examine(scope: Scope, wire: Wire) -> Iterator[Check]:
    """This machine first, then each domain, then each server of the scope."""
    yield _kerberos(scope)
    for domain in scope.domains:
        yield from _domain(wire, domain.name)
    asked: set[str] = set()
    for library in scope.libraries:
        server = questions.file_server(scope, library)
        if server not in asked:
            yield from _server(wire, server)
            yield from _local_groups(wire, server)
        asked.add(server)
        yield _share(wire, server, library)
    for host in scope.hyper_v_hosts:
        server = questions.host_server(scope, host)
        if server not in asked:
            yield from _server(wire, server)
        asked.add(server)
        yield _clock(wire, server)


def _kerberos(scope: Scope) -> Check:
    target = "this machine"
    if all(domain.auth.protocol in ("simple", "ntlm") for domain in scope.domains):
        return Check(target, "Kerberos", None, "this scope logs on without it")
    if sys.platform == "win32":
        found = importlib.util.find_spec("sspilib") is not None
        return Check(target, "Kerberos", found, "Windows single sign-on (SSPI)")
    found = all(importlib.util.find_spec(name) for name in ("gssapi", "krb5"))
    if found:
        return Check(target, "Kerberos", True, "MIT Kerberos by gssapi and krb5")
    return Check(target, "Kerberos", False, "install vmmaudit[kerberos] (libkrb5-dev and gcc)")


def _domain(wire: Wire, domain: str) -> Iterator[Check]:
    (root,) = wire.ask([questions.root_dse(domain)])
    if isinstance(root, Gap):
        yield Check(domain, "directory", False, root.text)
        return
    yield Check(domain, "directory", True, f"{root.source} answers")
    text = (root.rows[0].first("currentTime") or b"").decode("ascii", "replace")[:14]
    try:
        there = datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        yield Check(domain, "clock", None, f"{root.source} does not tell its time")
    else:
        yield _skew(domain, abs(int((there - root.at).total_seconds())))
    (self,) = wire.ask([questions.domain_object(domain)])
    rights = isinstance(self, Answer) and self.rows and self.rows[0].first("objectSid") is not None
    sentence = "accounts can be read" if rights else "the account that reads sees no SIDs"
    yield Check(domain, "rights", bool(rights), sentence)


def _server(wire: Wire, server: str) -> Iterator[Check]:
    (found,) = wire.ask([questions.smb_server(server)])
    if isinstance(found, Gap):
        yield Check(server, "SMB", False, found.text)
        return
    row = found.rows[0]
    dialect, signing = (
        (row.first(key) or b"").decode("ascii", "replace") for key in ("dialect", "signing")
    )
    yield Check(server, "SMB", True, f"logged on; dialect {dialect}, signing {signing}")


def _local_groups(wire: Wire, server: str) -> Iterator[Check]:
    (found,) = wire.ask([questions.sam_domains(server)])
    if isinstance(found, Gap):
        yield Check(server, "local groups", False, found.text)
    else:
        yield Check(server, "local groups", True, "can be read (SAMR)")


def _share(wire: Wire, server: str, library: Library) -> Check:
    share, root = wire.ask(
        [
            questions.share(server, library.share_name),
            questions.descriptor(server, library.share_name, ""),
        ]
    )
    if isinstance(share, Gap):
        return Check(library.share, "share permissions", False, share.text)
    if share.rows[0].first("level") != b"502":
        return Check(
            library.share,
            "share permissions",
            False,
            f"refused; reading them needs local administrator rights on {server}",
        )
    if isinstance(root, Gap):
        return Check(library.share, "NTFS permissions", False, root.text)
    return Check(library.share, "permissions", True, "share and NTFS permissions can be read")


def _clock(wire: Wire, server: str) -> Check:
    question: Question = questions.clock(server)
    (found,) = wire.ask([question])
    if isinstance(found, Gap):
        return Check(server, "time and boot", False, found.text)
    try:
        time = srvsvc.decode_time(found.rows[0].first("reply") or b"")
    except FormatError as error:
        return Check(server, "time and boot", False, f"a reply that is none: {error}")
    skew = abs(int(found.at.timestamp()) - time.elapsed)
    if skew >= SKEW_SECONDS:
        return _skew(server, skew)
    if not time.msecs:
        return Check(server, "time and boot", None, "does not tell how long it has been running")
    return Check(server, "time and boot", True, "tells its time and when it started")


def _skew(target: str, seconds: int) -> Check:
    if seconds < SKEW_SECONDS:
        return Check(target, "clock", True, f"differs by {seconds} s")
    return Check(
        target, "clock", False, f"differs by {seconds} s, Kerberos allows {SKEW_SECONDS}; set it"
    )
