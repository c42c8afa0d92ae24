from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.report import sample
from tests.report.conftest import make
from vmmaudit.assessment import Assessment, Judgement, Ternary, Verdict
from vmmaudit.display import Tone
from vmmaudit.report.document import (
    Code,
    Document,
    Facts,
    Finding,
    Matrix,
    Run,
    Section,
    Style,
    Table,
)
from vmmaudit.report.prose import blocks, closed, plain, rich
from vmmaudit.report.register import summarise


def sections(document: Document) -> dict[str, Section]:
    def walk(found: tuple[Section, ...]) -> Iterator[Section]:
        for section in found:
            yield section
            yield from walk(section.sections)

    return {section.anchor: section for section in walk(document.sections)}


def findings(document: Document) -> list[Finding]:
    return [b for b in sections(document)["findings"].blocks if isinstance(b, Finding)]


def with_readiness(ready: Ternary, force: Ternary) -> Assessment:
    base = sample.assessment()
    pairs = tuple(replace(p, ready=ready, in_force=force, broken=()) for p in base.readiness)
    return replace(base, readiness=pairs)


def test_sections_stand_in_the_order_of_the_trade(german: Document) -> None:
    assert [s.title for s in german.sections][:15] == [
        "Dokumentenlenkung",
        "Zusammenfassung für die Leitung",
        "Auftrag, Ziel und Prüfungsgrundlage",
        "Prüfumfang, Prüfzeitraum und Abgrenzung",
        "Vorgehen und Grenzen der Prüfung",
        "Bewertungsschema",
        "Ergebnisse je Kontrolle",
        "Bereitschaft der Hosts",
        "Feststellungen",
        "Maßnahmenplan",
        "Veränderungen seit der vorherigen Prüfung",
        "Ausnahmen und Risikoübernahmen",
        "Positive Feststellungen",
        "Stellungnahme der geprüften Stelle",
        "Unterschriften und Dokumentfreigabe",
    ]
    assert [s.number for s in german.sections][-6:] == [
        "Anhang A",
        "Anhang B",
        "Anhang C",
        "Anhang D",
        "Anhang E",
        "Anhang F",
    ]


@pytest.mark.parametrize(
    ("ready", "force", "tone", "name"),
    [
        (Ternary.YES, Ternary.YES, Tone.GOOD, "all_in_force"),
        (Ternary.YES, Ternary.UNKNOWN, Tone.WARN, "all_ready"),
        (Ternary.NO, Ternary.NO, Tone.BAD, "none"),
        (Ternary.UNKNOWN, Ternary.UNKNOWN, Tone.UNKNOWN, "unknown"),
    ],
)
def test_the_opinion_follows_from_the_matrix(
    ready: Ternary, force: Ternary, tone: Tone, name: str
) -> None:
    document = make(assessment=with_readiness(ready, force))

    assert document.cover.tone is tone
    assert document.cover.headline == sample.texts().sentence("opinion", name)


def test_nothing_judged_is_no_good_opinion() -> None:
    document = make(assessment=replace(sample.assessment(), readiness=()))

    assert document.cover.tone is Tone.UNKNOWN


def test_findings_are_numbered_from_the_gravest(german: Document) -> None:
    found = findings(german)

    assert [f.number for f in found] == [f"F-{n:02}" for n in range(1, 7)]
    assert [f.rank for f in found] == ["critical", "critical", "critical", "high", "medium", "low"]


def test_equal_conditions_are_one_finding() -> None:
    found = findings(make(hosts=1_000))

    assert len(found) == 6


def test_a_finding_of_many_objects_names_every_one() -> None:
    document = make(hosts=1_000)
    finding = next(f for f in findings(document) if f.control.startswith("PRM-04"))
    text = repr(finding)
    affected = [
        j.subject.name
        for j in sample.assessment(1_000).verdicts
        if j.control == "PRM-04" and j.verdict is Verdict.FAIL
    ]

    assert len(affected) > 100
    assert all(repr(name)[1:-1] in text for name in affected)


def test_a_waived_finding_stays_and_says_so(german: Document) -> None:
    waived = next(f for f in findings(german) if f.control.startswith("PRM-07"))
    rows = {n: plain(c) for b in waived.blocks if isinstance(b, Facts) for n, c in b.rows}

    assert waived.tone is Tone.BAD
    assert rows["Status"].startswith("durch Ausnahme gedeckt")


