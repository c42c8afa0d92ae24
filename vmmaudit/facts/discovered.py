"""What a domain itself tells of VMM: its servers, Hyper-V hosts and where hosts may delegate to.

Active Directory knows services by their connection points and by their SPNs. Both
survive a server that is gone, and a host in the directory need not be managed by VMM.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from vmmaudit import questions
from vmmaudit.errors import FormatError
from vmmaudit.evidence import Answer, Evidence, Gap
from vmmaudit.facts.missing import Missing
from vmmaudit.facts.principal import Principal, decode
from vmmaudit.windows import spn

HYPER_V: Final = "Microsoft Hyper-V"
VMM: Final = "MSVMM"
"""The names of the connection points."""
STALE: Final = timedelta(days=45)
"""Without a logon for so long, a machine is taken for gone; lastLogonTimestamp is late by 14."""
_DNS_NAME: Final = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?")
_CLUSTER: Final = frozenset({"msservercluster", "msclustervirtualserver"})


class LeftOut(StrEnum):
    """Why a computer account is no Hyper-V host although it is marked as one."""

    NO_NAME = "no-name"
    DISABLED = "disabled"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class Marked:
    """A computer account that is marked as a Hyper-V host, and by what."""

    computer: Principal
    by_point: bool
    by_spn: bool
    left_out: LeftOut | None


@dataclass(frozen=True, slots=True)
class Discovered:
    """What one domain tells; `vmm` are DNS names with what says so."""

    hosts: tuple[Marked, ...]
    vmm: Mapping[str, tuple[str, ...]]
    evidence: tuple[str, ...]


def discovered(evidence: Evidence, domain: str, netbios: str) -> Discovered | Missing:
    """The marks of a domain, or the first gap in the place of one of its answers."""
    asked = (
        questions.connection_points(domain),
        questions.hyper_v_computers(domain),
        questions.vmm_spns(domain),
    )
    replies = [evidence.reply(question) for question in asked]
    for question, reply in zip(asked, replies, strict=True):
        if isinstance(reply, Gap):
            return Missing.of(reply, question)
    points, by_spn, owners = replies
    located = [evidence.reply(questions.computer_at(domain, dn)) for dn in places(points, HYPER_V)]
    hosts = marked(
        {p.sid: p for reply in located for p in principals(reply, domain, netbios)},
        {p.sid: p for p in principals(by_spn, domain, netbios)},
    )
    vmm = vmm_servers(points, principals(owners, domain, netbios), domain)
    return Discovered(hosts, vmm, tuple(question.id for question in asked))


def is_stale(computer: Principal, moment: datetime) -> bool:
    """Whether nobody has logged on as this machine for long, or can any more."""
    if not computer.enabled:
        return True
    return computer.last_logon is not None and moment - computer.last_logon > STALE


def is_dns_name(name: str) -> bool:
    """Whether a name from the directory can be one of a server; it may hold anything."""
    return bool(_DNS_NAME.fullmatch(name))


def is_cluster_name(computer: Principal) -> bool:
    """Whether the account is the name of a cluster or of one of its roles, and no machine."""
    kinds = {found.service for text in computer.spns if (found := spn.parse(text))}
    return bool(kinds & _CLUSTER)


def marked(
    by_point: Mapping[str, Principal], by_spn: Mapping[str, Principal]
) -> tuple[Marked, ...]:
    """The union of both marks (by SID), in the order of their names."""
    found = []
    everybody = {**by_point, **by_spn}
    for sid, computer in sorted(everybody.items(), key=lambda item: item[1].dns_name):
        left_out: LeftOut | None = None
        if not is_dns_name(computer.dns_name):
            left_out = LeftOut.NO_NAME
        elif not computer.enabled:
            left_out = LeftOut.DISABLED
        elif is_cluster_name(computer):
            left_out = LeftOut.CLUSTER
        found.append(Marked(computer, sid in by_point, sid in by_spn, left_out))
    return tuple(found)


def vmm_servers(
    points: Answer | Gap, owners: Iterable[Principal], domain: str
) -> dict[str, tuple[str, ...]]:
    """The names of VMM servers and what tells of each: its connection point, its SPN."""
    names: dict[str, list[str]] = {}
    if isinstance(points, Answer):
        for row in points.rows:
            if (row.first("cn") or b"").lower() == VMM.lower().encode():
                name = (row.first("serviceDNSName") or b"").decode("utf-8", "replace").lower()
                names.setdefault(name, []).append(f"connection point {VMM}")
    for account in owners:
        for text in account.spns:
            found = spn.parse(text)
            if found and found.service == "scvmm" and found.host.endswith("." + domain):
                names.setdefault(found.host, []).append("SPN")
    return {
        name: tuple(dict.fromkeys(notes))
        for name, notes in sorted(names.items())
        if is_dns_name(name)
    }


def targets(hosts: Iterable[Principal], domain: str) -> tuple[str, ...]:
    """The servers that hosts may delegate to for files, fully qualified."""
    found: dict[str, None] = {}
    for host in hosts:
        for text in host.delegates_to:
            parts = spn.parse(text)
            if parts and parts.service == "cifs" and is_dns_name(parts.host):
                found[parts.host if "." in parts.host else f"{parts.host}.{domain}"] = None
    return tuple(found)


def places(points: Answer | Gap, name: str) -> Iterator[str]:
    """The objects above the connection points of one name: the computers that made them."""
    if isinstance(points, Answer):
        for row in points.rows:
            if (row.first("cn") or b"").decode("utf-8", "replace").lower() == name.lower():
                yield row.name.partition(",")[2]


def principals(reply: Answer | Gap, domain: str, netbios: str) -> Iterator[Principal]:
    """The accounts of a reply; what cannot be understood is left out."""
    if isinstance(reply, Answer):
        for row in reply.rows:
            try:
                found = decode(row, domain, netbios, "")
            except FormatError:
                continue
            if found is not None:
                yield found
