"""A plan: changes put together per object, each with the value before and the value after.

Before and after are what makes a change checkable and reversible: the scripts write only
where they find the value before, and go back only where they find the value after.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from vmmaudit import questions
from vmmaudit.assessment import Ternary
from vmmaudit.change.agdlp import Proposal, proposals
from vmmaudit.change.changes import (
    Actor,
    AddDelegationTarget,
    AddMember,
    AllowToAct,
    Change,
    ClearControlBit,
    GrantOnFile,
    GrantOnShare,
    Named,
    RegisterSpn,
    RemoveExpiry,
    RemoveFromFile,
    RemoveFromShare,
    RemoveMember,
    RemoveSpn,
    Restart,
    SetControlBit,
)
from vmmaudit.change.goal import Goal
from vmmaudit.change.needed import Needed, Obstacle, needed
from vmmaudit.change.whatif import changed
from vmmaudit.change.words import headings, listed
from vmmaudit.controls.texts import Texts
from vmmaudit.display import framed, table
from vmmaudit.facts import Facts, Missing, Tree
from vmmaudit.readiness import Chain
from vmmaudit.scope import Host, Library
from vmmaudit.windows.descriptor import Ace, SecurityDescriptor, pack_ace
from vmmaudit.windows.filetime import NEVER, to_filetime

if TYPE_CHECKING:
    import pandas as pd

FORMAT: Final = 1
DELEGATES_TO: Final = "msDS-AllowedToDelegateTo"
SPN: Final = "servicePrincipalName"
CONTROL: Final = "userAccountControl"
EXPIRES: Final = "accountExpires"


@dataclass(frozen=True, slots=True)
class ListStep:
    """Values added to and taken from an attribute with many values; the others stay."""

    account: Named
    attribute: str
    add: tuple[str, ...]
    remove: tuple[str, ...]
    before: tuple[str, ...]
    changes: tuple[Change, ...]
    actor: Actor = Actor.DOMAIN

    @property
    def after(self) -> tuple[str, ...]:
        """The values after it, as a set."""
        gone = {value.lower() for value in self.remove}
        return (*(value for value in self.before if value.lower() not in gone), *self.add)


@dataclass(frozen=True, slots=True)
class NumberStep:
    """A number that changes: bits of userAccountControl, or accountExpires."""

    account: Named
    attribute: str
    before: int
    after: int
    changes: tuple[Change, ...]
    actor: Actor = Actor.DOMAIN


@dataclass(frozen=True, slots=True)
class MemberStep:
    """One membership that begins or ends."""

    group: Named
    member: Named
    joins: bool
    changes: tuple[Change, ...]
    actor: Actor = Actor.DOMAIN


@dataclass(frozen=True, slots=True)
class EntryStep:
    r"""Entries of one access control list.

    Attributes:
        place: the UNC of a share, folder or file, or the DN of a directory object.
        layer: `share`, `folder`, `file` or `directory`.
        server: the server that holds it, as it was asked by its full name; or the domain.
        before: the entries as read, in their order; `after` as they are to be.
    """

    place: str
    layer: str
    server: str
    before: tuple[Ace, ...]
    after: tuple[Ace, ...]
    changes: tuple[Change, ...]
    actor: Actor = Actor.FILE_SERVER


@dataclass(frozen=True, slots=True)
class RestartStep:
    """A host to be restarted by hand, in its maintenance window."""

    host: str
    changes: tuple[Change, ...]
    actor: Actor = Actor.HOST


Step: TypeAlias = ListStep | NumberStep | MemberStep | EntryStep | RestartStep


@dataclass(frozen=True, repr=False)
class Plan:
    """What to do, in order; which pairs of host and share it is for; what it cannot mend.

    Attributes:
        wanted: the pairs that were not ready or not in force, host and share.
        obstacles: broken links without a simple remedy.
        evidence: digest of the evidence that the values before were read from.
        proposals: groups in the place of single accounts; nothing of them is a step.
        language: of the words it is shown in.
    """

    steps: tuple[Step, ...]
    wanted: tuple[tuple[str, str], ...]
    obstacles: tuple[Obstacle, ...]
    evidence: str
    proposals: tuple[Proposal, ...] = ()
    language: str = field(default="en", compare=False)

    def changes(self) -> tuple[Change, ...]:
        """The single changes."""
        return tuple(change for step in self.steps for change in step.changes)

    def to_frame(self, language: str = "en") -> pd.DataFrame:
        """One row per change: the step it belongs to, who can make it, what is to be done."""
        numbered = enumerate(self.steps, 1)
        return listed([(n, change) for n, step in numbered for change in step.changes], language)

    def _repr_html_(self) -> str:
        frame = self.to_frame(self.language)
        heads = headings(Texts.load(self.language))
        return framed(table(frame.set_axis(heads, axis="columns")), language=self.language)

    def __repr__(self) -> str:
        return f"<Plan: {len(self.steps)} steps for {len(self.wanted)} pairs>"


def goals(facts: Facts, hosts: Iterable[Host], libraries: Iterable[Library]) -> list[Goal]:
    """One for every group of alike ISO files that a host cannot open, or not yet.

    A pair without any ISO file that is known of has a goal too: its other links can be broken.
    """
    chain = Chain(facts)
    libraries = list(libraries)
    found = []
    for host in hosts:
        for library in libraries:
            entry = chain.readiness(host, library)
            if entry.ready is not Ternary.NO and entry.in_force is not Ternary.NO:
                continue
            paths = [*_each(facts, library)] or [""]
            found += [Goal(host, library, path, whole_group=True) for path in paths]
    return found


def _each(facts: Facts, library: Library) -> Iterator[str]:
    """The first path of every group of alike ISO files."""
    if isinstance(facts.servers.tree(library), Tree):
        for group in facts.servers.file_groups(library):
            yield group.items[0].path


def plan(facts: Facts, wanted: Sequence[Goal]) -> Plan:
    """The smallest set of changes for `wanted`, put together per object."""
    found = needed(facts, wanted)
    pairs = dict.fromkeys((goal.host.name, goal.library.share) for goal in wanted)
    libraries = dict.fromkeys(goal.library for goal in wanted) or facts.scope.libraries
    return Plan(
        tuple(sorted(_steps(facts, found), key=_order)),
        tuple(pairs),
        found.obstacles,
        facts.evidence.digest(),
        proposals(changed(facts, found.changes), list(libraries)),
        facts.scope.audit.languages[0],
    )


def _order(step: Step) -> tuple[int, int]:
    """Folders before what is in them, the upper one first: entries are handed down."""
    depth = 0
    if isinstance(step, EntryStep) and step.layer in ("folder", "file"):
        depth = step.place.count("\\") + (1000 if step.layer == "file" else 0)
    return list(Actor).index(step.actor), depth


def _steps(facts: Facts, found: Needed) -> Iterator[Step]:
    grouped: dict[tuple[str, ...], list[Change]] = {}
    for change in found.changes:
        grouped.setdefault(_object(change), []).append(change)
    after = changed(facts, found.changes)
    for (kind, *_), changes in grouped.items():
        yield _step(facts, after, kind, tuple(changes))


def _object(change: Change) -> tuple[str, ...]:
    """What a change is made to: changes of one object become one step."""
    match change:
        case AddDelegationTarget(account=account):
            return DELEGATES_TO, account.sid
        case RegisterSpn(account=account) | RemoveSpn(account=account):
            return SPN, account.sid
        case SetControlBit(account=account) | ClearControlBit(account=account):
            return CONTROL, account.sid
        case RemoveExpiry(account=account):
            return EXPIRES, account.sid
        case AllowToAct(account=account):
            return "directory", account.sid
        case AddMember(group=group, member=member) | RemoveMember(group=group, member=member):
            return "member", group.sid, member.sid
        case GrantOnShare(share=share) | RemoveFromShare(share=share):
            return "share", share
        case GrantOnFile(share=share, path=path) | RemoveFromFile(share=share, path=path):
            return "file", share, path
        case Restart(host=host):
            return "restart", host


def _step(facts: Facts, later: Facts, kind: str, changes: tuple[Change, ...]) -> Step:
    first = changes[0]
    match first:
        case Restart(host=host):
            return RestartStep(host, changes)
        case AddMember(group=group, member=member) | RemoveMember(group=group, member=member):
            return MemberStep(group, member, isinstance(changes[-1], AddMember), changes)
        case GrantOnShare(share=share) | RemoveFromShare(share=share):
            return _share_step(facts, later, share, changes)
        case GrantOnFile(share=share, path=path) | RemoveFromFile(share=share, path=path):
            return _file_step(facts, later, share, path, changes)
    return _account_step(facts, later, kind, first.account, changes)


def _account_step(
    facts: Facts, later: Facts, kind: str, account: Named, changes: tuple[Change, ...]
) -> Step:
    before = facts.directory.principal(account.sid)
    after = later.directory.principal(account.sid)
    if before is None or after is None:
        raise LookupError(account.sid)
    if kind == CONTROL:
        return NumberStep(account, kind, before.control, after.control, changes)
    if kind == EXPIRES:
        expires = to_filetime(before.expires) if before.expires else NEVER
        return NumberStep(account, kind, expires, NEVER, changes)
    if kind == "directory":
        old = before.allowed_to_act.aces if before.allowed_to_act else ()
        new = after.allowed_to_act.aces if after.allowed_to_act else ()
        return EntryStep(account.dn, kind, account.domain, old, new, changes, Actor.DOMAIN)
    ours, theirs = (
        (before.delegates_to, after.delegates_to)
        if kind == DELEGATES_TO
        else (before.spns, after.spns)
    )
    add = tuple(value for value in theirs if value not in ours)
    remove = tuple(value for value in ours if value not in theirs)
    return ListStep(account, kind, add, remove, ours, changes)


def _library(facts: Facts, share: str) -> Library:
    return next(library for library in facts.scope.libraries if library.share == share)


def _share_step(facts: Facts, later: Facts, share: str, changes: tuple[Change, ...]) -> EntryStep:
    library = _library(facts, share)
    before = facts.servers.share_descriptor(library)
    after = later.servers.share_descriptor(library)
    server = questions.file_server(facts.scope, library)
    return EntryStep(share, "share", server, _aces(before), _aces(after), changes)


def _file_step(
    facts: Facts, later: Facts, share: str, path: str, changes: tuple[Change, ...]
) -> EntryStep:
    library = _library(facts, share)
    before = facts.servers.item_descriptor(library, path)
    after = later.servers.item_descriptor(library, path)
    tree = facts.servers.tree(library)
    items = tree.items if isinstance(tree, Tree) else ()
    is_folder = not path or any(item.is_folder for item in items if item.path == path)
    place = rf"{share}\{path}" if path else share
    layer = "folder" if is_folder else "file"
    server = questions.file_server(facts.scope, library)
    return EntryStep(place, layer, server, _aces(before), _aces(after), changes)


def _aces(descriptor: SecurityDescriptor | Missing) -> tuple[Ace, ...]:
    return () if isinstance(descriptor, Missing) else descriptor.aces


def entries(aces: Sequence[Ace]) -> list[str]:
    """Entries as base64 of their binary form (MS-DTYP 2.4.4), which scripts compare."""
    return [base64.b64encode(pack_ace(ace)).decode("ascii") for ace in aces]


def dumps(found: Plan) -> bytes:
    """`plan.json`, format 1: every step with the value before and the value after."""
    value = {
        "format": FORMAT,
        "evidence": found.evidence,
        "wanted": [list(pair) for pair in found.wanted],
        "steps": [{"number": n, **as_data(step)} for n, step in enumerate(found.steps, 1)],
        "obstacles": [
            {"host": o.goal.host.name, "link": o.link, "code": o.reason.code}
            for o in found.obstacles
        ],
        "proposals": [_proposed(proposal) for proposal in found.proposals],
    }
    return json.dumps(value, ensure_ascii=False, indent=1).encode("utf-8", "replace") + b"\n"


def _proposed(proposal: Proposal) -> dict[str, Any]:
    groups = [
        {
            "group": joining.group.shown,
            "exists": joining.group.exists,
            "accounts": [account.shown for account in joining.accounts],
        }
        for joining in proposal.joining
    ]
    local = {"group": proposal.local.shown, "exists": proposal.local.exists}
    places = list(proposal.places)
    return {"share": proposal.share, "global": groups, "local": local, "places": places}


def as_data(step: Step) -> dict[str, Any]:
    """A step as plain data."""
    common: dict[str, Any] = {"actor": step.actor.value}
    match step:
        case ListStep():
            account, lists = _account(step.account), ("add", "remove", "before", "after")
            values = {name: list(getattr(step, name)) for name in lists}
            return {"kind": "list", **common, **account, "attribute": step.attribute, **values}
        case NumberStep():
            numbers = {"attribute": step.attribute, "before": step.before, "after": step.after}
            return {"kind": "number", **common, **_account(step.account), **numbers}
        case MemberStep():
            member = {f"member_{key}": value for key, value in _account(step.member).items()}
            joins = {"joins": step.joins}
            return {"kind": "member", **common, **_account(step.group), **member, **joins}
        case EntryStep():
            aces = {"before": entries(step.before), "after": entries(step.after)}
            where = {"layer": step.layer, "place": step.place, "server": step.server}
            return {"kind": "entries", **common, **where, **aces}
        case RestartStep():
            return {"kind": "restart", **common, "host": step.host}


def _account(named: Named) -> dict[str, str]:
    return {"name": named.shown, "sid": named.sid, "dn": named.dn, "domain": named.domain}
