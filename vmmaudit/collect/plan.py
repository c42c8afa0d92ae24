"""What to ask next, given what was answered: pure generators, one per target.

A plan yields batches of independent questions and is sent their replies. It opens no
socket, so the same plan runs against real servers, a replay and a made-up world.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from vmmaudit import questions
from vmmaudit.errors import FormatError
from vmmaudit.evidence import Answer, Gap, Question, Row
from vmmaudit.facts import replies
from vmmaudit.facts.discovered import HYPER_V, places
from vmmaudit.facts.replicas import OWN_RIDS
from vmmaudit.facts.servers import Item, Tree, alias_names, described, listed, walks_into
from vmmaudit.facts.services import Services, domain_account
from vmmaudit.scope import Branding, ChangeRecord, Host, Library, Scope
from vmmaudit.windows.descriptor import decode
from vmmaudit.windows.sid import domain_of, is_domain_account, rid_of, sid_from_bytes

SMB_PORT: Final = 445
ESX_PORTS: Final = (22, 443)
"""SFTP and HTTPS, over which VMM copies to ESX hosts."""
_FOLDERS: Final = 20
"""Listed at once."""
_UNTOLD: Final = {
    "people": (),
    "waivers": (),
    "waivers_file": "",
    "branding": Branding(),
    "change": ChangeRecord(),
}
"""What no plan needs to know."""
Replies: TypeAlias = list[Answer | Gap]
Plan: TypeAlias = Generator[list[Question], Replies, None]


@dataclass(frozen=True, slots=True)
class Target:
    """One domain or server and the plan for it, as values that can be sent to another machine."""

    name: str
    steps: Callable[..., Plan]
    arguments: tuple[Any, ...]

    def plan(self) -> Plan:
        """The plan, from its beginning."""
        return self.steps(*self.arguments)


def targets(scope: Scope) -> list[Target]:
    """The domains and servers of a scope, each with the part of the scope that its plan needs."""
    told = scope.model_copy(update=_UNTOLD)
    hosts: dict[str, list[Host]] = {}
    for host in scope.hosts:
        hosts.setdefault(questions.host_server(scope, host), []).append(host)
    for vmm in scope.vmm:
        copied_to = hosts.setdefault(questions.vmm_server(scope, vmm), [])
        copied_to += [host for host in scope.esx_hosts if host not in copied_to]
    servers = {questions.file_server(scope, library) for library in scope.libraries}
    servers |= {questions.host_server(scope, host) for host in scope.hyper_v_hosts}
    servers |= {questions.vmm_server(scope, vmm) for vmm in scope.vmm}
    found = [Target(each.name, domain, (told, each.name)) for each in scope.domains]
    for name in sorted(servers):
        its = told.model_copy(update={"hosts": tuple(hosts.get(name, ()))})
        found.append(Target(name, server, (its, name)))
    return found


def domain(scope: Scope, name: str) -> Plan:
    """Everything about one domain that does not depend on what servers say."""
    by_ticket = [questions.security_context(name)] if _names_nobody(scope, name) else []
    root, itself, _, points, *others = yield [
        questions.root_dse(name),
        questions.domain_object(name),
        questions.trusts(name),
        questions.connection_points(name),
        questions.hyper_v_computers(name),
        questions.domain_controllers(name),
        questions.cluster_names(name),
        questions.silos(name),
        *_readers(scope, name),
        *by_ticket,
    ]
    if by_ticket:
        own = set(_sids(others[-1], "tokenGroups"))
        for sid in _sids(itself, "objectSid"):
            yield questions.readers(name, of_domain(own, sid))
    configuration = next(iter(_texts(root, "configurationNamingContext")), "")
    if configuration:
        yield [questions.partition(name, configuration)]
    yield [questions.computer_at(name, dn) for dn in places(points, HYPER_V)]
    asked = [questions.vmm_spns(name), *_lookups(scope, name)]
    found = yield asked
    wanted = {questions.computer(name, host.name) for host in scope.hyper_v_hosts}
    hosts = [
        row.name
        for question, reply in zip(asked, found, strict=True)
        if question in wanted and isinstance(reply, Answer)
        for row in reply.rows
        if row.first("objectSid") is not None
    ]
    yield [questions.computer_security(name, dn) for dn in hosts]
    yield from _tokens(name, found, hosts)


def accounts(name: str, asked: Iterable[Question]) -> Plan:
    """Accounts of a domain that only a service told of, and their groups."""
    found = yield list(asked)
    yield from _tokens(name, found)


def _tokens(name: str, found: Replies, hosts: Iterable[str] = ()) -> Plan:
    """The groups of everybody that was found, their names, and since when hosts are in them."""
    in_tokens: list[Question] = [
        questions.token_groups(name, row.name)
        for reply in found
        if isinstance(reply, Answer)
        for row in reply.rows
        if row.first("objectSid") is not None
    ]
    in_tokens = list(dict.fromkeys(in_tokens))
    tokens = yield in_tokens
    groups = {
        sid
        for reply in tokens
        for key in ("tokenGroups", "tokenGroupsGlobalAndUniversal")
        for sid in _sids(reply, key)
    }
    named = yield questions.names(name, groups)
    of_hosts = {questions.token_groups(name, dn) for dn in hosts}
    kept = {
        sid
        for question, reply in zip(in_tokens, tokens, strict=True)
        if question in of_hosts
        for sid in _sids(reply, "tokenGroupsGlobalAndUniversal")
        if is_domain_account(sid) and rid_of(sid) >= OWN_RIDS
    }
    yield [
        questions.link_times(name, row.name)
        for reply in named
        if isinstance(reply, Answer)
        for row in reply.rows
        if kept.intersection(_sids_of(row))
    ]


def _readers(scope: Scope, name: str) -> list[Question]:
    """Whoever reads, where the scope says it: the report names the account by its SID."""
    users = {domain.auth.user for domain in scope.domains if domain.auth.user}
    return [
        questions.account(name, user)
        for user in sorted(users)
        if questions.account_domain(scope, user) == name
    ]


def _names_nobody(scope: Scope, name: str) -> bool:
    """Whether the logon in a domain is that of a session or a ticket, and not in the scope."""
    return not any(domain.auth.user for domain in scope.domains if domain.name == name)


def _lookups(scope: Scope, name: str) -> list[Question]:
    """Hosts, VMM servers, libraries, clusters, accounts and SPNs that this domain is asked for."""
    servers = [host.name for host in scope.hyper_v_hosts]
    servers += [vmm.server for vmm in scope.vmm]
    servers += [questions.computer_name(library) for library in scope.libraries]
    servers += [host.cluster for host in scope.hyper_v_hosts if host.cluster]
    accounts = [found for host in scope.hosts if (found := scope.account_of(host))]
    accounts += [vmm.account for vmm in scope.vmm if vmm.account]
    asked = [
        *(questions.computer(name, s) for s in servers if scope.domain_of(s).name == name),
        *(
            questions.account(name, account)
            for account in accounts
            if questions.account_domain(scope, account) == name
        ),
        *(questions.spn(name, library.unc_name) for library in scope.libraries),
    ]
    return list(dict.fromkeys(asked))


def replicas(
    scope: Scope, answers: Mapping[Question, Answer], more: Iterable[Question]
) -> Iterator[Target]:
    """Every controller of a domain that has several, and what it is asked.

    What is compared are the accounts that the scope and its services (`more`) name, and the
    groups that they are in. The groups that come with a domain are left out: their members are
    not what was audited. A name outside the domain is no controller of it, whatever its account
    says.
    """
    extra = list(more)
    for domain in scope.domains:
        name = domain.name
        told = answers.get(questions.domain_controllers(name))
        names = {text.lower() for text in _texts(told, "dNSHostName")} if told else set()
        servers = sorted(server for server in names if server.endswith("." + name))
        if len(servers) < 2:
            continue
        asked = [questions.vmm_spns(name), *_lookups(scope, name), *extra]
        found = [answers[one] for one in asked if one.server == name and one in answers]
        tokens = [questions.token_groups(name, row.name) for one in found for row in one.rows]
        sids = {sid for one in found for sid in _sids(one, "objectSid")}
        sids |= {
            sid for one in tokens if one in answers for sid in _sids(answers[one], "tokenGroups")
        }
        wanted = {sid for sid in sids if is_domain_account(sid) and rid_of(sid) >= OWN_RIDS}
        for server in servers:
            yield Target(server, replica, (server, name, wanted))


def replica(server: str, domain: str, sids: Iterable[str]) -> Plan:
    """What one controller is asked that others are asked, too."""
    yield questions.replicas(server, domain, sids)


def names(name: str, sids: Iterable[str]) -> Plan:
    """The names behind SIDs of one domain that descriptors and local groups mention."""
    yield questions.names(name, sids)


def server(scope: Scope, name: str) -> Plan:
    """Everything about one server: a library's shares and files, what VMM has running there."""
    libraries = [
        library for library in scope.libraries if questions.file_server(scope, library) == name
    ]
    is_host = any(questions.host_server(scope, host) == name for host in scope.hyper_v_hosts)
    is_vmm = any(questions.vmm_server(scope, vmm) == name for vmm in scope.vmm)
    if is_host:
        yield [
            questions.boot(name),
            questions.clock(name),
            questions.legacy_smb(name),
            *_reaches(scope, name),
        ]
    yield [
        *([questions.administrators(name)] if is_host or is_vmm else []),
        *_services(name, [*(questions.VMM_SERVICES if is_vmm else ()), *questions.VMM_AGENTS]),
        *(_settings(name) if is_vmm else [questions.registry(name, *questions.BITS_OF_AGENT)]),
        *([questions.registry(name, *questions.NTLM_RECEIVED)] if is_host else []),
        *([questions.registry(name, *questions.NAME_HARDENING)] if libraries else []),
    ]
    if is_vmm:
        yield [
            *(questions.vmm_objects(name, cmdlet) for cmdlet in questions.VMM_CMDLETS),
            *(
                questions.reach(name, questions.host_server(scope, host), port)
                for host in scope.esx_hosts
                for port in ESX_PORTS
            ),
        ]
    if not libraries:
        return
    _, _, domains, *_ = yield [
        questions.smb_server(name),
        questions.shares(name),
        questions.sam_domains(name),
        *(questions.share(name, library.share_name) for library in libraries),
        *([] if is_host else [questions.clock(name), questions.legacy_smb(name)]),
    ]
    enumerated = yield [questions.aliases(name, sid) for sid in _sids(domains, "sid")]
    yield [
        questions.members(name, f"{sid}-{rid}")
        for sid, reply in zip(_sids(domains, "sid"), enumerated, strict=True)
        for rid in _rids(reply)
    ]
    for library in libraries:
        yield from _share(name, library, scope.thresholds.files_per_share)


