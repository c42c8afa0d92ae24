"""Every link of one host and one file, with what decides it and what would mend it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from vmmaudit.assessment import Ternary
from vmmaudit.change.goal import DELEGATABLE, DELEGATION, IN_FORCE, Goal, identities, links
from vmmaudit.change.needed import Needed, needed
from vmmaudit.change.remedies import above
from vmmaudit.display import framed
from vmmaudit.facts import Facts, Holding, Missing, Principal, TokenFact
from vmmaudit.readiness import Chain, Link
from vmmaudit.readiness.access import Ruling
from vmmaudit.windows.access import map_generic
from vmmaudit.windows.descriptor import Ace, AceFlag, SecurityDescriptor

if TYPE_CHECKING:
    import pandas as pd

_CONTROLS = {
    DELEGATION: "DEL-01",
    DELEGATABLE: "ACC-06",
    "account_share": "PRM-03",
    "account_file": "PRM-06",
    "host_share": "PRM-01",
    "host_file": "PRM-04",
    IN_FORCE: "HST-01",
}
_BY_CODE = {
    "KERBEROS_ONLY": "DEL-02",
    "OTHER_DOMAIN": "ENV-04",
    "NO_SPN": "DEL-04",
    "OTHER_OWNER": "DEL-04",
    "DUPLICATE_SPN": "DEL-04",
    "OWNER_DISABLED": "DEL-04",
    "DISABLED": "ACC-02",
    "EXPIRED": "ACC-02",
    "LOCAL_SYSTEM": "ACC-01",
    "DENIED": "PRM-09",
}


@dataclass(frozen=True, slots=True)
class Entry:
    r"""One entry of an access control list that decides.

    Attributes:
        trustee: whom it names, as shown; `sid` decides.
        mask: the rights with GENERIC_* bits mapped.
        held: how the identity comes to hold the SID, None if it does not.
        path: the groups from the identity to the trustee, both ends shown.
        folder: where an inherited entry is set (`""` is the share's root); None if it is its
            own, or if no folder that was read has it.
        inherited: whether it came from above.
    """

    allows: bool
    trustee: str
    sid: str
    mask: int
    held: Holding | None
    path: tuple[str, ...]
    folder: str | None
    inherited: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One link of the chain: its state, the control that judges it, and what decides."""

    name: str
    control: str
    link: Link
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, repr=False)
class Explanation:
    """Whether one host can open one ISO image that stays on its library, and why.

    Shows itself in a notebook; `to_frame()` has one row per link, `in_words("de")` is text.

    Attributes:
        account: A(H), whom VMM acts as on this host; empty if that is not known.
        steps: the six links in the order in which a chain is said to break, then `in_force`.
    """

    facts: Facts
    goal: Goal
    host: str
    account: str
    unc: str
    steps: tuple[Step, ...]
    ready: Ternary
    in_force: Ternary

    @cached_property
    def needed(self) -> Needed:
        """*Would be ready if …*: the smallest set of changes, each tried on a copy."""
        return needed(self.facts, [self.goal])

    @property
    def unknown(self) -> tuple[Step, ...]:
        """The links that could not be assessed."""
        return tuple(step for step in self.steps if step.link.state is Ternary.UNKNOWN)

    def in_words(self, language: str = "en") -> str:
        """The whole explanation as lines of text."""
        from vmmaudit.explain.shown import text

        return text(self, language)

    def to_frame(self) -> pd.DataFrame:
        """One row per link."""
        import pandas as pd

        return pd.DataFrame(
            {
                "link": step.name,
                "state": step.link.state.value,
                "control": step.control,
                "code": step.link.code,
                "entries": "; ".join(
                    f"{'allow' if e.allows else 'deny'} {e.trustee} 0x{e.mask:x}"
                    for e in step.entries
                ),
                "evidence": ", ".join(step.link.evidence),
            }
            for step in self.steps
        )

    def __str__(self) -> str:
        return self.in_words()

    def __repr__(self) -> str:
        return self.in_words(self._language)

    @property
    def _language(self) -> str:
        return self.facts.scope.audit.languages[0]

    def _repr_html_(self) -> str:
        from vmmaudit.controls.texts import Texts
        from vmmaudit.explain.shown import mended, page

        texts = Texts.load(self._language)
        return framed(page(self, texts), mended(self, texts), language=self._language)


