"""A whole run in which pipes refuse and WinRM tells: the verdicts are those of full rights."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.lab.lab import Lab
from tests.lab.recipe import MACHINES
from tests.live.collecting import log_on
from tests.live.test_standins import AGENT, VMM_SERVICE, awake, awake_scope, refusing
from tests.winrm.standin import Machine, StandIn
from tests.winrm.test_live import domain as domain_with_winrm
from tests.worlds import DOMAIN
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.collect.gather import collect
from vmmaudit.collect.live import Live
from vmmaudit.collect.winrm import scripts
from vmmaudit.evidence import Evidence
from vmmaudit.facts import replies
from vmmaudit.judge import judge
from vmmaudit.scope import Domain, Scope
from vmmaudit.windows import sddl

pytestmark = pytest.mark.live

domain = domain_with_winrm
STARTED = "2099-01-01T06:00:00+01:00"
"""After every change of the lab's."""
SERVERS = ("hyper01", "hyper02", "library01", "library02")


def machine_of(evidence: Evidence, name: str) -> Machine:
    """What a server would say over WinRM of what it said over its pipes."""
    server = f"{name}.{DOMAIN}"
    groups = [
        {"name": question.detail[0], "sid": question.detail[0], "members": replies.members(answer)}
        for question, answer in evidence.of(questions.MEMBERS, server)
    ]
    shares = []
    for question, answer in evidence.of(questions.SHARE, server):
        share, _ = replies.share(answer, question.detail[0])
        if share.descriptor:
            text = sddl.write(share.descriptor)
            shares.append({"Name": share.name, "Path": share.path, "SecurityDescriptor": text})
    return Machine(
        cim={
            "Win32_OperatingSystem": [{"LastBootUpTime": STARTED}],
            "Win32_Service": [
                {
                    "Name": one.name,
                    "StartName": one.account,
                    "StartMode": "Auto",
                    "State": "Running",
                }
                for one in (AGENT, VMM_SERVICE)
            ],
            "MSFT_SmbShare": shares,
        },
        scripts={
            scripts.LOCAL_GROUPS: {(): groups},
            scripts.RIGHTS: {(): [{"administrator": True}]},
        },
    )


def collected(lab: Lab, user: str, domain: Domain) -> tuple[Evidence, Scope]:
    """As `awake`, with WinRM as the domain allows it."""
    scope = awake_scope().model_copy(update={"domains": (domain,)})
    log_on(lab, user)
    wire = Live(scope.domains)
    try:
        return collect(scope, wire), scope
    finally:
        wire.close()


def test_what_pipes_refuse_comes_over_winrm(lab: Lab, domain: Domain):
    awake(lab)  # a pipe is taken over from a server that runs
    with refusing(), ExitStack() as stack:
        full, scope = awake(lab)
        for name in SERVERS:
            address = (MACHINES[name].address, 5985)
            machine = machine_of(full, name)
            stack.enter_context(StandIn(machine, f"{name}.{DOMAIN}", address))
        plain, _ = collected(lab, "auditor", domain)
        without, _ = collected(lab, "auditor", domain.model_copy(update={"winrm": "off"}))
    assert {answer.source for _, answer in plain.of(questions.BOOT)} == {
        f"{name}.{DOMAIN} (WinRM)" for name in ("hyper01", "hyper02")
    }
    known, found, before = (
        {(j.control, j.subject.id): j.verdict for j in judge(evidence, scope).verdicts}
        for evidence in (full, plain, without)
    )
    assert known.keys() == found.keys() == before.keys()
    won = {case for case in found if found[case] is not before[case]}
    assert {control for control, _ in won} >= {
        *("ACC-01", "ACC-03", "ACC-04", "SVC-01", "SVC-02", "HST-01", "NET-05", "PRM-01", "PRM-03")
    }
    for case in won:
        told_by_pipes = known[case] not in (Verdict.NOT_ASSESSABLE, Verdict.MANUAL)
        if told_by_pipes:
            assert found[case] is known[case], case
    lost = {case for case in known if found[case] is Verdict.NOT_ASSESSABLE} - {
        case for case in known if known[case] is Verdict.NOT_ASSESSABLE
    }
    # Files are read by SMB alone, and this account may not enter the library.
    assert {control for control, _ in lost} <= {
        *("LIB-02", "LIB-03", "LIB-05", "NET-01", "NET-03", "PRM-02"),
        *(f"PRM-{number:02}" for number in range(4, 13)),
    }
