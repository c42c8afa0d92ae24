"""The catalogue is what the folder holds, and every language says everything."""

import re
from importlib import resources
from pathlib import Path

import pytest

from vmmaudit import controls
from vmmaudit.assessment import Verdict
from vmmaudit.controls import CATALOGUE
from vmmaudit.controls.control import Control
from vmmaudit.controls.handbook import markdown
from vmmaudit.controls.outcomes import FOR_WANT_OF_A_FACT, declared
from vmmaudit.controls.texts import Texts, languages

ADR = Path(__file__).parent.parent / "docs/adr"
FAMILIES = ("ENV", "SCP", "ACC", "SVC", "LIB", "NET", "PRM", "DEL", "HST", "OPS", "DOC")
READINESS = (
    *("ENV-02", "ENV-04", "ACC-01", "ACC-02", "ACC-06", "LIB-01", "LIB-02", "LIB-03", "LIB-05"),
    *(f"PRM-{number:02}" for number in range(1, 10)),
    *(f"DEL-{number:02}" for number in range(1, 5)),
    "HST-01",
)
AGREED = {
    **{"ENV-01": "seed high", "ENV-02": "seed critical", "ENV-03": "vendor info"},
    **{"ENV-04": "vendor", "ENV-05": "seed", "SCP-01": "security medium"},
    **{"ACC-01": "seed critical", "ACC-02": "seed critical", "ACC-03": "seed high"},
    **{"ACC-04": "seed", "ACC-05": "seed medium", "ACC-06": "vendor critical"},
    **{"ACC-07": "vendor", "ACC-08": "security", "ACC-09": "seed"},
    **{"SVC-01": "seed", "SVC-02": "seed", "SVC-03": "vendor"},
    **{"LIB-01": "seed", "LIB-02": "seed low", "LIB-03": "seed", "LIB-04": "vendor"},
    **{"LIB-05": "vendor high", "NET-01": "seed medium", "NET-02": "vendor", "NET-03": "vendor"},
    **{"NET-04": "seed", "NET-05": "vendor", "NET-06": "security"},
    **{"PRM-01": "seed critical", "PRM-02": "seed low", "PRM-03": "seed critical"},
    **{"PRM-04": "seed critical", "PRM-05": "seed low", "PRM-06": "seed critical"},
    **{"PRM-07": "seed", "PRM-08": "security", "PRM-09": "seed", "PRM-10": "seed"},
    **{"PRM-11": "vendor", "PRM-12": "security", "DEL-01": "seed critical"},
    **{"DEL-02": "seed", "DEL-03": "security critical", "DEL-04": "vendor"},
    **{"DEL-05": "security", "DEL-06": "security", "DEL-07": "security", "DEL-08": "vendor"},
    **{"DEL-09": "security", "HST-01": "seed", "OPS-01": "vendor info", "OPS-02": "seed"},
    **{"OPS-03": "seed", "OPS-04": "vendor", "OPS-05": "vendor", "OPS-06": "seed"},
    **{"DOC-01": "security", "DOC-02": "security", "DOC-03": "security"},
}
"""Every control that was agreed: who asks for it, and how severe it is where that was agreed too.

Of the origins that are none of the three, *audit quality* and *document control* are `security`,
a pitfall or an operation of the vendor's is `vendor`.
"""
BASIS = re.compile(r"(\[[DC]\]|ADR \d{4}) \S.*")
"""A document, what was seen in public, or the decision that lifts a doubt: never an inference."""
PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


def test_every_control_that_decides_readiness_is_there():
    assert set(READINESS) <= {control.id for control in CATALOGUE}


def test_every_control_that_was_agreed_is_there_as_it_was_agreed():
    assert [control.id for control in CATALOGUE] == list(AGREED)
    for control in CATALOGUE:
        origin, _, severity = AGREED[control.id].partition(" ")
        assert (control.id, control.origin.value) == (control.id, origin)
        assert (control.id, control.severity.value) == (control.id, severity or control.severity)


def test_every_control_has_a_source_or_contributes_to_a_requirement():
    for control in CATALOGUE:
        assert control.version >= 1
        assert control.references or control.mapping, control.id
        for requirement in control.mapping:
            assert re.fullmatch(r"[A-Z]{3}(\.\d+)+(\.A\d+)?", requirement), control.id


def test_to_what_the_families_contribute():
    """As it is sourced (BSI, Edition 2023); what has no source is left out."""
    named = {control.id: set(control.mapping) for control in CATALOGUE}
    assert not any(named[id_] for id_ in ("ACC-07", "ACC-09", "HST-01"))
    assert {id_ for id_, found in named.items() if not found} == {"ACC-07", "ACC-09", "HST-01"}
    assert named["ACC-06"] == {"APP.2.2.A9", "APP.2.2.A16"}
    assert named["DEL-02"] >= {"APP.2.2.A9", "APP.2.2.A16", "APP.2.2.A23"}
    assert named["NET-06"] >= {"APP.2.2.A9", "SYS.1.5.A4"}
    assert named["DOC-02"] >= {"OPS.1.1.3", "DER.3.1.A22"}


