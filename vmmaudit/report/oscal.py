"""The assessment as OSCAL assessment results, for systems that collect them (NIST OSCAL 1.1.2).

Only what OSCAL can say: its findings are satisfied or not satisfied, so a
control with a point that could not be assessed has observations and no finding.
What is as it should be is one observation for each control, however large the site: which
evidence says so of which subject stands in `assessment.json`, which it refers to.
The words are those of one language; texts are Markdown there, so values are
escaped for it. Equal input gives equal bytes, the UUIDs included.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, time
from functools import cache, lru_cache
from typing import Any, Final, TypeAlias
from uuid import UUID, uuid5

from vmmaudit import canonical
from vmmaudit.assessment import Assessment, Judgement, Subject, Verdict
from vmmaudit.controls.texts import Texts
from vmmaudit.display import visible
from vmmaudit.report.document import Document
from vmmaudit.report.prose import told
from vmmaudit.report.register import EvidenceSummary

Json: TypeAlias = dict[str, Any]
VERSION: Final = "1.1.2"
_SPACE: Final = UUID("9b4c9a0e-6f0a-5d53-9a57-3f6f5e2d7c11")
_NAMES: Final = "urn:vmmaudit:oscal"
_ESCAPED: Final = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_{}[]<>()#+!|~&$^\"'-"})
_PAIR: Final = " -> "
_NO_STATEMENT: Final = frozenset({Verdict.NOT_ASSESSABLE, Verdict.MANUAL})
_TOGETHER: Final = frozenset({Verdict.PASS, Verdict.NOT_APPLICABLE})
_ASSESSMENT: Final = "assessment.json"


def render_oscal(
    document: Document,
    assessment: Assessment,
    evidence: EvidenceSummary,
    files: Mapping[str, bytes],
    texts: Texts,
) -> bytes:
    """`oscal.json`.

    Args:
        document: title, identifier and author.
        assessment: what was judged.
        evidence: the register, for the digests of what an observation rests on.
        files: names and contents of the pack's scope, evidence and assessment, in this order.
        texts: the words.
    """
    return _Results(document, assessment, evidence, texts).dumps(files)


class _Results:
    """Makes one file; its UUIDs follow from evidence, scope and catalogue."""

    def __init__(
        self, document: Document, assessment: Assessment, evidence: EvidenceSummary, texts: Texts
    ) -> None:
        self.document = document
        self.assessment = assessment
        self.evidence = evidence
        self.texts = texts
        self.moment = _moment(assessment.moment)
        self.run = "/".join((assessment.evidence, assessment.scope, assessment.catalogue))
        self.controls = defaultdict[str, list[Judgement]](list)
        for judgement in assessment.verdicts:
            self.controls[judgement.control].append(judgement)
        # The same evidence, subject and sentence stand in many places of a large site.
        self._cited = cache(self._citation)
        self._subject = cache(_subject)
        self._uuid = cache(self._made_uuid)
        self.said = {control: self._grouped(control) for control in self.controls}

    def dumps(self, files: Mapping[str, bytes]) -> bytes:
        """The whole file."""
        resources = [
            {
                "uuid": self._uuid("file", name),
                "title": name,
                "rlinks": [
                    {
                        "href": name,
                        "hashes": [
                            {"algorithm": "SHA-256", "value": hashlib.sha256(content).hexdigest()}
                        ],
                    }
                ],
            }
            for name, content in files.items()
        ]
        results = {
            "uuid": self._uuid("assessment-results"),
            "metadata": self._metadata(),
            "import-ap": {"href": f"#{resources[0]['uuid']}"},
            "results": [self._result()],
            "back-matter": {"resources": resources},
        }
        value = {"assessment-results": results}
        return canonical.dumps(value, 5)

    def _metadata(self) -> Json:
        document = self.document
        found: Json = {
            "title": _line(document.title),
            "last-modified": self.moment,
            "version": "0.1",
            "oscal-version": VERSION,
            "document-ids": [{"identifier": _string(document.identifier)}],
        }
        if document.author.strip():
            party = {
                "uuid": self._uuid("party"),
                "type": "person",
                "name": _string(document.author),
            }
            found["roles"] = [{"id": "assessor", "title": self.texts.label("role", "auditor")}]
            found["parties"] = [party]
            found["responsible-parties"] = [{"role-id": "assessor", "party-uuids": [party["uuid"]]}]
        return found

    def _result(self) -> Json:
        subjects = {part for item in self.assessment.verdicts for part in _parts(item.subject)}
        found: Json = {
            "uuid": self._uuid("result"),
            "title": _line(self.texts.sentence("title", "results")),
            "description": _line(self.texts.sentence("scheme", "intro")),
            "start": _moment(min(self.evidence.times, default=None)) or self.moment,
            "end": self.moment,
            "props": [
                _prop("tool", self.assessment.tool),
                *([_prop("tool-commit", commit)] if (commit := self.assessment.commit) else []),
                _prop("catalogue", self.assessment.catalogue),
                _prop("evidence-sha256", self.assessment.evidence),
                _prop("scope-sha256", self.assessment.scope),
            ],
            "local-definitions": {
                "inventory-items": [
                    {
                        "uuid": self._subject(kind, name),
                        "description": _line(name),
                        "props": [_prop("kind", kind), _prop("name", name)],
                    }
                    for kind, name in sorted(subjects)
                ]
            },
            "reviewed-controls": {
                "control-selections": [
                    {"include-controls": [{"control-id": name} for name in self.controls]}
                ]
            },
            "observations": [
                self._observation(key, members)
                for control in self.controls
                for key, members in self.said[control].items()
            ],
        }
        for name, items in (
            ("risks", [self._risk(control) for control in self.controls if self._failed(control)]),
            ("findings", [item for control in self.controls for item in self._finding(control)]),
        ):
            if items:  # OSCAL allows no empty array
                found[name] = items
        return found

    def _grouped(self, control: str) -> Mapping[tuple[str, ...], list[Judgement]]:
        """The judgements of a control that are one observation, by what it says."""
        found = defaultdict[tuple[str, ...], list[Judgement]](list)
        requirement = self.texts.control(control).requirement
        for item in self.controls[control]:
            sentence = requirement
            if item.verdict not in _TOGETHER:
                template = self.texts.finding(control, item.code)
                sentence = told(template, item.values, self.texts)
            found[control, item.verdict.value, item.code, sentence].append(item)
        return found

    def _observation(self, key: tuple[str, ...], members: Sequence[Judgement]) -> Json:
        control, verdict, code, sentence = key
        subjects = dict.fromkeys(part for item in members for part in _parts(item.subject))
        found: Json = {
            "uuid": self._uuid("observation", *key),
            "title": _line(f"{control} {self.texts.control(control).title}"),
            "description": _line(sentence),
            "props": [
                _prop("control-id", control),
                _prop("control-version", str(members[0].version)),
                _prop("verdict", verdict),
                *([_prop("code", code)] if code else []),
            ],
            "methods": ["UNKNOWN" if verdict == Verdict.MANUAL else "EXAMINE"],
            "types": ["control-objective"],
            "subjects": [
                {"subject-uuid": self._subject(kind, name), "type": "inventory-item"}
                for kind, name in subjects
            ],
            "collected": self.moment,
        }
        if members[0].verdict in _TOGETHER:
            href = f"#{self._uuid('file', _ASSESSMENT)}"
            found["relevant-evidence"] = [{"href": href, "description": _line(_ASSESSMENT)}]
        elif cited := dict.fromkeys(name for item in members for name in item.evidence):
            found["relevant-evidence"] = [self._cited(name) for name in cited]
        return found

    def _citation(self, name: str) -> Json:
        entry = self.evidence.by_id.get(name)
        if entry is None:
            return {"description": name}
        return {
            "description": _line(f"{name} {entry.kind} {entry.server}"),
            "props": [_prop("evidence-id", name), _prop("record-sha256", entry.digest)],
        }

    def _finding(self, control: str) -> list[Json]:
        """One finding, or none where nothing can be stated."""
        verdicts = {item.verdict for item in self.controls[control]}
        if Verdict.FAIL in verdicts:
            state, reason = "not-satisfied", "fail"
        elif verdicts & _NO_STATEMENT or verdicts == {Verdict.NOT_APPLICABLE}:
            return []
        else:
            state, reason = "satisfied", "other" if Verdict.WARN in verdicts else "pass"
        words = self.texts.control(control)
        found: Json = {
            "uuid": self._uuid("finding", control),
            "title": _line(f"{control} {words.title}"),
            "description": _line(words.requirement),
            "target": {
                "type": "objective-id",
                "target-id": control,
                "status": {"state": state, "reason": reason},
            },
            "related-observations": self._related(control, verdicts),
        }
        if Verdict.FAIL in verdicts:
            found["related-risks"] = [{"risk-uuid": self._uuid("risk", control)}]
        return [found]

    def _risk(self, control: str) -> Json:
        """What follows from a control that is not met; accepted where every exception is valid."""
        words = self.texts.control(control)
        waivers = [item.waiver for item in self._failed(control)]
        granted = [waiver for waiver in waivers if waiver is not None]
        accepted = len(granted) == len(waivers)
        found: Json = {
            "uuid": self._uuid("risk", control),
            "title": _line(f"{control} {words.title}"),
            "description": _line(words.requirement),
            "statement": _line(words.rationale or words.requirement),
            "status": "deviation-approved" if accepted else "open",
            "related-observations": self._related(control, {Verdict.FAIL}),
        }
        if accepted:
            until = min(waiver.until for waiver in granted)
            found["deadline"] = _moment(datetime.combine(until, time(), UTC))
        return found

    def _failed(self, control: str) -> list[Judgement]:
        return [item for item in self.controls[control] if item.verdict is Verdict.FAIL]

    def _related(self, control: str, verdicts: Iterable[Verdict]) -> list[Json]:
        wanted = {verdict.value for verdict in verdicts}
        return [
            {"observation-uuid": self._uuid("observation", *key)}
            for key in self.said[control]
            if key[1] in wanted
        ]

    def _made_uuid(self, *parts: str) -> str:
        return str(uuid5(_SPACE, "\0".join((self.run, *map(visible, parts)))))


def _subject(kind: str, name: str) -> str:
    """The same in every pack, so that results can be followed over time."""
    return str(uuid5(_SPACE, visible(f"subject/{kind}/{name}")))


def _parts(subject: Subject) -> Sequence[tuple[str, str]]:
    """A pair's two sides; anything else is one thing."""
    kinds, names = subject.kind.value.split("-"), subject.id.split(_PAIR)
    if len(kinds) == len(names) == 2:
        return list(zip(kinds, names, strict=True))
    return [(subject.kind.value, subject.id)]


def _prop(name: str, value: str) -> Json:
    return {"name": name, "ns": _NAMES, "value": _string(value)}


@lru_cache(maxsize=100_000)  # of a large site's lines most have been seen before
def _string(text: str) -> str:
    """A string as OSCAL has it: one line, not empty, no space at either end."""
    return " ".join(visible(text).split()) or "-"


@lru_cache(maxsize=100_000)
def _line(text: str) -> str:
    """A line of Markdown that says `text` and nothing else."""
    return _string(text).translate(_ESCAPED)


def _moment(value: datetime | None) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if value else ""
