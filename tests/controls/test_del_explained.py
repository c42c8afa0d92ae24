"""A chain that is broken at its delegation or its account is explained by a failing control."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.controls.test_env_support import (
    CONTROLS,
    allowed_to_act,
    other_domain,
    outcomes,
    sid_of,
)
from tests.simulate import scope_of, simulate, without
from tests.worlds import Group, Host, conforming
from vmmaudit import questions
from vmmaudit.assessment import Ternary
from vmmaudit.evidence import Question
from vmmaudit.judge import judge
from vmmaudit.scope import VmmServer

EXPLAINING = {"ENV-04", "DEL-01", "DEL-02", "DEL-04", "ACC-02", "ACC-06"}
SERVER = "library01.contoso.com"
ENTRIES = (
    f"cifs/{SERVER}",
    "cifs/LIBRARY01",
    f"HOST/{SERVER}",
    f"cifs/{SERVER}:445",
    "Microsoft Virtual System Migration Service/hyper02.contoso.com",
)
BASE = replace(conforming(), hosts=(Host("HYPER01"), Host("HYPER02")))
BASE = BASE.with_group("GG_HyperV_Hosts", members=("HYPER01", "HYPER02"))


@st.composite
def worlds(draw):
    world = BASE
    for name in ("HYPER01", "HYPER02"):
        world = world.with_host(
            name,
            delegate_to=tuple(draw(st.lists(st.sampled_from(ENTRIES), unique=True))),
            any_protocol=draw(st.booleans()),
            enabled=draw(st.sampled_from([True, True, True, False])),
        )
    world = world.with_user(
        "service.vmm",
        enabled=draw(st.sampled_from([True, True, False])),
        sensitive=draw(st.sampled_from([False, False, True])),
    )
    if draw(st.booleans()):
        protected = Group("Protected Users", "global", ("service.vmm",))
        world = replace(world, groups=(*world.groups, protected))
    spns = draw(st.sampled_from([(), (), (f"HOST/{SERVER}",), (f"cifs/{SERVER}",)]))
    named = draw(st.sampled_from(["", "", "iso.contoso.com"]))
    world = world.with_library("LIBRARY01", unc_name=named)
    level = draw(st.sampled_from([4, 7]))
    return replace(world, functional_level=level, other_spns=(("STALE", spns),) if spns else ())


RBCD = st.sampled_from([None, "HYPER01", "GG_HyperV_Hosts", "DL_VMMLib_R", "Everyone"])
CONFIRMED = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def explained(evidence, scope):
    assessment = judge(evidence, scope, CONTROLS)
    for entry in assessment.readiness:
        if Ternary.NO in (entry.links.delegation, entry.links.delegatable):
            assert EXPLAINING & set(entry.broken), entry
        if entry.links.delegation is Ternary.NO:
            assert EXPLAINING - {"ACC-02", "ACC-06"} & set(entry.broken), entry
        if entry.links.delegation is Ternary.YES:
            assert not {"DEL-01", "DEL-02", "DEL-04"} & set(entry.broken), entry
        if entry.links.delegatable is Ternary.YES:
            assert not {"ACC-02", "ACC-06"} & set(entry.broken), entry


@CONFIRMED
@given(worlds(), RBCD, st.booleans(), st.data())
def test_in_one_domain(world, allowed, declared, data):
    attributes = {"LIBRARY01$": allowed_to_act(sid_of(world, allowed))} if allowed else {}
    vmm = () if declared else (VmmServer(server="vmm01.contoso.com"),)
    scope = scope_of(world, **({"vmm": vmm} if vmm else {}))
    evidence, scope = simulate(world, attributes, scope)
    asked: list[Question] = sorted(q for q in evidence.answers if q.kind == questions.SEARCH)
    for question in data.draw(st.lists(st.sampled_from(asked), max_size=2, unique=True)):
        evidence = without(evidence, question)
    explained(evidence, scope)
    for control in CONTROLS:
        outcomes(control, evidence, scope)


@CONFIRMED
@given(worlds(), RBCD, st.sampled_from([0, 2, 3]))
def test_across_domains(world, allowed, direction):
    trusts = (("contoso.com", "fabrikam.com", direction, 0x08),)
    names = [allowed] if allowed else []
    evidence, scope = other_domain(world, trusts, names)
    explained(evidence, scope)
    for control in CONTROLS:
        outcomes(control, evidence, scope)


def test_the_conforming_world_passes_everywhere():
    evidence, scope = simulate(conforming())
    for control in CONTROLS:
        for outcome in outcomes(control, evidence, scope).values():
            assert outcome.verdict == "PASS"
