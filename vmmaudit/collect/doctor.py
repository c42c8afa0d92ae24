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
from typing import TYPE_CHECKING, Final

from vmmaudit import questions
from vmmaudit.collect.wire import Wire
from vmmaudit.display import Tone, framed, table
from vmmaudit.errors import FormatError
from vmmaudit.evidence import Answer, Gap, Question, Reason
from vmmaudit.facts import replies
from vmmaudit.scope import Domain, Library, Scope
from vmmaudit.windows import srvsvc

if TYPE_CHECKING:
    import pandas as pd

SKEW_SECONDS: Final = 300
"""What Kerberos tolerates by default (RFC 4120 8.2)."""
LOCAL_GROUPS: Final = "local groups"
SERVICES: Final = "services"
REGISTRY: Final = "registry"
PIPES: Final = {LOCAL_GROUPS: "SAMR", SERVICES: "SVCCTL", REGISTRY: "WINREG"}
"""The pipe behind each of them."""
_STAGES: Final = {
    Reason.UNRESOLVABLE: "name",
    Reason.UNREACHABLE: "{port}",
    Reason.TIMEOUT: "{port}",
    Reason.CLOCK_SKEW: "clock",
    Reason.SIGNING_REQUIRED: "signing",
    Reason.CERTIFICATE_UNTRUSTED: "certificate",
}
"""What a gap on the way to a server is called; any other ends at the server itself."""


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


