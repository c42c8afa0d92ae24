"""What Samba cannot play, over real SMB and Kerberos: services, the start of a host, refusals.

The answers come from stand-ins (`tests/standins`) behind the pipes of real Samba servers; whom
they refuse is decided by the caller's real token, as smbd has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from tests import worlds
from tests.lab.apply import apply
from tests.lab.lab import Lab
from tests.lab.recipe import MACHINES
from tests.live.collecting import collected, lab_scope
from tests.standins.pipe import Caller, PipeStandIn
from tests.standins.windows import Server, ServiceManager, closed_accounts, closed_registry
from tests.worlds import DOMAIN, Service
from vmmaudit import questions
from vmmaudit.assessment import Judgement, Ternary, Verdict
from vmmaudit.evidence import Evidence, Gap, Reason
from vmmaudit.facts import replies
from vmmaudit.judge import judge
from vmmaudit.scope import Scope, Thresholds, VmmServer
from vmmaudit.windows import srvsvc, svcctl
from vmmaudit.windows.svcctl import Start, State

pytestmark = pytest.mark.live
HOST, VMM = f"hyper01.{DOMAIN}", f"hyper02.{DOMAIN}"
WORLD = worlds.conforming()
AGENT = Service("SCVMMAgent", "LocalSystem")
VMM_SERVICE = Service("SCVMMService", r"CONTOSO\service.vmm")


def pipe(machine: str, name: str, answer: object, **options: object) -> PipeStandIn:
    return PipeStandIn(MACHINES[machine].home / "run", name, answer, **options)  # type: ignore[arg-type]


def everybody(caller: Caller) -> bool:
    return True


def nobody(caller: Caller) -> bool:
    return False


def refused_here(caller: Caller) -> bool:
    return not caller.is_administrator


def awake(lab: Lab, user: str = "auditadmin") -> tuple[Evidence, Scope]:
    """A collection, which also has every pipe's real server started."""
    apply(lab, WORLD)
    return collected(lab, WORLD, user, awake_scope())


def awake_scope() -> Scope:
    """The lab's scope with HYPER02 as the VMM server too."""
    return lab_scope(WORLD).model_copy(
        update={
            "vmm": (VmmServer(server=VMM),),
            "thresholds": Thresholds(replication_margin_minutes=0),
        }
    )


@pytest.fixture(scope="module", autouse=True)
def _started(lab: Lab) -> None:
    awake(lab)


def judged(lab: Lab, user: str = "auditadmin") -> dict[tuple[str, str], Judgement]:
    return {(j.control, j.subject.id): j for j in judge(*awake(lab, user)).verdicts}


@pytest.mark.parametrize(
    ("service", "verdict", "code"),
    [
        (AGENT, Verdict.PASS, ""),
        (replace(AGENT, name="VMMAgent"), Verdict.PASS, ""),
        (replace(AGENT, state=State.STOPPED), Verdict.FAIL, "STOPPED"),
        (replace(AGENT, account=r"CONTOSO\service.vmm"), Verdict.FAIL, "OTHER_ACCOUNT"),
        (replace(AGENT, name="Other"), Verdict.WARN, "MISSING"),
    ],
    ids=["running", "older name", "stopped", "other account", "absent"],
)
@pytest.mark.parametrize("largest", [4000, 48])
def test_the_agent_of_a_host(
    lab: Lab, service: Service, verdict: Verdict, code: str, largest: int
) -> None:
    manager = ServiceManager((service,), padding=300)
    with pipe("hyper01", "svcctl", manager, largest=largest) as standin:
        found = judged(lab)["SVC-02", HOST]
    assert (found.verdict, found.code) == (verdict, code)
    assert svcctl.OPEN_MANAGER in standin.calls
    assert manager.most >= 1
    assert manager.open == {}, "handles that were never closed"


