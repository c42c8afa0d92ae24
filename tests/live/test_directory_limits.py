"""The limits of a Windows controller, and one that fails in the middle: never a short answer."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests import worlds
from tests.lab.apply import apply
from tests.lab.lab import Lab
from tests.live.collecting import lab_scope, log_on
from tests.standins.directory import DirectoryStandIn, Limits, redirected
from tests.worlds import DOMAIN
from vmmaudit import questions
from vmmaudit.assessment import Verdict
from vmmaudit.collect.gather import collect
from vmmaudit.collect.live import Live
from vmmaudit.evidence import Answer, Evidence, Reason
from vmmaudit.judge import judge
from vmmaudit.scope import Authentication, Domain, Scope

pytestmark = pytest.mark.live
WORLD = worlds.conforming()
Behind = Callable[[Limits], AbstractContextManager[Domain]]


@pytest.fixture
def behind(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Behind:
    """The domain as it is reached through a controller with these limits."""
    apply(lab, WORLD)
    log_on(lab, "auditadmin")

    @contextmanager
    def limited(limits: Limits) -> Iterator[Domain]:
        with DirectoryStandIn(limits), monkeypatch.context() as patch:
            patch.setattr(socket, "getaddrinfo", redirected(socket.getaddrinfo))
            yield domain(lab)

    return limited


def domain(lab: Lab) -> Domain:
    return Domain(
        name=DOMAIN,
        controllers=(f"dc01.{DOMAIN}",),
        transport="ldaps",
        ca=lab.ca,
        auth=Authentication(secret="ccache"),
    )


def scope_of(found: Domain) -> Scope:
    return lab_scope(WORLD).model_copy(update={"domains": (found,)})


def read(found: Domain) -> Evidence:
    scope = scope_of(found)
    wire = Live(scope.domains)
    try:
        return collect(scope, wire)
    finally:
        wire.close()


def rows(evidence: Evidence) -> dict[object, list[object]]:
    """What the directory answered, in no order."""
    found = {}
    for question, answer in evidence.answers.items():
        if question.kind == questions.SEARCH and question.detail[0]:
            found[question] = sorted(
                (row.name, sorted((k, tuple(sorted(v))) for k, v in row.values.items()))
                for row in answer.rows
            )
    return found  # type: ignore[return-value]


def test_small_pages_and_ranges_bring_the_whole(lab: Lab, behind: Behind) -> None:
    whole = read(domain(lab))
    limits = Limits(page=2, values=2)
    with behind(limits) as found:
        limited = read(found)
    paged = [q for q in whole.answers if q.kind == questions.SEARCH and q.detail[1] != "base"]
    assert limits.pages > len(paged)
    assert rows(limited) == rows(whole)
    verdicts = [
        {
            (j.control, j.subject.id, j.verdict, j.code)
            for j in judge(e, scope_of(domain(lab))).verdicts
        }
        for e in (limited, whole)
    ]
    assert verdicts[0] == verdicts[1]


def test_a_group_of_more_members_than_one_answer_holds(lab: Lab, behind: Behind) -> None:
    """3,200 members in ranges of 1,500, and an account that is the last of them."""
    dn = f"CN=GG_Large,CN=Users,{lab.base_dn}"
    names = [f"CN=m{number:04},CN=Users,{lab.base_dn}" for number in range(3200)]
    lab.change(
        *({"do": "add", "dn": name, "attributes": {"objectClass": ["contact"]}} for name in names),
        {
            "do": "add",
            "dn": dn,
            "attributes": {
                "objectClass": ["group"],
                "sAMAccountName": ["GG_Large"],
                "member": names,
            },
        },
    )
    try:
        sid = lab.sid_of("GG_Large")
        (asked,) = questions.names(DOMAIN, [sid])
        limits = Limits()
        with behind(limits) as found:
            wire = Live((found,))
            (reply,) = wire.ask([asked])
            wire.close()
        assert isinstance(reply, Answer)
        members = reply.rows[0].values["member"]
        assert sorted(members) == sorted(name.encode() for name in names)
        assert limits.most_values == 1500
    finally:
        lab.change(*({"do": "delete", "dn": name} for name in (dn, *names)))


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(page=2, cut_after=3), {Reason.UNREACHABLE, Reason.TIMEOUT, Reason.INCOMPLETE}),
        (Limits(page=2, busy=10_000), {Reason.TIMEOUT, Reason.UNREACHABLE, Reason.INCOMPLETE}),
    ],
    ids=["cut in the middle", "always busy"],
)
def test_a_controller_that_fails_in_the_middle_is_a_gap(
    behind: Behind, limits: Limits, reason: set[Reason]
) -> None:
    with behind(limits) as found:
        evidence = read(found)
    gaps = {q: g for q, g in evidence.gaps.items() if q.kind == questions.SEARCH}
    assert gaps
    assert {gap.reason for gap in gaps.values()} <= reason, gaps
    judged = judge(evidence, scope_of(found)).verdicts
    lost = {question.id for question in gaps}
    resting = [j for j in judged if set(j.evidence) & lost]
    assert resting
    assert not [j for j in resting if j.verdict is Verdict.PASS and set(j.evidence) <= lost]


def test_attributes_that_the_account_may_not_read_are_no_verdict(lab: Lab, behind: Behind) -> None:
    """An account always has userAccountControl: not to see it is not to know it."""
    hidden = frozenset({"useraccountcontrol", "tokengroups", "tokengroupsglobalanduniversal"})
    with behind(Limits(hidden=hidden)) as found:
        assessment = judge(read(found), scope_of(found))
    whole = judge(read(domain(lab)), scope_of(domain(lab)))
    before = {(j.control, j.subject.id): j.verdict for j in whole.verdicts}
    for judgement in assessment.verdicts:
        if judgement.verdict is not before.get((judgement.control, judgement.subject.id)):
            assert judgement.verdict in (Verdict.NOT_ASSESSABLE, Verdict.WARN), judgement
    found_ = {j.verdict for j in assessment.verdicts if j.control in ("DEL-02", "ACC-02")}
    assert found_ == {Verdict.NOT_ASSESSABLE}