@dataclass(frozen=True, slots=True)
class Examination:
    """Everything that was tried, in English as on the command line.

    found = examination("contoso.yaml")
    found.to_frame().query("works == False")    # what will not do, and what would help
    """

    checks: tuple[Check, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row per check; `works` is None where it works in part."""
        import pandas as pd  # noqa: PLC0415 - costs 0.3 s

        rows = [(c.target, c.what, c.works, c.sentence) for c in self.checks]
        return pd.DataFrame(rows, columns=["target", "what", "works", "sentence"]).astype(
            {"works": object}
        )

    def _repr_html_(self) -> str:
        tones = {True: Tone.GOOD, None: Tone.WARN, False: Tone.BAD}
        shown = self.to_frame().assign(works=[tones[check.works] for check in self.checks])
        return framed(table(shown))


def examine(scope: Scope, wire: Wire) -> Iterator[Check]:
    """This machine first, then each domain, then each server of the scope."""
    yield _kerberos(scope)
    for domain in scope.domains:
        yield from _domain(scope, wire, domain)
        yield Check(domain.name, "protection", True, _protection(domain))
    reached: dict[str, bool] = {}
    for server, needs in _servers(scope).items():
        (found,) = wire.ask([questions.smb_server(server)])
        reached[server] = isinstance(found, Answer)
        yield from _server(server, found)
        if reached[server]:
            yield from (_pipe(wire, what, question) for what, question in needs.items())
    for library in scope.libraries:
        server = questions.file_server(scope, library)
        if reached[server]:
            yield _share(wire, server, library)
    for host in scope.hyper_v_hosts:
        server = questions.host_server(scope, host)
        if reached[server]:
            yield _clock(wire, server)
        if scope.domain_of(host.name).winrm != "off":
            yield _winrm(wire, questions.boot(server), "tells when it started")
    for vmm in scope.vmm:
        server = questions.vmm_server(scope, vmm)
        if scope.domain_of(vmm.server).winrm != "off":
            asked = questions.vmm_objects(server, "Get-SCVMMServer")
            yield _winrm(wire, asked, "VMM tells its inventory")


def _servers(scope: Scope) -> dict[str, dict[str, Question]]:
    """What is asked of each server's pipes, by its roles."""
    found: dict[str, dict[str, Question]] = {}
    for library in scope.libraries:
        server = questions.file_server(scope, library)
        found.setdefault(server, {}).update(
            {
                LOCAL_GROUPS: questions.sam_domains(server),
                REGISTRY: questions.registry(server, *questions.NAME_HARDENING),
            }
        )
    agent, manager = questions.VMM_AGENTS[0], questions.VMM_SERVICES[0]
    hosts = [questions.host_server(scope, host) for host in scope.hyper_v_hosts]
    servers = [questions.vmm_server(scope, vmm) for vmm in scope.vmm]
    for names, service, value in (
        (hosts, agent, questions.NTLM_RECEIVED),
        (servers, manager, questions.VMM_VERSION),
    ):
        for server in names:
            found.setdefault(server, {}).update(
                {
                    LOCAL_GROUPS: questions.sam_domains(server),
                    SERVICES: questions.service(server, service),
                    REGISTRY: questions.registry(server, *value),
                }
            )
    return found


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


def _domain(scope: Scope, wire: Wire, of: Domain) -> Iterator[Check]:
    domain = of.name
    port = f"port {636 if of.transport == 'ldaps' else 389}"
    (root,) = wire.ask([questions.root_dse(domain)])
    if isinstance(root, Gap):
        what = _STAGES.get(root.reason, "directory").format(port=port)
        yield Check(domain, what, False, root.text)
        return
    yield Check(domain, "name", True, f"leads to {root.source}")
    yield Check(domain, port, True, "open")
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
    host = next((h for h in scope.hyper_v_hosts if scope.domain_of(h.name) == of), None)
    if host is not None:
        yield from _tokens(wire, domain, host.name)


def _tokens(wire: Wire, domain: str, host: str) -> Iterator[Check]:
    """Whether groups are told as the controller computes them, tried at one host's account."""
    (found,) = wire.ask([questions.computer(domain, host)])
    if isinstance(found, Gap):
        yield Check(domain, "accounts", False, found.text)
        return
    if not found.rows:
        yield Check(domain, "accounts", False, f"{host} has no account that can be seen")
        return
    (groups,) = wire.ask([questions.token_groups(domain, found.rows[0].name)])
    if isinstance(groups, Gap):
        yield Check(domain, "groups", False, groups.text)
    elif groups.rows and groups.rows[0].first("tokenGroups") is not None:
        yield Check(domain, "groups", True, "are told with all that they are in")
    else:
        sentence = (
            "tokenGroups is not shown; the reading account needs the right to it, which the group "
            "Windows Authorization Access Group has"
        )
        yield Check(domain, "groups", False, sentence)


def _protection(domain: Domain) -> str:
    """How LDAP is protected; there is no way without."""
    if domain.auth.protocol == "simple":
        return f"password inside TLS ({domain.transport}), to a server with a trusted certificate"
    logon = "NTLM" if domain.auth.protocol == "ntlm" else "Kerberos"
    if domain.transport == "sealed":
        return f"signed and encrypted by {logon} on port 389"
    return f"{logon} inside TLS ({domain.transport}), bound to its certificate (channel binding)"


def _server(server: str, found: Answer | Gap) -> Iterator[Check]:
    """How far the way to a server leads."""
    if isinstance(found, Gap):
        what = _STAGES.get(found.reason, "SMB").format(port="port 445")
        yield Check(server, what, False, found.text)
        return
    row = found.rows[0]
    dialect, signing = (
        (row.first(key) or b"").decode("ascii", "replace") for key in ("dialect", "signing")
    )
    yield Check(server, "name", True, "has an address")
    yield Check(server, "port 445", True, "open")
    yield Check(server, "SMB", True, f"logged on; dialect {dialect}, signing {signing}")


def _pipe(wire: Wire, what: str, question: Question) -> Check:
    """One pipe, by a question that the audit asks as well; that there is nothing is an answer."""
    (found,) = wire.ask([question])
    if isinstance(found, Gap):
        return Check(question.server, what, False, found.text)
    way = "over WinRM" if found.source.endswith("(WinRM)") else f"({PIPES[what]})"
    return Check(question.server, what, True, f"can be read {way}")


def _share(wire: Wire, server: str, library: Library) -> Check:
    share, root = wire.ask(
        [
            questions.share(server, library.share_name),
            questions.descriptor(server, library.share_name, ""),
        ]
    )
    if isinstance(share, Gap):
        return Check(library.share, "share permissions", False, share.text)
    if not replies.share(share, library.share_name)[1]:
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


def _winrm(wire: Wire, question: Question, sentence: str) -> Check:
    (found,) = wire.ask([question])
    if isinstance(found, Gap):
        return Check(question.server, "WinRM", False, found.text)
    return Check(question.server, "WinRM", True, sentence)


def _skew(target: str, seconds: int) -> Check:
    if seconds < SKEW_SECONDS:
        return Check(target, "clock", True, f"differs by {seconds} s")
    return Check(
        target, "clock", False, f"differs by {seconds} s, Kerberos allows {SKEW_SECONDS}; set it"
    )
