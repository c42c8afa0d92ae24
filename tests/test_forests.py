"""Two forests without a trust in one scope: each is judged as alone, and nothing works across."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests import worlds
from tests.simulate import SimulatedWire, scope_of, scope_text
from tests.worlds import DOMAIN_SID, MOMENT, World
from vmmaudit.assessment import Assessment, Ternary
from vmmaudit.collect.gather import collect
from vmmaudit.evidence import Answer, Evidence, Gap, Origin, Question, Row
from vmmaudit.judge import judge
from vmmaudit.scope import Scope, parse
from vmmaudit.windows.sid import sid_to_bytes

HERE, THERE = "contoso", "fabrika"
"""Of equal length, so that whatever counts characters stays right."""
OTHER_SID = "S-1-5-21-2004336348-2177238915-782003330"


def _pairs() -> list[tuple[bytes, bytes]]:
    words: list[tuple[str, str]] = [
        *((case(HERE), case(THERE)) for case in (str.lower, str.upper, str.capitalize)),
        (DOMAIN_SID, OTHER_SID),
    ]
    found = [
        (here.encode(coding), there.encode(coding))
        for here, there in words
        for coding in ("utf-8", "utf-16-le")
    ]
    here, there = (sid_to_bytes(sid)[8:] for sid in (DOMAIN_SID, OTHER_SID))
    found.append((here, there))
    found.append((_escaped(here).encode(), _escaped(there).encode()))
    return found


def _escaped(data: bytes) -> str:
    return "".join(f"\\{byte:02x}" for byte in data)


PAIRS = _pairs()


def moved(data: bytes, *, back: bool = False) -> bytes:
    """What is said of one forest, said of the other."""
    for here, there in PAIRS:
        data = data.replace(there, here) if back else data.replace(here, there)
    return data


def _text(text: str, *, back: bool = False) -> str:
    return moved(text.encode(), back=back).decode()


class OtherForest:
    """The wire to a world under another domain's name and SID."""

    def __init__(self, world: World) -> None:
        self._wire = SimulatedWire(world, {}, MOMENT)

    def ask(self, asked: Sequence[Question]) -> list[Answer | Gap]:
        def back(question: Question) -> Question:
            detail = tuple(_text(text, back=True) for text in question.detail)
            return Question(_text(question.server, back=True), question.kind, detail)

        return [self._renamed(one) for one in self._wire.ask([back(q) for q in asked])]

    @staticmethod
    def _renamed(reply: Answer | Gap) -> Answer | Gap:
        if isinstance(reply, Gap):
            return Gap(reply.reason, _text(reply.text), reply.at)
        rows = tuple(
            Row(_text(row.name), {k: tuple(map(moved, v)) for k, v in row.values.items()})
            for row in reply.rows
        )
        return Answer(rows, _text(reply.source), reply.at)


class Both:
    """Each forest answers for its own servers and knows nothing of the other's."""

    def __init__(self, world: World, other: World) -> None:
        self._here, self._there = SimulatedWire(world, {}, MOMENT), OtherForest(other)

    @property
    def origin(self) -> Origin:
        return self._here.origin

    def ask(self, asked: Sequence[Question]) -> list[Answer | Gap]:
        return [
            (self._there if THERE in question.server else self._here).ask([question])[0]
            for question in asked
        ]

    def close(self) -> None:
        """There is nothing to close."""


def both_scopes(world: World, other: World) -> Scope:
    """One scope with everything that the two scopes name."""
    own, theirs = scope_of(world), parse(_text(scope_text(other)), "scope.yaml")
    parts = ("domains", "vmm", "hosts", "libraries")
    # The host names its account, since a forest's service account is not another's.
    named = {
        part: (*getattr(own, part), *getattr(theirs, part)) for part in parts if part != "hosts"
    }
    hosts = [
        host.model_copy(update={"run_as": host.run_as or scope.account_of(host)})
        for scope in (own, theirs)
        for host in scope.hosts
    ]
    return own.model_copy(update={**named, "hosts": tuple(hosts)})


def together(world: World, other: World) -> tuple[Evidence, Scope, Assessment]:
    scope = both_scopes(world, other)
    evidence = collect(scope, Both(world, other))
    return evidence, scope, judge(evidence, scope)


@pytest.fixture(scope="module")
def found() -> Assessment:
    broken = worlds.conforming().with_host("HYPER03", delegate_to=())
    return together(worlds.conforming(), broken)[2]


def forests(text: str) -> set[str]:
    return {name for name in (HERE, THERE) if name in text.lower()}


def test_every_pair_inside_a_forest_is_as_it_is_alone(found: Assessment):
    broken = worlds.conforming().with_host("HYPER03", delegate_to=())
    alone = judge(collect(scope_of(broken), SimulatedWire(broken, {}, MOMENT)), scope_of(broken))
    expected = {(e.host, e.share): (e.ready, e.in_force, e.broken) for e in alone.readiness}
    got = {(e.host, e.share): (e.ready, e.in_force, e.broken) for e in found.readiness}
    for (host, share), entry in expected.items():
        assert got[_text(host), _text(share)] == entry
        wanted = entry if "hyper03" not in host else (Ternary.YES, Ternary.YES, ())
        assert got[host, share] == wanted


@pytest.mark.unverified
def test_no_host_opens_an_image_of_the_other_forest(found: Assessment):
    across = [e for e in found.readiness if len(forests(e.host + e.share)) == 2]
    assert len(across) == len(found.readiness) // 2
    for entry in across:
        assert entry.ready is Ternary.NO, entry
        assert {"ENV-04"} <= set(entry.broken) or "DEL-01" in entry.broken


def test_the_same_names_are_kept_apart(found: Assessment):
    """HYPER01 and service.vmm exist in both; nothing of the one is said of the other."""
    for judgement in found.verdicts:
        if judgement.control in ("ACC-03", "ACC-06", "DEL-02", "HST-01", "SVC-01", "SVC-02"):
            said = repr(judgement.values)
            mine = forests(judgement.subject.id)
            if len(mine) == 1:
                assert forests(said) <= mine, judgement


def test_no_verdict_is_left_out(found: Assessment):
    controls = {j.control for j in found.verdicts}
    assert {"ENV-02", "ENV-04", "SCP-01", "ACC-01", "LIB-01", "PRM-01", "DEL-01"} <= controls
    domains = [j for j in found.verdicts if j.control in ("ENV-02", "SCP-01")]
    assert {frozenset(forests(j.subject.id)) for j in domains} == {
        frozenset({HERE}),
        frozenset({THERE}),
    }
