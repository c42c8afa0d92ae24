"""What the library servers and hosts say: shares, folders, files, local groups, boot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Final, TypeVar

from vmmaudit import questions
from vmmaudit.errors import FormatError
from vmmaudit.evidence import Answer, Evidence, Gap, Question, Reason, Row
from vmmaudit.facts import replies
from vmmaudit.facts.missing import Missing
from vmmaudit.scope import Library, Scope
from vmmaudit.windows import descriptor as descriptors
from vmmaudit.windows import samr, srvsvc
from vmmaudit.windows.descriptor import SecurityDescriptor
from vmmaudit.windows.sid import sid_from_bytes

T = TypeVar("T")
_UNLIMITED: Final = 0xFFFFFFFF
"""MS-SRVS 2.2.4.26, shi502_max_uses."""
ISO: Final = ".iso"
LONGEST_PATH: Final = 32_000
"""Characters; MS-FSCC 2.1.5 allows 32,760 for the whole, and a CREATE request holds no more."""


@dataclass(frozen=True, slots=True)
class ShareFact:
    """A share; `descriptor` is None where none is stored, Missing where it may not be read.

    Attributes:
        users: connections it allows at a time; None where it has no limit or did not tell one.
    """

    name: str
    remark: str
    path: str
    descriptor: SecurityDescriptor | Missing | None
    evidence: str
    users: int | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """A folder or file below a share's root."""

    path: str
    is_folder: bool
    size: int
    is_reparse_point: bool
    attributes: int = 0

    @property
    def parent(self) -> str:
        """The folder it lies in; `""` is the share's root."""
        return self.path.rpartition("\\")[0]

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("\\")[2]

    @property
    def is_iso(self) -> bool:
        """Whether VMM would take it for an image."""
        return not self.is_folder and self.name.lower().endswith(ISO)


@dataclass(frozen=True, slots=True)
class Tree:
    """Everything below a share's root, and the folders that could not be listed."""

    items: tuple[Item, ...]
    unlisted: tuple[tuple[str, Missing], ...]
    evidence: str


@dataclass(frozen=True, slots=True)
class FileGroup:
    """ISO files that carry one descriptor, in folders that carry one descriptor.

    A library has thousands of files and a handful of these: access is computed per group.
    """

    descriptor: SecurityDescriptor | Missing
    parent: SecurityDescriptor | Missing
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class LocalGroup:
    """A local group of a server and its direct members (SIDs)."""

    sid: str
    name: str
    members: frozenset[str]
    evidence: str


@dataclass(frozen=True, slots=True)
class LocalGroups:
    """The local groups whose members are known, and whether any is not."""

    groups: tuple[LocalGroup, ...]
    domain_sid: str | None
    missing: Missing | None


@dataclass(frozen=True, slots=True)
class Boot:
    """When a host started.

    `exact` is False where the counter wraps: then it is the latest moment possible, which can
    prove *not restarted since* and never *restarted* (MS-SRVS 2.2.4.105).
    """

    at: datetime
    exact: bool
    evidence: str


