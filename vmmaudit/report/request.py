"""What a change request says: its sentences, and its fields for ServiceNow and Jira."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

from vmmaudit.assessment import Assessment, Readiness, Ternary
from vmmaudit.change.commands import commands
from vmmaudit.change.plan import (
    CONTROL,
    SPN,
    EntryStep,
    ListStep,
    MemberStep,
    NumberStep,
    Plan,
    RestartStep,
    Step,
)
from vmmaudit.change.words import actor, sentence
from vmmaudit.controls.texts import Fill, Texts
from vmmaudit.evidence import Origin
from vmmaudit.report.document import Paragraph, Rich
from vmmaudit.report.permission import entry
from vmmaudit.report.prose import rich
from vmmaudit.scope import Scope
from vmmaudit.windows.descriptor import Ace

_SHORT: Final = 160
"""Characters of `short_description` in ServiceNow."""
_STAMP: Final = "%Y-%m-%d %H:%M:%S"
"""How ServiceNow takes a time, which it takes for UTC."""
JIRA: Final[Mapping[str, str]] = {
    "Summary": "short_description",
    "Description": "description",
    "Change type": "type",
    "Change risk": "risk",
    "Change reason": "justification",
    "Affected services": "business_service",
    "Assignee": "assigned_to",
    "Reporter": "requested_by",
    "Planned start": "start_date",
    "Planned end": "end_date",
    "Implementation plan": "implementation_plan",
    "Backout plan": "backout_plan",
    "Test plan": "test_plan",
}
"""Fields of a change in Jira Service Management, and ServiceNow's names for the same."""


