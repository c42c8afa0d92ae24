"""Exports taken from the living lab lead to the verdicts that the lab itself leads to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.imports.test_offline import WRITERS, Write, verdicts
from tests.lab.apply import apply
from tests.lab.lab import Lab
from tests.live.collecting import collected
from tests.random_worlds import random_world
from tests.variants import VARIANTS, Variant
from vmmaudit.collect.gather import collect
from vmmaudit.collect.offline import Offline
from vmmaudit.judge import judge

pytestmark = pytest.mark.live
SHOWN = [v for v in VARIANTS if v.live and v.name != "name-without-spn"]


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("variant", SHOWN[::3], ids=lambda variant: variant.name)
def test_every_third_variant(lab: Lab, tmp_path: Path, variant: Variant, write: Write):
    apply(lab, variant.world)
    evidence, scope = collected(lab, variant.world)
    write(evidence, scope, tmp_path)
    handed = collect(scope, Offline(tmp_path, scope))
    live, offline = judge(evidence, scope), judge(handed, scope)
    # Samba has no VMM service, and that there is none no export of services can say.
    told, known = ({v for v in verdicts(a) if v[0][:3] != "SVC"} for a in (offline, live))
    assert told == known
    assert [e.broken for e in offline.readiness] == [e.broken for e in live.readiness]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_random_worlds(lab: Lab, tmp_path: Path, seed: int, write: Write):
    world = random_world(seed)
    apply(lab, world)
    evidence, scope = collected(lab, world)
    write(evidence, scope, tmp_path)
    live, offline = judge(evidence, scope), judge(collect(scope, Offline(tmp_path, scope)), scope)
    assert [e.links for e in offline.readiness] == [e.links for e in live.readiness]