class Servers:
    """Questions asked of the evidence about single servers."""

    def __init__(self, evidence: Evidence, scope: Scope) -> None:
        self._evidence = evidence
        self._scope = scope
        self.share = cache(self._share)
        self.tree = cache(self._tree)
        self.item_descriptor = cache(self._item_descriptor)
        self.local_groups = cache(self._local_groups)
        self.named_sids = cache(self._named_sids)
        self.file_groups = cache(self._file_groups)
        self.descriptors = cache(self._descriptors)
        self.boot = cache(self._boot)
        self.decode_descriptor = cache(descriptors.decode)

    def _share(self, library: Library) -> ShareFact | Missing:
        question = questions.share(questions.file_server(self._scope, library), library.share_name)
        reply = self._evidence.reply(question)
        if isinstance(reply, Gap):
            return Missing.of(reply, question)

        def decoded() -> ShareFact:
            found, told = replies.share(reply, library.share_name)
            secured: SecurityDescriptor | Missing | None = None
            if not told:
                secured = Missing(
                    Reason.ACCESS_DENIED,
                    f"The permissions of the share {library.share} were refused; reading them "
                    "needs local administrator rights on that server.",
                    (question.id,),
                )
            elif found.descriptor:
                secured = self.decode_descriptor(found.descriptor)
            users = None if found.max_uses == _UNLIMITED else found.max_uses
            return ShareFact(
                found.name, found.remark, found.path or "", secured, question.id, users
            )

        return _decoded(decoded, question)

    def share_descriptor(self, library: Library) -> SecurityDescriptor | Missing:
        """The share's own descriptor; a share without a stored one is missing, not *Everyone*."""
        share = self.share(library)
        if isinstance(share, Missing):
            return share
        if share.descriptor is None:
            return Missing(
                Reason.NOT_FOUND,
                f"The share {library.share} has no stored permissions; what then holds depends "
                "on the server's version and is not assumed.",
                (share.evidence,),
            )
        return share.descriptor

    def _tree(self, library: Library) -> Tree | Missing:
        server = questions.file_server(self._scope, library)
        root = questions.listing(server, library.share_name, "")
        items: list[Item] = []
        unlisted: list[tuple[str, Missing]] = []
        waiting = [""]
        while waiting:
            path = waiting.pop(0)
            question = questions.listing(server, library.share_name, path)
            found = self._listing(question, path)
            if isinstance(found, Missing):
                if not path:
                    return found
                unlisted.append((path, found))
                continue
            items += found
            waiting += [item.path for item in found if walks_into(item)]
        return Tree(tuple(sorted(items, key=lambda i: i.path.lower())), tuple(unlisted), root.id)

    def _listing(self, question: Question, path: str) -> list[Item] | Missing:
        reply = self._evidence.reply(question)
        if isinstance(reply, Gap):
            return Missing.of(reply, question)
        return _decoded(lambda: list(listed(reply, path)), question)

    def _item_descriptor(self, library: Library, path: str) -> SecurityDescriptor | Missing:
        """The NTFS descriptor of a folder or file."""
        server = questions.file_server(self._scope, library)
        question = questions.descriptor(server, library.share_name, path)
        reply = self._evidence.reply(question)
        if isinstance(reply, Gap):
            if reply.reason is Reason.NOT_ASKED and isinstance(tree := self.tree(library), Missing):
                return tree  # nobody asks for files of a share that does not open
            return Missing.of(reply, question)
        return _decoded(
            lambda: self.decode_descriptor(reply.rows[0].first("descriptor") or b""), question
        )

    def _named_sids(self, library: Library) -> frozenset[str]:
        """Every SID that the share's, folders' and files' descriptors name."""
        share = self.share_descriptor(library)
        found = [share] if isinstance(share, SecurityDescriptor) else []
        found += [d for d, _ in self.descriptors(library) if isinstance(d, SecurityDescriptor)]
        named: set[str] = set()
        for descriptor in found:
            named |= {ace.sid for ace in descriptor.aces if ace.sid}
            named |= {descriptor.owner} if descriptor.owner else set()
        return frozenset(named)

    def _descriptors(
        self, library: Library
    ) -> tuple[tuple[SecurityDescriptor | Missing, tuple[str, ...]], ...]:
        """The distinct NTFS descriptors of a share, each with the paths that carry it."""
        tree = self.tree(library)
        if isinstance(tree, Missing):
            return ()
        found: dict[str, tuple[SecurityDescriptor | Missing, list[str]]] = {}
        for path in described(tree):
            descriptor = self.item_descriptor(library, path)
            found.setdefault(_identity(descriptor), (descriptor, []))[1].append(path)
        return tuple((descriptor, tuple(paths)) for descriptor, paths in found.values())

    def unseen(self, library: Library) -> Missing | None:
        """The first folder or file of a share whose content or permissions could not be read."""
        tree = self.tree(library)
        if isinstance(tree, Missing):
            return tree
        found = (descriptor for descriptor, _ in self.descriptors(library))
        missing = next((one for one in found if isinstance(one, Missing)), None)
        return missing or (tree.unlisted[0][1] if tree.unlisted else None)

    def _file_groups(self, library: Library) -> tuple[FileGroup, ...]:
        """The ISO files of a share, those together that are alike in what decides access."""
        tree = self.tree(library)
        if isinstance(tree, Missing):
            return ()
        alike: dict[tuple[str, str], tuple[list[Item], FileGroup]] = {}
        for item in tree.items:
            if item.is_iso:
                own = self.item_descriptor(library, item.path)
                above = self.item_descriptor(library, item.parent)
                key = (_identity(own), _identity(above))
                alike.setdefault(key, ([], FileGroup(own, above, ())))[0].append(item)
        return tuple(
            FileGroup(group.descriptor, group.parent, tuple(items))
            for items, group in alike.values()
        )

    def _local_groups(self, server: str) -> LocalGroups | Missing:
        question = questions.sam_domains(server)
        reply = self._evidence.reply(question)
        if isinstance(reply, Gap):
            return Missing.of(reply, question)
        groups: list[LocalGroup] = []
        missing: Missing | None = None
        own: str | None = None
        for row in reply.rows:
            sid = _decoded(partial(sid_from_bytes, row.first("sid") or b""), question)
            if isinstance(sid, Missing):
                missing = sid
                continue
            own = sid if sid.startswith("S-1-5-21-") else own
            enumerated = self._aliases(server, sid)
            if isinstance(enumerated, Missing):
                missing = enumerated
                continue
            for rid, name in enumerated:
                group = self._local_group(server, f"{sid}-{rid}", name)
                if isinstance(group, Missing):
                    missing = group
                else:
                    groups.append(group)
        return LocalGroups(tuple(groups), own, missing)

    def _aliases(self, server: str, domain: str) -> list[tuple[int, str]] | Missing:
        """RID and name of the local groups of one of the server's domains."""
        question = questions.aliases(server, domain)
        reply = self._evidence.reply(question)
        if isinstance(reply, Gap):
            return Missing.of(reply, question)
        return _decoded(lambda: alias_names(reply), question)

    def _local_group(self, server: str, sid: str, name: str) -> LocalGroup | Missing:
        question = questions.members(server, sid)
        reply = self._evidence.reply(question)
        if isinstance(reply, Gap):
            return Missing.of(reply, question)

        def decoded() -> LocalGroup:
            return LocalGroup(sid, name, frozenset(replies.members(reply)), question.id)

        return _decoded(decoded, question)

    def _boot(self, server: str) -> Boot | Missing:
        exact = questions.boot(server)
        reply = self._evidence.reply(exact)
        if isinstance(reply, Answer):
            row = reply.rows[0] if reply.rows else Row("", {})
            text = (row.first("LastBootUpTime") or b"").decode("ascii", "replace")
            return _decoded(lambda: Boot(_cim_datetime(text), True, exact.id), exact)
        question = questions.clock(server)
        clock = self._evidence.reply(question)
        if isinstance(clock, Gap):
            return Missing.of(clock, question, exact)

        def decoded() -> Boot | Missing:
            time = srvsvc.decode_time(clock.rows[0].first("reply") or b"")
            if not time.msecs:
                return Missing(
                    Reason.NOT_SUPPORTED,
                    f"{server} does not tell how long it has been running.",
                    (question.id, exact.id),
                )
            started = datetime.fromtimestamp(time.elapsed, UTC) - timedelta(milliseconds=time.msecs)
            return Boot(started, False, question.id)

        return _decoded(decoded, question)


