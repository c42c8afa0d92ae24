"""One audit to look around in: what the notebook `explore` calls `audit`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from vmmaudit.assessment import Ternary
from vmmaudit.audit import Audit
from vmmaudit.change.changes import Change
from vmmaudit.change.find import find_host
from vmmaudit.change.suppose import Suppose
from vmmaudit.controls.texts import Texts
from vmmaudit.errors import UsageError
from vmmaudit.explore.matrix import Matrix
from vmmaudit.explore.picture import Picture
from vmmaudit.explore.shown import Table
from vmmaudit.explore.tables import Tables
from vmmaudit.explore.what_if import WhatIf
from vmmaudit.report.overview import overview

if TYPE_CHECKING:
    import pandas as pd

    from vmmaudit.explore.workbench import Workbench

_TRIED: Final = 20


@dataclass(frozen=True, repr=False)
class Exploration:
    r"""What was read and judged, to be looked at from all sides.

    audit.matrix                          # hosts × library shares, worst first
    audit.hosts                           # and libraries, accounts, groups, descriptors,
                                          # delegations, verdicts: tables to sort and filter
    audit.explain("HYPER07", "x.iso")     # one chain, drawn, down to the entry that decides
    audit.suppose.member("HYPER07", "GG_HyperV_Hosts")      # a change that nobody makes
    audit.what_if(change, another)        # everything judged again on a changed copy
    audit.workbench                       # the last three with drop-down lists
    audit.audit                           # the Audit below, with evidence and assessment

    Every result shows itself in a notebook and has `to_frame()`, a pandas DataFrame; nothing
    here reads from or writes to the audited systems.
    """

    audit: Audit
    texts: Texts

    @cached_property
    def tables(self) -> Tables:
        """The tables as pandas DataFrames."""
        return Tables(self.audit.facts, self.audit.assessment, self.texts)

    @property
    def matrix(self) -> Matrix:
        """Hosts × library shares, worst host first; a click on a place shows its chain."""
        return Matrix(self.audit.assessment, self.texts, bench=lambda: self.workbench)

    @property
    def hosts(self) -> Table:
        """The hosts: their computer accounts, VMM's account there, starts, readiness."""
        return self._table("hosts")

    @property
    def libraries(self) -> Table:
        """The library shares: servers, owners of their SPNs, images, permissions."""
        return self._table("libraries")

    @property
    def accounts(self) -> Table:
        """The accounts that were read: users, computers, managed service accounts."""
        return self._table("accounts")

    @property
    def groups(self) -> Table:
        """The groups of the domains as far as read, and those of the library servers."""
        return self._table("groups")

    @property
    def descriptors(self) -> Table:
        """Every entry of every distinct permission list, at the shares and in NTFS."""
        return self._table("descriptors")

    @property
    def delegations(self) -> Table:
        """Delegation targets, listed and needed, per host."""
        return self._table("delegations")

    @property
    def verdicts(self) -> Table:
        """Every verdict with the sentence that says why."""
        return self._table("verdicts")

    def _table(self, name: str) -> Table:
        return Table(name, getattr(self.tables, name), self.texts)

    @property
    def suppose(self) -> Suppose:
        r"""Makes changes by the names people use, for `what_if`.

        audit.suppose.member("HYPER07", "GG_HyperV_Hosts")
        audit.suppose.delegation("HYPER07", r"\\library01.contoso.com\MSSCVMMLibrary")
        audit.suppose.any_protocol("HYPER07")
        audit.suppose.spn("LIBRARY01", "cifs/library01.contoso.com")
        audit.suppose.share_read("GG_HyperV_Hosts", r"\\library01.contoso.com\MSSCVMMLibrary")
        audit.suppose.file_read("GG_HyperV_Hosts", r"\\library01.contoso.com\MSSCVMMLibrary\ISOs")
        audit.suppose.restarted("HYPER07")
        """
        return self.audit.suppose

    def explain(self, host: str = "", file: str = "") -> Picture:
        r"""The chain of one host to one ISO image, drawn; without names the worst one.

        Args:
            host: its name as in the scope, or the short one (`HYPER07`).
            file: a UNC path, a path under the share, or a file name that is there once; empty:
                the image with most wrong for this host.

        Raises:
            UsageError: there is no such host or file, or no image at all.
        """
        if not host or not file:
            known = find_host(self.audit.facts, host).name if host else ""
            worst = self.worst(known)
            host, file = host or worst[0], file or worst[1]
        return Picture(self.audit.explain(host, file), self.texts)

    def worst(self, host: str = "", share: str = "") -> tuple[str, str]:
        """The host and the image that it is most worth to begin with.

        Args:
            host: only this one, by its name in the scope.
            share: only this one, as in the scope.

        Raises:
            UsageError: no image was seen in any share.
        """
        order = (Ternary.NO, Ternary.UNKNOWN, Ternary.YES)
        pairs = sorted(
            (
                pair
                for pair in self.audit.assessment.readiness
                if host in ("", pair.host) and share.lower() in ("", pair.share.lower())
            ),
            key=lambda pair: (order.index(pair.ready), -len(pair.broken)),
        )
        chains = (
            self.audit.explain(pair.host, file)
            for pair in pairs[:_TRIED]
            for file in self._different_images(pair.share)
        )
        first = next(chains, None)
        if first is None:
            raise UsageError("No ISO image was seen in any library share, so there is no chain.")
        found = next((c for c in (first, *chains) if c.ready is not Ternary.YES), first)
        return found.goal.host.name, found.unc

    def _different_images(self, share: str) -> Iterator[str]:
        """One image for each way in which images of a share are protected."""
        for library in self.audit.scope.libraries:
            if library.share.lower() == share.lower():
                for group in self.audit.facts.servers.file_groups(library):
                    yield rf"{library.share}\{group.items[0].path}"

    def what_if(self, *changes: Change) -> WhatIf:
        """Everything judged again as it would be after some changes.

        Without changes those are supposed that would mend `audit.explain()`.
        """
        supposed = changes or self.explain().explanation.needed.changes
        return WhatIf(self.audit, self.audit.what_if(*supposed), self.texts)

    @cached_property
    def workbench(self) -> Workbench:
        """Lists to choose a host, an image and changes from; see `explain` and `what_if`.

        Raises:
            MissingExtraError: the extra `[lab]` is not installed.
        """
        from vmmaudit.explore.workbench import Workbench

        return Workbench(self)

    @property
    def summary(self) -> str:
        """How many verdicts of each kind, and how many pairs are not ready."""
        return self.audit.summary

    def to_frame(self) -> pd.DataFrame:
        """One row per verdict."""
        return self.verdicts.to_frame()

    def __repr__(self) -> str:
        return self.summary

    def _repr_html_(self) -> str:
        audit = self.audit
        return overview(audit.name, audit.scope, audit.evidence, audit.assessment, self.texts)
