"""LIB and PRM where something is missing; what one change flips stands in tests/variants.py."""

from __future__ import annotations

import pytest

from tests.simulate import simulate, without
from tests.variants import ACCOUNT, GOOD, LIB1, LIB2, pair
from tests.worlds import DOMAIN, SHARE, Descriptor, Item
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.evidence import Question, Reason
from vmmaudit.judge import judge

SERVER = f"library01.{DOMAIN}"
SHARE_GAP = questions.share(SERVER, SHARE)
ROOT_GAP = questions.listing(SERVER, SHARE, "")
FOLDER_GAP = questions.listing(SERVER, SHARE, "ISOs")
FILE_GAP = questions.descriptor(SERVER, SHARE, r"ISOs\en_windows_server_2008_r2.iso")
TOP_GAP = questions.descriptor(SERVER, SHARE, "")
HOST_GAP = questions.computer(DOMAIN, f"hyper01.{DOMAIN}")
TOKEN_GAP = questions.token_groups(DOMAIN, f"CN=HYPER01,CN=Computers,{questions.base_dn(DOMAIN)}")
ACCOUNT_GAP = questions.account(DOMAIN, r"CONTOSO\service.vmm")
VMM_GAP = questions.computer(DOMAIN, f"vmm01.{DOMAIN}")
VMM = f"vmm01.{DOMAIN} -> {LIB1}"


def verdicts(evidence, scope) -> dict[tuple[str, str], tuple[Verdict, str]]:
    return {(j.control, j.subject.id): (j.verdict, j.code) for j in judge(evidence, scope).verdicts}


@pytest.mark.parametrize(
    ("gap", "control", "subject"),
    [
        (SHARE_GAP, "LIB-01", LIB1),
        (SHARE_GAP, "LIB-05", LIB1),
        (SHARE_GAP, "PRM-01", pair(1, LIB1)),
        (SHARE_GAP, "PRM-02", VMM),
        (SHARE_GAP, "PRM-03", f"{ACCOUNT} -> {LIB1}"),
        (SHARE_GAP, "PRM-07", pair(1, LIB1)),
        (SHARE_GAP, "PRM-08", LIB1),
        (SHARE_GAP, "PRM-09", pair(1, LIB1)),
        (ROOT_GAP, "LIB-02", LIB1),
        (ROOT_GAP, "LIB-03", LIB1),
        (ROOT_GAP, "PRM-04", pair(1, LIB1)),
        (FOLDER_GAP, "LIB-03", LIB1),
        (FOLDER_GAP, "PRM-04", pair(1, LIB1)),
        (FILE_GAP, "PRM-04", pair(1, LIB1)),
        (FILE_GAP, "PRM-05", VMM),
        (FILE_GAP, "PRM-06", f"{ACCOUNT} -> {LIB1}"),
        (FILE_GAP, "PRM-08", LIB1),
        (FILE_GAP, "PRM-09", pair(1, LIB1)),
        (TOP_GAP, "LIB-05", LIB1),
        (HOST_GAP, "PRM-01", pair(1, LIB1)),
        (HOST_GAP, "PRM-07", pair(1, LIB1)),
        (HOST_GAP, "PRM-09", pair(1, LIB1)),
        (TOKEN_GAP, "PRM-01", pair(1, LIB1)),
        (TOKEN_GAP, "PRM-04", pair(1, LIB1)),
        (TOKEN_GAP, "PRM-07", pair(1, LIB1)),
        (TOKEN_GAP, "PRM-09", pair(1, LIB1)),
        (ACCOUNT_GAP, "PRM-03", f"{ACCOUNT} -> {LIB1}"),
        (ACCOUNT_GAP, "PRM-06", f"{ACCOUNT} -> {LIB1}"),
        (VMM_GAP, "PRM-02", VMM),
        (VMM_GAP, "PRM-05", VMM),
    ],
)
def test_one_gap_is_not_assessable(gap: Question, control: str, subject: str):
    evidence, scope = simulate(GOOD)
    found = verdicts(without(evidence, gap), scope)
    assert found[control, subject][0] is Verdict.NOT_ASSESSABLE
    # Nothing is said of the other library server.
    assert found["LIB-01", LIB2][0] is Verdict.PASS


def test_a_share_that_is_not_there_is_a_failure_and_a_silent_server_is_not():
    evidence, scope = simulate(GOOD.with_library("LIBRARY02", missing_shares=("Weg",)))
    missing = rf"\\library02.{DOMAIN}\weg"
    assert verdicts(evidence, scope)["LIB-01", missing] == (Verdict.FAIL, "MISSING")
    assert verdicts(evidence, scope)["PRM-08", missing][0] is Verdict.NOT_ASSESSABLE
    evidence, scope = simulate(GOOD.with_library("LIBRARY02", reachable=False))
    assert verdicts(evidence, scope)["LIB-01", LIB2] == (Verdict.NOT_ASSESSABLE, "unreachable")


def test_local_groups_that_cannot_be_read_matter_only_where_they_decide():
    evidence, scope = simulate(GOOD)
    blind = without(evidence, questions.sam_domains(SERVER), Reason.ACCESS_DENIED)
    found = verdicts(blind, scope)
    assert found["PRM-01", pair(1, LIB1)][0] is Verdict.PASS
    assert found["PRM-04", pair(1, LIB1)][0] is Verdict.PASS


@pytest.mark.parametrize(
    ("items", "code"),
    [
        ((Item("ISOs", Descriptor(())),), "NO_ISO"),
        ((Item(" leer.iso", GOOD.library("LIBRARY02").shares[0].items[3].descriptor, 1),), "BLANK"),
    ],
)
def test_what_is_odd_about_the_files(items, code: str):
    others = GOOD.library("LIBRARY02").shares[0].items[:3]
    kept = tuple(item for item in others if item.path not in {i.path for i in items})
    evidence, scope = simulate(GOOD.with_share("LIBRARY02", SHARE, items=(*kept, *items)))
    assert verdicts(evidence, scope)["LIB-03", LIB2] == (Verdict.WARN, code)


def test_a_null_dacl_reads_and_is_a_finding():
    world = GOOD.with_share("LIBRARY02", SHARE, root=Descriptor(None))
    evidence, scope = simulate(world)
    found = verdicts(evidence, scope)
    assert found["PRM-08", LIB2] == (Verdict.FAIL, "NO_DACL")
    assert found["PRM-04", pair(1, LIB2)][0] is Verdict.PASS
