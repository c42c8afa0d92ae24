"""Whether a host started after the last change that its tickets must reflect."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from vmmaudit import questions
from vmmaudit.assessment import Ternary, Value
from vmmaudit.evidence import Reason
from vmmaudit.facts import Facts, Groups, Missing, Principal
from vmmaudit.readiness.link import Link
from vmmaudit.scope import Host
from vmmaudit.windows import replication, sid


@dataclass(frozen=True, slots=True)
class _Joined:
    """When a host joined a group; not `exact`, it was then or before."""

    moment: datetime
    exact: bool
    group: str
    evidence: str


def restarted(facts: Facts, host: Host) -> Link:
    """Yes, no, or unknown with the reason.

    The change that counts is the last one of H's delegation attributes or of its global and
    universal membership. Where the directory does not tell when a membership began, the group's
    whenChanged is an upper bound: a restart after it is proof, a restart before it proves nothing.
    """
    computer = facts.host(host)
    if isinstance(computer, Missing):
        return Link.unknown(computer)
    booted = facts.servers.boot(questions.host_server(facts.scope, host))
    if isinstance(booted, Missing):
        return Link.unknown(booted)
    changed = _delegation_changed(computer)
    if changed is None:
        sentence = f"The directory did not tell when {computer.shown} was changed."
        return Link.unknown(Missing(Reason.INCOMPLETE, sentence, (computer.evidence,)))
    margin = timedelta(minutes=facts.scope.thresholds.replication_margin_minutes)
    lifetime = timedelta(hours=facts.scope.thresholds.ticket_lifetime_hours)
    values: dict[str, Value] = {
        "host": computer.shown,
        "booted": _shown(booted.at),
        "changed": _shown(changed),
        "hours": facts.scope.thresholds.ticket_lifetime_hours,
    }
    evidence: tuple[str, ...] = (computer.evidence, booted.evidence)
    fresh, older = ("NOT_RESTARTED", "TICKETS_MAY_HAVE_RENEWED")
    groups = facts.directory.groups(computer)
    joined = None if isinstance(groups, Missing) else _joined(facts, computer, groups)
    known = max(
        (one for one in joined or () if one is not None and one.exact),
        key=lambda one: one.moment,
        default=None,
    )
    if known is not None and known.moment > changed:
        changed = known.moment
        values |= {"changed": _shown(changed), "group": known.group}
        evidence += (known.evidence,)
        fresh, older = ("MEMBERSHIP_CHANGED", "MEMBERSHIP_MAY_BE_RENEWED")
    if booted.at < changed + margin:
        if facts.moment - changed < lifetime:
            return Link(Ternary.NO, fresh, values, evidence)
        return Link(Ternary.UNKNOWN, older, values, evidence)
    if not booted.exact:
        return Link(Ternary.UNKNOWN, "COUNTER_WRAPS", values, evidence)
    if isinstance(groups, Missing):
        return Link.unknown(groups)
    evidence += (groups.evidence,)
    if not joined or None in joined:
        return Link(Ternary.UNKNOWN, "MEMBERSHIP_UNKNOWN", values, evidence)
    latest = max((one.moment for one in joined if one is not None), default=changed)
    if booted.at < latest + margin:
        values["membership"] = _shown(latest)
        return Link(Ternary.UNKNOWN, "MEMBERSHIP_MAY_HAVE_CHANGED", values, evidence)
    return Link(Ternary.YES, "", values, evidence)


def _delegation_changed(computer: Principal) -> datetime | None:
    return max(
        (
            moment
            for attribute, moment in computer.changed.items()
            if attribute in (replication.ALLOWED_TO_DELEGATE_TO, replication.USER_ACCOUNT_CONTROL)
        ),
        default=None,
    )


def _joined(facts: Facts, computer: Principal, groups: Groups) -> list[_Joined | None]:
    """When the host came into each global and universal group; None for one that is not known.

    A group of the token can have been joined by the host itself or by another of its groups.
    """
    wide = [found for found in groups.global_and_universal if not sid.is_builtin(found)]
    known = [facts.directory.principal(found) for found in wide]
    inside = {computer.dn.lower(), *(group.dn.lower() for group in known if group)}
    return [_entry(facts, computer, group, inside) if group else None for group in known]


def _entry(facts: Facts, computer: Principal, group: Principal, inside: set[str]) -> _Joined | None:
    if group.sid == f"{sid.domain_of(computer.sid)}-{computer.primary_group}":
        # No link leads to the primary group; an attribute of the account names it.
        chosen = computer.changed.get(replication.PRIMARY_GROUP_ID)
        if chosen is not None:
            return _Joined(chosen, True, group.shown, computer.evidence)
    since = facts.directory.member_since(group, inside)
    if since is not None:
        return _Joined(since.moment, True, group.shown, since.evidence)
    if group.when_changed is None:
        return None
    return _Joined(group.when_changed, False, group.shown, group.evidence)


def _shown(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
