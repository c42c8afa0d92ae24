"""What a domain tells of its VMM: servers, account, hosts and candidate libraries, as a scope.

Active Directory knows services by their connection points and by their SPNs. Both
survive a server that is gone, and a host in the directory need not be managed by VMM:
what is found is a proposal to be read by a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vmmaudit import questions
from vmmaudit.collect.wire import Wire
from vmmaudit.display import framed, properties, table
from vmmaudit.errors import FormatError, ScopeError
from vmmaudit.evidence import Answer, Gap
from vmmaudit.facts.discovered import (
    HYPER_V,
    LeftOut,
    Marked,
    marked,
    places,
    principals,
    targets,
    vmm_servers,
)
from vmmaudit.scope import Domain
from vmmaudit.windows import srvsvc

if TYPE_CHECKING:
    import pandas as pd

_FOLDER_SHARE: Final = 0
"""STYPE_DISKTREE without the bit that marks an administrative share (MS-SRVS 2.2.2.4)."""
LIBRARY_SHARE: Final = "MSSCVMMLibrary"
_LEFT_OUT: Final = {
    LeftOut.NO_NAME: "its account has no DNS name",
    LeftOut.DISABLED: "its account is disabled",
    LeftOut.CLUSTER: "a name of a cluster, not a node",
}


@dataclass(frozen=True, slots=True)
class Found:
    """A server, why it was taken for what it is, and what to look at before using it."""

    name: str
    note: str


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found in one domain: a proposal to be read, in English as on the command line.

    found = discovery("contoso.com")
    print(found.scope_text())    # as a commented scope file
    found.to_frame()             # one row per server, and why it was taken for what it is
    """

    domain: Domain
    vmm: tuple[Found, ...]
    account: str
    hosts: tuple[Found, ...]
    left_out: tuple[Found, ...]
    shares: tuple[Found, ...]
    candidates: tuple[Found, ...]

    def scope_text(self) -> str:
        """A commented scope that loads unchanged.

        Raises:
            ScopeError: there is no host or no library to write down.
        """
        return scope_text(self)

    def to_frame(self) -> pd.DataFrame:
        """One row per server or share: what it was taken for, and why."""
        import pandas as pd  # noqa: PLC0415 - costs 0.3 s

        groups = {
            "vmm": self.vmm,
            "host": self.hosts,
            "left out": self.left_out,
            "library": self.shares,
            "candidate": self.candidates,
        }
        rows = [(kind, one.name, one.note) for kind, found in groups.items() for one in found]
        return pd.DataFrame(rows, columns=["taken for", "name", "note"])

    def _repr_html_(self) -> str:
        about = {"domain": self.domain.name, "account": self.account or "?"}
        return framed(properties(about), table(self.to_frame()))


def discover(domain: Domain, wire: Wire) -> Discovery:
    """Ask the domain, then the servers that may hold a library, for their shares.

    Raises:
        ScopeError: the domain cannot be read.
    """
    name = domain.name
    root, points, by_spn, owners = wire.ask(
        [
            questions.root_dse(name),
            questions.connection_points(name),
            questions.hyper_v_computers(name),
            questions.vmm_spns(name),
        ]
    )
    for reply in (root, points, by_spn, owners):
        if isinstance(reply, Gap):
            raise ScopeError(f"The domain {name} cannot be read: {reply.text}")
    netbios = _netbios(wire, name, root)
    under = list(places(points, HYPER_V))
    located = wire.ask([questions.computer_at(name, dn) for dn in under])
    everybody = marked(
        {p.sid: p for reply in located for p in principals(reply, name, netbios)},
        {p.sid: p for p in principals(by_spn, name, netbios)},
    )
    hosts, left_out = _hosts(everybody)
    accounts = list(principals(owners, name, netbios))
    told = vmm_servers(points, accounts, name)
    vmm = tuple(Found(server, " and ".join(notes)) for server, notes in told.items())
    own = {host.name for host in hosts}
    reached = {
        server: "hosts may delegate to it for cifs"
        for server in targets((mark.computer for mark in everybody), name)
        if server not in own
    }
    for server in vmm:
        reached.setdefault(server.name, "a VMM server brings a library of its own")
    shares, candidates = _libraries(wire, reached)
    used = [a for a in accounts if not a.is_computer]
    account = used[0].shown if len(used) == 1 else ""
    return Discovery(domain, vmm, account, hosts, left_out, shares, candidates)


