"""Evidence, scope and the previous audit with other names in them."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ruamel.yaml import YAML

from vmmaudit import questions
from vmmaudit.assessment import Assessment, GrantedWaiver, Judgement, Readiness
from vmmaudit.errors import FormatError
from vmmaudit.evidence import Answer, Evidence, Question, Reader, Row
from vmmaudit.pseudonyms.harvest import harvest
from vmmaudit.pseudonyms.key import Key
from vmmaudit.pseudonyms.rewrite import Rewriter
from vmmaudit.scope import Scope, Waiver, parse
from vmmaudit.waivers import names as covers
from vmmaudit.windows import smb1

_UNTOUCHED: Final = frozenset(
    {"objectclass", "operatingsystem", "operatingsystemversion", "serviceclassname"}
)
_FREE: Final = frozenset({"description", "info", "comment"})
_SPNS: Final = frozenset({"serviceprincipalname", "msds-allowedtodelegateto"})
_NO_NAMES: Final = (questions.SERVICE, questions.REGISTRY)
"""Kinds whose details are names of Windows and VMM themselves."""


@dataclass(frozen=True)
class Copy:
    """What a pack is made again from.

    Attributes:
        left: names that were left, since they are too short or name nobody by themselves.
    """

    evidence: Evidence
    scope: Scope
    scope_text: str
    previous: Assessment | None
    rewriter: Rewriter
    left: tuple[str, ...]


def pseudonymise(
    evidence: Evidence,
    scope: Scope,
    assessment: Assessment,
    key: Key,
    previous: Assessment | None = None,
) -> Copy:
    """The same evidence, scope and previous audit under other names.

    Args:
        evidence: what was read.
        scope: what was agreed.
        assessment: tells which subjects a waiver's pattern meant.
        key: gives the pseudonyms, and holds them all afterwards.
        previous: the audit before.
    """
    names = harvest(evidence, scope, previous)
    rewriter = Rewriter(key, names.anywhere, names.whole)
    text = _scope_text(scope, assessment, rewriter, key)
    return Copy(
        _evidence(evidence, rewriter, key),
        parse(text, "scope.yaml"),
        text,
        _previous(previous, rewriter, key) if previous else None,
        rewriter,
        tuple(sorted(names.left)),
    )


def _evidence(evidence: Evidence, rewriter: Rewriter, key: Key) -> Evidence:
    origin = evidence.origin
    return Evidence(
        replace(origin, who=rewriter.text(origin.who), machine=rewriter.text(origin.machine)),
        {
            _question(question, rewriter): _answer(question, answer, rewriter, key)
            for question, answer in evidence.answers.items()
        },
        {
            _question(question, rewriter): replace(
                gap, text=rewriter.text(gap.text), by=_reader(gap.by, rewriter)
            )
            for question, gap in evidence.gaps.items()
        },
    )


def _reader(reader: Reader | None, rewriter: Rewriter) -> Reader | None:
    return reader and Reader(rewriter.text(reader.who), rewriter.text(reader.machine))


def _question(question: Question, rewriter: Rewriter) -> Question:
    detail = question.detail
    if question.kind in (questions.SEARCH, questions.CONTROLLER):
        # A controller's question names the domain first, then all that a search names.
        *bases, depth, query, attributes = detail
        detail = (*map(rewriter.text, bases), depth, rewriter.filter(query), attributes)
    elif question.kind not in _NO_NAMES:
        detail = tuple(map(rewriter.text, detail))
    return Question(rewriter.text(question.server), question.kind, detail)


def _answer(question: Question, answer: Answer, rewriter: Rewriter, key: Key) -> Answer:
    rows = tuple(
        Row(
            rewriter.text(row.name),
            {
                name: _values(question, name.lower(), row.values[name], rewriter, key)
                for name in row.values
            },
        )
        for row in answer.rows
    )
    return replace(
        answer,
        rows=rows,
        source=rewriter.text(answer.source),
        by=_reader(answer.by, rewriter),
    )


def _values(
    question: Question, name: str, values: Sequence[bytes], rewriter: Rewriter, key: Key
) -> tuple[bytes, ...]:
    change: Callable[[bytes], bytes] = rewriter.value
    if name in _UNTOUCHED:
        return tuple(values)
    if name in _FREE:
        return tuple(key.text(v.decode("utf-8", "replace"), "text").encode() for v in values)
    if name in _SPNS:
        return tuple(_spn(rewriter, v) for v in values)
    if name == "replpropertymetadata":
        change = rewriter.metadata
    elif name == "primarygroupid":
        return tuple(rewriter.rid(value.decode("ascii", "replace")).encode() for value in values)
    elif question.kind == questions.SERVER and name == "guid":
        return tuple(key.guid(value).hex().encode() for value in values)
    elif question.kind == questions.LEGACY_SMB and name == "reply":
        change = _nameless
    elif question.kind == questions.ALIASES and name == "reply":
        change = rewriter.aliases
    return tuple(map(change, values))


def _nameless(reply: bytes) -> bytes:
    """An offer's reply without the server's names; what cannot be read is none, and goes whole."""
    try:
        return smb1.without_names(reply) if reply else reply
    except FormatError:
        return b"?"


def _spn(rewriter: Rewriter, value: bytes) -> bytes:
    return rewriter.spn(value.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _scope_text(scope: Scope, assessment: Assessment, rewriter: Rewriter, key: Key) -> str:
    """The scope anew, without comments, files of this machine and ways to log on."""
    value = scope.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    audit = value["audit"]
    for name in ("title", "mandate", "document_id", "sample"):
        if audit.get(name):
            kind, said = name.replace("_", "-"), audit[name]
            audit[name] = (
                {language: key.text(text, kind) for language, text in said.items()}
                if isinstance(said, dict)
                else key.text(said, kind)
            )
    if audit.get("client"):
        audit["client"] = key.text(audit["client"], "client")
    for name in ("distribution", "exclusions"):
        if audit.get(name):
            audit[name] = [key.text(item, name) for item in audit[name]]
    for person in value.get("people", ()):
        person["name"] = key.text(person["name"], "person")
        if person.get("organisation"):
            person["organisation"] = key.text(person["organisation"], "organisation")
    for domain in value["domains"]:
        domain.pop("auth", None)
        domain.pop("ca", None)
    value.pop("sites", None)
    branding = value.pop("branding", {})
    if branding.get("sender"):
        value["branding"] = {"sender": key.text(branding["sender"], "organisation")}
    for name in ("domains", "vmm", "hosts", "libraries"):
        if name in value:
            value[name] = _rewritten(value[name], rewriter)
    if scope.waivers:
        value["waivers"] = [
            item for waiver in scope.waivers for item in _waivers(waiver, assessment, rewriter, key)
        ]
    value["format"] = scope.format
    buffer = io.StringIO()
    YAML(typ="safe", pure=True).dump(value, buffer)
    return buffer.getvalue()


def _rewritten(value: Any, rewriter: Rewriter) -> Any:
    if isinstance(value, Mapping):
        return {name: _rewritten(item, rewriter) for name, item in value.items()}
    if isinstance(value, list):
        return [_rewritten(item, rewriter) for item in value]
    return rewriter.text(value) if isinstance(value, str) else value


def _waivers(
    waiver: Waiver, assessment: Assessment, rewriter: Rewriter, key: Key
) -> list[dict[str, Any]]:
    """The waiver; one for each subject it names where its pattern is more than `*`."""
    base = {
        "control": waiver.control,
        "reason": key.text(waiver.reason, "reason"),
        "owner": key.text(waiver.owner, "person"),
        "approver": key.text(waiver.approver, "person"),
        "ticket": key.text(waiver.ticket, "ticket"),
        "until": waiver.until.isoformat(),
        "source": key.text(waiver.source, "list"),
    }
    if waiver.subject == "*":
        return [base]
    named = dict.fromkeys(j.subject.id for j in assessment.verdicts if covers(waiver, j))
    if not named:
        return [{**base, "subject": key.text(waiver.subject, "subject")}]
    return [{**base, "subject": rewriter.text(subject).replace("[", "[[]")} for subject in named]


def _previous(previous: Assessment, rewriter: Rewriter, key: Key) -> Assessment:
    """Verdicts and readiness alone: what a comparison needs, and no sentence's values."""
    return replace(
        previous,
        verdicts=tuple(_judgement(judgement, rewriter, key) for judgement in previous.verdicts),
        shares=(),
        readiness=tuple(_readiness(pair, rewriter) for pair in previous.readiness),
    )


def _judgement(judgement: Judgement, rewriter: Rewriter, key: Key) -> Judgement:
    subject, waiver = judgement.subject, judgement.waiver
    return replace(
        judgement,
        subject=replace(subject, id=rewriter.text(subject.id), name=rewriter.text(subject.name)),
        values={},
        remarks=(),
        waiver=waiver
        and GrantedWaiver(
            key.text(waiver.reason, "reason"),
            key.text(waiver.owner, "person"),
            key.text(waiver.approver, "person"),
            key.text(waiver.ticket, "ticket"),
            waiver.until,
        ),
    )


def _readiness(pair: Readiness, rewriter: Rewriter) -> Readiness:
    return replace(
        pair,
        host=rewriter.text(pair.host),
        library=rewriter.text(pair.library),
        share=rewriter.text(pair.share),
        name=rewriter.text(pair.name),
        account=rewriter.text(pair.account),
        access=(),
    )
