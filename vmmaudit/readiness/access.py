"""Effective read access: token × share × NTFS, never read off a single entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vmmaudit import questions
from vmmaudit.assessment import Ternary, Value
from vmmaudit.facts import Facts, Identity, Item, Missing, Principal, TokenFact, Tree
from vmmaudit.readiness.link import Link
from vmmaudit.scope import Library, TokenProfile
from vmmaudit.windows.access import LIST_DIRECTORY, READ, Decision, FileRight, Token, check
from vmmaudit.windows.descriptor import SecurityDescriptor

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


class Access:
    """Who may read what; each distinct pair of descriptor and token is computed once."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._decisions: dict[tuple[str, Token, int], Decision] = {}
        self._shares: dict[tuple[str, str], Link] = {}
        self._folders: dict[tuple[str, str], Link] = {}
        self._files: dict[tuple[str, str], tuple[FileAccess, ...]] = {}

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
        decision = self.check(descriptor, token.token, READ)
        return self._link(decision, descriptor, token, principal, library, evidence)

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
        files = self.files(principal, library)
        values: dict[str, Value] = {"principal": principal.shown, "share": library.share}
        evidence = (*token.evidence, tree.evidence)
        refused = [f for f in files if f.state is Ternary.NO]
        if refused:
            first = refused[0]
            descriptor = self._facts.servers.item_descriptor(library, first.item.path)
            if isinstance(descriptor, SecurityDescriptor) and first.decision:
                link = self._link(first.decision, descriptor, token, principal, library, evidence)
                found = {
                    **link.values,
                    "files": tuple(f.item.path for f in refused[:NAMED]),
                    "count": len(refused),
                    "total": len(files),
                    "file": first.item.path,
                }
                evidence = self._with_files(evidence, library, refused)
                return Link(Ternary.NO, link.code, found, evidence)
        unknown = [f for f in files if f.state is Ternary.UNKNOWN]
        if unknown:
            missing = unknown[0].missing or token.doubt
            values["files"] = tuple(f.item.path for f in unknown[:NAMED])
            values["count"], values["total"] = len(unknown), len(files)
            return Link(
                Ternary.UNKNOWN,
                missing.reason.value if missing else "UNDECIDABLE",
                values,
                self._with_files(evidence, library, unknown),
                missing,
            )
        if tree.unlisted:
            return Link.unknown(tree.unlisted[0][1])
        if not files:
            return Link(Ternary.UNKNOWN, "NO_ISO", values, evidence)
        values["count"] = values["total"] = len(files)
        return Link(Ternary.YES, "", values, evidence)

    def _with_files(
        self, evidence: tuple[str, ...], library: Library, files: Sequence[FileAccess]
    ) -> tuple[str, ...]:
        server = self._facts.server(library)
        asked = (
            questions.descriptor(server, library.share_name, f.item.path) for f in files[:NAMED]
        )
        return (*evidence, *(question.id for question in asked))

    def files(self, principal: Principal, library: Library) -> tuple[FileAccess, ...]:
        """Every ISO of a share as `principal` meets it at the NTFS layer."""
        key = (principal.sid, library.share)
        if key not in self._files:
            self._files[key] = self._every_file(principal, library)
        return self._files[key]

    def _every_file(self, principal: Principal, library: Library) -> tuple[FileAccess, ...]:
        token = self.token(principal, library)
        tree = self._facts.servers.tree(library)
        if not isinstance(tree, Tree) or not isinstance(token, TokenFact):
            return ()
        return tuple(
            self._one_file(item, token.token, library) for item in tree.items if item.is_iso
        )

    def _one_file(self, item: Item, token: Token, library: Library) -> FileAccess:
        descriptor = self._facts.servers.item_descriptor(library, item.path)
        if isinstance(descriptor, Missing):
            return FileAccess(item, Ternary.UNKNOWN, None, None, descriptor)
        decision = self.read(descriptor, item, token, library)
        return FileAccess(item, Ternary.of(decision.granted), descriptor.digest, decision, None)

    def read(
        self, descriptor: SecurityDescriptor, item: Item, token: Token, library: Library
    ) -> Decision:
        """Whether a file with this descriptor could be read.

        Attributes may come from the right to list the parent (MS-FSA 2.1.5.1.2.1).
        """
        whole = self.check(descriptor, token, READ)
        if whole.granted:
            return whole
        rest = self.check(descriptor, token, READ & ~FileRight.READ_ATTRIBUTES)
        if rest.granted is False or library.token_profile is TokenProfile.SAMBA_MEMBER:
            # Samba leaves attributes unchecked where the path could be opened (deviation 1).
            return rest
        parent = self._facts.servers.item_descriptor(library, item.parent)
        if isinstance(parent, Missing):
            return Decision(None)
        listed = self.check(parent, token, LIST_DIRECTORY)
        if rest.granted and listed.granted:
            return rest
        return whole if listed.granted is False else Decision(None)

    def _link(
        self,
        decision: Decision,
        descriptor: SecurityDescriptor,
        token: TokenFact,
        principal: Principal,
        library: Library,
        evidence: tuple[str, ...],
    ) -> Link:
        values: dict[str, Value] = {"principal": principal.shown, "share": library.share}
        if decision.granted is None:
            missing = token.doubt if token.token.possible else None
            code = missing.reason.value if missing else "UNDECIDABLE"
            return Link(Ternary.UNKNOWN, code, values, evidence, missing)
        through = [descriptor.aces[index].sid or "" for index in decision.entries]
        values["through"] = tuple(dict.fromkeys(map(self._facts.directory.name_of, through)))
        if decision.granted:
            return Link(Ternary.YES, "", values, evidence)
        denied = bool(decision.entries)
        return Link(Ternary.NO, "DENIED" if denied else "NOT_GRANTED", values, evidence)