def test_an_expired_waiver_is_reported(german: Document) -> None:
    found = {
        section.anchor: [plain(row[-1].content) for row in section.blocks[-1].rows]
        for section in sections(german)["waivers"].sections
        if section.anchor != "justifications"
    }

    assert found == {
        "waivers-valid": ["gültig; gedeckte Bewertungen: 1"],
        "waivers-void": ["abgelaufen; ohne Genehmigung; betroffene Bewertungen: 1"],
    }


@pytest.mark.parametrize(("before", "said"), [(Verdict.FAIL, "ja"), (Verdict.PASS, "nein")])
def test_a_repeat_finding_is_told_from_the_previous_audit(before: Verdict, said: str) -> None:
    now = sample.assessment()
    old = replace(now, verdicts=tuple(replace(j, verdict=before) for j in now.verdicts))
    rows = {
        name: plain(content)
        for block in findings(make(previous=old))[0].blocks
        if isinstance(block, Facts)
        for name, content in block.rows
    }

    assert rows["Wiederholungsfeststellung"] == said


def test_the_matrix_shows_the_worst_hosts_first(german: Document) -> None:
    matrix = next(b for b in sections(german)["matrix"].blocks if isinstance(b, Matrix))

    assert [host for host, _ in matrix.rows][:4] == [sample.host(n) for n in (3, 4, 5, 6)]
    assert matrix.rows[0][1] == (Tone.GOOD, Tone.BAD)
    assert matrix.rows[3][1] == (Tone.WARN, Tone.WARN)
    assert sum(int(entry.count) for entry in matrix.legend) == 14


def test_the_matrix_does_not_call_a_host_without_need_unready() -> None:
    base = sample.assessment()
    pairs = tuple(replace(p, ready=Ternary.UNKNOWN, reason="ESX") for p in base.readiness)
    document = make(assessment=replace(base, readiness=pairs))
    matrix = next(b for b in sections(document)["matrix"].blocks if isinstance(b, Matrix))

    assert {tone for _, tones in matrix.rows for tone in tones} == {Tone.NONE}


def test_only_controls_met_throughout_are_positive(german: Document) -> None:
    table = next(b for b in sections(german)["positive"].blocks if isinstance(b, Table))

    assert [plain(row[0].content) for row in table.rows] == ["ENV-02", "ACC-01", "LIB-01"]


def test_the_register_can_be_recomputed() -> None:
    import gzip
    import hashlib

    from vmmaudit import evidence

    found = sample.evidence()
    lines = {
        hashlib.sha256(line).hexdigest()
        for line in gzip.decompress(evidence.dumps(found)).splitlines()
    }
    summary = summarise(found)

    assert {entry.digest for entry in summary.entries} <= lines
    assert len(summary.entries) == 11
    assert len(summary.gaps) == 2


def test_nobody_without_findings_reads_of_findings() -> None:
    clean = tuple(j for j in sample.assessment().verdicts if j.verdict is Verdict.PASS)
    document = make(assessment=replace(sample.assessment(), verdicts=clean))

    assert findings(document) == []


def test_values_are_never_parsed() -> None:
    found = blocks("**{{name}}** und `{{name}}`", {"name": "`a` **b** {{c}}"}, sample.texts())

    assert found[0].content == (  # type: ignore[union-attr]
        Run("`a` **b** {{c}}", Style.STRONG),
        Run(" und "),
        Run("`a` **b** {{c}}", Style.CODE),
    )


def test_a_value_cannot_end_a_quotation_or_a_line_of_code() -> None:
    (code,) = blocks("```\nX '{{name}}'\n```", {"name": "a'; evil\n'\u2019"}, sample.texts())

    assert code == Code(("X 'a''; evil␊''\u2019\u2019'",))


def test_every_judgement_has_a_sentence_in_both_languages(
    german: Document, english: Document
) -> None:
    assert len(german.sections) == len(english.sections)
    assert isinstance(sample.assessment().verdicts[0], Judgement)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("Do this.", "Do this."),
        ("Enter the `name` there:", "Enter the name there."),
        ("The list stays. With PowerShell:", "The list stays."),
        (
            "See APP.2.2 first. Then have the domain administrators remove it:",
            "See APP.2.2 first. Then have the domain administrators remove it.",
        ),
        ("Only a colon:", "Only a colon."),
    ],
)
def test_a_measure_leads_over_to_nothing(given: str, wanted: str) -> None:
    assert plain(closed(rich(given, {}, sample.texts()))) == wanted
