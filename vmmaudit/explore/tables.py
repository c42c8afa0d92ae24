"""What was read, as tables: hosts, libraries, accounts, groups, descriptors, delegations.

Every table is a pandas DataFrame whose column names are the same in every language, so
that code can use them; `vmmaudit.explore.shown.Table` puts the reader's words over them.
What is not known is None, and never a guess.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import pandas as pd

from vmmaudit.assessment import Assessment, Readiness, Ternary, Verdict
from vmmaudit.controls.texts import Texts
from vmmaudit.explore.people import People
from vmmaudit.explore.permissions import descriptors
from vmmaudit.explore.sortable import sortable
from vmmaudit.facts import AccountFact, Facts, Missing, Principal, ShareFact, Tree
from vmmaudit.readiness import Chain, Link
from vmmaudit.scope import Host, Library
from vmmaudit.windows.descriptor import SecurityDescriptor

_ORDER: Final = (
    Verdict.FAIL,
    Verdict.WARN,
    Verdict.NOT_ASSESSABLE,
    Verdict.MANUAL,
    Verdict.PASS,
    Verdict.NOT_APPLICABLE,
)
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

    @cached_property
    def _pairs(self) -> Mapping[str, Sequence[Readiness]]:
        found: defaultdict[str, list[Readiness]] = defaultdict(list)
        for pair in self.assessment.readiness:
            found[pair.host].append(pair)
        return found

    def _host(self, host: Host) -> Row:
        computer, account = self.facts.host(host), self.facts.account(host)
        boot = self.facts.servers.boot(host.name)
        pairs = self._pairs[host.name]
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
            "started": None if isinstance(boot, Missing) else sortable(boot.at),
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
        return self._people.accounts

    @cached_property
    def groups(self) -> pd.DataFrame:
        """One row per group: of the domains as far as read, and of the library servers."""
        return self._people.groups

    @cached_property
    def _people(self) -> People:
        return People(self.facts, self.texts, tuple(self.descriptors["sid"]))

    @cached_property
    def descriptors(self) -> pd.DataFrame:
        """One row per entry of every distinct permission list, at the shares and in NTFS."""
        return descriptors(self.facts, self.texts)

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
        service, _, name = spn.partition("/")
        found = self._owners.get(spn, ())
        if not found and service == "cifs":  # a computer's HOST stands for cifs as well
            found = self._owners.get(f"host/{name}", ())
        return ", ".join(found) or None

    @cached_property
    def _owners(self) -> Mapping[str, Sequence[str]]:
        """Who was read to have an SPN, by the SPN in lower case."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for who in self.facts.directory.known():
            for spn in dict.fromkeys(spn.lower() for spn in who.spns):
                found[spn].append(who.shown)
        return found

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """One row per verdict, the gravest first, with the sentence that says why."""
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
                for judgement in sorted(
                    self.assessment.verdicts, key=lambda found: _ORDER.index(found.verdict)
                )
            ],
            columns=["verdict", "control", "title", "subject", "why", "waived", "evidence"],
        )
