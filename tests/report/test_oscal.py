"""OSCAL: held against the models that compliance-trestle generates from NIST's schema."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.report import sample
from tests.report.conftest import make
from tests.report.test_rendering import hostile
from vmmaudit.assessment import Assessment, Verdict
from vmmaudit.report.oscal import render_oscal
from vmmaudit.report.register import summarise

FILES = {"scope.yaml": b"format: 1\n", "evidence.jsonl.gz": b"\x1f\x8b", "assessment.json": b"{}"}


def render(assessment: Assessment | None = None, files: dict[str, bytes] | None = None) -> bytes:
    given = assessment or sample.assessment()
    return render_oscal(
        make("en", assessment=given),
        given,
        summarise(sample.evidence()),
        files or FILES,
        sample.texts("en"),
    )


def content(assessment: Assessment | None = None) -> Any:
    return json.loads(render(assessment))["assessment-results"]


def only(*verdicts: Verdict) -> Assessment:
    base = sample.assessment()
    some = [item for item in base.verdicts if item.control == "DEL-01"][: len(verdicts)]
    pairs = zip(some, verdicts, strict=True)
    return replace(base, verdicts=tuple(replace(j, verdict=v, code="") for j, v in pairs))


@pytest.mark.parametrize("case", [sample.assessment, hostile], ids=["sample", "hostile"])
def test_it_is_what_the_published_schema_describes(case: Any) -> None:
    models = pytest.importorskip(
        "trestle.oscal.assessment_results", reason="needs compliance-trestle (dev group)"
    )
    value = json.loads(render(case()))

    parsed = models.Model.model_validate(value)

    assert len(parsed.assessment_results.results[0].observations) >= 11


def test_equal_input_gives_equal_bytes_and_other_evidence_other_ids() -> None:
    other = replace(sample.assessment(), evidence="0" * 64)

    assert render() == render()
    assert content()["uuid"] != content(other)["uuid"]
    items = content()["results"][0]["local-definitions"]["inventory-items"]
    assert items == content(other)["results"][0]["local-definitions"]["inventory-items"]


def test_every_reference_leads_somewhere() -> None:
    value = content()
    (result,) = value["results"]
    observations = {item["uuid"] for item in result["observations"]}
    subjects = {item["uuid"] for item in result["local-definitions"]["inventory-items"]}
    risks = {item["uuid"] for item in result["risks"]}
    resources = {f"#{item['uuid']}" for item in value["back-matter"]["resources"]}

    for item in result["observations"]:
        assert {ref["subject-uuid"] for ref in item["subjects"]} <= subjects
    for item in (*result["findings"], *result["risks"]):
        assert {ref["observation-uuid"] for ref in item["related-observations"]} <= observations
        assert {ref["risk-uuid"] for ref in item.get("related-risks", ())} <= risks
    assert value["import-ap"]["href"] in resources
    assert len(observations) == len(result["observations"])


@pytest.mark.parametrize(
    ("verdicts", "state"),
    [
        ((Verdict.PASS, Verdict.PASS), ("satisfied", "pass")),
        ((Verdict.PASS, Verdict.WARN), ("satisfied", "other")),
        ((Verdict.PASS, Verdict.FAIL), ("not-satisfied", "fail")),
        ((Verdict.NOT_ASSESSABLE, Verdict.FAIL), ("not-satisfied", "fail")),
        ((Verdict.PASS, Verdict.NOT_ASSESSABLE), None),
        ((Verdict.PASS, Verdict.MANUAL), None),
        ((Verdict.NOT_APPLICABLE,), None),
        ((Verdict.PASS, Verdict.NOT_APPLICABLE), ("satisfied", "pass")),
    ],
)
def test_missing_evidence_never_becomes_a_finding(
    verdicts: tuple[Verdict, ...], state: tuple[str, str] | None
) -> None:
    (result,) = content(only(*verdicts))["results"]
    findings = result.get("findings", [])

    assert [tuple(f["target"]["status"].values()) for f in findings] == ([state] if state else [])
    assert len(result["observations"]) >= len(set(verdicts)) - 1


def test_an_exception_covers_a_risk_and_not_a_finding() -> None:
    (result,) = content()["results"]
    risks = {item["title"].split()[0].replace("\\", ""): item for item in result["risks"]}
    findings = {item["target"]["target-id"]: item for item in result["findings"]}

    assert risks["PRM-07"]["status"] == "deviation-approved"
    assert risks["PRM-07"]["deadline"] == "2026-12-31T00:00:00Z"
    assert risks["DEL-03"]["status"] == "open"
    assert findings["PRM-07"]["target"]["status"]["state"] == "not-satisfied"


def test_a_hostile_name_is_no_markup() -> None:
    (result,) = content(hostile())["results"]
    said = [item["description"] for item in result["observations"]]

    assert any(r"\<script\>alert\(1\)" in text for text in said)
    assert not any("<script>" in text for text in said)
    assert not set(json.dumps(result, ensure_ascii=False)) & set("\0\x07\x1b\u202e\u2066")


def test_what_is_as_it_should_be_is_said_once_and_refers_to_the_assessment() -> None:
    value = content(only(Verdict.PASS, Verdict.PASS, Verdict.FAIL, Verdict.FAIL))
    (result,) = value["results"]
    said = {item["props"][2]["value"]: item for item in result["observations"]}
    resources = {f"#{item['uuid']}": item["title"] for item in value["back-matter"]["resources"]}

    assert len(said["PASS"]["subjects"]) > 1
    (evidence,) = said["PASS"]["relevant-evidence"]
    assert resources[evidence["href"]] == "assessment.json"
    assert all("href" not in item for item in said["FAIL"]["relevant-evidence"])