@dataclass(frozen=True)
class Request:
    """A plan with what is known of the site before and what would be true after it.

    `names` are those of SIDs that stand in permissions.
    """

    plan: Plan
    before: Assessment
    after: Assessment
    scope: Scope
    origin: Origin
    texts: Texts
    names: Mapping[str, str] = field(default_factory=dict)

    def word(self, *path: str) -> str:
        """A word of change.toml."""
        return self.texts.word("change", *path)

    def fill(self, *path: str, **values: Fill) -> str:
        """A sentence of change.toml, filled, as plain text."""
        return self.texts.fill(self.word(*path), values).replace("`", "")

    def say(self, *path: str, **values: Fill) -> Rich:
        """A sentence of change.toml, filled."""
        return rich(self.word(*path), values, self.texts)

    def paragraph(self, *path: str, **values: Fill) -> Paragraph:
        """The same as a paragraph."""
        return Paragraph(self.say(*path, **values))

    @property
    def headline(self) -> str:
        """How many steps make how many pairs ready, and what they leave."""
        made, left = self.made, len(self.wanted) - self.made
        if self.plan.steps:
            said = [("headline" if made else "headline_steps", made)]
            said += [("headline_left", left)] if left else []
        elif left:
            said = [("headline_stuck", left)]
        else:
            said = [("headline_unclear", self.unclear) if self.unclear else ("headline_none", 0)]
        steps = len(self.plan.steps)
        return " ".join(
            self.fill("document", name, steps=steps, pairs=pairs) for name, pairs in said
        )

    @property
    def well(self) -> bool:
        """Whether nothing needs to be changed, and that is certain."""
        return not (self.plan.steps or self.wanted or self.unclear)

    @cached_property
    def made(self) -> int:
        """How many of the pairs it is for would be ready, and in force after the restarts."""
        wanted = set(self.plan.wanted)
        return sum(
            (entry.host, entry.share) in wanted and entry.ready is Ternary.YES
            for entry in self.after.readiness
        )

    @property
    def unclear(self) -> int:
        """How many pairs of the site could not be assessed."""
        return sum(entry.ready is Ternary.UNKNOWN for entry in self.before.readiness)

    @property
    def obstacles(self) -> tuple[str, ...]:
        """What the plan does not mend, a sentence each."""
        return tuple(
            self.fill(
                "document",
                "obstacle",
                host=obstacle.goal.host.name,
                link=self.texts.word("explain", "link", obstacle.link),
            )
            for obstacle in self.plan.obstacles
        )

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts it is for."""
        return tuple(dict.fromkeys(host for host, _ in self.plan.wanted))

    @cached_property
    def wanted(self) -> list[Readiness]:
        """The pairs it is for, as they are now."""
        pairs = set(self.plan.wanted)
        return [entry for entry in self.before.readiness if (entry.host, entry.share) in pairs]

    @property
    def controls(self) -> tuple[str, ...]:
        """The controls that fail now and have to be judged again."""
        found = {control for entry in self.wanted for control in entry.broken}
        if any(isinstance(step, RestartStep) for step in self.plan.steps):
            found.add("HST-01")
        return tuple(sorted(found))

    @property
    def counts(self) -> dict[str, Fill]:
        """How many pairs are ready, and would be."""
        now, then = (
            sum(entry.ready is Ternary.YES for entry in found.readiness)
            for found in (self.before, self.after)
        )
        return {"now": now, "then": then, "all": len(self.before.readiness)}

    @property
    def reasons(self) -> dict[str, Fill]:
        """Why it is requested."""
        return {
            "day": self.before.moment.date(),
            "pairs": len(self.wanted),
            "controls": self.controls,
        }

    @property
    def restarts(self) -> bool:
        """Whether a host has to be restarted."""
        return any(isinstance(step, RestartStep) for step in self.plan.steps)

    def fields(self) -> dict[str, str]:
        """The request by the field names of ServiceNow's `change_request`, in our words.

        What nobody can know before the change (approval, close code and notes) is empty.
        """
        record = self.scope.change
        return {
            "number": record.number,
            "type": record.type,
            "state": "New",
            "short_description": shortened(
                self.fill("field", "short_description_value", hosts=len(self.hosts))
            ),
            "description": self.fill("document", "now", **self.counts),
            "category": self.word("field", "category_value"),
            "cmdb_ci": "; ".join(self.hosts),
            "business_service": record.business_service,
            "assignment_group": record.assignment_group,
            "assigned_to": record.assigned_to,
            "requested_by": record.requested_by,
            "justification": self.fill("field", "justification_value", **self.reasons),
            "risk": self.word("field", "risk_value"),
            "impact": self.word("field", self.impact),
            "risk_impact_analysis": "\n".join(self.fill("risks", name) for name in self.risks),
            "implementation_plan": "\n".join(self._implementation()),
            "backout_plan": "\n".join([self.fill("document", "backing_out"), *self._recorded()]),
            "test_plan": "\n".join(self._testing()),
            "start_date": self._stamp(record.start),
            "end_date": self._stamp(record.end),
            "cab_required": "true" if record.cab_required else "false",
            "cab_recommendation": "",
            "approval": "",
            "close_code": "",
            "close_notes": "",
            "evidence_sha256": self.plan.evidence,
        }

    def jira(self) -> dict[str, str]:
        """The same for Jira Service Management."""
        fields = self.fields()
        return {name: fields[theirs] for name, theirs in JIRA.items()}

    @property
    def impact(self) -> str:
        """The key of the sentence that says what the change interrupts."""
        return "impact_value" if self.restarts else "impact_none"

    @property
    def risks(self) -> tuple[str, ...]:
        """Which risks the plan has, by the keys of their sentences."""
        found = dict.fromkeys(name for step in self.plan.steps for name in _risks(step))
        return (*found, "sharing")

    @cached_property
    def values(self) -> list[tuple[int, str, str, str]]:
        """Every step's number, object, recorded value and planned value."""
        return list(self._values())

    def _implementation(self) -> Iterator[str]:
        lines: dict[int, list[str]] = {}
        for number, command in commands(self.plan):
            lines.setdefault(number, []).append(command)
        for number, step in enumerate(self.plan.steps, 1):
            for change in step.changes:
                yield f"{number}. {actor(change, self.texts)}: {sentence(change, self.texts)}"
            yield from lines.get(number, ())

    def _recorded(self) -> Iterator[str]:
        return (f"{number}. {name}: {before}" for number, name, before, _ in self.values)

    def _testing(self) -> Iterator[str]:
        yield self.fill("document", "testing")
        if self.controls:
            yield self.fill("document", "testing_controls", controls=self.controls)
        yield self.fill("document", "testing_function")

    def _stamp(self, moment: datetime | None) -> str:
        return local(moment, self.scope).astimezone(UTC).strftime(_STAMP) if moment else ""

    def _values(self) -> Iterator[tuple[int, str, str, str]]:
        none = self.word("document", "none")
        for number, step in enumerate(self.plan.steps, 1):
            match step:
                case ListStep(account=account, attribute=attribute):
                    before, after = (", ".join(v) or none for v in (step.before, step.after))
                    yield number, f"{account.shown} {attribute}", before, after
                case NumberStep(account=account, attribute=attribute):
                    yield number, f"{account.shown} {attribute}", str(step.before), str(step.after)
                case MemberStep(group=group, member=member, joins=joins):
                    held = (none, member.shown) if joins else (member.shown, none)
                    yield number, f"{group.shown} member", *held
                case EntryStep(place=place):
                    before, after = (self._entries(v) or none for v in (step.before, step.after))
                    yield number, place, before, after

    def _entries(self, aces: Sequence[Ace]) -> str:
        return "; ".join(
            entry(
                "allow" if ace.allows else "deny",
                ace.sid or "",
                ace.mask,
                ace.flags,
                self.names,
                self.texts,
            )
            for ace in aces
        )


def local(moment: datetime, scope: Scope) -> datetime:
    """A planned time as the scope means it."""
    return moment if moment.tzinfo else moment.replace(tzinfo=scope.audit.zone)


def shortened(text: str) -> str:
    """As many whole words as the field takes."""
    if len(text) <= _SHORT:
        return text
    return text[: _SHORT - 1].rpartition(" ")[0] + "…"


def _risks(step: Step) -> Iterator[str]:
    match step:
        case ListStep(attribute=attribute, remove=remove):
            if attribute != SPN:
                yield "delegation"
            elif remove:
                yield "spn"
        case NumberStep(attribute=attribute, account=account):
            is_host = attribute == CONTROL and account.shown.endswith("$")
            yield "delegation" if is_host else "account"
        case MemberStep():
            yield "membership"
        case EntryStep():
            yield "entries"
        case RestartStep():
            yield "restart"
