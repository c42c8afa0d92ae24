from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.controls.test_env_support import of, outcomes
from tests.simulate import scope_of, simulate, without
from tests.worlds import conforming
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.env_01 import ENV_01, PRODUCTS
from vmmaudit.evidence import Answer, Row

VMM = "vmm01.contoso.com"
PLACE = questions.registry(VMM, *questions.VMM_VERSION)


def version(text):
    return of(ENV_01, replace(conforming(), vmm_version=text), VMM)


@pytest.mark.parametrize(
    ("text", "product"),
    [
        ("4.0.2314.0", "VMM 2016"),
        ("10.19.1013.0", "VMM 2019"),
        ("10.22.1287.0", "VMM 2022"),
        ("10.25.0003.0", "VMM 2025"),
        ("10.22", "VMM 2022"),
    ],
)
def test_a_maintained_version_passes(text, product):
    outcome = version(text)
    assert outcome.verdict is Verdict.PASS
    assert outcome.values["product"] == product


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1.0.2150.0", "TOO_OLD"),
        ("2.0.3444.0", "TOO_OLD"),
        ("2.0.4271.0", "OUT_OF_SUPPORT"),
        ("2.0.4521.0", "OUT_OF_SUPPORT"),
        ("3.0.6005.0", "OUT_OF_SUPPORT"),
        ("3.2.7510.0", "OUT_OF_SUPPORT"),
        ("4.1.3223.0", "OUT_OF_SUPPORT"),
        ("10.27.1.0", "UNKNOWN_VERSION"),
        ("11.0.1.0", "UNKNOWN_VERSION"),
        ("0.9.1.0", "UNKNOWN_VERSION"),
    ],
)
def test_what_is_known_from_practice_is_a_warning(text, code):
    outcome = version(text)
    assert (outcome.verdict, outcome.code) == (Verdict.WARN, code)


def test_support_ends_by_the_moment_of_reading():
    world = replace(conforming(), vmm_version="4.0.2314.0")
    later = simulate(world, moment=datetime(2027, 2, 1, tzinfo=UTC))
    assert outcomes(ENV_01, *later)[VMM].code == "OUT_OF_SUPPORT"


@pytest.mark.parametrize("text", ["", "ten", "10", "²2.0.1.0"])
def test_no_number_is_not_assessable(text):
    outcome = version(text)
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "UNREADABLE")


def test_no_value_is_not_assessable():
    evidence, scope = simulate(conforming())
    nothing = Answer((), VMM, evidence.origin.moment)
    evidence = replace(evidence, answers={**evidence.answers, PLACE: nothing})
    outcome = outcomes(ENV_01, evidence, scope)[VMM]
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "NO_VERSION")


def test_a_gap_is_not_assessable():
    evidence, scope = simulate(conforming())
    outcome = outcomes(ENV_01, without(evidence, PLACE), scope)[VMM]
    assert (outcome.verdict, outcome.code) == (Verdict.NOT_ASSESSABLE, "access-denied")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("vmm01.contoso.com", "10.22.1287.0")], (Verdict.PASS, "")),
        ([("VMM01", "4.1.3223.0")], (Verdict.WARN, "OUT_OF_SUPPORT")),
        ([("localhost", "10.22.1287.0")], (Verdict.PASS, "")),
        ([("other", "3.2.7510.0"), ("VMM01", "10.22.1287.0")], (Verdict.PASS, "")),
        ([("a", "3.2.7510.0"), ("b", "10.22.1287.0")], (Verdict.NOT_ASSESSABLE, "access-denied")),
        ([("vmm01", "")], (Verdict.NOT_ASSESSABLE, "access-denied")),
    ],
)
def test_what_vmm_says_of_itself_counts_where_the_registry_is_closed(rows, said):
    evidence, scope = simulate(conforming())
    told = tuple(
        Row(name, {"Name": (name.encode(),), "ProductVersion": (text.encode(),)})
        for name, text in rows
    )
    asked = questions.vmm_objects(VMM, "Get-SCVMMServer")
    evidence = without(evidence, PLACE)
    answer = Answer(told, VMM, evidence.origin.moment)
    evidence = replace(evidence, answers={**evidence.answers, asked: answer})
    outcome = outcomes(ENV_01, evidence, scope)[VMM]
    assert (outcome.verdict, outcome.code) == said
    assert outcome.evidence == ((asked if said[0] is not Verdict.NOT_ASSESSABLE else PLACE).id,)


def test_no_vmm_server_is_no_subject():
    evidence, scope = simulate(conforming(), scope=scope_of(conforming(), vmm=()))
    assert outcomes(ENV_01, evidence, scope) == {}


def test_the_table_is_in_order():
    assert [product.first for product in PRODUCTS] == sorted(product.first for product in PRODUCTS)