def _reaches(scope: Scope, name: str) -> list[Question]:
    """What only the host can try, and an export of its trying can tell."""
    servers = {questions.file_server(scope, library) for library in scope.libraries} - {name}
    return [questions.reach(name, server, SMB_PORT) for server in sorted(servers)]


def _services(name: str, services: Iterable[str]) -> list[Question]:
    """Each service as its manager and as the registry has it."""
    return [
        question
        for service in services
        for question in (
            questions.service(name, service),
            *questions.registered_service(name, service),
        )
    ]


def _settings(name: str) -> list[Question]:
    """What VMM's setup wrote into the registry of its server."""
    return [
        questions.registry(name, *place)
        for place in (
            questions.VMM_VERSION,
            questions.VMM_OWN_SPNS,
            questions.BITS_OF_SERVER,
            questions.BITS_OF_AGENT,
        )
    ]


def started(scope: Scope, services: Services) -> list[Question]:
    """The lookups of the domain accounts that the VMM services run as."""
    names = {
        name
        for vmm in scope.vmm
        if (name := domain_account(services.vmm(questions.vmm_server(scope, vmm))))
    }
    return [
        questions.account(questions.account_domain(scope, name), name) for name in sorted(names)
    ]


def local_names(name: str, sids: Iterable[str]) -> Plan:
    """The names behind SIDs that only the server which mentions them can tell."""
    yield questions.local_names(name, sids)