def explain(facts: Facts, goal: Goal) -> Explanation:
    """Every link for one host and one file."""
    chain = Chain(facts)
    found = links(chain, goal)
    who = identities(chain, goal.host)
    steps = [
        Step(name, _control(name, link), link, _entries(chain, goal, who, name))
        for name, link in found.items()
    ]
    ready = Ternary.all([link.state for link in found.values()])
    restarted = chain.restarted(goal.host)
    steps.append(Step(IN_FORCE, _CONTROLS[IN_FORCE], restarted))
    account = who["account"]
    host = who["host"]
    return Explanation(
        facts=facts,
        goal=goal,
        host=host.shown if isinstance(host, Principal) else goal.host.name,
        account=account.shown if isinstance(account, Principal) else "",
        unc=rf"{goal.library.share}\{goal.path}",
        steps=tuple(steps),
        ready=ready,
        in_force=chain.in_force(goal.host, ready),
    )


def _control(name: str, link: Link) -> str:
    if link.state is Ternary.NO:
        return _BY_CODE.get(link.code, _CONTROLS[name])
    return _CONTROLS[name]


def _entries(
    chain: Chain, goal: Goal, identities: dict[str, Principal | Missing], name: str
) -> tuple[Entry, ...]:
    prefix, _, layer = name.partition("_")
    who = identities.get(prefix)
    if not isinstance(who, Principal) or layer not in ("share", "file"):
        return ()
    on_share = layer == "share"
    ruling = (
        chain.access.share_ruling(who, goal.library)
        if on_share
        else chain.access.file_ruling(who, goal.library, goal.path)
    )
    if not isinstance(ruling, Ruling):
        return ()
    return tuple(
        _entry(chain.facts, goal, who, ruling.token, ace, on_share=on_share)
        for ace in ruling.entries
    )


def _entry(
    facts: Facts, goal: Goal, who: Principal, token: TokenFact, ace: Ace, *, on_share: bool
) -> Entry:
    sid = ace.sid or ""
    return Entry(
        allows=ace.allows,
        trustee=facts.name_of(sid),
        sid=sid,
        mask=map_generic(ace.mask),
        held=token.why.get(sid),
        path=_path(facts, goal, who, token, sid),
        folder=None if on_share or not ace.inherited else _set_on(facts, goal, ace),
        inherited=ace.inherited,
    )


def _path(facts: Facts, goal: Goal, who: Principal, token: TokenFact, sid: str) -> tuple[str, ...]:
    """From the identity over its groups to the SID that an entry names."""
    held = token.why.get(sid)
    above_who = facts.directory.groups_above(who.dn)
    if held is Holding.GROUP:
        path = above_who.get(sid, (sid,))
    elif held is Holding.LOCAL_GROUP:
        path = (*_into_local_group(facts, goal, who, token, sid, above_who), sid)
    else:
        path = (sid,) if sid != who.sid else ()
    return (who.shown, *map(facts.name_of, path))


def _into_local_group(
    facts: Facts,
    goal: Goal,
    who: Principal,
    token: TokenFact,
    sid: str,
    above_who: Mapping[str, tuple[str, ...]],
) -> tuple[str, ...]:
    """The domain groups that lead to a member of a server's own group."""
    local = facts.servers.local_groups(facts.server(goal.library))
    if isinstance(local, Missing):
        return ()
    members = next((group.members for group in local.groups if group.sid == sid), frozenset())
    if who.sid in members:
        return ()
    through = sorted(
        (m for m in members if m in token.why), key=lambda m: len(above_who.get(m, (m,)))
    )
    return above_who.get(through[0], (through[0],)) if through else ()


def _set_on(facts: Facts, goal: Goal, ace: Ace) -> str | None:
    """The folder whose own entry this is, as far as the folders above were read."""
    handed_on = AceFlag.OBJECT_INHERIT | AceFlag.CONTAINER_INHERIT
    for folder in above(goal.path):
        found = facts.servers.item_descriptor(goal.library, folder)
        if not isinstance(found, SecurityDescriptor):
            return None
        for own in found.aces:
            same = (own.type, own.mask, own.sid) == (ace.type, ace.mask, ace.sid)
            if same and not own.inherited and own.flags & handed_on:
                return folder
        if found.protected:
            return None
    return None
