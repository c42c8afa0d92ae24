"""The change request: what is to be changed, by whom, how it is taken back and tested."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from vmmaudit.assessment import Assessment, Readiness, Ternary
from vmmaudit.change.changes import Actor
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
from vmmaudit.change.words import sentence
from vmmaudit.controls.texts import Fill, Texts
from vmmaudit.report.document import (
    Block,
    Bullets,
    Column,
    Cover,
    Document,
    Facts,
    Paragraph,
    Rich,
    Section,
    Table,
    Tone,
)
from vmmaudit.report.material import cells, code, text, value
from vmmaudit.report.prose import rich
from vmmaudit.scope import Scope
from vmmaudit.windows.descriptor import Ace

_WORDS: Final = ("all", "contents", "digest", "filter", "none_found", "page", "severity", "skip")
_SHOWN: Final = 200
_ROLES: Final = ("requester", "implementer", "approver", "reviewer")


@dataclass(frozen=True)
class Request:
    """A plan with what is known of the site before and what would be true after it."""

    plan: Plan
    before: Assessment
    after: Assessment
    scope: Scope
    texts: Texts

    def word(self, *path: str) -> str:
        """A word of change.toml."""
        return self.texts.word("change", *path)

    def say(self, *path: str, **values: Fill) -> Rich:
        """A sentence of change.toml, filled."""
        return rich(self.word(*path), values, self.texts)

    def paragraph(self, *path: str, **values: Fill) -> Paragraph:
        """The same as a paragraph."""
        return Paragraph(self.say(*path, **values))

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

    def fields(self) -> dict[str, str]:
        """The request for ServiceNow and Jira: their names of fields, our words."""

        def filled(name: str, **values: Fill) -> str:
            return self.texts.fill(self.word("field", name), values)

        lines = [
            f"{number}. {sentence(change, self.texts)}"
            for number, step in enumerate(self.plan.steps, 1)
            for change in step.changes
        ]
        return {
            "type": "normal",
            "state": "new",
            "short_description": filled("short_description_value", hosts=len(self.hosts))[:160],
            "description": self.texts.fill(self.word("document", "now"), self._counts()),
            "category": self.word("field", "category_value"),
            "cmdb_ci": "; ".join(self.hosts),
            "justification": filled("justification_value", **self._reasons()),
            "risk": self.word("field", "risk_value"),
            "impact": self.word("field", "impact_value"),
            "risk_impact_analysis": "\n".join(_plain(self, name) for name in risks(self.plan)),
            "implementation_plan": "\n".join(lines),
            "backout_plan": "\n".join([_document(self, "backing_out"), *recorded_lines(self)]),
            "test_plan": "\n".join(
                [_document(self, "testing"), _document(self, "testing_function")]
            ),
            "evidence_sha256": self.plan.evidence,
        }

    def _counts(self) -> dict[str, Fill]:
        now, then = (
            sum(entry.ready is Ternary.YES for entry in found.readiness)
            for found in (self.before, self.after)
        )
        return {"now": now, "then": then, "all": len(self.before.readiness)}

    def _reasons(self) -> dict[str, Fill]:
        return {
            "day": self.before.moment.date(),
            "pairs": len(self.wanted),
            "controls": self.controls,
        }


def build_request(request: Request) -> Document:
    """The change request as a document that every renderer takes."""
    texts, scope, plan = request.texts, request.scope, request.plan
    steps = len(plan.steps)
    headline = texts.fill(
        request.word("document", "headline" if steps else "headline_none"),
        {"steps": steps, "pairs": len(request.wanted)},
    )
    identifier = f"CHG-{request.before.moment:%Y%m%d}-{plan.evidence[:8].upper()}"
    label = texts.label("classification", scope.audit.classification)
    parts: list[tuple[str, tuple[Block, ...]]] = [
        ("request", (_request(request),)),
        ("situation", tuple(_situation(request))),
        ("steps", tuple(_steps(request))),
        ("implementation", _paragraphs(request, "implementing", "implementing_order", "not_run")),
        ("backout", (request.paragraph("document", "backing_out"), *_recorded(request))),
        ("test", tuple(_test(request))),
        ("risk", (Bullets(tuple(request.say("risks", name) for name in risks(plan))),)),
        ("approval", (_approval(request),)),
    ]
    if plan.obstacles:
        parts.insert(3, ("obstacles", (_obstacles(request),)))
    sections = tuple(
        Section(name, str(number), request.word("document", name), blocks, page=name == "steps")
        for number, (name, blocks) in enumerate(parts, 1)
    )
    return Document(
        language=texts.language,
        direction="rtl" if texts.right_to_left else "ltr",
        title=request.word("document", "title"),
        identifier=identifier,
        author=scope.branding.sender,
        classification=label,
        colour=scope.branding.colour,
        digest=plan.evidence,
        moment=request.before.moment,
        cover=Cover(
            kind=request.word("document", "kind"),
            title=request.word("document", "title"),
            subject=request.word("document", "subject"),
            client=scope.audit.client,
            status=texts.label("status", "draft"),
            facts=(
                (texts.label("field", "document"), value(identifier)),
                (texts.label("field", "classification"), text(label)),
                (texts.label("field", "date"), text(texts.day(request.before.moment.date()))),
                (texts.label("field", "digest"), code(plan.evidence)),
            ),
            tone=Tone.WARN if steps else Tone.GOOD,
            headline=headline,
            sender=scope.branding.sender,
        ),
        sections=sections,
        words={
            **{name: texts.label("layout", name) for name in _WORDS},
            "locale": texts.locale.replace("_", "-"),
        },
    )


def risks(plan: Plan) -> tuple[str, ...]:
    """Which risks a plan has, by the keys of their sentences."""
    found = dict.fromkeys(name for step in plan.steps for name in _risks(step))
    return (*found, "sharing")


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


def _request(request: Request) -> Facts:
    given = {
        "type": request.say("field", "type_value"),
        "state": request.say("field", "state_value"),
        "short_description": request.say(
            "field", "short_description_value", hosts=len(request.hosts)
        ),
        "justification": request.say(
            "field",
            "justification_value",
            day=request.before.moment.date(),
            pairs=len(request.wanted),
            controls=request.controls,
        ),
        "category": request.say("field", "category_value"),
        "items": value("; ".join(request.hosts[:_SHOWN])),
        "risk": request.say("field", "risk_value"),
        "impact": request.say("field", "impact_value"),
        "evidence": code(request.plan.evidence),
    }
    order = (
        *("number", "type", "state", "requested_by", "assigned_to", "short_description"),
        *("justification", "category", "items", "risk", "impact", "start", "end", "evidence"),
    )
    return Facts(tuple((request.word("field", name), given.get(name, ())) for name in order))


def _situation(request: Request) -> Iterator[Block]:
    yield Paragraph(rich(request.word("document", "now"), request._counts(), request.texts))
    if request.wanted:
        yield Table(
            request.word("document", "pairs"),
            (
                Column(request.word("column", "host"), 3, "id"),
                Column(request.word("column", "share"), 4, "id"),
                Column(request.word("column", "controls"), 3, "id"),
            ),
            tuple(
                cells(
                    value(entry.host),
                    value(entry.share),
                    value(", ".join(entry.broken) or "HST-01"),
                )
                for entry in request.wanted[:_SHOWN]
            ),
        )


def _steps(request: Request) -> Iterator[Block]:
    numbered = list(enumerate(request.plan.steps, 1))
    if not numbered:
        yield request.paragraph("document", "headline_none")
    for actor in Actor:
        mine = [(number, step) for number, step in numbered if step.actor is actor]
        if mine:
            caption = request.texts.fill(
                request.word("document", "by"), {"actor": request.word("actor", actor.value)}
            )
            yield Table(
                caption,
                (
                    Column(request.word("column", "number"), 0.6, "number"),
                    Column(request.word("column", "change"), 5),
                    Column(request.word("column", "object"), 3, "id"),
                ),
                tuple(
                    cells(text(str(number)), _told(request, step), value(_name(step)))
                    for number, step in mine
                ),
            )
    yield request.paragraph("document", "implementing_add")
    yield request.paragraph("document", "attached")


def _told(request: Request, step: Step) -> Rich:
    return text(" ".join(sentence(change, request.texts) for change in step.changes))


def _name(step: Step) -> str:
    match step:
        case ListStep(account=account) | NumberStep(account=account):
            return account.shown
        case MemberStep(group=group):
            return group.shown
        case EntryStep(place=place):
            return place
        case RestartStep(host=host):
            return host


def _recorded(request: Request) -> Iterator[Block]:
    rows = [
        cells(text(str(number)), value(name), value(before), value(after))
        for number, name, before, after in _values(request)
    ]
    if rows:
        yield Table(
            request.word("document", "recorded"),
            (
                Column(request.word("column", "number"), 0.6, "number"),
                Column(request.word("column", "object"), 2.6, "id"),
                Column(request.word("column", "before"), 3.4, "id"),
                Column(request.word("column", "after"), 3.4, "id"),
            ),
            tuple(rows),
        )


def recorded_lines(request: Request) -> list[str]:
    """The recorded values as lines of text."""
    return [f"{n}. {name}: {before}" for n, name, before, _ in _values(request)]


def _values(request: Request) -> Iterator[tuple[int, str, str, str]]:
    none = request.word("document", "none")
    for number, step in enumerate(request.plan.steps, 1):
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
                yield number, place, _entries(step.before), _entries(step.after)


def _entries(aces: Sequence[Ace]) -> str:
    return "; ".join(
        f"{'allow' if ace.allows else 'deny'} {ace.sid} 0x{ace.mask:x} flags 0x{ace.flags:x}"
        for ace in aces
    )


def _test(request: Request) -> Iterator[Block]:
    yield request.paragraph("document", "testing")
    if request.controls:
        yield request.paragraph("document", "testing_controls", controls=request.controls)
    yield request.paragraph("document", "testing_function")


def _obstacles(request: Request) -> Bullets:
    return Bullets(
        tuple(
            request.say(
                "document",
                "obstacle",
                host=obstacle.goal.host.name,
                link=request.texts.word("explain", "link", obstacle.link),
            )
            for obstacle in request.plan.obstacles
        )
    )


def _approval(request: Request) -> Table:
    return Table(
        request.word("document", "approval"),
        (
            Column(request.word("column", "role"), 3),
            Column(request.word("column", "name"), 3, "blank"),
            Column(request.word("column", "date"), 2, "blank"),
            Column(request.word("column", "signature"), 3, "blank"),
        ),
        tuple(cells(request.say("role", role), (), (), ()) for role in _ROLES),
    )


def _paragraphs(request: Request, *names: str) -> tuple[Block, ...]:
    return tuple(request.paragraph("document", name) for name in names)


def _plain(request: Request, name: str) -> str:
    return request.word("risks", name).replace("`", "")


def _document(request: Request, name: str) -> str:
    return request.word("document", name).replace("`", "")
