"""Effective read access: token × share × NTFS, never read off a single entry.

What is computed grows with distinct descriptors and distinct tokens, not with pairs: of
a token only the SIDs that a library's descriptors name can matter there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final

from vmmaudit import questions
from vmmaudit.assessment import Ternary, Value
from vmmaudit.facts import (
    Facts,
    FileGroup,
    Identity,
    Item,
    Missing,
    Principal,
    TokenFact,
    Tree,
)
from vmmaudit.readiness.link import Link
from vmmaudit.scope import Library, TokenProfile
from vmmaudit.windows.access import LIST_DIRECTORY, READ, Decision, FileRight, Token, check
from vmmaudit.windows.descriptor import Ace, SecurityDescriptor

NAMED: Final = 20
"""So many files are named in a finding; the count tells of the rest."""


@dataclass(frozen=True, slots=True)
class FileAccess:
    """Whether one identity may read one ISO file at the NTFS layer."""

    item: Item
    state: Ternary
    digest: str | None
    decision: Decision | None
    missing: Missing | None


@dataclass(frozen=True, slots=True)
class GroupAccess:
    """The same for all files of a group."""

    group: FileGroup
    state: Ternary
    decision: Decision | None
    missing: Missing | None

    @property
    def digest(self) -> str | None:
        """The descriptor's, where it was read."""
        found = self.group.descriptor
        return None if isinstance(found, Missing) else found.digest


@dataclass(frozen=True, slots=True)
class Ruling:
    """How one identity fares with one descriptor: what decides, and the token it meets."""

    descriptor: SecurityDescriptor
    decision: Decision
    token: TokenFact

    @property
    def entries(self) -> tuple[Ace, ...]:
        """The entries that decided."""
        return tuple(self.descriptor.aces[index] for index in self.decision.entries)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """Some groups of one library as one token meets them, ready to be told."""

    first: GroupAccess
    paths: tuple[str, ...]
    count: int
    evidence: tuple[str, ...]


