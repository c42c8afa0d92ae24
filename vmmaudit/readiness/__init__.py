"""The chain per host and share: the six links, and what each rests on.

Every word is defined in docs/semantics.md. A link is yes, no or unknown and carries the
code that says why. Controls judge these links; they never compute them a second time.
"""

from __future__ import annotations

from functools import cache
from typing import TypeAlias

from vmmaudit.assessment import Access as GrantedAccess
from vmmaudit.assessment import Links, Readiness, Ternary
from vmmaudit.facts import AccountFact, Facts, Missing, Principal
from vmmaudit.readiness import account, boot, delegation
from vmmaudit.readiness.access import Access, FileAccess, GroupAccess
from vmmaudit.readiness.link import Link
from vmmaudit.scope import Host, Library
from vmmaudit.windows.access import Token

__all__ = ["Access", "Chain", "FileAccess", "GroupAccess", "Link"]

_Fare: TypeAlias = tuple[Ternary, Token]
"""How an identity meets a library: Read at the share layer, and what matters of its token."""


class Chain:
    """The links of every host × share, computed from facts when first asked for."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.access = Access(facts)
        self.delegation = cache(self._delegation)
        self.delegatable = cache(self._delegatable)
        self.restarted = cache(self._restarted)
        self._reads: dict[
            tuple[str, tuple[_Fare | None, _Fare | None]], tuple[GrantedAccess, ...]
        ] = {}

    def _delegation(self, host: Host, library: Library) -> Link:
        return delegation.delegation(self.facts, host, library)

    def _delegatable(self, host: Host) -> Link:
        return account.delegatable(self.facts, host)

    def _restarted(self, host: Host) -> Link:
        return boot.restarted(self.facts, host)

    def links(self, host: Host, library: Library) -> Links:
        """The six links of one host and share."""
        computer, account = self.facts.host(host), self.facts.account(host)
        states: dict[str, Ternary] = {}
        for prefix, who in (("host", computer), ("account", account)):
            principal = who.principal if isinstance(who, AccountFact) else who
            if isinstance(principal, Missing):
                states[f"{prefix}_share"] = states[f"{prefix}_ntfs"] = Ternary.UNKNOWN
            else:
                states[f"{prefix}_share"] = self.access.share(principal, library).state
                states[f"{prefix}_ntfs"] = self.access.ntfs(principal, library).state
        return Links(
            delegation=self.delegation(host, library).state,
            delegatable=self.delegatable(host).state,
            **states,
        )

    def reads(self, host: Host, library: Library) -> tuple[GrantedAccess, ...]:
        """Share and file layers together, once per distinct descriptor."""
        computer, account = self.facts.host(host), self.facts.account(host)
        fares = self._fare(computer, library), self._fare(account, library)
        key = library.share, fares
        if key not in self._reads:  # few identities differ in what a library can tell apart
            self._reads[key] = self._granted(library, fares)
        return self._reads[key]

    def _fare(self, who: Principal | AccountFact | Missing, library: Library) -> _Fare | None:
        principal = who.principal if isinstance(who, AccountFact) else who
        if isinstance(principal, Missing):
            return None
        token = self.access.token(principal, library)
        if isinstance(token, Missing):
            return None
        share = self.access.share(principal, library).state
        return share, self.access.relevant(token.token, library)

    def _granted(
        self, library: Library, fares: tuple[_Fare | None, _Fare | None]
    ) -> tuple[GrantedAccess, ...]:
        reads: dict[str, list[Ternary | None]] = {}
        for position, fare in enumerate(fares):
            if fare is None:
                continue
            share, token = fare
            for file in self.access.groups_of(token, library):
                if file.digest:
                    pair = reads.setdefault(file.digest, [None, None])
                    known = [state for state in (pair[position],) if state]
                    pair[position] = Ternary.all([share, file.state, *known])
        return tuple(
            GrantedAccess(digest, host_read or Ternary.UNKNOWN, account_read or Ternary.UNKNOWN)
            for digest, (host_read, account_read) in sorted(reads.items())
        )

    def readiness(self, host: Host, library: Library) -> Readiness:
        """One entry of the matrix; what is broken is filled in by the judge."""
        links = self.links(host, library)
        account = self.facts.account(host)
        server = self.facts.library(library)
        local = self.delegation(host, library).code == "LOCAL"
        ready = links.conjunction()
        if local and ready is Ternary.YES:
            ready = Ternary.UNKNOWN
        return Readiness(
            host=host.name,
            library=server.shown if isinstance(server, Principal) else library.unc_name,
            share=library.share,
            name=library.unc_name,
            account=account.principal.shown if isinstance(account, AccountFact) else "",
            links=links,
            access=self.reads(host, library),
            ready=ready,
            in_force=self.in_force(host, ready),
            broken=(),
            reason="LOCAL" if local else "",
        )

    def in_force(self, host: Host, ready: Ternary) -> Ternary:
        """Whether what is configured has reached the host (semantics 1)."""
        return ready if ready is not Ternary.YES else self.restarted(host).state
