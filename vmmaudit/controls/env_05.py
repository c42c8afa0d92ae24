"""ENV-05: every domain controller has the audited attributes as the one that was read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from vmmaudit.assessment import Remark, Subject, SubjectKind, Value, Verdict
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
from vmmaudit.facts import Facts, Missing
from vmmaudit.facts.replicas import Controller, Difference, Replica, replicas


def _cases(world: World) -> Iterator[Case]:
    facts = world.facts
    for domain in facts.scope.domains:
        controllers = facts.controllers(domain.name)
        if isinstance(controllers, Missing):
            yield Case(subjects.domain(domain.name), partial(not_assessable, controllers))
        else:
            yield from _of_domain(facts, domain.name, controllers)


def _of_domain(facts: Facts, domain: str, controllers: Sequence[Controller]) -> Iterator[Case]:
    if len(controllers) == 1:
        values: dict[str, Value] = {"controller": controllers[0].name, "domain": domain}
        asked = (controllers[0].evidence,)
        single = Outcome(Verdict.NOT_APPLICABLE, "SINGLE", values, asked)
        yield Case(_subject(controllers[0]), lambda: single)
        return
    found = replicas(facts.evidence, [one.name for one in controllers])
    known = [one for one in found.values() if isinstance(one, Replica)]
    fact = facts.directory.domain(domain)
    asked_one = "" if isinstance(fact, Missing) else fact.controller
    read = next((one for one in known if one.controller == asked_one), next(iter(known), None))
    for controller in controllers:
        one = found[controller.name]
        if isinstance(one, Missing):
            yield Case(_subject(controller), partial(_unread, controller, one))
        elif read is not None:
            yield Case(_subject(controller), partial(_check, controller, one, read, known))


def _unread(controller: Controller, missing: Missing) -> Outcome:
    outcome = not_assessable(missing)
    values: dict[str, Value] = {**outcome.values, "controller": controller.name}
    remarks = (Remark("READ_ONLY", values),) if controller.read_only else ()
    return Outcome(outcome.verdict, outcome.code, values, outcome.evidence, remarks)


def _check(
    controller: Controller, one: Replica, read: Replica, known: Sequence[Replica]
) -> Outcome:
    values: dict[str, Value] = {"controller": controller.name, "read": read.controller}
    evidence = (controller.evidence, *one.evidence)
    remarks = [Remark("READ_ONLY", values)] if controller.read_only else []
    if one is read:
        evidence += tuple(asked for other in known if other is not read for asked in other.evidence)
        newer = {d for other in known for d in other.differences(read) if d.is_older is False}
        values["changes"] = _shown((d, d.other, d.version) for d in newer)
        code = "READ_OUTDATED" if newer else ""
        remarks.append(Remark("READ", values))
    else:
        evidence += read.evidence
        differing = one.differences(read)
        older = [d for d in differing if d.is_older]
        other = [d for d in differing if d.is_older is None]
        values["changes"] = _shown((d, d.version, d.other) for d in [*older, *other])
        code = "BEHIND" if older else "DIFFERS" if other else ""
        if len(differing) > len(older) + len(other):
            remarks.append(Remark("AHEAD", values))
    verdict = Verdict.WARN if code else Verdict.PASS
    return Outcome(verdict, code, values, evidence, tuple(remarks))


def _shown(found: Iterable[tuple[Difference, int | None, int | None]]) -> tuple[str, ...]:
    """Object and attribute, and where both versions are known the older and the newer one."""
    return tuple(
        sorted(
            f"{d.name}: {d.attribute}" + (f" ({here} < {there})" if d.is_older is not None else "")
            for d, here, there in found
        )
    )


def _subject(controller: Controller) -> Subject:
    return Subject(SubjectKind.CONTROLLER, controller.name, controller.name)


ENV_05 = Control(
    id="ENV-05",
    version=1,
    severity=Severity.MEDIUM,
    origin=Origin.SEED,
    references=("MS-DRSR 5.162", "MS-DRSR 5.163", "MS-ADTS 3.1.1.1.9"),
    mapping=mapping.OPERATION,
    cases=_cases,
)
