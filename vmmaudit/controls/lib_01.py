"""LIB-01: the library share exists."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from vmmaudit.assessment import Remark, Value, Verdict
from vmmaudit.controls import subjects
from vmmaudit.controls.control import (
    Case,
    Control,
    Origin,
    Outcome,
    Severity,
    World,
    not_assessable,
)
from vmmaudit.evidence import Reason
from vmmaudit.facts import Missing
from vmmaudit.scope import Library


def _cases(world: World) -> Iterator[Case]:
    for library in world.facts.scope.libraries:
        yield Case(subjects.share(library), partial(_check, world, library))


def _check(world: World, library: Library) -> Outcome:
    """That a server says *there is no such share* is an answer; that it does not answer is not."""
    share = world.facts.servers.share(library)
    values: dict[str, Value] = {"share": library.share, "server": world.facts.server(library)}
    if isinstance(share, Missing):
        if share.reason is Reason.NOT_FOUND:
            return Outcome(Verdict.FAIL, "MISSING", values, share.evidence)
        return not_assessable(share)
    return Outcome(Verdict.PASS, "", values, (share.evidence,), (Remark("REGISTRATION", values),))


LIB_01 = Control(
    id="LIB-01",
    version=1,
    severity=Severity.CRITICAL,
    origin=Origin.SEED,
    references=("Microsoft Learn: VMM, Add a library server or library share", "MS-SRVS 3.1.4.10"),
    cases=_cases,
)
