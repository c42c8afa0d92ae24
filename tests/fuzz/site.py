"""A whole site of which some servers lie: what they say is collected, judged and told.

The input says which values of the demo's evidence are exchanged for what. Nothing a server can
say may end the run: it is a gap or a verdict, never an error.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from tests.fuzz.target import Target
from vmmaudit import assessment, scope
from vmmaudit import evidence as evidence_format
from vmmaudit.audit import DEMO
from vmmaudit.collect.gather import collect
from vmmaudit.collect.replay import Replay
from vmmaudit.evidence import Evidence, Question, Row
from vmmaudit.judge import judge
from vmmaudit.pack import EVIDENCE, SCOPE
from vmmaudit.windows import sddl

Place = tuple[Question, int, str, int]


@cache
def _site() -> tuple[Evidence, scope.Scope, tuple[Place, ...]]:
    made = evidence_format.load(DEMO / EVIDENCE)
    places = tuple(
        (question, number, key, index)
        for question, answer in sorted(made.answers.items())
        for number, row in enumerate(answer.rows)
        for key, values in row.values.items()
        for index in range(len(values))
    )
    return made, scope.load(DEMO / SCOPE), places


def told(data: bytes) -> Evidence:
    """The demo's evidence with the input's values: [place: 2 bytes, length: 1 byte, value]…

    A length of 255 damages the value by what follows instead: [offset: 1, byte: 1]; 254 takes
    the values away, 253 the row, 252 says the row once more.
    """
    evidence, _, places = _site()
    answers = dict(evidence.answers)
    at = 0
    while at + 3 <= len(data):
        question, number, key, index = places[
            int.from_bytes(data[at : at + 2], "little") % len(places)
        ]
        rows = list(answers[question].rows)
        length, at = data[at + 2], at + 3
        if number >= len(rows) or index >= len(rows[number].values.get(key, ())):
            continue  # taken away before
        values = list(rows[number].values[key])
        if length == 254:
            values = []
        elif length == 255:
            damaged = bytearray(values[index])
            if damaged and at + 2 <= len(data):
                damaged[data[at] % len(damaged)] = data[at + 1]
            values[index], at = bytes(damaged), at + 2
        else:
            values[index], at = data[at : at + length], at + length
        rows[number] = Row(rows[number].name, {**rows[number].values, key: tuple(values)})
        rows[number : number + 1] = [rows[number]] * {252: 2, 253: 0}.get(length, 1)
        answers[question] = replace(answers[question], rows=tuple(rows))
    return replace(evidence, answers=answers)


def read_site(data: bytes) -> None:
    _, agreed, _ = _site()
    found = collect(agreed, Replay(told(data)))
    judged = judge(found, agreed)
    assert assessment.loads(assessment.dumps(judged), "again") == judged


def place(kind: str, key: str) -> bytes:
    """The first place of that kind and key, for seeds."""
    _, _, places = _site()
    found = next(i for i, p in enumerate(places) if p[0].kind == kind and p[2] == key)
    return found.to_bytes(2, "little")


def _seeds() -> tuple[bytes, ...]:
    _, _, places = _site()
    kinds: dict[tuple[str, str], int] = {}
    for index, (question, _, key, _) in enumerate(places):
        kinds.setdefault((question.kind, key), index)
    return tuple(index.to_bytes(2, "little") + b"\3abc" for index in kinds.values())


TARGETS = (
    Target(
        "site",
        read_site,
        (),
        _seeds(),
        1024,
        (
            *(
                b"\xff\x00\xff",
                b"-1",
                b"0",
                b"9" * 30,
                b"\xff\xfe",
                b"\xe2\x80\xae",
                b"*",
                b"a/b/c",
            ),
            *(b"cifs/", b"<script>", b"{{x}}", sddl.parse("D:NO_ACCESS_CONTROL")),
            *(b"\x01\x00" + bytes(6), b"\x01\x00\x01\x23\x45\x67\x89\xab", b"\0" * 20),
        ),
    ),
)
