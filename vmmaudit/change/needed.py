"""The smallest set of changes after which hosts may open files, found by trying them.

For the first broken link the usual remedies are tried one after the other on a copy of
the facts; the first that mends it and breaks nothing is kept. At the end every change
that turns out not to be needed is dropped. What is unknown stays unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from vmmaudit.assessment import Ternary
from vmmaudit.change.changes import (
    AddDelegationTarget,
    AddMember,
    Change,
    ClearControlBit,
    RemoveFromFile,
    RemoveFromShare,
    RemoveMember,
    Restart,
    SetControlBit,
)
from vmmaudit.change.goal import Goal, links, ready
from vmmaudit.change.remedies import remedies
from vmmaudit.change.whatif import changed
from vmmaudit.change.words import headings, listed
from vmmaudit.controls.texts import Texts
from vmmaudit.display import framed, safe, table
from vmmaudit.facts import Facts, Missing
from vmmaudit.readiness import Chain, Link

if TYPE_CHECKING:
    import pandas as pd

ROUNDS: Final = 24
"""More broken links than this are not mended one by one; it never came near in random worlds."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A broken link for which no change is known that an administrator could simply make."""

    goal: Goal
    link: str
    reason: Link


@dataclass(frozen=True, slots=True, repr=False)
class Needed:
    """Changes in the order in which they are to be made, and what they cannot mend.

    needed.changes       # for `audit.what_if(*needed.changes)`
    needed.obstacles     # broken links that no simple change mends

    Attributes:
        language: of the words it is shown in.
    """

    changes: tuple[Change, ...]
    obstacles: tuple[Obstacle, ...]
    language: str = field(default="en", compare=False)

    def to_frame(self, language: str = "en") -> pd.DataFrame:
        """One row per change: who can make it, and what is to be done."""
        return listed(enumerate(self.changes, 1), language)

    def _repr_html_(self) -> str:
        texts = Texts.load(self.language)
        open_links = (
            texts.fill(
                texts.word("explain", "beyond"), {"link": texts.word("explain", "link", o.link)}
            )
            for o in self.obstacles
        )
        said = [texts.word("explain", "needed" if self.changes else "needed_unknown"), *open_links]
        rows = self.to_frame(self.language)
        return framed(
            *(f"<p>{safe(line)}</p>" for line in said),
            table(rows.set_axis(headings(texts), axis="columns")) if self.changes else "",
            language=self.language,
        )

    def __repr__(self) -> str:
        return f"<Needed: {len(self.changes)} changes, {len(self.obstacles)} obstacles>"


def needed(facts: Facts, goals: Sequence[Goal]) -> Needed:
    """What would have to change for every goal to be ready and in force."""
    changes: list[Change] = []
    obstacles: list[Obstacle] = []
    chain = Chain(facts)
    for goal in goals:
        for _ in range(ROUNDS):
            broken = _first_broken(chain, goal)
            if broken is None:
                break
            name, link = broken
            step = _step(facts, changes, chain, goal, name, link)
            if step is None:
                obstacles.append(Obstacle(goal, name, link))
                break
            changes += step
            chain = Chain(changed(facts, changes))
    kept = _without_the_superfluous(facts, changes, goals) if not obstacles else changes
    return Needed(
        tuple(sorted((*kept, *_restarts(facts, kept, goals)), key=_order)),
        tuple(obstacles),
        facts.scope.audit.languages[0],
    )


def _first_broken(chain: Chain, goal: Goal) -> tuple[str, Link] | None:
    found = links(chain, goal).items()
    return next(((name, link) for name, link in found if link.state is Ternary.NO), None)


def _step(
    facts: Facts, before: Sequence[Change], chain: Chain, goal: Goal, name: str, link: Link
) -> tuple[Change, ...] | None:
    """The first remedy after which this link is better and no other one is worse."""
    as_it_is = links(chain, goal)
    for remedy in remedies(chain, goal, name, link):
        takes_away = any(isinstance(step, (RemoveFromShare, RemoveFromFile)) for step in remedy)
        if set(remedy) & set(before) and not takes_away:
            continue
        tried = links(Chain(changed(facts, [*before, *remedy])), goal)
        better = tried[name].state is not Ternary.NO or tried[name].code != link.code or takes_away
        worse = any(
            tried[other].state is Ternary.NO and as_it_is[other].state is not Ternary.NO
            for other in tried
        )
        if better and not worse:
            return remedy
    return None


def _without_the_superfluous(
    facts: Facts, changes: Sequence[Change], goals: Sequence[Goal]
) -> list[Change]:
    wanted = _readiness(facts, changes, goals)
    kept = list(changes)
    for change in changes:
        fewer = [other for other in kept if other is not change]
        if _readiness(facts, fewer, goals) == wanted:
            kept = fewer
    return kept


def _readiness(facts: Facts, changes: Sequence[Change], goals: Sequence[Goal]) -> list[Ternary]:
    chain = Chain(changed(facts, changes))
    return [ready(chain, goal) for goal in goals]


def _restarts(facts: Facts, changes: Sequence[Change], goals: Sequence[Goal]) -> list[Change]:
    """Hosts whose tickets the changes make stale, or whose tickets are stale already."""
    chain = Chain(changed(facts, changes))
    found: dict[str, Change] = {}
    for goal in goals:
        if ready(chain, goal) is Ternary.NO:
            continue
        stale = chain.restarted(goal.host).state is Ternary.NO
        if stale or _touched(facts, changes, goal):
            found[goal.host.name] = Restart(goal.host.name)
    return list(found.values())


def _touched(facts: Facts, changes: Sequence[Change], goal: Goal) -> bool:
    """Whether a change alters what stands in the host's tickets, or whom it may delegate to."""
    computer = facts.host(goal.host)
    if isinstance(computer, Missing):
        return False
    groups = facts.directory.groups(computer)
    held = {computer.sid} | (set() if isinstance(groups, Missing) else set(groups.all))
    for change in changes:
        match change:
            case AddDelegationTarget() | SetControlBit() | ClearControlBit():
                if change.account.sid == computer.sid:
                    return True
            case AddMember() | RemoveMember():
                if change.member.sid in held:
                    return True
    return False


def _order(change: Change) -> int:
    return list(type(change.actor)).index(change.actor)
