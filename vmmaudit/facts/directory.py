"""What the domains say: who exists, who owns which SPN, who is in which group."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property

from vmmaudit import questions
from vmmaudit.errors import FormatError
from vmmaudit.evidence import Answer, Evidence, Gap, Question, Reason, Row
from vmmaudit.facts.missing import Missing
from vmmaudit.facts.principal import Principal
from vmmaudit.facts.principal import decode as decode_principal
from vmmaudit.scope import Scope
from vmmaudit.windows import lsat, replication
from vmmaudit.windows.sid import NAMES, domain_of, sid_from_bytes


@dataclass(frozen=True, slots=True)
class DomainFact:
    """A domain as its controller describes it; `level` is msDS-Behavior-Version (0 if absent)."""

    name: str
    netbios: str
    sid: str
    level: int
    controller: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trust:
    """A trustedDomain object (MS-ADTS 6.1.6.7): direction 1 inbound, 2 outbound, 3 both."""

    partner: str
    direction: int
    attributes: int


@dataclass(frozen=True, slots=True)
class Groups:
    """The transitive groups of an account as its domain controller computed them."""

    all: frozenset[str]
    global_and_universal: frozenset[str]
    evidence: str


@dataclass(frozen=True, slots=True)
class Membership:
    """An edge of the graph of groups: the member's DN, the group's SID and DN."""

    member: str
    group: str
    group_dn: str


@dataclass(frozen=True, slots=True)
class Since:
    """Since when something is so, and which evidence tells it."""

    moment: datetime
    evidence: str


class _Paths(Mapping[str, tuple[str, ...]]):
    """Paths by the group they end at, each kept as its last step: they may be very long."""

    def __init__(self, below: dict[str, str | None]) -> None:
        self._below = below

    def __getitem__(self, sid: str) -> tuple[str, ...]:
        path = [sid]
        while (step := self._below[path[-1]]) is not None:
            path.append(step)
        return tuple(reversed(path))

    def __iter__(self) -> Iterator[str]:
        return iter(self._below)

    def __len__(self) -> int:
        return len(self._below)

    def __contains__(self, sid: object) -> bool:
        return sid in self._below


class Directory:
    """Questions asked of the evidence about the domains of the scope."""

    def __init__(self, evidence: Evidence, scope: Scope) -> None:
        self._evidence = evidence
        self._scope = scope
        self.domain = cache(self._domain)
        self.computer = cache(self._computer)
        self.account = cache(self._account)
        self.owners = cache(self._owners)
        self.groups = cache(self._groups)
        self.registered = cache(self._registered)
        self._silos = cache(self._silos_of)
        self._local_names: dict[str, str] | None = None

    def _domain(self, name: str) -> DomainFact | Missing:
        question = questions.domain_object(name)
        row = self._one(question)
        if isinstance(row, Missing):
            return row
        asked = questions.root_dse(name)
        root = self._one(asked)
        sid = row.first("objectSid")
        if sid is None:
            return Missing(
                Reason.MALFORMED_REPLY, f"The domain {name} shows no SID.", (question.id,)
            )
        netbios, controller = name.split(".", maxsplit=1)[0].upper(), ""
        evidence = [question.id]
        if isinstance(root, Row):
            controller = _text(root, "dnsHostName").lower()
            partition = questions.partition(name, _text(root, "configurationNamingContext"))
            crossref = self._one(partition)
            evidence.append(asked.id)
            if isinstance(crossref, Row):
                netbios = _text(crossref, "nETBIOSName") or netbios
                evidence.append(partition.id)
        try:
            told = _text(root, "domainFunctionality") if isinstance(root, Row) else ""
            level = int(_text(row, "msDS-Behavior-Version") or told or 0)
            found = sid_from_bytes(sid)
        except ValueError:
            problem = f"The domain {name} tells a functional level that is no number."
            return Missing(Reason.MALFORMED_REPLY, problem, (question.id,))
        except FormatError as error:
            return Missing(Reason.MALFORMED_REPLY, str(error), (question.id,))
        return DomainFact(name, netbios, found, level, controller, tuple(evidence))

    def trusts(self, name: str) -> tuple[Trust, ...] | Missing:
        """The trusts of a domain."""
        answer = self._evidence.reply(questions.trusts(name))
        if isinstance(answer, Gap):
            return Missing.of(answer, questions.trusts(name))
        return tuple(
            Trust(
                _text(row, "trustPartner").lower(),
                int(_text(row, "trustDirection") or 0),
                int(_text(row, "trustAttributes") or 0),
            )
            for row in answer.rows
        )

    def _computer(self, name: str) -> Principal | Missing:
        domain = self._scope.domain_of(name).name
        question = questions.computer(domain, name)
        found = self._principals(question)
        if isinstance(found, Missing):
            return found
        exact = [p for p in found if p.dns_name == name] or [
            p for p in found if p.name.lower() == f"{name.split('.', maxsplit=1)[0]}$"
        ]
        return self._single(exact or list(found), question, f"a computer account {name}")

    def _account(self, name: str) -> Principal | Missing:
        question = questions.account(questions.account_domain(self._scope, name), name)
        found = self._principals(question)
        if isinstance(found, Missing):
            return found
        known = [p for p in found if self._is_of(p, name)]
        return self._single(known, question, f"an account {name}")

    def _is_of(self, principal: Principal, name: str) -> bool:
        r"""Whether `DOMAIN\name` means its domain; `SERVER\name` is that server's own account."""
        prefix, backslash, _ = name.partition("\\")
        domain = self.domain(principal.domain)
        if not backslash or isinstance(domain, Missing):
            return True
        return prefix.lower() in (domain.netbios.lower(), domain.name)

    def _owners(self, name: str) -> tuple[Principal, ...] | Missing:
        """Who owns `cifs/name`, else `HOST/name`, in all domains of the scope; sorted by SID."""
        found = self.registered(name)
        if isinstance(found, Missing):
            return found
        by_class = [p for p in found.values() if p.has_spn(f"cifs/{name}")] or [
            p for p in found.values() if p.has_spn(f"host/{name}")
        ]
        return tuple(sorted(by_class, key=lambda p: p.sid))

    def _registered(self, name: str) -> dict[str, Principal] | Missing:
        """Whoever the domains of the scope show for the SPNs of a server's name, by SID."""
        found: dict[str, Principal] = {}
        for domain in self._scope.domains:
            part = self._principals(questions.spn(domain.name, name))
            if isinstance(part, Missing):
                return part
            found |= {principal.sid: principal for principal in part}
        return found

    def vmm_owners(self) -> tuple[Principal, ...] | Missing:
        """Who owns SPNs of the class SCVMM."""
        found: dict[str, Principal] = {}
        for domain in self._scope.domains:
            part = self._principals(questions.vmm_spns(domain.name))
            if isinstance(part, Missing):
                return part
            found |= {principal.sid: principal for principal in part}
        return tuple(sorted(found.values(), key=lambda p: p.sid))

    def _groups(self, principal: Principal) -> Groups | Missing:
        question = questions.token_groups(principal.domain, principal.dn)
        row = self._one(question)
        if isinstance(row, Missing):
            return row
        values = {key.lower(): found for key, found in row.values.items()}
        try:
            every, wide = (
                frozenset(sid_from_bytes(sid) for sid in values.get(key, ()))
                for key in ("tokengroups", "tokengroupsglobalanduniversal")
            )
        except FormatError as error:
            return Missing(Reason.MALFORMED_REPLY, str(error), (question.id,))
        if not every:
            return Missing(
                Reason.ACCESS_DENIED,
                f"The directory does not show tokenGroups of {principal.shown}, which every "
                "account has; the reading account lacks the right to it, which the group Windows "
                "Authorization Access Group has.",
                (question.id,),
            )
        return Groups(every, wide, question.id)

    def policy_of(self, principal: Principal) -> str:
        """The authentication policy that an account is under, or its silo, by DN; else empty.

        No evidence of silos, as in that of before, is none: an attribute that is not set and one
        that is not shown look alike anyway.
        """
        if principal.authentication_policy:
            return principal.authentication_policy
        return self._silos(principal.domain).get(principal.dn.lower(), "")

    def _silos_of(self, domain: str) -> dict[str, str]:
        reply = self._evidence.reply(questions.silos(domain))
        rows = () if isinstance(reply, Gap) else reply.rows
        return {row.name.lower(): _text(row, "msDS-AssignedAuthNPolicySilo") for row in rows}

    def member_since(self, group: Principal, members: Collection[str]) -> Since | None:
        """Since when the latest of `members`, DNs in lower case, is a direct member of a group.

        None where the directory does not tell: it shows the times of links only to those who may
        watch the replication, and has none for links older than linked-value replication.
        """
        question = questions.link_times(group.domain, group.dn)
        row = self._one(question)
        if isinstance(row, Missing):
            return None
        values = {key.lower(): found for key, found in row.values.items()}
        try:
            times = replication.link_times(values.get("msds-replvaluemetadata", ()))
        except FormatError:
            return None
        direct = {dn for dn in members if any(g.sid == group.sid for g in self._over(dn))}
        if not direct or not direct <= times.keys():
            return None
        return Since(max(times[dn] for dn in direct), question.id)

    def _over(self, dn: str) -> tuple[Principal, ...]:
        return self._groups_of.get(dn, ())

    def principal(self, sid: str) -> Principal | None:
        """Who has this SID, as far as anything was read of them."""
        return self._by_sid.get(sid)

    def was_looked_up(self, sid: str) -> bool:
        """Whether a domain or a server was asked for the name behind a SID, and answered."""
        return any(questions.looks_up(question, sid) for question in self._evidence.answers)

    def known(self) -> tuple[Principal, ...]:
        """Everybody of whom anything was read."""
        return tuple(self._by_sid.values())

    @cached_property
    def domains_read(self) -> frozenset[str]:
        """The SIDs of the domains of which anything was read."""
        return frozenset(domain_of(sid) for sid in self._by_sid)

    @cached_property
    def _by_sid(self) -> dict[str, Principal]:
        found: dict[str, Principal] = {}
        for question, answer in self._evidence.of(questions.SEARCH):
            for principal in self._decoded(question, answer):
                known = found.get(principal.sid)
                if known is None or len(known.spns) < len(principal.spns):
                    found[principal.sid] = principal
        return found

    def groups_above(
        self, *dns: str, joined: Sequence[Membership] = (), left: Sequence[Membership] = ()
    ) -> Mapping[str, tuple[str, ...]]:
        """Groups reached from `dns` over `member`, each with the shortest path of SIDs to it.

        What is known is limited to groups whose members were read; primary groups and foreign
        principals are not members in this sense. `joined` and `left` are looked at as if they
        had happened.
        """
        gone = {(edge.member.lower(), edge.group) for edge in left}
        below: dict[str, str | None] = {}
        waiting: deque[tuple[str, str | None]] = deque((dn.lower(), None) for dn in dns)
        while waiting:
            member, through = waiting.popleft()
            known = [(group.sid, group.dn.lower()) for group in self._groups_of.get(member, ())]
            new = [(e.group, e.group_dn.lower()) for e in joined if e.member.lower() == member]
            for sid, dn in [*known, *new]:
                if sid not in below and (member, sid) not in gone:
                    below[sid] = through
                    waiting.append((dn, sid))
        return _Paths(below)

    def direct_members(self, group: str) -> tuple[str, ...]:
        """DNs, in lower case, of the direct members of a group, as far as they were read."""
        return tuple(
            dn for dn, groups in self._groups_of.items() if any(g.sid == group for g in groups)
        )

    @cached_property
    def _groups_of(self) -> dict[str, tuple[Principal, ...]]:
        """The groups that name a DN as their direct member, by that DN in lower case."""
        found: dict[str, dict[str, Principal]] = {}
        for question, answer in self._evidence.of(questions.SEARCH):
            members = {
                row.name: values
                for row in answer.rows
                for key, values in row.values.items()
                if key.lower() == "member"
            }
            if not members:
                continue
            for group in self._decoded(question, answer):
                for member in members.get(group.dn, ()):
                    key = member.decode("utf-8", "replace").lower()
                    found.setdefault(key, {})[group.sid] = group
        return {
            key: tuple(sorted(groups.values(), key=lambda g: g.sid))
            for key, groups in found.items()
        }

    def name_of(self, sid: str) -> str:
        """The name as found, a well-known name in English, or the SID itself."""
        principal = self.principal(sid)
        if principal:
            return principal.shown
        return NAMES.get(sid) or self._told_by_servers().get(sid, sid)

    def _told_by_servers(self) -> dict[str, str]:
        """Names that servers told of their own accounts and of domains outside the scope."""
        if self._local_names is None:
            self._local_names = {}
            for question, answer in self._evidence.of(questions.LOCAL_NAMES):
                for sid, name in local_names(question, answer):
                    self._local_names.setdefault(sid, name)
        return self._local_names

    def _decoded(self, question: Question, answer: Answer) -> Iterator[Principal]:
        for row in answer.rows:
            if any(key.lower() == "objectsid" for key in row.values):
                try:
                    principal = decode_principal(
                        row, question.server, self._netbios(question.server), question.id
                    )
                except FormatError:
                    continue
                if principal and principal.name:
                    yield principal

    def _principals(self, question: Question) -> tuple[Principal, ...] | Missing:
        reply = self._evidence.reply(question)
        if isinstance(reply, Gap):
            return Missing.of(reply, question)
        netbios = self._netbios(question.server)
        try:
            found = [
                decode_principal(row, question.server, netbios, question.id) for row in reply.rows
            ]
        except FormatError as error:
            return Missing(Reason.MALFORMED_REPLY, str(error), (question.id,))
        for row in reply.rows:
            if attribute := _veiled(row, question):
                return Missing(
                    Reason.ACCESS_DENIED,
                    f"The directory does not show {attribute} of {row.name}, which every account "
                    "has; the reading account lacks the right to it.",
                    (question.id,),
                )
        return tuple(principal for principal in found if principal is not None)

    def _netbios(self, domain: str) -> str:
        fact = self.domain(domain)
        return (
            domain.split(".", maxsplit=1)[0].upper() if isinstance(fact, Missing) else fact.netbios
        )

    def _one(self, question: Question) -> Row | Missing:
        reply = self._evidence.reply(question)
        if isinstance(reply, Gap):
            return Missing.of(reply, question)
        if not reply.rows:
            return Missing(Reason.NOT_FOUND, "The search found nothing.", (question.id,))
        return reply.rows[0]

    def _single(self, found: list[Principal], question: Question, what: str) -> Principal | Missing:
        if not found:
            sentence = f"The domain {question.server} does not know {what}."
            return Missing(Reason.NOT_IN_DIRECTORY, sentence, (question.id,))
        if len(found) > 1:
            sentence = f"The domain {question.server} knows {what} {len(found)} times."
            return Missing(Reason.AMBIGUOUS, sentence, (question.id,))
        return found[0]


def local_names(question: Question, answer: Answer) -> Iterator[tuple[str, str]]:
    r"""SID and `DOMAIN\name` of those that a server knew; what it did not say well is left out."""
    for row in answer.rows:
        extended = row.first("operation") == str(lsat.LOOKUP_SIDS2).encode()
        try:
            found = lsat.decode_names(row.first("reply") or b"", flags=extended)
        except FormatError:
            continue
        for sid, name in zip(question.detail, found, strict=False):
            if name.known:
                yield sid, name.shown


def _text(row: Row, key: str) -> str:
    for name, values in row.values.items():
        if name.lower() == key.lower() and values:
            return values[0].decode("utf-8", "replace")
    return ""


def _veiled(row: Row, question: Question) -> str | None:
    """What an account always has (MS-ADTS 3.1.1.5.2.4): not shown is not readable."""
    values = {key.lower(): found for key, found in row.values.items()}
    if b"user" not in {found.lower() for found in values.get("objectclass", ())}:
        return None
    asked = question.detail[3].lower().split(",")
    always = ("objectSid", "userAccountControl")
    return next((a for a in always if a.lower() in asked and a.lower() not in values), None)
