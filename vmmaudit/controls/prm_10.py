"""PRM-10: domain-local groups have the rights, they hold global groups, and these the accounts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from vmmaudit.assessment import Value, Verdict
from vmmaudit.controls import mapping, subjects
from vmmaudit.controls.control import (
    Case,
    Control,
    Origin,
    Outcome,
    Severity,
    World,
    both,
    given,
    not_assessable,
    unseen,
)
from vmmaudit.facts import Facts, Principal, Tree
from vmmaudit.scope import Library
from vmmaudit.windows import sid as sids
from vmmaudit.windows.account_control import GroupType
from vmmaudit.windows.descriptor import SecurityDescriptor

_SECURITY: Final = int(GroupType.SECURITY)
FIRST_OWN_RID: Final = 1000


def _cases(world: World) -> Iterator[Case]:
    servers = world.facts.servers
    for library in world.facts.scope.libraries:
        known = both(servers.share_descriptor(library), servers.tree(library))
        yield given(subjects.share(library), known, partial(_check, world, library))


def _check(world: World, library: Library, known: tuple[SecurityDescriptor, Tree]) -> Outcome:
    share, tree = known
    facts = world.facts
    found = [d for d, _ in facts.servers.descriptors(library) if isinstance(d, SecurityDescriptor)]
    named = {ace.sid for d in (share, *found) for ace in d.aces if ace.allows and ace.sid}
    trustees = [
        p for sid in sorted(named) if _is_own(sid) and (p := facts.directory.principal(sid))
    ]
    direct = [p for p in trustees if "group" not in p.classes]
    groups = [p for p in trustees if "group" in p.classes]
    powerless = [p for p in groups if p.group_type and not p.group_type & _SECURITY]
    wide = [p for p in groups if p not in powerless and not p.group_type & GroupType.DOMAIN_LOCAL]
    values: dict[str, Value] = {"share": library.share}
    evidence = (tree.evidence, *(p.evidence for p in trustees))
    short = [p for p in groups if p not in (*powerless, *wide) and _holds_accounts(facts, p)]
    found_wrong = (
        *(("POWERLESS", powerless), ("DIRECT", direct), ("GLOBAL", wide)),
        ("ACCOUNTS_IN_LOCAL", short),
    )
    for code, wrong in found_wrong:
        if wrong:
            values["principals"] = _names(wrong)
            # That a distribution group gives no right is certain; the rest is a recommendation.
            verdict = Verdict.FAIL if code == "POWERLESS" else Verdict.WARN
            return Outcome(verdict, code, values, evidence, unseen(world, library))
    unresolved = next(filter(None, map(facts.unresolved, filter(_is_own, sorted(named)))), None)
    if missing := facts.servers.unseen(library) or unresolved:
        return not_assessable(missing)
    return Outcome(Verdict.PASS, "", values, evidence)


def _is_own(sid: str) -> bool:
    """Of a domain, and made there: what came with the domain is everywhere."""
    return sids.is_domain_account(sid) and sids.rid_of(sid) >= FIRST_OWN_RID


def _holds_accounts(facts: Facts, group: Principal) -> bool:
    """Whether accounts are direct members of a domain-local group."""
    members = set(facts.directory.direct_members(group.sid))
    return any(p.dn.lower() in members for p in facts.directory.known() if "group" not in p.classes)


def _names(found: list[Principal]) -> tuple[str, ...]:
    return tuple(sorted(principal.shown for principal in found))


PRM_10 = Control(
    id="PRM-10",
    version=2,
    severity=Severity.LOW,
    origin=Origin.SEED,
    references=("MS-ADTS 2.2.12 (groupType)",),
    mapping=mapping.PERMISSIONS,
    cases=_cases,
)
