"""Accounts and groups as tables: whoever was read of the directory, and the servers' own groups."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from vmmaudit.controls.texts import Texts
from vmmaudit.explore.sortable import sortable
from vmmaudit.facts import AccountFact, Facts, LocalGroups, Missing, Principal
from vmmaudit.windows.account_control import AccountControl, GroupType

Row = dict[str, Any]


@dataclass(frozen=True)
class People:
    """Accounts and groups.

    Attributes:
        named: every SID that an entry of a permission list names, once per entry.
    """

    facts: Facts
    texts: Texts
    named: tuple[str, ...]

    @cached_property
    def accounts(self) -> pd.DataFrame:
        """One row per account of the directory that was read: users, computers, managed ones."""
        roles = self._roles
        return pd.DataFrame(
            [
                {
                    "account": who.shown,
                    "kind": self.texts.word("explore", "kind", _kind(who)),
                    "role": ", ".join(roles.get(who.sid, ())),
                    "enabled": who.enabled,
                    "delegatable": not who.control & AccountControl.NOT_DELEGATED,
                    "any_protocol": who.may_transition,
                    "targets": ", ".join(who.delegates_to),
                    "spns": ", ".join(who.spns),
                    "password_set": sortable(who.password_set),
                    "last_logon": sortable(who.last_logon),
                    "dn": who.dn,
                    "sid": who.sid,
                    "evidence": who.evidence,
                }
                for who in self._known
                if "group" not in who.classes
            ],
            columns=[
                "account", "kind", "role", "enabled", "delegatable", "any_protocol", "targets",
                "spns", "password_set", "last_logon", "dn", "sid", "evidence",
            ],
        )  # fmt: skip

    @cached_property
    def _known(self) -> list[Principal]:
        return sorted(self.facts.directory.known(), key=lambda who: who.shown.lower())

    @cached_property
    def _roles(self) -> Mapping[str, list[str]]:
        """What somebody is in this scope, by SID: `host`, `library`, `vmm`, `controller`."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        scope = self.facts.scope
        for role, parts in (
            ("host", [self.facts.host(host) for host in scope.hosts]),
            ("library", [self.facts.library(library) for library in scope.libraries]),
            ("vmm", [_principal(fact) for _, fact in self.facts.accounts()]),
            ("vmm", [_principal(fact) for _, fact in self.facts.service_accounts()]),
        ):
            for part in parts:
                word = self.texts.word("explore", "role", role)
                if isinstance(part, Principal) and word not in found[part.sid]:
                    found[part.sid].append(word)
        return found

    @cached_property
    def groups(self) -> pd.DataFrame:
        """One row per group: of the domains as far as read, and of the library servers."""
        return pd.DataFrame(
            [*self._domain_groups(), *self._server_groups()],
            columns=["group", "kind", "members", "member_of", "entries", "dn", "sid", "evidence"],
        )

    def _domain_groups(self) -> Iterator[Row]:
        above = self._groups_above
        members: defaultdict[str, list[str]] = defaultdict(list)
        for who in self._known:
            for sid, path in above[who.sid].items():
                if len(path) == 1:
                    members[sid].append(who.shown)
        for group in self._known:
            if "group" in group.classes:
                yield {
                    "group": group.shown,
                    "kind": self._group_kind(group),
                    "members": ", ".join(members[group.sid]),
                    "member_of": ", ".join(map(self.facts.name_of, above[group.sid])),
                    "entries": self._named_by[group.sid],
                    "dn": group.dn,
                    "sid": group.sid,
                    "evidence": group.evidence,
                }

    @cached_property
    def _groups_above(self) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
        directory = self.facts.directory
        return {who.sid: directory.groups_above(who.dn) for who in self._known}

    def _group_kind(self, group: Principal) -> str:
        for bit, name in (
            (GroupType.DOMAIN_LOCAL, "domain-local"),
            (GroupType.GLOBAL, "global"),
            (GroupType.UNIVERSAL, "universal"),
        ):
            if group.group_type & bit:
                return self.texts.word("explore", "kind", name)
        return ""

    def _server_groups(self) -> Iterator[Row]:
        seen: set[tuple[str, str]] = set()
        for library in self.facts.scope.libraries:
            server = self.facts.server(library)
            found = self.facts.servers.local_groups(server)
            for group in found.groups if isinstance(found, LocalGroups) else ():
                if (server, group.sid) in seen:
                    continue
                seen.add((server, group.sid))
                yield {
                    "group": f"{server.split('.')[0].upper()}\\{group.name}",
                    "kind": self.texts.word("explore", "kind", "server"),
                    "members": ", ".join(sorted(map(self.facts.name_of, group.members))),
                    "member_of": "",
                    "entries": self._named_by[group.sid],
                    "dn": "",
                    "sid": group.sid,
                    "evidence": group.evidence,
                }

    @cached_property
    def _named_by(self) -> Mapping[str, int]:
        """In how many entries of permission lists a SID stands."""
        return Counter(self.named)


def _principal(fact: AccountFact | Missing) -> Principal | Missing:
    return fact if isinstance(fact, Missing) else fact.principal


def _kind(who: Principal) -> str:
    if who.is_managed:
        return "managed"
    return "computer" if who.is_computer else "user"
