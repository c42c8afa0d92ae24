"""What was read, as tables: hosts, libraries, accounts, groups, descriptors, delegations.

Each function gives a pandas DataFrame whose column names are the same in every language, so
that code can use them; `vmmaudit.explore.shown.Table` puts the reader's words over them.
What is not known is None, and never a guess.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

import pandas as pd

from vmmaudit.assessment import Assessment, Ternary
from vmmaudit.controls.texts import Texts
from vmmaudit.facts import AccountFact, Facts, LocalGroups, Missing, Principal, ShareFact, Tree
from vmmaudit.readiness import Chain, Link
from vmmaudit.scope import Host, Library
from vmmaudit.windows.access import FULL, READ, map_generic
from vmmaudit.windows.account_control import AccountControl, GroupType
from vmmaudit.windows.descriptor import Ace, SecurityDescriptor

_CHANGE: Final = 0x0013_01BF
Row = dict[str, Any]


@dataclass(frozen=True)
class Tables:
    """Every table of one audit; each is made when it is first asked for.

    Attributes:
        texts: the language of the reasons and rights that stand in cells.
    """

    facts: Facts
    assessment: Assessment
    texts: Texts

    @cached_property
    def hosts(self) -> pd.DataFrame:
        """One row per host: who it is, whom VMM acts as there, how many shares it is ready for."""
        return pd.DataFrame(
            [self._host(host) for host in self.facts.scope.hosts],
            columns=[
                "host", "ready", "in_force", "first_broken", "computer", "enabled", "account",
                "account_from", "targets", "any_protocol", "started", "system", "cluster",
                "evidence",
            ],
        )  # fmt: skip

    def _host(self, host: Host) -> Row:
        computer, account = self.facts.host(host), self.facts.account(host)
        boot = self.facts.servers.boot(host.name)
        pairs = [pair for pair in self.assessment.readiness if pair.host == host.name]
        broken = (control for pair in pairs for control in pair.broken[:1])
        row: Row = {
            "host": host.name,
            "ready": Ternary.all([pair.ready for pair in pairs]) if pairs else None,
            "in_force": Ternary.all([pair.in_force for pair in pairs]) if pairs else None,
            "first_broken": next(broken, ""),
            "account": account.text if isinstance(account, Missing) else account.principal.shown,
            "account_from": self.texts.word("explore", "source", account.source.value)
            if isinstance(account, AccountFact)
            else None,
            "started": None if isinstance(boot, Missing) else _moment(boot.at),
            "cluster": host.cluster or "",
        }
        if isinstance(computer, Missing):
            return row | {"computer": computer.text, "evidence": ", ".join(computer.evidence)}
        return row | {
            "computer": computer.shown,
            "enabled": computer.enabled,
            "targets": len(computer.delegates_to),
            "any_protocol": computer.may_transition,
            "system": computer.system_version,
            "evidence": computer.evidence,
        }

    @cached_property
    def libraries(self) -> pd.DataFrame:
        """One row per library share: its server, its SPN, its content and its permissions."""
        return pd.DataFrame(
            [self._library(library) for library in self.facts.scope.libraries],
            columns=[
                "share", "server", "computer", "spn_owner", "images", "bytes", "hosts_ready",
                "path", "remark", "share_entries", "descriptors", "unlisted", "problem",
            ],
        )  # fmt: skip

    def _library(self, library: Library) -> Row:
        servers = self.facts.servers
        computer, share, tree = (
            self.facts.library(library), servers.share(library), servers.tree(library)
        )  # fmt: skip
        owners = self.facts.directory.owners(library.unc_name)
        pairs = [p for p in self.assessment.readiness if p.share.lower() == library.share.lower()]
        missing = [part for part in (computer, share, tree, owners) if isinstance(part, Missing)]
        row: Row = {
            "share": library.share,
            "server": self.facts.server(library),
            "computer": None if isinstance(computer, Missing) else computer.shown,
            "spn_owner": None
            if isinstance(owners, Missing)
            else ", ".join(owner.shown for owner in owners),
            "hosts_ready": sum(pair.ready is Ternary.YES for pair in pairs),
            "problem": " ".join(dict.fromkeys(part.text for part in missing)),
        }
        if isinstance(share, ShareFact):
            secured = share.descriptor
            row |= {"path": share.path, "remark": share.remark}
            if isinstance(secured, SecurityDescriptor):
                row["share_entries"] = len(secured.aces)
        if isinstance(tree, Tree):
            images = [item for item in tree.items if item.is_iso]
            row |= {
                "images": len(images),
                "bytes": sum(item.size for item in images),
                "descriptors": len(servers.descriptors(library)),
                "unlisted": len(tree.unlisted),
            }
        return row

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
                    "password_set": _moment(who.password_set),
                    "last_logon": _moment(who.last_logon),
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
        """In how many entries of access control lists a SID stands."""
        count: defaultdict[str, int] = defaultdict(int)
        for sid in self.descriptors["sid"]:
            count[sid] += 1
        return count

    @cached_property
    def descriptors(self) -> pd.DataFrame:
        """One row per entry of every distinct security descriptor, at the shares and in NTFS.

        Equal descriptors stand here once, with the number of folders and files that carry them.
        A descriptor without entries (or one that could not be read) has one row that says so.
        """
        rows: list[Row] = []
        for library in self.facts.scope.libraries:
            share = self.facts.servers.share_descriptor(library)
            rows += self._entries(library, "share", share, ("",))
            for descriptor, paths in self.facts.servers.descriptors(library):
                rows += self._entries(library, "ntfs", descriptor, paths)
        return pd.DataFrame(
            rows,
            columns=[
                "share", "layer", "path", "carriers", "position", "effect", "trustee", "rights",
                "inherited", "applies", "mask", "sid", "owner", "protected", "digest",
            ],
        )  # fmt: skip

    def _entries(
        self,
        library: Library,
        layer: str,
        found: SecurityDescriptor | Missing,
        paths: tuple[str, ...],
    ) -> Iterator[Row]:
        word = self.texts.word
        common: Row = {
            "share": library.share,
            "layer": word("explore", "layer", layer),
            "path": paths[0] or "\\",
            "carriers": len(paths),
        }
        if isinstance(found, Missing):
            yield common | {"effect": found.text}
            return
        common |= {
            "owner": self.facts.name_of(found.owner) if found.owner else "",
            "protected": found.protected,
            "digest": found.digest[:12],
        }
        if not found.aces:
            yield common | {"effect": word("explore", "dacl", found.dacl.value)}
        for position, ace in enumerate(found.aces, 1):
            yield common | {
                "position": position,
                "effect": self._effect(ace),
                "trustee": self.facts.name_of(ace.sid) if ace.sid else None,
                "rights": self._rights(ace.mask),
                "inherited": ace.inherited,
                "applies": not ace.inherit_only,
                "mask": f"0x{ace.mask:08x}",
                "sid": ace.sid,
            }

    def _effect(self, ace: Ace) -> str:
        effect = "allows" if ace.allows else "denies" if ace.denies else ""
        if not effect:
            return self.texts.word("explore", "effect", "other")
        found = self.texts.word("explain", effect)
        if ace.conditional:
            found = f"{found} ({self.texts.word('explore', 'effect', 'conditional')})"
        return found

    def _rights(self, stored: int) -> str:
        mask = map_generic(stored)
        for name, rights in (("full", FULL), ("change", _CHANGE), ("read", READ)):
            if mask & rights == rights:
                return self.texts.word("explain", name)
        return f"0x{mask:x}"

    @cached_property
    def delegations(self) -> pd.DataFrame:
        """One row per host and delegation target: listed, needed, or both, and what comes of it."""
        chain = Chain(self.facts)
        rows: list[Row] = []
        for host in self.facts.scope.hosts:
            computer = self.facts.host(host)
            if isinstance(computer, Missing):
                rows.append({"host": host.name, "why": computer.text})
            else:
                rows += self._delegations(host, computer, chain)
        return pd.DataFrame(
            rows,
            columns=[
                "host", "target", "listed", "needed", "any_protocol", "state", "why", "owner",
                "evidence",
            ],
        )  # fmt: skip

    def _delegations(self, host: Host, computer: Principal, chain: Chain) -> Iterator[Row]:
        needed = {f"cifs/{library.unc_name}": library for library in self.facts.scope.libraries}
        listed = {spn.lower(): spn for spn in computer.delegates_to}
        for key in dict.fromkeys([*needed, *listed]):
            library = needed.get(key)
            link = chain.delegation(host, library) if library else None
            yield {
                "host": host.name,
                "target": listed.get(key, key),
                "listed": key in listed,
                "needed": library is not None,
                "any_protocol": computer.may_transition,
                "state": link.state if link else None,
                "why": self._told("delegation", link) if link else "",
                "owner": self._owner(key),
                "evidence": ", ".join(link.evidence) if link else computer.evidence,
            }

    def _told(self, table: str, link: Link) -> str:
        if link.missing is not None:
            return link.missing.text
        template = self.texts.word("explain", table, link.code or "pass")
        return self.texts.fill(template, link.values)

    def _owner(self, spn: str) -> str | None:
        """Whom the SPN belongs to among those that were read."""
        found = [who.shown for who in self._known if who.has_spn(spn)]
        service, _, name = spn.partition("/")
        if not found and service == "cifs":  # a computer's HOST stands for cifs as well
            found = [who.shown for who in self._known if who.has_spn(f"host/{name}")]
        return ", ".join(found) or None

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """One row per verdict: the control, what it is about, and the sentence that says why."""
        return pd.DataFrame(
            [
                {
                    "verdict": judgement.verdict,
                    "control": judgement.control,
                    "title": self.texts.control(judgement.control).title,
                    "subject": judgement.subject.name,
                    "why": self.texts.fill(
                        self.texts.finding(judgement.control, judgement.code), judgement.values
                    ),
                    "waived": judgement.waiver is not None,
                    "evidence": ", ".join(judgement.evidence),
                }
                for judgement in self.assessment.verdicts
            ],
            columns=["verdict", "control", "title", "subject", "why", "waived", "evidence"],
        )


def images(facts: Facts, libraries: Iterable[Library] = ()) -> list[str]:
    """The UNC paths of all ISO images, in the order of the scope's libraries."""
    found = []
    for library in libraries or facts.scope.libraries:
        tree = facts.servers.tree(library)
        if isinstance(tree, Tree):
            found += [rf"{library.share}\{item.path}" for item in tree.items if item.is_iso]
    return found


def _principal(fact: AccountFact | Missing) -> Principal | Missing:
    return fact if isinstance(fact, Missing) else fact.principal


def _kind(who: Principal) -> str:
    if who.is_managed:
        return "managed"
    return "computer" if who.is_computer else "user"


def _moment(value: datetime | None) -> str | None:
    """Sortable as text, in UTC as the evidence has it."""
    return None if value is None else f"{value:%Y-%m-%d %H:%M}"
