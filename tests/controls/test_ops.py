"""OPS and DOC: operation, documents, and what only a person can confirm."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.controls.test_env_support import of, outcomes
from tests.simulate import scope_of, simulate, without
from tests.worlds import DOMAIN, conforming
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.controls.doc_01 import DOC_01
from vmmaudit.controls.doc_02 import DOC_02
from vmmaudit.controls.doc_03 import DOC_03
from vmmaudit.controls.ops_01 import OPS_01
from vmmaudit.controls.ops_02 import OPS_02
from vmmaudit.controls.ops_03 import OPS_03
from vmmaudit.controls.ops_04 import OPS_04
from vmmaudit.controls.ops_05 import OPS_05
from vmmaudit.controls.ops_06 import OPS_06
from vmmaudit.evidence import Answer, Evidence, Row
from vmmaudit.scope import Host, Person, Role

VMM = f"vmm01.{DOMAIN}"
PERSONAL = (OPS_02, OPS_03, OPS_05, OPS_06, DOC_02)


def told(cmdlet: str, *objects: dict[str, str]) -> Evidence:
    """The conforming site, and what VMM says of itself."""
    evidence, _ = simulate(conforming())
    rows = tuple(
        Row(found.get("Name", ""), {k: (v.encode(),) for k, v in found.items()})
        for found in objects
    )
    answer = Answer(rows, VMM, evidence.origin.moment)
    question = questions.vmm_objects(VMM, cmdlet)
    return replace(evidence, answers={**evidence.answers, question: answer})


def outcome(control, evidence: Evidence, subject: str = VMM):
    return outcomes(control, evidence, scope_of(conforming()))[subject]


@pytest.mark.parametrize("control", PERSONAL, ids=lambda control: control.id)
def test_a_person_must_confirm(control):
    assert of(control, subject="audit").verdict is Verdict.MANUAL


@pytest.mark.parametrize("control", PERSONAL, ids=lambda control: control.id)
def test_without_a_hyper_v_host_there_is_nothing_to_confirm(control):
    scope = scope_of(conforming(), hosts=(Host(name="esx01.contoso.com", platform="esx"),))
    assert outcomes(control, simulate(conforming(), scope=scope)[0], scope) == {}


def test_linked_drives_are_counted():
    linked = {"Name": "DVD", "ISO": "a.iso", "ISOLinked": "True", "VMName": "WEB01"}
    copied = {"Name": "DVD", "ISO": "b.iso", "ISOLinked": "False", "VMName": "WEB02"}
    found = outcome(OPS_01, told("Get-SCVirtualDVDDrive", linked, copied, {"Name": "leer"}))
    assert found.verdict is Verdict.PASS
    assert (found.values["count"], found.values["copied"]) == (1, 1)
    assert [remark.code for remark in found.remarks] == ["DEPENDENCY"]
    assert outcome(OPS_01, told("Get-SCVirtualDVDDrive")).remarks == ()


@pytest.mark.parametrize("control", [OPS_01, OPS_04], ids=lambda control: control.id)
def test_what_vmm_was_not_asked_is_not_assessable(control):
    found = of(control, subject=VMM)
    assert (found.verdict, found.code) == (Verdict.NOT_ASSESSABLE, "not-supported")


FAILED = {
    "Name": "Set virtual DVD drive",
    "Status": "Failed",
    "ErrorInfo": r"Error (12700) ... '\\lib\share\a.iso' (0x80070005)",
    "EndTime": "2026-08-01T10:00:00Z",
}


@pytest.mark.parametrize(
    ("job", "verdict", "code"),
    [
        (FAILED, Verdict.FAIL, "IMAGE_REFUSED"),
        ({**FAILED, "EndTime": "01.08.2026 10:00:00"}, Verdict.FAIL, "IMAGE_REFUSED"),
        ({**FAILED, "EndTime": "irgendwann"}, Verdict.FAIL, "IMAGE_REFUSED"),
        ({**FAILED, "ErrorInfo": "Error (13233)"}, Verdict.WARN, "FAILED_JOBS"),
        ({**FAILED, "EndTime": "2026-01-01T10:00:00Z"}, Verdict.PASS, ""),
        ({**FAILED, "Status": "Completed"}, Verdict.PASS, ""),
        ({**FAILED, "ErrorInfo": "Error (2912)"}, Verdict.PASS, ""),
    ],
)
def test_failed_jobs(job, verdict, code):
    found = outcome(OPS_04, told("Get-SCJob", job))
    assert (found.verdict, found.code) == (verdict, code)


def test_the_clock_agrees():
    found = of(DOC_01, subject=DOMAIN)
    assert (found.verdict, found.values["seconds"]) == (Verdict.PASS, 0)


def test_a_clock_that_is_off():
    evidence, scope = simulate(conforming())
    question = questions.root_dse(DOMAIN)
    answer = evidence.answers[question]
    late = replace(answer, at=answer.at + timedelta(minutes=6))
    found = outcomes(
        DOC_01, replace(evidence, answers={**evidence.answers, question: late}), scope
    )[DOMAIN]
    assert (found.verdict, found.code) == (Verdict.WARN, "CLOCK")


def test_evidence_of_nobody():
    evidence, scope = simulate(conforming())
    nobody = replace(evidence, origin=replace(evidence.origin, who=""))
    assert outcomes(DOC_01, nobody, scope)[DOMAIN].code == "NOBODY"


def test_a_clock_that_was_not_told():
    evidence, scope = simulate(conforming())
    refused = without(evidence, questions.root_dse(DOMAIN))
    assert outcomes(DOC_01, refused, scope)[DOMAIN].verdict is Verdict.NOT_ASSESSABLE
    question = questions.root_dse(DOMAIN)
    silent = replace(evidence.answers[question], rows=(Row("", {}),))
    mute = replace(evidence, answers={**evidence.answers, question: silent})
    assert outcomes(DOC_01, mute, scope)[DOMAIN].code == "NO_TIME"


@pytest.mark.parametrize(
    ("people", "verdict", "code"),
    [
        ([(Role.AUDITOR, "A"), (Role.REVIEWER, "B")], Verdict.PASS, ""),
        ([(Role.AUDITOR, "A"), (Role.APPROVER, "B")], Verdict.PASS, ""),
        ([(Role.AUDITOR, "A  b"), (Role.APPROVER, "a B")], Verdict.FAIL, "SAME_PERSON"),
        ([(Role.AUDITOR, "A")], Verdict.WARN, "NOT_NAMED"),
        ([], Verdict.WARN, "NOT_NAMED"),
    ],
)
def test_four_eyes(people, verdict, code):
    named = tuple(Person(role=role, name=name) for role, name in people)
    scope = scope_of(conforming(), people=named)
    found = outcomes(DOC_03, simulate(conforming(), scope=scope)[0], scope)["audit"]
    assert (found.verdict, found.code) == (verdict, code)