def test_a_fail_rests_on_a_document_or_on_what_was_seen():
    """An inference alone warns at most; that each FAIL is declared, `tests/outcomes.py` watches."""
    for control in CATALOGUE:
        for code, verdicts in declared(control.id).items():
            for verdict, basis in verdicts.items():
                if verdict is Verdict.FAIL:
                    assert BASIS.fullmatch(basis), (control.id, code, basis)
                for decision in re.findall(r"ADR (\d{4})", basis):
                    assert list(ADR.glob(f"{decision}-*.md")), (control.id, code, decision)


def test_outcomes_are_those_of_the_texts_and_no_control_only_passes():
    for control in CATALOGUE:
        found = declared(control.id)
        assert set(found) - {FOR_WANT_OF_A_FACT} == set(
            Texts.load("en").control(control.id).finding
        )
        kinds = {verdict for verdicts in found.values() for verdict in verdicts}
        assert kinds - {Verdict.PASS, Verdict.NOT_APPLICABLE}


def test_ids_are_unique_and_in_document_order():
    ids = [control.id for control in CATALOGUE]
    assert len(ids) == len(set(ids))
    assert ids == sorted(ids, key=lambda id_: (FAMILIES.index(id_[:3]), id_))


def test_every_control_of_the_folder_is_in_the_catalogue():
    found = set()
    for entry in resources.files(controls).iterdir():
        if re.fullmatch(r"[a-z]{3}_.*\.py", entry.name):
            module = __import__(f"vmmaudit.controls.{entry.name[:-3]}", fromlist=["*"])
            found |= {v.id for v in vars(module).values() if isinstance(v, Control)}
    assert found == {control.id for control in CATALOGUE}


@pytest.mark.parametrize("language", languages())
def test_every_control_has_its_texts(language: str):
    texts = Texts.load(language)
    assert set(texts.controls) == {control.id for control in CATALOGUE}
    for control in CATALOGUE:
        own = texts.control(control.id)
        assert own.title
        assert own.requirement
        assert own.rationale
        assert own.evidence
        assert own.finding.get("pass")
        assert own.remedy.get("default")


def findings_of(control: Control) -> set[str]:
    """The codes that become findings in the report."""
    grave = {Verdict.FAIL, Verdict.WARN}
    return {code for code, verdicts in declared(control.id).items() if grave & set(verdicts)}


@pytest.mark.parametrize("language", languages())
def test_every_finding_has_a_cause_of_one_sentence(language: str):
    """It says how such a thing comes about, so it is no copy of what was found or required."""
    texts = Texts.load(language)
    for control in CATALOGUE:
        own, codes = texts.control(control.id), findings_of(control)
        assert [code for code in sorted(codes) if not own.cause_for(code)] == [], control.id
        assert set(own.cause) - {"default"} <= codes, control.id
        assert ("default" in own.cause) == bool(codes - set(own.cause)), control.id
        for code, cause in own.cause.items():
            assert re.fullmatch(r"[A-ZÄÖÜ„“].{39,239}[^.]\.", cause), (control.id, code, len(cause))
            assert not re.search(r"\. [A-ZÄÖÜ„“]", cause), (control.id, code)
            assert "{{" not in cause, (control.id, code)  # one sentence is said of all objects
            assert cause not in {*own.finding.values(), own.requirement, own.rationale}


def test_what_makes_no_finding_needs_no_cause():
    silent = {control.id for control in CATALOGUE if not findings_of(control)}
    assert {c.id for c in CATALOGUE if not Texts.load("de").control(c.id).cause} == silent


@pytest.mark.parametrize("language", languages())
def test_the_generated_document_is_current(language: str):
    generated = Path(__file__).parent.parent / f"docs/controls.{language}.md"
    assert generated.read_text(encoding="utf-8") == markdown(CATALOGUE, Texts.load(language)), (
        "run: make docs"
    )


def test_all_languages_have_the_same_keys_and_placeholders():
    first, *others = [Texts.load(language) for language in languages()]
    for other in others:
        for control in CATALOGUE:
            one, two = first.control(control.id), other.control(control.id)
            for name in ("finding", "cause", "remedy", "remark"):
                mine, theirs = getattr(one, name), getattr(two, name)
                assert set(mine) == set(theirs), (control.id, name)
                for key in mine:
                    assert set(PLACEHOLDER.findall(mine[key])) == set(
                        PLACEHOLDER.findall(theirs[key])
                    ), (control.id, name, key)