@pytest.mark.parametrize("name", ["SCVMMService", "VMMService"])
def test_the_vmm_service_names_the_account(lab: Lab, name: str) -> None:
    manager = ServiceManager((replace(VMM_SERVICE, name=name), AGENT))
    with pipe("hyper02", "svcctl", manager):
        found = judged(lab)
    assert found["ACC-01", "scvmm"].verdict is Verdict.PASS
    assert r"CONTOSO\service.vmm" in found["ACC-01", "scvmm"].values["account"]
    assert found["SVC-01", VMM].verdict is Verdict.PASS
    assert manager.open == {}
    stopped = ServiceManager(
        (replace(VMM_SERVICE, name=name, start=Start.DISABLED, state=1), AGENT)
    )
    with pipe("hyper02", "svcctl", stopped):
        assert judged(lab)["SVC-01", VMM].verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("running", "in_force"),
    [
        (timedelta(days=40), Ternary.NO),
        (timedelta(milliseconds=200), Ternary.UNKNOWN),
        (timedelta(milliseconds=2**32 - 1), Ternary.NO),
    ],
    ids=["not restarted since the change", "perhaps wrapped", "just before it wraps"],
)
def test_a_start_told_by_the_host(lab: Lab, running: timedelta, in_force: Ternary) -> None:
    """The lab's delegation was written a moment ago; the counter wraps after 49.7 days."""
    milliseconds = int(running.total_seconds() * 1000)
    server = Server(milliseconds)
    with pipe("hyper01", "srvsvc", server, alone=nobody) as standin:
        assessment = judge(*awake(lab))
    assert srvsvc.REMOTE_TOD in standin.calls
    pairs = [pair for pair in assessment.readiness if pair.host == HOST]
    assert {pair.in_force for pair in pairs} == {in_force}


@contextmanager
def refusing() -> Iterator[None]:
    """Every server of the lab refuses a plain user what Windows refuses."""
    manager = ServiceManager((VMM_SERVICE, AGENT))
    with ExitStack() as stack:
        for machine in ("hyper01", "hyper02", "library01", "library02"):
            for name, answer in (
                ("svcctl", manager),
                ("srvsvc", Server(1000, refuses=True)),
                ("samr", closed_accounts),
                ("winreg", closed_registry),
            ):
                alone = {"svcctl": everybody, "srvsvc": nobody}.get(name, refused_here)
                stack.enter_context(pipe(machine, name, answer, alone=alone))
        yield


def test_a_plain_user_is_refused_what_windows_refuses(lab: Lab) -> None:
    """The run is whole, and what was refused is open: never met, never not met."""
    with refusing():
        evidence, scope = awake(lab, "auditor")
        plain = judge(evidence, scope)
        full = judge(*awake(lab))
    refused = {
        (question.kind, question.server)
        for question, gap in evidence.gaps.items()
        if isinstance(gap, Gap) and gap.reason is Reason.ACCESS_DENIED
    }
    for kind, servers in (
        (questions.SERVICE, {HOST, VMM}),
        (questions.REGISTRY, {HOST, VMM}),
        (questions.MEMBERS, {HOST, VMM}),
        (questions.SAM_DOMAIN, {f"library01.{DOMAIN}"}),
    ):
        assert {(kind, server) for server in servers} <= refused
    known = {(j.control, j.subject.id): j.verdict for j in full.verdicts}
    opened = set()
    for judgement in plain.verdicts:
        before = known[judgement.control, judgement.subject.id]
        if judgement.verdict is not before:
            # Without the service, the account is known by its SPN alone: never more than a hint.
            by_spn = judgement.verdict is Verdict.WARN and judgement.control == "ACC-01"
            assert by_spn or judgement.verdict is Verdict.NOT_ASSESSABLE, judgement
            opened.add(judgement.control)
    assert {"ACC-01", "SVC-02", "ACC-04", "PRM-01", "PRM-03"} <= opened
    # The directory is open to everybody: what rests on it alone is decided.
    assert not {"ENV-02", "ACC-02", "ACC-06", "DEL-01", "DEL-02", "DEL-04"} & opened


def test_a_server_that_tells_the_permissions_alone(lab: Lab) -> None:
    """Level 1501, which real Samba answers, holds what 502 holds of it."""
    full, scope = awake(lab)
    server = Server(1000, refuses=True, refused_levels=(srvsvc.LEVEL_502,))
    with ExitStack() as stack:
        for machine in ("library01", "library02"):
            stack.enter_context(pipe(machine, "srvsvc", server, alone=nobody))
        evidence, _ = awake(lab, "auditor")
    shares = dict(evidence.of(questions.SHARE))
    assert shares
    for question, answer in shares.items():
        assert answer.rows[0].first("level") == b"1501"
        told, known = (
            replies.share(found, question.detail[0]) for found in (answer, full.answers[question])
        )
        assert told[0].descriptor == known[0].descriptor
        assert told[1]
    judged = {(j.control, j.subject.id): j for j in judge(evidence, scope).verdicts}
    assert {j.verdict for (control, _), j in judged.items() if control == "PRM-01"} == {
        Verdict.PASS
    }
