"""The change request: what is to be changed, by whom, how it is taken back and tested."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from vmmaudit.change.agdlp import SHARE, Group
from vmmaudit.change.changes import Actor
from vmmaudit.change.commands import commands, grouping
from vmmaudit.change.plan import EntryStep, ListStep, MemberStep, NumberStep, RestartStep, Step
from vmmaudit.change.words import sentence
from vmmaudit.display import Tone
from vmmaudit.report.document import (
    Block,
    Bullets,
    Cell,
    Column,
    Document,
    Facts,
    Paragraph,
    Rich,
    Section,
    Table,
)
from vmmaudit.report.material import cells, code, text, value
from vmmaudit.report.paper import Paper, here, signatures, write
from vmmaudit.report.prose import rich
from vmmaudit.report.request import Request, local

_SHOWN: Final = 200
_NAMED: Final = 12
_ROLES: Final = ("requester", "implementer", "approver", "reviewer")
_BY_HAND: Final = ("cab_recommendation", "approval", "close_code", "close_notes")
"""What is known only later; these lines are for a pen."""


def build_request(request: Request) -> Document:
    """The change request as a document that every renderer takes."""
    request = replace(request, texts=here(request.texts, request.scope))
    texts, scope, plan = request.texts, request.scope, request.plan
    parts: list[tuple[str, tuple[Block, ...]]] = [
        ("request", (_request(request),)),
        ("situation", tuple(_situation(request))),
        ("steps", tuple(_steps(request))),
        (
            "implementation",
            (
                *_paragraphs(request, "implementing", "implementing_order", "not_run"),
                *_commands(request),
            ),
        ),
        ("backout", (request.paragraph("document", "backing_out"), *_recorded(request))),
        ("test", tuple(_test(request))),
        ("risk", (Bullets(tuple(request.say("risks", name) for name in request.risks)),)),
        ("approval", (signatures(texts, request.word("document", "approval"), _ROLES),)),
        ("closing", tuple(_closing(request))),
    ]
    if plan.obstacles:
        parts.insert(3, ("obstacles", (_obstacles(request),)))
    if plan.proposals:
        parts.insert(-2, ("groups", tuple(_groups(request))))
    sections = tuple(
        Section(name, str(number), request.word("document", name), blocks, page=name == "steps")
        for number, (name, blocks) in enumerate(parts, 1)
    )
    about = Paper(
        prefix="CHG",
        kind=request.word("document", "kind"),
        title=request.word("document", "title"),
        subject=request.word("document", "subject"),
        assessment=request.before,
        origin=request.origin,
        opinion=(Tone.GOOD if request.well else Tone.WARN, request.headline),
    )
    return write(texts, scope, about, sections)


def _request(request: Request) -> Facts:
    record = request.scope.change
    given = {
        "number": value(record.number),
        "type": request.say("field", f"type_{record.type}"),
        "state": request.say("field", "state_value"),
        "requested_by": value(record.requested_by),
        "assignment_group": value(record.assignment_group),
        "assigned_to": value(record.assigned_to),
        "business_service": value(record.business_service),
        "short_description": request.say(
            "field", "short_description_value", hosts=len(request.hosts)
        ),
        "justification": request.say("field", "justification_value", **request.reasons),
        "category": request.say("field", "category_value"),
        "items": (
            *value("; ".join(request.hosts[:_SHOWN])),
            *text(_left(request, request.hosts)),
        ),
        "risk": request.say("field", "risk_value"),
        "impact": request.say("field", request.impact),
        "evidence": code(request.plan.evidence),
        "cab_required": request.say("planned", "yes" if record.cab_required else "no"),
    }
    for name, moment in (("start", record.start), ("end", record.end)):
        given[name] = text(request.texts.moment(local(moment, request.scope))) if moment else ()
    order = (
        *("number", "type", "state", "requested_by", "assignment_group", "assigned_to"),
        *("business_service", "short_description", "justification", "category", "items"),
        *("risk", "impact", "start", "end", "cab_required", *_BY_HAND[:2], "evidence"),
    )
    return Facts(tuple((request.word("field", name), given.get(name, ())) for name in order))


def _left(request: Request, names: Sequence[object]) -> str:
    """How many more there are than were shown; empty where none is left out."""
    more = len(names) - _SHOWN
    return " " + request.fill("document", "more", more=more) if more > 0 else ""


def _situation(request: Request) -> Iterator[Block]:
    yield Paragraph(rich(request.word("document", "now"), request.counts, request.texts))
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
        if left := _left(request, request.wanted):
            yield Paragraph(text(left.strip()), "note")


def _steps(request: Request) -> Iterator[Block]:
    numbered = list(enumerate(request.plan.steps, 1))
    if not numbered:
        yield Paragraph(text(request.headline))
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


def _commands(request: Request) -> Iterator[Block]:
    rows = [cells(text(str(number)), code(line)) for number, line in commands(request.plan)]
    if rows:
        yield request.paragraph("document", "by_hand")
        yield _of_commands(request, request.word("document", "commands"), rows)


def _of_commands(request: Request, caption: str, rows: Sequence[tuple[Cell, ...]]) -> Table:
    return Table(
        caption,
        (
            Column(request.word("column", "number"), 0.6, "number"),
            Column(request.word("column", "command"), 8, "id"),
        ),
        tuple(rows),
    )


def _recorded(request: Request) -> Iterator[Block]:
    rows = [
        cells(text(str(number)), value(name), value(before), value(after))
        for number, name, before, after in request.values
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


def _test(request: Request) -> Iterator[Block]:
    yield request.paragraph("document", "testing")
    if request.controls:
        yield request.paragraph("document", "testing_controls", controls=request.controls)
    yield request.paragraph("document", "testing_function")


def _obstacles(request: Request) -> Bullets:
    return Bullets(tuple(text(said) for said in request.obstacles))


def _groups(request: Request) -> Iterator[Block]:
    """Groups in the place of single accounts: a proposal, and no part of the scripts."""
    found = request.plan.proposals
    yield request.paragraph("document", "groups_why")
    yield Table(
        request.word("document", "groups_proposed"),
        (
            Column(request.word("column", "share"), 3, "id"),
            Column(request.word("column", "accounts"), 3, "id"),
            Column(request.word("column", "global"), 2.4, "id"),
            Column(request.word("column", "local"), 2.4, "id"),
            Column(request.word("column", "places"), 3, "id"),
        ),
        tuple(
            cells(
                value(proposal.share),
                _few(request, [a.shown for a in joining.accounts]),
                request.say("group", _there(joining.group), group=joining.group.shown),
                request.say("group", _there(proposal.local), group=proposal.local.shown),
                _few(request, [_place(request, place) for place in proposal.places]),
            )
            for proposal in found
            for joining in proposal.joining
        ),
    )
    yield request.paragraph("document", "groups_order")
    lines = [line for proposal in found for line in grouping(proposal)]
    rows = [
        cells(text(str(number)), code(line))
        for number, line in enumerate(dict.fromkeys(lines[:_SHOWN]), 1)
    ]
    yield _of_commands(request, request.word("document", "groups_commands"), rows)


def _there(group: Group) -> str:
    return "exists" if group.exists else "new"


def _place(request: Request, place: str) -> str:
    return request.word("group", "share") if place == SHARE else place


def _few(request: Request, names: Sequence[str]) -> Rich:
    left = len(names) - _NAMED
    more = " " + request.fill("document", "more", more=left) if left > 0 else ""
    return (*value("; ".join(names[:_NAMED])), *text(more))


def _closing(request: Request) -> Iterator[Block]:
    yield request.paragraph("document", "closing_how")
    yield Facts(tuple((request.word("field", name), ()) for name in _BY_HAND[2:]))


def _paragraphs(request: Request, *names: str) -> tuple[Block, ...]:
    return tuple(request.paragraph("document", name) for name in names)
