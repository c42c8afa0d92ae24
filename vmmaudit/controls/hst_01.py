"""HST-01: a host started, or renewed its tickets, after the last change that they must reflect."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from vmmaudit.assessment import Verdict
from vmmaudit.controls import subjects
from vmmaudit.controls.control import (
    Case,
    Control,
    Origin,
    Outcome,
    Severity,
    World,
    by_link,
)
from vmmaudit.scope import Host

DOUBTS: Final = frozenset(
    {
        "TICKETS_MAY_HAVE_RENEWED",
        "MEMBERSHIP_MAY_BE_RENEWED",
        "MEMBERSHIP_UNKNOWN",
        "MEMBERSHIP_MAY_HAVE_CHANGED",
    }
)


def _cases(world: World) -> Iterator[Case]:
    for host in world.facts.scope.hyper_v_hosts:
        yield Case(subjects.host(world.facts, host), partial(_check, world, host))


def _check(world: World, host: Host) -> Outcome:
    link = world.chain.restarted(host)
    if link.code in DOUBTS:
        return Outcome(Verdict.WARN, link.code, link.values, link.evidence)
    return by_link(link)


HST_01 = Control(
    id="HST-01",
    version=1,
    severity=Severity.HIGH,
    origin=Origin.SEED,
    references=(
        "Microsoft Learn: VMM, Enable shared ISOs",
        "MS-DRSR 5.163 (PROPERTY_META_DATA)",
        "MS-ADTS 3.1.1.3.1.1.3 (msDS-ReplValueMetaData)",
        "MS-SRVS 2.2.4.105 (TIME_OF_DAY_INFO)",
        "MS-KILE 3.3.5.6.4",
    ),
    cases=_cases,
)