def _identity(descriptor: SecurityDescriptor | Missing) -> str:
    """Equal for descriptors of equal bytes; each kind of gap is one of its own."""
    return descriptor.text if isinstance(descriptor, Missing) else descriptor.digest


def described(tree: Tree) -> list[str]:
    """The paths whose descriptors are read: the root, ISO files and the folders above them."""
    paths = {""}
    for item in tree.items:
        if item.is_iso:
            paths.add(item.path)
            parent = item.parent
            while parent:
                paths.add(parent)
                parent = parent.rpartition("\\")[0]
        elif item.is_folder and not item.parent:
            paths.add(item.path)
    return sorted(paths)


def walks_into(item: Item) -> bool:
    """Whether a folder is walked: a reparse point may lead anywhere, so it is only named.

    Nor is one whose path is too long to be asked for: nobody can mount what lies in it.
    """
    return item.is_folder and not item.is_reparse_point and len(item.path) < LONGEST_PATH


def listed(answer: Answer, path: str) -> Iterator[Item]:
    """The entries of one folder.

    Raises:
        FormatError: the reply does not follow MS-FSCC 2.4.17.
    """
    prefix = f"{path}\\" if path else ""
    for entry in replies.entries(answer):
        if entry.name not in (".", ".."):
            yield Item(
                prefix + entry.name,
                entry.is_folder,
                entry.size,
                entry.is_reparse_point,
                entry.attributes,
            )


def alias_names(answer: Answer) -> list[tuple[int, str]]:
    """RID and name of each local group of an answer.

    Raises:
        FormatError: the reply does not follow MS-SAMR 3.1.5.2.3.
        ValueError: a RID that was told in words is no number.
    """
    told = [(int(rid), row.name) for row in answer.rows if (rid := row.first("rid"))]
    if told:
        return told
    replies = (reply for row in answer.rows for reply in row.values.get("reply", ()))
    return [alias for reply in replies for alias in samr.decode_aliases(reply)]


def _decoded(decode: Callable[[], T], question: Question) -> T | Missing:
    """What `decode` gives, or the reason why the reply could not be understood."""
    try:
        return decode()
    except (FormatError, ValueError, IndexError, OverflowError) as error:
        return Missing(Reason.MALFORMED_REPLY, str(error), (question.id,))


def _cim_datetime(text: str) -> datetime:
    """DSP0004 5.2.4: `yyyymmddHHMMSS.mmmmmmsUTC`, the offset in minutes."""
    moment = datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return moment - timedelta(minutes=int(text[21:25]))
