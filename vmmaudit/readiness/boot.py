"""Whether a host started after the last change that its tickets must reflect."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from vmmaudit import questions
from vmmaudit.assessment import Ternary, Value
from vmmaudit.evidence import Reason
from vmmaudit.facts import Facts, Groups, Missing, Principal
from vmmaudit.readiness.link import Link
from vmmaudit.scope import Host
from vmmaudit.windows import replication, sid


def restarted(facts: Facts, host: Host) -> Link:
    """Yes, no, or unknown with the reason.

    The change that counts is the last one of H's delegation attributes or of its global and
    universal membership. For the membership only an upper bound is read, the group's
    whenChanged: a restart after it is proof, a restart before it proves nothing.
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
    if booted.at < changed + margin:
        if facts.moment - changed < lifetime:
            return Link(Ternary.NO, "NOT_RESTARTED", values, evidence)
        return Link(Ternary.UNKNOWN, "TICKETS_MAY_HAVE_RENEWED", values, evidence)
    if not booted.exact:
        return Link(Ternary.UNKNOWN, "COUNTER_WRAPS", values, evidence)
    groups = facts.directory.groups(computer)
    if isinstance(groups, Missing):
        return Link.unknown(groups)
    evidence += (groups.evidence,)
    membership = _membership_changed(facts, groups)
    if membership is None:
        return Link(Ternary.UNKNOWN, "MEMBERSHIP_UNKNOWN", values, evidence)
    if booted.at < membership + margin:
        values["membership"] = _shown(membership)
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


def _membership_changed(facts: Facts, groups: Groups) -> datetime | None:
    """The latest moment at which any membership can have changed; None if a group is unread."""
    return _latest(
        group.when_changed if (group := facts.directory.principal(found)) else None
        for found in groups.global_and_universal
        if not sid.is_builtin(found)
    )


def _latest(moments: Iterable[datetime | None]) -> datetime | None:
    found = list(moments)
    known = [moment for moment in found if moment is not None]
    return max(known) if known and len(known) == len(found) else None


def _shown(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
