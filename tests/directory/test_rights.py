"""A whole run as a plain user: what lost its facts is not assessable, nothing else changes."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from tests import worlds
from tests.directory import standin
from tests.directory.conftest import Site
from tests.directory.standin import Behaviour, Object
from tests.simulate import SimulatedWire, scope_of
from tests.worlds import MOMENT
from vmmaudit import questions
from vmmaudit.assessment import Assessment, Judgement, Verdict
from vmmaudit.collect.gather import collect
from vmmaudit.collect.live import Live
from vmmaudit.evidence import Answer, Evidence, Gap, Origin, Question
from vmmaudit.judge import judge
from vmmaudit.scope import Domain, Scope

WORLD = worlds.conforming()
DIRECTORY = (questions.SEARCH, questions.CONTROLLER)


class Mixed:
    """The directory over the wire, everything else of the world as it is."""

    def __init__(self, live: Live, world: SimulatedWire) -> None:
        self._live, self._world = live, world

    @property
    def origin(self) -> Origin:
        return self._world.origin

    def ask(self, asked: Sequence[Question]) -> list[Answer | Gap]:
        return [
            (self._live if question.kind in DIRECTORY else self._world).ask([question])[0]
            for question in asked
        ]

    def close(self) -> None:
        self._live.close()


def made_of(world: worlds.World) -> list[Object]:
    """The world's entries, and the root of its controller."""
    wire = SimulatedWire(world, {}, MOMENT)
    (root,) = wire._search("", "base", "(objectClass=*)", "")
    entries = [Object("", {k: list(v) for k, v in root.values.items()})]
    return entries + [Object(entry.dn, entry.values) for entry in wire.entries]


def read(site: Site, world: worlds.World, behaviour: Behaviour) -> tuple[Evidence, Scope]:
    """The evidence of a run against the stand-in."""

    def scope(domain: Domain) -> Scope:
        return scope_of(world).model_copy(update={"domains": (domain,)})

    with site.controller(made_of(world), behaviour) as (_, domain):
        wire = Mixed(Live([domain]), SimulatedWire(world, {}, MOMENT))
        found = collect(scope(domain), wire)
        wire.close()
    return found, scope(domain)


def by_case(assessment: Assessment) -> dict[tuple[str, str], Judgement]:
    return {(j.control, j.subject.id): j for j in assessment.verdicts}


def changed(
    site: Site, world: worlds.World, behaviour: Behaviour
) -> list[tuple[Judgement, Judgement]]:
    """Judgements with full rights and under the behaviour, where they are not the same."""
    full = by_case(judge(*read(site, world, Behaviour())))
    less = by_case(judge(*read(site, world, behaviour)))
    assert full.keys() == less.keys()
    return [(full[k], less[k]) for k in full if full[k].verdict is not less[k].verdict]


def test_the_way_over_the_wire_changes_no_verdict(site: Site):
    small = Behaviour(page=3, values=2, shuffle=True)
    assert changed(site, WORLD, small) == []


@pytest.mark.parametrize(
    "world",
    [
        WORLD,
        WORLD.with_host("HYPER03", delegate_to=()),
        WORLD.with_host("HYPER03", any_protocol=False),
        WORLD.with_host("HYPER03", enabled=False),
        WORLD.with_host("HYPER03", unconstrained=True),
        WORLD.with_user("service.vmm", sensitive=True),
        WORLD.with_user("service.vmm", enabled=False),
        WORLD.with_group("GG_HyperV_Hosts", members=()),
    ],
    ids=range(8),
)
@pytest.mark.parametrize("hidden", ["plain", "hardened"])
def test_a_plain_user_is_told_less_and_never_something_else(
    site: Site, world: worlds.World, hidden: str
):
    rights = {"plain": standin.PLAIN_USER, "hardened": standin.HARDENED}[hidden]
    differing = changed(site, world, Behaviour(hidden=rights))
    assert differing
    unnamed: list[tuple[str, str, str]] = []
    for _, after in differing:
        problem = str(after.values.get("problem", "")).lower()
        named = [name for name in rights if re.search(rf"\b{re.escape(name)}\b", problem)]
        if not named or "right" not in problem:
            unnamed.append((after.control, after.subject.id, problem))
    wrong = [
        (before.control, before.subject.id, before.verdict, after.verdict, after.code)
        for before, after in differing
        if after.verdict is not Verdict.NOT_ASSESSABLE
    ]
    assert wrong == []
    assert unnamed == []


ATTRIBUTES = sorted(
    {
        *questions.PRINCIPAL,
        "configurationNamingContext",
        "member",
        "msDS-Behavior-Version",
        "nETBIOSName",
        "nTMixedDomain",
        "nTSecurityDescriptor",
        "serviceDNSName",
        "tokenGroups",
        "tokenGroupsGlobalAndUniversal",
    }
)
NOT_TOLD_APART = {
    # Not set and not shown look alike. By default every authenticated user may read both of a
    # computer's account (its class grants it all but the control rights).
    "msDS-AllowedToDelegateTo": {"DEL-01"},
    "servicePrincipalName": {"DEL-04"},
}


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_whatever_attribute_is_not_shown_none_is_met_or_broken_for_it(site: Site, attribute: str):
    for world in (WORLD, WORLD.with_host("HYPER03", delegate_to=(), unconstrained=True)):
        full = by_case(judge(*read(site, world, Behaviour())))
        less = by_case(judge(*read(site, world, Behaviour(hidden=frozenset({attribute.lower()})))))
        wrong = {
            control
            for control, subject in full.keys() & less.keys()
            if less[control, subject].verdict in (Verdict.PASS, Verdict.FAIL)
            and less[control, subject].verdict is not full[control, subject].verdict
        }
        assert wrong <= NOT_TOLD_APART.get(attribute, set())


def test_refused_groups_are_no_membership(site: Site):
    """Not left out, but refused: a gap on every token."""
    differing = changed(site, WORLD, Behaviour(refuse_token_groups=True))
    assert differing
    assert {after.verdict for _, after in differing} == {Verdict.NOT_ASSESSABLE}
