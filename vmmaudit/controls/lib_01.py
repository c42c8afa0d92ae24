"""LIB-01: the library share exists."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from vmmaudit.assessment import Remark, Value, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import (
    Case,
    Control,
    Origin,
    Outcome,
    Severity,
    World,
    not_assessable,
)
from vmmaudit.evidence import Reason, Row
from vmmaudit.facts import Facts, Missing
from vmmaudit.facts.inventory import Inventory, told
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
    hosts = len(world.facts.scope.hyper_v_hosts)
    limit = share.users
    if limit is not None and limit < hosts:
        values |= {"limit": limit, "hosts": hosts}
        return Outcome(Verdict.WARN, "USER_LIMIT", values, (share.evidence,))
    return _registered(world.facts, library, values, share.evidence)


def _registered(facts: Facts, library: Library, values: dict[str, Value], evidence: str) -> Outcome:
    """What VMM's own list says, where it was read; else that it was not."""
    lists = [facts.inventory(vmm, "Get-SCLibraryShare") for vmm in facts.scope.vmm]
    read = [found for found in lists if isinstance(found, Inventory)]
    if not read or len(read) < len(lists):
        return Outcome(Verdict.PASS, "", values, (evidence,), (Remark("REGISTRATION", values),))
    asked = (evidence, *(one for found in read for one in found.evidence))
    if any(_is(row, library) for found in read for row in found.rows):
        return Outcome(Verdict.PASS, "", values, asked)
    return Outcome(Verdict.WARN, "NOT_REGISTERED", values, asked)


def _is(row: Row, library: Library) -> bool:
    """By the path, or by name and server, as the generations of the cmdlet tell it."""
    if told(row, "Path").rstrip("\\").lower() == library.share.lower():
        return True
    server = told(row, "LibraryServer").lower().split(".")[0]
    names = {library.unc_name.lower().split(".")[0], (library.server or "").lower().split(".")[0]}
    return told(row, "Name").lower() == library.share_name.lower() and server in names


LIB_01 = Control(
    id="LIB-01",
    version=2,
    severity=Severity.CRITICAL,
    origin=Origin.SEED,
    references=("Microsoft Learn: VMM, Add a library server or library share", "MS-SRVS 3.1.4.10"),
    mapping=mapping.STRUCTURE,
    cases=_cases,
)
