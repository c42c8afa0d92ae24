"""A plan is carried out in the lab and rolled back: reality follows, and nothing else moved."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.change.carry_out import RefusedError, carry_out, roll_back
from tests.lab.apply import apply
from tests.lab.lab import Lab
from tests.lab.recipe import MACHINES
from tests.live.collecting import collected
from tests.live.test_explain import really_opens
from tests.random_worlds import random_world
from tests.simulate import scope_text
from tests.variants import VARIANTS, Variant
from tests.worlds import World
from vmmaudit.assessment import Ternary
from vmmaudit.audit import Audit
from vmmaudit.change.moved import missing, moved, unplanned
from vmmaudit.change.plan import Plan, dumps, goals, plan
from vmmaudit.explain import explain
from vmmaudit.facts import Facts, decode
from vmmaudit.planned import PLAN, proved
from vmmaudit.report.html import render_html

pytestmark = pytest.mark.live
BROKEN = [v for v in VARIANTS if v.live and v.broken and v.name != "name-without-spn"]


def planned(facts: Facts) -> Plan:
    return plan(facts, goals(facts, facts.scope.hyper_v_hosts, facts.scope.libraries))


def descriptors() -> dict[str, bytes]:
    """What every file and folder of every library carries, to the byte."""
    found = {}
    for machine in MACHINES.values():
        for folder, folders, files in os.walk(machine.home / "shares"):
            for name in ("", *folders, *files):
                place = Path(folder, name)
                try:
                    found[str(place)] = os.getxattr(place, "user.NTACL")
                except OSError:
                    continue
    return found


def attributes(lab: Lab) -> dict[str, dict[str, set[str]]]:
    watched = (
        "msDS-AllowedToDelegateTo",
        "servicePrincipalName",
        "userAccountControl",
        "accountExpires",
        "member",
    )
    return {
        dn: {name: set(values.get(name, ())) for name in watched}
        for dn, values in lab.search("(sAMAccountName=*)", [*watched, "sAMAccountName"])
    }


def shares(lab: Lab, world: World) -> list[object]:
    facts = decode(*collected(lab, world))
    return [facts.servers.share_descriptor(library) for library in facts.scope.libraries]


def there_and_back(lab: Lab, world: World) -> None:
    apply(lab, world)
    lab.world_of_plan = world  # type: ignore[attr-defined]
    before = descriptors(), attributes(lab), shares(lab, world)
    evidence, scope = collected(lab, world)
    facts = decode(evidence, scope)
    found = planned(facts)
    assert found.steps
    assert not found.obstacles
    data = json.loads(dumps(found))
    carry_out(lab, world, data)
    later, _ = collected(lab, world)
    moves = moved(evidence, later, found)
    assert moves
    assert not unplanned(moves)
    assert not missing(moves, found)
    after = decode(later, scope)
    for host, share in found.wanted[:: max(1, len(found.wanted) // 3)]:
        for goal in goals(facts, facts.scope.hyper_v_hosts, facts.scope.libraries):
            if goal.path and (goal.host.name, goal.library.share) == (host, share):
                explanation = explain(after, goal)
                assert explanation.ready is Ternary.YES, explanation.in_words()
                assert really_opens(lab, world, explanation), explanation.in_words()
                break
    roll_back(lab, world, data)
    assert (descriptors(), attributes(lab), shares(lab, world)) == before
    assert moved(evidence, collected(lab, world)[0]) == ()


@pytest.mark.parametrize("variant", BROKEN, ids=lambda variant: variant.name)
def test_every_broken_variant_there_and_back(lab: Lab, variant: Variant):
    there_and_back(lab, variant.world)


@pytest.mark.parametrize("seed", range(8))
def test_random_worlds_there_and_back(lab: Lab, seed: int):
    there_and_back(lab, random_world(seed))


def test_what_nobody_planned_is_told(lab: Lab):
    world = next(v.world for v in BROKEN if v.name == "kerberos-only")
    apply(lab, world)
    evidence, scope = collected(lab, world)
    found = planned(decode(evidence, scope))
    other = world.with_host("HYPER02", delegate_to=()).with_group("GG_HyperV_Hosts", members=())
    apply(lab, other)
    moves = moved(evidence, collected(lab, world)[0], found)
    assert {(one.place.split(",")[0], one.what) for one in unplanned(moves)} == {
        ("CN=HYPER02", "msDS-AllowedToDelegateTo"),
        ("CN=GG_HyperV_Hosts", "member"),
    }
    assert missing(moves, found) == tuple(s for s in found.steps if hasattr(s, "account"))


def test_the_proof_of_a_real_change_lists_exactly_what_moved(lab: Lab, tmp_path: Path):
    """Against the attributes as another tool reads them, not as the product does."""
    world = next(v.world for v in BROKEN if v.name == "kerberos-only")
    world = world.with_host("HYPER05", delegate_to=()).with_user("service.vmm", sensitive=True)
    apply(lab, world)
    old, (evidence, scope) = attributes(lab), collected(lab, world)
    before = Audit("site", scope_text(world), scope, evidence)
    planned = before.plan()
    carry_out(lab, world, json.loads(planned.files(())[PLAN]))
    new, (later, _) = attributes(lab), collected(lab, world)
    really = {
        (dn, name) for dn, values in old.items() for name in values if new[dn][name] != values[name]
    }
    assert len(really) >= 3
    folders = [
        audit.save(tmp_path / name).folder
        for name, audit in (
            ("before", before),
            ("after", Audit("site", scope_text(world), scope, later)),
        )
    ]
    written = planned.write(tmp_path / "plan", "de")
    assert written is not None
    proof = proved(*folders, written.folder)
    assert proof.as_planned
    assert {(move.place, move.what) for move in proof.moves} == really
    (table,) = proof.document("de").sections[1].blocks
    assert len(table.rows) == len(really)
    shown = render_html(proof.document("de")).decode()
    assert "Alles Geplante hat sich geändert und nichts sonst." in shown


def test_rollback_refuses_what_somebody_changed(lab: Lab):
    world = next(v.world for v in BROKEN if v.name == "one-library-missing-from-the-list")
    apply(lab, world)
    data = json.loads(dumps(planned(decode(*collected(lab, world)))))
    carry_out(lab, world, data)
    step = data["steps"][0]
    extra = {"msDS-AllowedToDelegateTo": ["http/other.contoso.com"]}
    lab.change({"do": "modify", "dn": step["dn"], "add": extra})
    before = attributes(lab)
    with pytest.raises(RefusedError):
        roll_back(lab, world, data)
    assert attributes(lab) == before


def test_a_change_refuses_what_somebody_changed(lab: Lab):
    world = next(v.world for v in BROKEN if v.name == "kerberos-only")
    apply(lab, world)
    data = json.loads(dumps(planned(decode(*collected(lab, world)))))
    apply(lab, world.with_host("HYPER03", enabled=False))
    before = attributes(lab)
    with pytest.raises(RefusedError):
        carry_out(lab, world, data)
    assert attributes(lab) == before
