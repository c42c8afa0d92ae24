"""The pipes of a machine, answered by real Samba servers: SAMR, LSARPC, WINREG, SVCCTL, SRVSVC.

Samba has no VMM. Its own services and registry stand in for it: the same calls, the same bytes.
That it runs every service as LocalSystem and tells no boot time is Samba's; a service under an
account of the domain is served by `tests/simulate.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import worlds
from tests.collect.test_smb_live import set_to
from tests.lab.apply import apply
from tests.lab.lab import Lab
from tests.live.collecting import collected, lab_scope, log_on
from tests.worlds import DOMAIN, DOMAIN_SID
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.collect.live import Live
from vmmaudit.evidence import Answer, Gap, Question
from vmmaudit.facts import decode
from vmmaudit.judge import judge
from vmmaudit.windows import samr, svcctl, winreg
from vmmaudit.windows.lsat import decode_names

pytestmark = pytest.mark.live
MACHINE = f"hyper01.{DOMAIN}"
WINDOWS_NT = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion"
SPOOLER = r"SYSTEM\CurrentControlSet\Services\Spooler"


@pytest.fixture(scope="module")
def wire(lab: Lab) -> Iterator[Live]:
    apply(lab, worlds.conforming())
    log_on(lab, "auditadmin")
    found = Live(lab_scope(worlds.conforming()).domains)
    yield found
    found.close()


def ask(wire: Live, question: Question) -> Answer | Gap:
    (reply,) = wire.ask([question])
    return reply


def answered(wire: Live, question: Question) -> Answer:
    reply = ask(wire, question)
    assert isinstance(reply, Answer), reply
    return reply


def test_winreg_tells_a_value(wire: Live):
    (row,) = answered(wire, questions.registry(MACHINE, WINDOWS_NT, "CurrentVersion")).rows
    assert winreg.decode_value(row.first("reply") or b"").texts() == ("6.1",)


def test_winreg_without_the_value_or_the_key_is_an_empty_answer(wire: Live):
    assert answered(wire, questions.registry(MACHINE, WINDOWS_NT, "NoSuchValue")).rows == ()
    assert answered(wire, questions.registry(MACHINE, r"SOFTWARE\NoSuchKey", "x")).rows == ()


def test_a_service_is_told_by_its_manager_and_by_the_registry(wire: Live):
    (row,) = answered(wire, questions.service(MACHINE, "Spooler")).rows
    config = svcctl.decode_config(row.first("config") or b"")
    assert config.account == "LocalSystem"
    assert svcctl.decode_state(row.first("status") or b"") in set(svcctl.State)
    (start,) = answered(wire, questions.registry(MACHINE, SPOOLER, "Start")).rows
    # Samba's two sources differ (3 and 2); Windows keeps both in the registry.
    assert {config.start, winreg.decode_value(start.first("reply") or b"").number()} <= (
        set(svcctl.Start)
    )


def test_a_service_that_is_not_there_is_an_empty_answer(wire: Live):
    assert answered(wire, questions.service(MACHINE, "SCVMMAgent")).rows == ()


def test_samr_tells_the_administrators_with_their_sids(wire: Live):
    (row,) = answered(wire, questions.administrators(MACHINE)).rows
    members = samr.decode_members(row.first("reply") or b"")
    assert f"{DOMAIN_SID}-512" in members
    assert len(members) == 2


def test_lsarpc_tells_names_of_sids(wire: Live):
    wanted = [f"{DOMAIN_SID}-512", "S-1-5-32-544", f"{DOMAIN_SID}-999999"]
    (question,) = questions.local_names(MACHINE, wanted)
    (row,) = answered(wire, question).rows
    extended = row.first("operation") == b"57"
    found = dict(
        zip(question.detail, decode_names(row.first("reply") or b"", flags=extended), strict=True)
    )
    assert found[f"{DOMAIN_SID}-512"].shown == r"CONTOSO\Domain Admins"
    assert found["S-1-5-32-544"].shown == r"BUILTIN\Administrators"
    assert not found[f"{DOMAIN_SID}-999999"].known


def test_the_facts_of_a_live_machine(lab: Lab):
    apply(lab, worlds.conforming())
    facts = decode(*collected(lab, worlds.conforming()))
    members = facts.services.administrators(MACHINE)
    account = facts.accounts()[0][1]
    assert account.principal.sid in members  # type: ignore[union-attr,operator]


def test_the_server_that_speaks_smb_1_is_the_one_that_is_not_met(lab: Lab):
    """From real Samba to the verdict: `server min protocol = NT1` at one, as it comes at others."""
    world = worlds.conforming()
    apply(lab, world)
    with set_to(lab, "server min protocol = NT1"):
        verdicts = judge(*collected(lab, world)).verdicts
    found = {
        j.subject.id.partition(".")[0]: (j.verdict, j.code)
        for j in verdicts
        if j.control == "NET-06"
    }
    assert found.pop("library02") == (Verdict.FAIL, "SMB1_SPOKEN")
    assert found.pop("library01") == (Verdict.WARN, "UNSIGNED")
    assert found.pop("hyper01") == found.pop("hyper02") == (Verdict.PASS, "")
    assert set(found.values()) == {(Verdict.NOT_ASSESSABLE, "unresolvable")}
