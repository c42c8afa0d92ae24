"""What real servers answered is judged the same under other names, and names nobody."""

from __future__ import annotations

import gzip
from collections import Counter

import pytest

from tests.lab.apply import apply
from tests.lab.lab import Lab
from tests.live.collecting import collected
from tests.random_worlds import random_world
from tests.worlds import DOMAIN_SID, World
from vmmaudit import evidence as evidence_format
from vmmaudit import pseudonyms
from vmmaudit.judge import judge
from vmmaudit.pseudonyms.key import Key
from vmmaudit.windows.sid import sid_to_bytes


@pytest.mark.live
@pytest.mark.parametrize("seed", [3, 7, 11])
def test_collected_evidence_is_judged_the_same(lab: Lab, seed: int):
    world: World = random_world(seed)
    apply(lab, world)
    evidence, scope = collected(lab, world)
    real = judge(evidence, scope)
    made = pseudonyms.pseudonymise(evidence, scope, real, Key(bytes(range(32))))
    copy = judge(made.evidence, made.scope)

    def tally(found):
        return Counter((j.control, j.verdict, j.code) for j in found.verdicts)

    assert tally(copy) == tally(real)
    assert Counter(p.links for p in copy.readiness) == Counter(p.links for p in real.readiness)

    packed = gzip.decompress(evidence_format.dumps(made.evidence)).decode().lower()
    raw = b"".join(
        value
        for answer in made.evidence.answers.values()
        for row in answer.rows
        for values in row.values.values()
        for value in values
    )
    for name in ("contoso", "hyper0", "library0", "service.vmm", DOMAIN_SID.lower()):
        assert name not in packed
        for spelt in (name, name.upper(), name.capitalize()):
            assert spelt.encode() not in raw
            assert spelt.encode("utf-16-le") not in raw
    assert sid_to_bytes(DOMAIN_SID)[12:] not in raw