class Access:
    """Who may read what; each distinct pair of descriptor and token is computed once."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._decisions: dict[tuple[str, Token, int], Decision] = {}
        self._shares: dict[tuple[str, str], Link] = {}
        self._folders: dict[tuple[str, str], Link] = {}
        self._projected: dict[tuple[Token, str], Token] = {}
        self._groups: dict[tuple[str, Token], tuple[GroupAccess, ...]] = {}
        self._count = cache(self._counted)
        self._outcomes: dict[tuple[str, Token, Ternary], _Outcome | None] = {}

    def check(self, descriptor: SecurityDescriptor, token: Token, wanted: int) -> Decision:
        """`windows.access.check`, remembered."""
        key = (descriptor.digest, token, wanted)
        decision = self._decisions.get(key)
        if decision is None:
            decision = self._decisions[key] = check(descriptor, token, wanted)
        return decision

    def token(self, principal: Principal, library: Library) -> TokenFact | Missing:
        """The token of H$ by its own key, of A(H) by delegation."""
        identity = Identity.PASSWORD if principal.is_computer else Identity.DELEGATED
        return self._facts.token(principal, library, identity)

    def relevant(self, token: Token, library: Library) -> Token:
        """What of a token can matter at a library: the SIDs that its descriptors name."""
        key = (token, library.share)
        found = self._projected.get(key)
        if found is None:
            named = self._facts.servers.named_sids(library)
            found = self._projected[key] = Token(token.sids & named, token.possible & named)
        return found

    # -- the share layer ------------------------------------------------------------------

    def share(self, principal: Principal, library: Library) -> Link:
        """Read at the share layer."""
        key = (principal.sid, library.share)
        if key not in self._shares:
            self._shares[key] = self._share(principal, library)
        return self._shares[key]

    def _share(self, principal: Principal, library: Library) -> Link:
        token = self.token(principal, library)
        if isinstance(token, Missing):
            return Link.unknown(token)
        descriptor = self._facts.servers.share_descriptor(library)
        if isinstance(descriptor, Missing):
            return Link.unknown(descriptor)
        share = questions.share(self._facts.server(library), library.share_name)
        evidence = (*token.evidence, share.id)
        decision = self.check(descriptor, self.relevant(token.token, library), READ)
        values: dict[str, Value] = {"principal": principal.shown, "share": library.share}
        return self._link(decision, descriptor, token, values, evidence)

    def share_ruling(self, principal: Principal, library: Library) -> Ruling | Missing:
        """What at the share layer decides on Read."""
        token = self.token(principal, library)
        descriptor = self._facts.servers.share_descriptor(library)
        if isinstance(token, Missing):
            return token
        if isinstance(descriptor, Missing):
            return descriptor
        decision = self.check(descriptor, self.relevant(token.token, library), READ)
        return Ruling(descriptor, decision, token)

    # -- one file -------------------------------------------------------------------------

    def file(self, principal: Principal, library: Library, path: str) -> Link:
        """Read of one file or folder at the NTFS layer."""
        ruling = self.file_ruling(principal, library, path)
        if isinstance(ruling, Missing):
            return Link.unknown(ruling)
        asked = questions.descriptor(self._facts.server(library), library.share_name, path)
        values: dict[str, Value] = {
            "principal": principal.shown,
            "share": library.share,
            "file": path,
        }
        evidence = (*ruling.token.evidence, asked.id)
        return self._link(ruling.decision, ruling.descriptor, ruling.token, values, evidence)

    def file_ruling(self, principal: Principal, library: Library, path: str) -> Ruling | Missing:
        """What at the NTFS layer decides on Read of one file."""
        token = self.token(principal, library)
        descriptor = self._facts.servers.item_descriptor(library, path)
        if isinstance(token, Missing):
            return token
        if isinstance(descriptor, Missing):
            return descriptor
        above = self._facts.servers.item_descriptor(library, path.rpartition("\\")[0])
        relevant = self.relevant(token.token, library)
        return Ruling(descriptor, self.read(descriptor, above, relevant, library), token)

    # -- the NTFS layer -------------------------------------------------------------------

    def ntfs(self, principal: Principal, library: Library) -> Link:
        """Read at the NTFS layer: every ISO yes, any no, none found unknown."""
        key = (principal.sid, library.share)
        if key not in self._folders:
            self._folders[key] = self._ntfs(principal, library)
        return self._folders[key]

    def _ntfs(self, principal: Principal, library: Library) -> Link:
        token = self.token(principal, library)
        if isinstance(token, Missing):
            return Link.unknown(token)
        tree = self._facts.servers.tree(library)
        if isinstance(tree, Missing):
            return Link.unknown(tree)
        total = self._count(library)
        values: dict[str, Value] = {
            "principal": principal.shown,
            "share": library.share,
            "count": total,
            "total": total,
        }
        evidence = (*token.evidence, tree.evidence)
        refused = self._outcome(token, library, Ternary.NO)
        if refused:
            values |= {"file": refused.paths[0], "files": refused.paths, "count": refused.count}
            descriptor, decision = refused.first.group.descriptor, refused.first.decision
            assert isinstance(descriptor, SecurityDescriptor)  # noqa: S101 - it was evaluated
            assert decision is not None  # noqa: S101
            evidence += refused.evidence
            return self._link(decision, descriptor, token, values, evidence)
        if unclear := self._unclear(token, tree, library, values, evidence):
            return unclear
        if not total:
            return Link(Ternary.UNKNOWN, "NO_ISO", values, evidence)
        return Link(Ternary.YES, "", values, evidence)

    def unclear(self, principal: Principal, library: Library) -> Link | None:
        """Files of which nobody knows whether they could be read, beside others that are known."""
        link = self.ntfs(principal, library)
        token, tree = self.token(principal, library), self._facts.servers.tree(library)
        if link.state is not Ternary.NO or isinstance(token, Missing) or isinstance(tree, Missing):
            return link if link.state is Ternary.UNKNOWN else None
        return self._unclear(token, tree, library, {**link.values}, link.evidence)

    def _unclear(
        self,
        token: TokenFact,
        tree: Tree,
        library: Library,
        values: dict[str, Value],
        evidence: tuple[str, ...],
    ) -> Link | None:
        unknown = self._outcome(token, library, Ternary.UNKNOWN)
        if unknown:
            values |= {"files": unknown.paths, "count": unknown.count}
            missing = unknown.first.missing or token.doubt
            code = missing.reason.value if missing else "UNDECIDABLE"
            evidence += unknown.evidence
            return Link(Ternary.UNKNOWN, code, values, evidence, missing)
        return Link.unknown(tree.unlisted[0][1]) if tree.unlisted else None

    def _counted(self, library: Library) -> int:
        return sum(len(group.items) for group in self._facts.servers.file_groups(library))

    def groups(self, principal: Principal, library: Library) -> tuple[GroupAccess, ...]:
        """Every group of alike ISO files as `principal` meets it at the NTFS layer."""
        token = self.token(principal, library)
        return () if isinstance(token, Missing) else self.groups_of(token.token, library)

    def files(self, principal: Principal, library: Library) -> tuple[FileAccess, ...]:
        """Every ISO of a share, one by one, in the order of their paths."""
        found = (
            FileAccess(item, access.state, access.digest, access.decision, access.missing)
            for access in self.groups(principal, library)
            for item in access.group.items
        )
        return tuple(sorted(found, key=lambda access: access.item.path.lower()))

    def groups_of(self, token: Token, library: Library) -> tuple[GroupAccess, ...]:
        """The same as any token meets it."""
        key = (library.share, self.relevant(token, library))
        if key not in self._groups:
            groups = self._facts.servers.file_groups(library)
            self._groups[key] = tuple(self._group(group, key[1], library) for group in groups)
        return self._groups[key]

    def _group(self, group: FileGroup, token: Token, library: Library) -> GroupAccess:
        if isinstance(group.descriptor, Missing):
            return GroupAccess(group, Ternary.UNKNOWN, None, group.descriptor)
        decision = self.read(group.descriptor, group.parent, token, library)
        return GroupAccess(group, Ternary.of(decision.granted), decision, None)

    def read(
        self,
        descriptor: SecurityDescriptor,
        parent: SecurityDescriptor | Missing,
        token: Token,
        library: Library,
    ) -> Decision:
        """Whether a file with this descriptor, in a folder with that one, could be read.

        Attributes may come from the right to list the parent (MS-FSA 2.1.5.1.2.1).
        """
        whole = self.check(descriptor, token, READ)
        if whole.granted:
            return whole
        rest = self.check(descriptor, token, READ & ~FileRight.READ_ATTRIBUTES)
        if rest.granted is False or library.token_profile is TokenProfile.SAMBA_MEMBER:
            # Samba leaves attributes unchecked where the path could be opened (deviation 1).
            return rest
        if isinstance(parent, Missing):
            return Decision(None)
        listed = self.check(parent, token, LIST_DIRECTORY)
        if rest.granted and listed.granted:
            return rest
        return whole if listed.granted is False else Decision(None)

    def _outcome(self, token: TokenFact, library: Library, state: Ternary) -> _Outcome | None:
        """The files of one state, told once for all principals with an equal token."""
        key = (library.share, self.relevant(token.token, library), state)
        if key not in self._outcomes:
            found = [g for g in self.groups_of(token.token, library) if g.state is state]
            self._outcomes[key] = self._told(found, library) if found else None
        return self._outcomes[key]

    def _told(self, found: list[GroupAccess], library: Library) -> _Outcome:
        paths = sorted((i.path for g in found for i in g.group.items), key=str.lower)
        first = next(g for g in found if any(i.path == paths[0] for i in g.group.items))
        return _Outcome(
            first, tuple(paths[:NAMED]), len(paths), self._asked(paths[:NAMED], library)
        )

    def _asked(self, paths: Iterable[str], library: Library) -> tuple[str, ...]:
        server, share = self._facts.server(library), library.share_name
        return tuple(questions.descriptor(server, share, path).id for path in paths)

    def _link(
        self,
        decision: Decision,
        descriptor: SecurityDescriptor,
        token: TokenFact,
        values: dict[str, Value],
        evidence: tuple[str, ...],
    ) -> Link:
        if decision.granted is None:
            missing = token.doubt if token.token.possible else None
            code = missing.reason.value if missing else "UNDECIDABLE"
            return Link(Ternary.UNKNOWN, code, values, evidence, missing)
        through = [descriptor.aces[index].sid or "" for index in decision.entries]
        values["through"] = tuple(dict.fromkeys(map(self._facts.name_of, through)))
        if decision.granted:
            return Link(Ternary.YES, "", values, evidence)
        return Link(Ternary.NO, "DENIED" if decision.entries else "NOT_GRANTED", values, evidence)
