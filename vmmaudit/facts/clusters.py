"""Failover clusters as the directory shows them: names of clusters, of roles, and of nodes."""

from __future__ import annotations

from enum import StrEnum

from vmmaudit import questions
from vmmaudit.errors import FormatError
from vmmaudit.evidence import Evidence, Gap, Reason
from vmmaudit.facts.missing import Missing
from vmmaudit.facts.principal import Principal
from vmmaudit.windows import spn
from vmmaudit.windows.descriptor import decode
from vmmaudit.windows.sid import sid_from_bytes


class Part(StrEnum):
    """What a computer account is to a cluster."""

    CLUSTER = "cluster"
    ROLE = "role"
    NODE = "node"


def part_of(computer: Principal) -> Part | None:
    """What the SPNs of a computer account say of it; None where they say nothing of clusters.

    The name of a cluster carries both classes, that of a role (its client access point) only
    the second one, a node only that of the management interface: known from practice.
    """
    kinds = {found.service for text in computer.spns if (found := spn.parse(text))}
    if "msservercluster" in kinds and "msclustervirtualserver" in kinds:
        return Part.CLUSTER
    if "msclustervirtualserver" in kinds:
        return Part.ROLE
    return Part.NODE if kinds & {"msserverclustermgmtapi", "msservercluster"} else None


def owners(evidence: Evidence, domain: str) -> dict[str, str] | Missing:
    """The owner of each name of a cluster or role, by SID: of a role it is its cluster."""
    question = questions.cluster_names(domain)
    reply = evidence.reply(question)
    if isinstance(reply, Gap):
        return Missing.of(reply, question)
    found: dict[str, str] = {}
    for row in reply.rows:
        values = {key.lower(): value for key, value in row.values.items()}
        sid = next(iter(values.get("objectsid", ())), None)
        data = next(iter(values.get("ntsecuritydescriptor", ())), None)
        if sid is None or data is None:
            continue
        try:
            owner = decode(data).owner
            if owner:
                found[sid_from_bytes(sid)] = owner
        except FormatError as error:
            return Missing(Reason.MALFORMED_REPLY, str(error), (question.id,))
    return found
