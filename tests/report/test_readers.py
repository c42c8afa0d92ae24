"""Who read what from where, and what was not read again, stands in the documents and the pack."""

from __future__ import annotations

import gzip
import io
import re
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import openpyxl
import pytest

from vmmaudit import pseudonyms, questions
from vmmaudit.audit import Audit, demo
from vmmaudit.evidence import Answer, Evidence, Gap, Reader, dumps
from vmmaudit.judge import judge
from vmmaudit.pseudonyms.key import Key
from vmmaudit.report.html import render_html
from vmmaudit.seal.verify import verify

WORKER = Reader("CONTOSO\\svc.leser", "quendel7")
EARLIER = "ab" * 32


@cache
def changed() -> Audit:
    """The demo, of which one server was read by a worker, and files were taken."""
    found = demo()
    first = next(question for question, _ in found.evidence.of(questions.DESCRIPTOR))

    def told(question, reply):
        if question.server == first.server:
            reply = replace(reply, by=WORKER)
        if question.kind == questions.DESCRIPTOR and question.detail[1].endswith(".iso"):
            reply = replace(reply, taken=EARLIER, at=reply.at - timedelta(days=90))
        return reply

    def both(replies):
        return {question: told(question, reply) for question, reply in replies.items()}

    evidence = Evidence(
        found.evidence.origin, both(found.evidence.answers), both(found.evidence.gaps)
    )
    return Audit("demo", found.scope_text, found.scope, evidence)


def page(language: str) -> str:
    text = render_html(changed().document(language)).decode()
    return re.sub(r"<[^>]+>", "", text)


def count(kind: type[Answer | Gap], *, taken: bool) -> int:
    replies = (*changed().evidence.answers.values(), *changed().evidence.gaps.values())
    return sum(isinstance(r, kind) and bool(getattr(r, "taken", "")) is taken for r in replies)


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        (
            "de",
            (
                "Weitere lesende Rechner",
                r"sondern von quendel7 \(CONTOSO\\svc.leser\) aus gestellt \(Anzahl: \d+\)",
                r"Von \d+ Abfragen wurden \d+ nicht neu gestellt",
                r"\(gefragt von quendel7 aus\)",
                r"\(aus früherem Nachweis übernommen\)",
            ),
        ),
        (
            "en",
            (
                "Other reading machines",
                r"but from quendel7 \(CONTOSO\\svc.leser\) \(number: \d+\)",
                r"Of \d+ queries, \d+ were not made again",
                r"\(asked from quendel7\)",
                r"\(taken from earlier evidence\)",
            ),
        ),
    ],
)
def test_method_and_register_say_so(language: str, sentences: tuple[str, ...]):
    text = page(language)
    for sentence in sentences:
        assert re.search(sentence, text), sentence
    assert EARLIER in text


def test_of_an_ordinary_collection_nothing_is_said():
    text = re.sub(r"<[^>]+>", "", render_html(demo().document("en")).decode())
    assert "Other reading machines" not in text
    assert "taken from earlier evidence" not in text
    assert "were not made again" not in text


def test_when_it_was_collected_does_not_count_what_was_taken():
    origin = changed().evidence.origin.moment
    assert min(changed().register.times) >= origin - timedelta(days=1)
    assert sum(changed().register.taken.values()) == count(Answer, taken=True) > 0


def test_the_workbook_has_columns_for_it():
    data = changed().files(["en"])["workbook.en.xlsx"]
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True)
    rows = list(book["Evidence"].iter_rows(values_only=True))
    head = next(row for row in rows if row and "Asked from" in row)
    reader, taken = head.index("Asked from"), head.index("Taken from evidence (SHA-256)")
    below = rows[rows.index(head) + 1 :]
    assert {row[reader] for row in below} == {None, "quendel7"}
    assert sum(row[taken] == EARLIER for row in below) == count(Answer, taken=True)


def test_verify_judges_it_again(tmp_path: Path):
    written = changed().write(tmp_path, "en")
    assert written is not None
    assert verify(written.folder).failures == ()


def test_a_pseudonymised_copy_names_no_worker():
    found = changed()
    made = pseudonyms.pseudonymise(found.evidence, found.scope, found.assessment, Key(bytes(32)))
    text = gzip.decompress(dumps(made.evidence)).decode()
    assert "quendel7" not in text
    assert "svc.leser" not in text
    readers = {answer.by for answer in made.evidence.answers.values()}
    assert len(readers) == 2, "and still tells one from the other"
    assert sum(bool(answer.taken) for answer in made.evidence.answers.values()) == count(
        Answer, taken=True
    )


def test_it_is_judged_as_if_one_machine_had_read_all_of_it():
    verdicts = judge(changed().evidence, changed().scope).verdicts
    expected = judge(demo().evidence, demo().scope).verdicts
    differing = {one.control for one, other in zip(verdicts, expected, strict=True) if one != other}
    # Clocks are compared where one reader saw both.
    assert differing <= {"NET-03"}
