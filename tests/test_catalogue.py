"""The catalogue is what the folder holds, and every language says everything."""

import re
from importlib import resources
from pathlib import Path

import pytest

from vmmaudit import controls
from vmmaudit.controls import CATALOGUE
from vmmaudit.controls.control import Control
from vmmaudit.controls.handbook import markdown
from vmmaudit.controls.texts import Texts, languages

FAMILIES = ("ENV", "SCP", "ACC", "SVC", "LIB", "NET", "PRM", "DEL", "HST", "OPS", "DOC")
READINESS = (
    *("ENV-02", "ENV-04", "ACC-01", "ACC-02", "ACC-06", "LIB-01", "LIB-02", "LIB-03", "LIB-05"),
    *(f"PRM-{number:02}" for number in range(1, 10)),
    *(f"DEL-{number:02}" for number in range(1, 5)),
    "HST-01",
)
NUMBERED = {
    **{"ENV": 5, "SCP": 1, "ACC": 9, "SVC": 3, "LIB": 5, "NET": 6},
    **{"PRM": 12, "DEL": 9, "HST": 1, "OPS": 6, "DOC": 3},
}
"""How many controls each family has."""
PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


def test_every_control_that_decides_readiness_is_there():
    assert set(READINESS) <= {control.id for control in CATALOGUE}


def test_every_control_that_was_agreed_is_there():
    agreed = [
        f"{family}-{number:02}" for family in FAMILIES for number in range(1, NUMBERED[family] + 1)
    ]
    assert [control.id for control in CATALOGUE] == agreed


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
        assert own.finding.get("pass")
        assert own.remedy.get("default")


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
            for name in ("finding", "remedy", "remark"):
                mine, theirs = getattr(one, name), getattr(two, name)
                assert set(mine) == set(theirs), (control.id, name)
                for key in mine:
                    assert set(PLACEHOLDER.findall(mine[key])) == set(
                        PLACEHOLDER.findall(theirs[key])
                    ), (control.id, name, key)