def scope_text(found: Discovery) -> str:
    """A commented scope that loads unchanged.

    Raises:
        ScopeError: there is no host or no library to write down.
    """
    if not found.hosts:
        raise ScopeError(
            f"No Hyper-V host is registered in {found.domain.name}; write the scope by hand."
        )
    if not found.shares and not found.candidates:
        raise ScopeError(
            f"No library share was found in {found.domain.name}; write the scope by hand."
        )
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Discovery) -> Iterator[str]:
    yield "# Found in the directory by `vmmaudit init`: read it, correct it, then use it."
    yield "format: 1"
    yield "audit:"
    yield "  title: Shared ISO images in VMM"
    yield "  languages: [de, en]"
    yield "  # period: {from: 2026-01-01, to: 2026-03-31}"
    yield "  # time_zone: Europe/Berlin  # the documents tell times here and in UTC"
    yield "people:"
    yield "  # - {role: auditor, name: }"
    yield "  []"
    yield "domains:"
    yield f"  - name: {found.domain.name}"
    if found.domain.transport != "sealed":
        yield f"    transport: {found.domain.transport}"
    if found.domain.ca:
        yield f"    ca: {_quoted(str(found.domain.ca))}"
    yield "    # winrm: http  # or https: where pipes refuse, and for VMM's own lists"
    yield "vmm:" if found.vmm else "vmm: []"
    for server in found.vmm:
        yield f"  - server: {server.name}  # {server.note}"
        if found.account:
            yield f"    account: {_quoted(found.account)}  # owns the SPNs SCVMM/…"
    yield "# A host that was added with a Run As account needs `run_as: 'DOMAIN\\name'`; the"
    yield "# directory does not know it. Not every host here need be managed by VMM."
    yield "hosts:"
    for host in found.hosts:
        yield f"  - name: {host.name}  # {host.note}"
    for host in found.left_out:
        yield f"  # left out: {host.name}: {host.note}"
    yield "# The server part must be written exactly as VMM names it: its SPN counts."
    yield "libraries:"
    for share in found.shares:
        yield f"  - share: {_quoted(share.name)}  # {share.note}"
    for share in found.candidates:
        sign = "- " if not found.shares else "# - "
        yield f"  {sign}share: {_quoted(share.name)}  # {share.note}"


def _quoted(text: str) -> str:
    """A YAML single-quoted scalar; names of a directory may hold anything."""
    plain = "".join(c for c in text if c.isprintable())
    return "'" + plain.replace("'", "''") + "'"


def _hosts(everybody: Iterable[Marked]) -> tuple[tuple[Found, ...], tuple[Found, ...]]:
    hosts: list[Found] = []
    left_out: list[Found] = []
    for mark in everybody:
        if mark.left_out:
            name = mark.computer.dns_name
            shown = _plain(mark.computer.name) if mark.left_out is LeftOut.NO_NAME else name
            left_out.append(Found(shown, _LEFT_OUT[mark.left_out]))
        else:
            both = mark.by_point and mark.by_spn
            one = "connection point only" if mark.by_point else "SPN only"
            hosts.append(Found(mark.computer.dns_name, "connection point and SPN" if both else one))
    return tuple(hosts), tuple(left_out)


def _libraries(wire: Wire, reached: dict[str, str]) -> tuple[tuple[Found, ...], tuple[Found, ...]]:
    shares: list[Found] = []
    candidates: list[Found] = []
    for server, why in sorted(reached.items()):
        (reply,) = wire.ask([questions.shares(server)])
        if isinstance(reply, Gap):
            note = f"{why}; not asked: {_plain(reply.text)}"
            candidates.append(Found(rf"\\{server}\{LIBRARY_SHARE}", note))
            continue
        for share in _folder_shares(reply):
            unc = rf"\\{server}\{share.name}"
            if share.name.lower() == LIBRARY_SHARE.lower() or "vmm" in share.remark.lower():
                shares.append(Found(unc, why))
            else:
                candidates.append(Found(unc, f"{why}; another share"))
    return tuple(shares), tuple(candidates)


def _folder_shares(reply: Answer) -> list[srvsvc.ShareInfo]:
    try:
        found = srvsvc.decode_shares(reply.rows[0].first("reply") or b"")
    except FormatError:
        return []
    return [s for s in found if s.type == _FOLDER_SHARE and not s.name.endswith("$")]


def _netbios(wire: Wire, domain: str, root: Answer | Gap) -> str:
    default = domain.split(".", maxsplit=1)[0].upper()
    if isinstance(root, Gap) or not root.rows:
        return default
    configuration = (root.rows[0].first("configurationNamingContext") or b"").decode()
    (reply,) = wire.ask([questions.partition(domain, configuration)])
    if isinstance(reply, Gap) or not reply.rows:
        return default
    return (reply.rows[0].first("nETBIOSName") or default.encode()).decode("utf-8", "replace")


def _plain(text: str) -> str:
    return "".join(c for c in text if c.isprintable() and c != "#")