def _share(name: str, library: Library, limit: int) -> Plan:
    """Folders level by level, then the descriptors of what matters."""
    items: list[Item] = []
    waiting = [""]
    while waiting and len(items) < limit:
        # A few at a time: what a server claims to hold must fit before it is counted.
        level, waiting = waiting[:_FOLDERS], waiting[_FOLDERS:]
        replies = yield [questions.listing(name, library.share_name, path) for path in level]
        below = [
            item
            for path, reply in zip(level, replies, strict=True)
            for item in _listed(reply, path)
        ]
        items += below
        waiting += [item.path for item in below if walks_into(item)]
    if items or not waiting:
        paths = described(Tree(tuple(items), (), ""))
        yield [questions.descriptor(name, library.share_name, path) for path in paths]


def named_sids(answers: Iterable[tuple[Question, Answer]]) -> set[str]:
    """Every domain SID that descriptors and local groups mention."""
    found: set[str] = set()
    for question, answer in answers:
        found.update(sid for sid in _mentioned(question, answer) if is_domain_account(sid))
    return found


def of_domain(sids: Iterable[str], domain_sid: str) -> set[str]:
    """Those of one domain."""
    return {sid for sid in sids if domain_of(sid) == domain_sid}


def _mentioned(question: Question, answer: Answer) -> Iterator[str]:
    for row in answer.rows:
        try:
            if question.kind == questions.MEMBERS:
                yield from replies.members(answer)
                continue
            data = row.first("descriptor")
            if question.kind == questions.SHARE:
                data = replies.share(answer, question.detail[0])[0].descriptor
            if data:
                descriptor = decode(data)
                yield from (ace.sid for ace in descriptor.aces if ace.sid)
                yield from (sid for sid in (descriptor.owner, descriptor.group) if sid)
        except FormatError:
            continue  # decoding again later says what is wrong with it


def _listed(reply: Answer | Gap, path: str) -> list[Item]:
    if isinstance(reply, Gap):
        return []
    try:
        return list(listed(reply, path))
    except FormatError:
        return []


def _rids(reply: Answer | Gap) -> list[int]:
    if isinstance(reply, Gap):
        return []
    try:
        return [rid for rid, _ in alias_names(reply)]
    except (FormatError, ValueError):
        return []


def _texts(reply: Answer | Gap, key: str) -> list[str]:
    return [value.decode("utf-8", "replace") for value in _raw(reply, key)]


def _sids(reply: Answer | Gap, key: str) -> list[str]:
    return list(_readable(_raw(reply, key)))


def _sids_of(row: Row) -> list[str]:
    return list(_readable(row.values.get("objectSid", ())))


def _readable(values: Iterable[bytes]) -> Iterator[str]:
    for value in values:
        try:
            yield sid_from_bytes(value)
        except FormatError:
            continue


def _raw(reply: Answer | Gap, key: str) -> Iterator[bytes]:
    if isinstance(reply, Answer):
        for row in reply.rows:
            for name, values in row.values.items():
                if name.lower() == key.lower():
                    yield from values
