"""Where the data come from, what was asked, and what a file says about itself to a machine."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader

from tests.report import sample
from tests.report.conftest import make
from tests.report.test_document import sections
from tests.simulate import without
from tests.worlds import DOMAIN_SID
from vmmaudit import __version__, questions
from vmmaudit import commit as commits
from vmmaudit.audit import Audit, demo
from vmmaudit.collect import plan
from vmmaudit.collect.gather import follow
from vmmaudit.collect.replay import Replay
from vmmaudit.controls.texts import Texts, languages
from vmmaudit.evidence import IMPORTED, Answer, Evidence, Question, Row
from vmmaudit.facts import decode
from vmmaudit.report.document import Document, Facts, Paragraph, Section, Table
from vmmaudit.report.docx import render_docx
from vmmaudit.report.html import render_html
from vmmaudit.report.pdf import render_pdf
from vmmaudit.report.properties import kept_until
from vmmaudit.report.prose import plain
from vmmaudit.report.register import summarise
from vmmaudit.report.sheets import verdicts
from vmmaudit.report.xlsx import render_xlsx
from vmmaudit.scope import parse
from vmmaudit.windows.sid import sid_from_bytes, sid_to_bytes

FILE = "ad.ldf (SHA-256 " + "a" * 64 + ")"


def words(section: Section) -> str:
    return " ".join(plain(b.content) for b in section.blocks if isinstance(b, Paragraph))


def facts(section: Section) -> dict[str, str]:
    return {
        name: plain(content)
        for block in section.blocks
        if isinstance(block, Facts)
        for name, content in block.rows
    }


def exported(audit: Audit, wanted: str = "") -> Audit:
    """The same answers, those of the kinds that begin with `wanted` as if from a file."""
    answers = {
        question: replace(answer, source=IMPORTED + FILE)
        if question.kind.startswith(wanted)
        else answer
        for question, answer in audit.evidence.answers.items()
    }
    return replace(audit, evidence=replace(audit.evidence, answers=answers))


def test_every_query_is_counted_under_one_form() -> None:
    audit = demo()
    section = sections(audit.document("en"))["annex-queries"]
    (table,) = (block for block in section.blocks if isinstance(block, Table))
    rows = [[plain(cell.content) for cell in row] for row in table.rows]

    assert sum(int(row[2]) for row in rows) == len(audit.register.entries)
    assert sum(int(row[4] or 0) for row in rows) == len(audit.register.gaps)
    asked = Counter(row[0].rsplit(" ", 1)[1] for row in rows)
    assert set(asked) == {entry.kind for entry in audit.register.entries}
    assert asked[questions.DESCRIPTOR] == asked[questions.REGISTRY] == 1
    (services,) = (row[1] for row in rows if row[0].endswith(questions.SERVICE))
    assert set(services.split("; ")) == {*questions.VMM_SERVICES, *questions.VMM_AGENTS}
    assert len(rows) < 40


def test_every_attribute_that_was_asked_for_is_named() -> None:
    section = sections(demo().document("de"))["annex-queries"]
    named = {name for said in facts(section).values() for name in said.split(", ")}

    assert named >= {*questions.PRINCIPAL, "tokenGroups", "nTSecurityDescriptor"}


def test_hosts_that_were_asked_alike_are_one_form() -> None:
    for hosts in (3, 40):
        section = sections(make(hosts=hosts))["annex-queries"]
        (table,) = (block for block in section.blocks if isinstance(block, Table))
        assert len(table.rows) == 4, hosts


def test_a_search_that_nobody_of_ours_wrote_is_shown_as_it_is() -> None:
    origin, at = sample.evidence().origin, sample.MOMENT
    odd = {
        Question("a.test", questions.SEARCH, ("x",)): Answer((), "a.test", at),
        Question("a.test", "odd.kind"): Answer((), "a.test", at),
    }
    audit = Audit("odd", "", sample.scope(1), Evidence(origin, odd))
    section = sections(audit.document("en"))["annex-queries"]
    (table,) = (block for block in section.blocks if isinstance(block, Table))
    assert [plain(row[0].content) for row in table.rows] == ["LDAP search ldap.search", "odd.kind"]


@pytest.mark.parametrize("language", languages())
def test_every_kind_of_query_has_its_words(language: str) -> None:
    from tests.report.test_settle import KINDS

    assert set(Texts.load(language).report["query"]) == set(KINDS)
    assert {kind.split(".")[0] for kind in KINDS} | {"export"} == set(
        Texts.load(language).labels["way"]
    )


@pytest.mark.parametrize("language", languages())
def test_abbreviations_are_those_that_are_used(language: str) -> None:
    folder = Path("vmmaudit/controls/texts", language)
    used = " ".join(path.read_text() for path in folder.glob("*.toml") if "abbrev" not in path.name)
    short = [name for name, _ in Texts.load(language).abbreviations]

    assert short == sorted(short, key=str.casefold)
    assert not [name for name in short if not re.search(rf"\b{re.escape(name)}s?\b", used)]


def test_each_control_says_where_its_data_come_from() -> None:
    live = demo()
    moment = Texts.load("de").moment(min(a.at for a in live.evidence.answers.values()))
    said = {
        name: words(section)
        for name, section in sections(live.document("de")).items()
        if name.startswith("c-")
    }
    assert f"Datenquelle: LDAP; ältester Nachweis: {moment}" in said["c-ENV-02"]
    assert "Datenquelle: LDAP und SMB;" in said["c-PRM-04"]
    assert "Datenquelle" not in said["c-OPS-02"]  # nobody was asked

    half = exported(live, "ldap.")
    assert "Datenquelle: Exporte;" in words(sections(half.document("de"))["c-ENV-02"])


def test_what_was_read_from_exports_is_not_said_to_be_asked() -> None:
    live = demo()
    whole, half = exported(live), exported(live, "smb.")
    for audit, present, absent in (
        (live, ["ausschließlich lesend erhoben"], ["exportiert", "Export der Administratoren"]),
        (whole, ["selbst hat kein System befragt"], ["ausschließlich lesend erhoben"]),
        (half, ["ausschließlich lesend erhoben", "trat ein Export"], ["kein System befragt"]),
    ):
        text = words(sections(audit.document("de"))["method"])
        assert all(sentence in text for sentence in present)
        assert not any(sentence in text for sentence in absent)
    origin = facts(sections(whole.document("de"))["provenance"])
    assert origin["Ausgewertete Exporte"] == FILE
    assert "Befragte Domänencontroller" not in origin
    assert "Ausgewertete Exporte" not in facts(sections(live.document("de"))["provenance"])


@pytest.mark.parametrize("user", [r"CONTOSO\service.vmm", "service.vmm@contoso.com"])
def test_who_read_is_named_by_sid_where_the_scope_says_who(user: str) -> None:
    found = demo()
    text = found.scope_text.replace(
        "- name: contoso.com\n",
        f"- name: contoso.com\n    auth: {{user: '{user}', secret: 'env:X'}}\n",
    )
    scope = parse(text, "s")
    asked = questions.account("contoso.com", user)
    assert asked in next(plan.domain(scope, "contoso.com"))
    known = found.evidence.answers[questions.account("contoso.com", r"CONTOSO\service.vmm")]
    told = replace(
        found.evidence,
        origin=replace(found.evidence.origin, who=user),
        answers={**found.evidence.answers, asked: known},
    )
    by_ticket = CONTEXT
    assert by_ticket not in next(plan.domain(scope, "contoso.com"))
    told = without(told, by_ticket)
    sid = sid_from_bytes(known.rows[0].first("objectSid") or b"")
    for evidence, wanted in (
        (told, f"{user} ({sid})"),
        (without(found.evidence, by_ticket), found.evidence.origin.who),
        (replace(told, answers={**told.answers, asked: replace(known, rows=())}), user),
    ):
        audit = Audit("demo", text, scope, evidence)
        section = sections(audit.document("de"))["provenance"]
        assert facts(section)["Ausführendes Konto"] == wanted


CONTEXT = questions.security_context("contoso.com")


def seen_as(*sids: str, name: str = "") -> Answer:
    """What a controller says of whoever asks; only Windows tells a name."""
    values = {"tokenGroups": tuple(map(sid_to_bytes, sids))}
    named = {"msDS-PrincipalName": (name.encode(),)} if name else {}
    return Answer((Row("", {**values, **named}),), "dc01.contoso.com", sample.MOMENT)


def test_who_read_with_a_ticket_is_named_as_the_directory_sees_them() -> None:
    found = demo()
    mine, account = f"{DOMAIN_SID}-800000", f"{DOMAIN_SID}-1103"
    group = f"{DOMAIN_SID}-513"
    for who, told, wanted in (
        (
            r"CONTOSO\auditor",
            seen_as(group, mine, name=r"CONTOSO\auditor"),
            rf"CONTOSO\auditor ({mine})",
        ),
        ("Auditor", seen_as(mine, group), f"auditor@contoso.com ({mine})"),
        (
            "root",
            seen_as(mine),
            f"auditor@contoso.com ({mine}) · Sitzung auf dem Prüfrechner: root",
        ),
        ("x", seen_as(group, name=r"OTHER\x"), r"OTHER\x"),
        ("x", seen_as(group), "x"),
        ("x", seen_as(), "x"),
        ("x", replace(seen_as(), rows=()), "x"),
        ("x", seen_as(mine, account), "x"),  # of two, nobody knows which
    ):
        evidence = found.evidence
        told_so = Evidence(
            replace(evidence.origin, who=who), {**evidence.answers, CONTEXT: told}, evidence.gaps
        )
        section = sections(replace(found, evidence=told_so).document("de"))["provenance"]
        assert facts(section)["Ausführendes Konto"] == wanted


def test_only_users_and_computers_of_the_token_are_asked_for() -> None:
    """And a group among them does not count as looked up: nobody asked who it is."""
    found = demo()
    foreign, group = "S-1-5-21-9-9-9-1104", f"{DOMAIN_SID}-4711"
    told = seen_as(f"{DOMAIN_SID}-800000", foreign, group, "S-1-5-11")
    world = replace(found.evidence, answers={**found.evidence.answers, CONTEXT: told})
    (target,) = (t for t in plan.targets(found.scope) if t.steps is plan.domain)
    sent = [question for question, _ in follow(target, Replay(world).ask)]
    asked = questions.readers("contoso.com", [f"{DOMAIN_SID}-800000", group])
    assert [q for q in sent if "(objectClass=user)" in "".join(q.detail)] == asked
    answer = Answer((), "dc01.contoso.com", sample.MOMENT)
    evidence = replace(world, answers={**world.answers, **dict.fromkeys(asked, answer)})
    directory = decode(evidence, found.scope).directory
    assert not directory.was_looked_up(group)
    assert directory.was_looked_up(f"{DOMAIN_SID}-513")


def test_reach_that_was_tried_is_no_limit() -> None:
    audit = demo()
    limit = Texts.load("de").sentence("method", "limit_network")
    assert limit in repr(sections(audit.document("de"))["method"])
    reach = next(question for question in audit.evidence.gaps if question.kind == questions.REACH)
    gaps = {q: gap for q, gap in audit.evidence.gaps.items() if q != reach}
    answers = {**audit.evidence.answers, reach: Answer((), reach.server, sample.MOMENT)}
    tried = replace(audit, evidence=Evidence(audit.evidence.origin, answers, gaps))
    assert limit not in repr(sections(tried.document("de"))["method"])


def test_every_reference_of_an_applied_control_is_among_the_sources() -> None:
    audit = demo()
    said = facts(sections(audit.document("de"))["sources"])
    from vmmaudit.controls import CATALOGUE

    flat = {f"{name} {place}" for name, places in said.items() for place in places.split("; ")}
    flat |= {name for name, places in said.items() if places == "–"}
    applied = {judgement.control for judgement in audit.assessment.verdicts}
    for control in CATALOGUE:
        for reference in control.references if control.id in applied else ():
            assert {reference, *(reference.replace(mark, " ", 1) for mark in (": ", ", "))} & flat


def properties(document: Document) -> dict[str, str]:
    return dict(document.properties)


def test_the_files_carry_what_the_report_prints(german: Document) -> None:
    said = properties(german)
    assert said["document-id"] == german.identifier
    assert said["evidence-sha256"] == sample.evidence().digest()
    assert said["scope-sha256"] == sample.scope().digest()
    assert said["status"] == "draft"
    assert said["classification"] == "confidential"
    assert said["auditor"] == "Jörg Müller-Weiß"
    assert "auditee" not in said  # nobody is named
    assert said["retention-until"] == "2036-09-30"
    printed = repr(german.sections[0])
    assert said["run-id"] in printed
    assert "mindestens bis 30. September 2036" in printed

    keywords = PdfReader(io.BytesIO(render_pdf(german))).metadata["/Keywords"]  # type: ignore[index]
    page = render_html(german).decode()
    with zipfile.ZipFile(io.BytesIO(render_docx(german))) as packed:
        root = ElementTree.fromstring(packed.read("docProps/custom.xml"))  # noqa: S314
    texts = sample.texts("de")
    register = summarise(sample.evidence())
    rows = verdicts(sample.assessment(), sample.CATALOGUE, texts)
    book = load_workbook(
        io.BytesIO(render_xlsx(german, sample.assessment(), rows, register, texts))
    )
    assert {p.get("name"): p[0].text for p in root} == said
    assert {p.name: p.value for p in book.custom_doc_props.props} == said
    for name, content in said.items():
        assert f"{name}={content}" in keywords
        assert f'<meta name="vmmaudit:{name}" content="{content}">' in page


HEX = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("commit", "german", "english"),
    [
        (HEX, f"Commit {HEX}", f"commit {HEX}"),
        (f"{HEX}-modified", f"Commit {HEX} mit Änderungen", f"commit {HEX} with modifications"),
        ("", "Commit nicht bekannt", "commit not known"),
    ],
)
def test_which_commit_collected_and_which_one_wrote(commit: str, german: str, english: str) -> None:
    live = demo()
    origin = replace(live.evidence.origin, tool="vmmaudit 7.1", commit=commit)
    audit = replace(live, evidence=replace(live.evidence, origin=origin))
    here = Texts.load("en").fill("commit {{commit}}", {"commit": commits.commit() or "not known"})
    here = here.replace("-modified", " with modifications")
    said = facts(sections(audit.document("de"))["provenance"])
    assert said["Erhoben mit"] == f"vmmaudit 7.1, {german}"
    document = audit.document("en")
    said = facts(sections(document)["provenance"])
    assert said["Collected with"] == f"vmmaudit 7.1, {english}"
    assert said["Judged and written with"] == f"vmmaudit {__version__}, {here}"
    assert properties(document).get("tool-commit", "") == commit
    assert properties(document)["made-with"] == f"vmmaudit {__version__} {commits.commit()}".strip()

    files = audit.files(["en"])
    assert files == replace(audit).files(["en"])
    book = load_workbook(io.BytesIO(files["workbook.en.xlsx"]))
    assert f"vmmaudit 7.1, {english}" in [row[1].value for row in book.worksheets[0].rows]
    (result,) = json.loads(files["oscal.json"])["assessment-results"]["results"]
    props = {prop["name"]: prop["value"] for prop in result["props"]}
    assert props.get("tool-commit", "") == commit
    assert json.loads(files["assessment.json"]).get("commit", "") == commit


def test_hostile_properties_are_plain_text() -> None:
    scope = sample.scope(1).model_copy(
        update={
            "people": sample.scope(1).people[:1],
            "audit": sample.scope(1).audit.model_copy(
                update={"document_id": '"><script>alert(1)</script>&\u202e' + "x" * 400}
            ),
        }
    )
    document = make(hosts=1, scope=scope)
    assert "<script>alert" not in render_html(document).decode()
    with zipfile.ZipFile(io.BytesIO(render_docx(document))) as packed:
        root = ElementTree.fromstring(packed.read("docProps/custom.xml"))  # noqa: S314
    assert root[0][0].text == '"><script>alert(1)</script>&\\u{202e}' + "x" * 219
    assert "alert(1)" in PdfReader(io.BytesIO(render_pdf(document))).metadata["/Keywords"]  # type: ignore[index]


def test_the_cover_says_version_status_and_where_approval_stands(german: Document) -> None:
    said = {name: plain(content) for name, content in german.cover.facts}
    assert said["Version"] == "0.1"
    number = next(s.number for s in german.sections if s.anchor == "signoff")
    assert said["Status"].startswith("Entwurf bis zur Dokumentfreigabe")
    assert f"Abschnitt {number}" in said["Status"]


def test_a_leap_day_is_kept_for_its_years() -> None:
    scope = sample.scope(1, retention_years=1)
    assert str(kept_until(scope, datetime(2028, 2, 29, tzinfo=UTC))) == "2029-03-01"
    assert kept_until(sample.scope(1, retention_years=None), sample.MOMENT) is None
