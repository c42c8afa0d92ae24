"""A world without a server: it answers the same questions, in the same bytes, as a real one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from tests import stubs, worlds
from tests.worlds import DOMAIN, DOMAIN_SID, MOMENT, NETBIOS, World
from vmmaudit import __version__, questions
from vmmaudit.collect.gather import collect
from vmmaudit.evidence import Answer, Evidence, Gap, Origin, Question, Reason, Row
from vmmaudit.scope import Scope, parse
from vmmaudit.windows import descriptor as descriptors
from vmmaudit.windows import replication
from vmmaudit.windows.filetime import NEVER, to_filetime
from vmmaudit.windows.sid import sid_to_bytes

BASE = questions.base_dn(DOMAIN)
CONFIGURATION = f"CN=Configuration,{BASE}"
_BUILT_IN_GROUPS = {
    "Domain Admins": (512, "global"),
    "Domain Users": (513, "global"),
    "Domain Computers": (515, "global"),
    "Domain Controllers": (516, "global"),
    "Protected Users": (525, "global"),
}
READER = "auditor"
"""The account that reads: none of the world's, and known to its directory."""
_SCOPE_BITS = {"global": 2, "domain-local": 4, "universal": 8}
_Filter = tuple[Any, ...]
"""An operator and filters, or `=`, an attribute and what it must be."""
_ALIAS_RIDS = {r"BUILTIN\Administrators": 544, r"BUILTIN\Users": 545}


def scope_of(world: World, **changes: Any) -> Scope:
    """The scope that an auditor of this world would write, with `changes` to its fields."""
    return parse(scope_text(world), "scope.yaml").model_copy(update=changes)


def scope_text(world: World) -> str:
    """The scope file."""
    hosts = "\n".join(
        f"  - name: {host.name.lower()}.{DOMAIN}"
        + (f"\n    run_as: '{NETBIOS}\\{host.run_as}'" if host.run_as else "")
        for host in world.hosts
    )
    libraries = "\n".join(
        rf"  - share: \\{library.named}\{share}"
        + (f"\n    server: {library.name.lower()}.{DOMAIN}" if library.unc_name else "")
        for library in world.libraries
        for share in [*(s.name for s in library.shares), *library.missing_shares]
    )
    return f"""\
format: 1
audit:
  title:
    de: Gemeinsam genutzte ISO-Abbilder in VMM
    en: Shared ISO images in VMM
  client: Contoso AG
  period: {{from: 2026-07-01, to: 2026-09-30}}
people:
  - {{role: auditor, name: Jana Müller}}
  - {{role: reviewer, name: Peter Weiß}}
domains:
  - name: {DOMAIN}
vmm:
  - server: {world.vmm.lower()}.{DOMAIN}
    account: '{NETBIOS}\\{world.account}'
hosts:
{hosts}
libraries:
{libraries}
"""


def simulate(
    world: World,
    attributes: Mapping[str, Mapping[str, Sequence[bytes]]] | None = None,
    scope: Scope | None = None,
    moment: datetime = MOMENT,
) -> tuple[Evidence, Scope]:
    """The evidence that collecting from this world gives, and its scope.

    `attributes` overrides LDAP attributes by sAMAccountName (the domain itself is `""`).
    """
    used = scope or scope_of(world)
    return collect(used, SimulatedWire(world, attributes or {}, moment)), used


def without(
    evidence: Evidence, question: Question, reason: Reason = Reason.ACCESS_DENIED
) -> Evidence:
    """The same evidence with a gap in the place of one answer."""
    assert question in evidence.answers, f"{question} was not answered anyway"
    answers = {asked: answer for asked, answer in evidence.answers.items() if asked != question}
    gaps = {**evidence.gaps, question: Gap(reason, "It was refused.", evidence.origin.moment)}
    return replace(evidence, answers=answers, gaps=gaps)


@dataclass
class _Entry:
    dn: str
    values: dict[str, list[bytes]] = field(default_factory=dict)


class SimulatedWire:
    """Implements `vmmaudit.collect.wire.Wire`."""

    def __init__(
        self,
        world: World,
        attributes: Mapping[str, Mapping[str, Sequence[bytes]]],
        moment: datetime,
    ) -> None:
        self.world = world
        self.moment = moment
        self.sids = _sids(world)
        self._hosts = {f"{host.name.lower()}.{DOMAIN}": host for host in world.hosts}
        self._groups_of: dict[str, set[str]] = {}
        for group in self._groups():
            for member in group.members:
                self._groups_of.setdefault(member, set()).add(group.name)
        self._items = {
            id(share): {item.path: item for item in share.items}
            for library in world.libraries
            for share in library.shares
        }
        self.entries = list(self._entries())
        for entry in self.entries:
            name = next(iter(entry.values.get("sAMAccountName", [b""]))).decode()
            if entry.dn == BASE or name:
                entry.values |= {k: list(v) for k, v in attributes.get(name, {}).items()}

    @property
    def origin(self) -> Origin:
        return Origin(
            self.moment, rf"{NETBIOS}\{READER}", f"auditor.{DOMAIN}", f"vmmaudit {__version__}"
        )

    def ask(self, asked: Sequence[Question]) -> list[Answer | Gap]:
        return [self._one(question) for question in asked]

    def close(self) -> None:
        pass

    def _one(self, question: Question) -> Answer | Gap:
        if question.kind == questions.SEARCH:
            return self._answer(f"dc01.{DOMAIN}", self._search(*question.detail))
        if question.kind == questions.CONTROLLER:
            return self._replica(question)
        if question.kind == questions.VMM_OBJECTS:
            return self._gap(Reason.NOT_SUPPORTED, "VMM tells this by its cmdlets alone.")
        if question.kind == questions.REACH:
            return self._gap(Reason.NOT_ASKED, "Only the host itself can try this.")
        if question.kind in (questions.SERVICE, questions.REGISTRY, questions.LOCAL_NAMES):
            return self._told_by_machine(question)
        if question == questions.administrators(f"{self.world.vmm.lower()}.{DOMAIN}"):
            return self._members(question, self.world.administrators)
        for library in self.world.libraries:
            if question.server in (f"{library.name.lower()}.{DOMAIN}", library.named):
                if not library.reachable:
                    return self._gap(Reason.UNREACHABLE, f"{question.server} does not answer.")
                return self._library(library, question)
        host = self._hosts.get(question.server)
        is_vmm = question.server == f"{self.world.vmm.lower()}.{DOMAIN}"
        if (host or is_vmm) and question.kind == questions.SERVER:
            return self._row(question, dialect=b"3.1.1", signing=b"required", guid=b"0" * 32)
        if host and question.kind == questions.LEGACY_SMB:
            return self._row(question, reply=stubs.smb1_chosen() if host.smb1 else b"")
        if (host or is_vmm) and question.kind == questions.SAM_DOMAIN:
            return self._answer(
                question.server, [Row("Builtin", {"sid": (sid_to_bytes("S-1-5-32"),)})]
            )
        if host and question == questions.administrators(question.server):
            return self._members(question, self.world.administrators_of(host))
        if host and question.kind == questions.BOOT and host.booted:
            text = host.booted.strftime("%Y%m%d%H%M%S.000000+000")
            return self._row(question, LastBootUpTime=text.encode())
        if host and question.kind == questions.TIME:
            running = (self.moment - host.booted).total_seconds() * 1000 if host.booted else 0
            return self._row(question, reply=stubs.time_of_day(self.moment, int(running) % 2**32))
        return self._gap(Reason.UNREACHABLE, f"{question.server} does not answer.")

    def _members(self, question: Question, names: Sequence[str]) -> Answer:
        held = [name if name.startswith("S-1-") else self.sids[name] for name in names]
        return self._row(question, reply=stubs.members(held))

    def _told_by_machine(self, question: Question) -> Answer | Gap:
        """Services, registry values, and names of local accounts (`S-1-5-21-77-88-…`)."""
        services = self._services(question.server)
        if services is None:
            return self._gap(Reason.UNREACHABLE, f"{question.server} does not answer.")
        rows: list[Row] = []
        if question.kind == questions.SERVICE:
            for service in services:
                if service.name == question.detail[0]:
                    config = stubs.service_config(self._started_as(service), service.start)
                    status = (stubs.service_status(service.state),) if service.state else ()
                    rows = [
                        Row("", {"config": (config,), **({"status": status} if status else {})})
                    ]
        elif question.kind == questions.REGISTRY:
            value = self._registry(question.server, services).get(question.detail)
            if value is not None:
                rows = [Row("", {"reply": (stubs.registry_value(value),)})]
        else:
            machine = question.server.split(".")[0].upper()
            found = [
                (machine, f"local{sid.rpartition('-')[2]}", 1) if "-77-88-" in sid else None
                for sid in question.detail
            ]
            rows = [Row("", {"operation": (b"57",), "reply": (stubs.looked_up(found),)})]
        return self._answer(question.server, rows)

    def _services(self, server: str) -> tuple[worlds.Service, ...] | None:
        """The services of a machine with all its roles, or None if it does not answer."""
        found: dict[str, worlds.Service] = {}
        answers = False
        if server == f"{self.world.vmm.lower()}.{DOMAIN}":
            answers, found = True, {service.name: service for service in self.world.vmm_services}
        for machine in (*self.world.hosts, *self.world.libraries):
            if server in (f"{machine.name.lower()}.{DOMAIN}", getattr(machine, "named", "")):
                answers = getattr(machine, "reachable", True)
                found |= {service.name: service for service in machine.services}
        return tuple(found.values()) if answers else None

    def _registry(
        self, server: str, services: Sequence[worlds.Service]
    ) -> dict[tuple[str, ...], str | int | Sequence[str]]:
        found: dict[tuple[str, ...], str | int | Sequence[str]] = {}
        for service in services:
            account, start = questions.registered_service(server, service.name)
            found |= {account.detail: self._started_as(service), start.detail: service.start}
        if server == f"{self.world.vmm.lower()}.{DOMAIN}":
            spns = next((u.spns for u in self.world.users if u.name == self.world.account), ())
            found |= {
                questions.VMM_VERSION: self.world.vmm_version,
                questions.VMM_OWN_SPNS: spns,
                questions.BITS_OF_SERVER: self.world.bits_port,
            }
        return found

    def _started_as(self, service: worlds.Service) -> str:
        return service.account or rf"{NETBIOS}\{self.world.account}"

    def _library(self, library: worlds.Library, question: Question) -> Answer | Gap:
        own = f"{_own_domain(library)}"
        if question.kind == questions.TIME:
            return self._row(question, reply=stubs.time_of_day(self.moment, 1))
        if question.kind == questions.SERVER:
            return self._row(question, dialect=b"3.1.1", signing=b"required", guid=b"0" * 32)
        if question.kind == questions.LEGACY_SMB:
            return self._row(question, reply=stubs.smb1_chosen() if library.smb1 else b"")
        if question.kind == questions.SHARES:
            found = [(share.name, 0, share.remark) for share in library.shares]
            return self._row(question, reply=stubs.shares([*found, ("IPC$", 0x80000003, "")]))
        if question.kind == questions.SAM_DOMAIN:
            rows = [
                Row("Builtin", {"sid": (sid_to_bytes("S-1-5-32"),)}),
                Row(library.name, {"sid": (sid_to_bytes(own),)}),
            ]
            return self._answer(question.server, rows)
        if question.kind == questions.ALIASES:
            found_aliases = [
                (self._alias_rid(library, alias), alias.name.rpartition("\\")[2])
                for alias in library.aliases
                if (alias.name in _ALIAS_RIDS) == (question.detail[0] == "S-1-5-32")
            ]
            return self._row(question, reply=stubs.aliases(found_aliases))
        if question.kind == questions.MEMBERS:
            for alias in library.aliases:
                prefix = "S-1-5-32" if alias.name in _ALIAS_RIDS else own
                if question.detail[0] == f"{prefix}-{self._alias_rid(library, alias)}":
                    held = [self._sid(library, member) for member in alias.members]
                    return self._row(question, reply=stubs.members(held))
        share = next(
            (s for s in library.shares if [s.name.lower()] == [*question.detail[:1]]), None
        )
        if share is None:
            return self._gap(Reason.NOT_FOUND, f"{question.server} has no such share.")
        return self._share(library, share, question)

    def _share(
        self, library: worlds.Library, share: worlds.Share, question: Question
    ) -> Answer | Gap:
        if question.kind == questions.SHARE:
            packed = self._descriptor(library, share.descriptor) if share.descriptor else None
            reply = stubs.share_502(share.name, share.remark, r"C:\Library", packed)
            return self._row(question, level=b"502", reply=reply)
        path = question.detail[1]
        if question.kind == questions.LIST:
            below = [
                (item.path.rpartition("\\")[2], item.size)
                for item in share.items
                if item.path.rpartition("\\")[0] == path
            ]
            return self._row(question, entries=stubs.entries(below, self.moment))
        if question.kind == questions.DESCRIPTOR:
            item = self._items[id(share)].get(path)
            described = item.descriptor if item else share.root if not path else None
            if described:
                return self._row(question, descriptor=self._descriptor(library, described))
        return self._gap(Reason.NOT_FOUND, f"{path} does not exist.")

    def _descriptor(self, library: worlds.Library, of: worlds.Descriptor) -> bytes:
        aces = None
        if of.aces is not None:
            aces = [
                descriptors.Ace(ace.kind, ace.flags, ace.mask, self._sid(library, ace.trustee))
                for ace in of.aces
            ]
        control = descriptors.Control.DACL_PROTECTED if of.protected else 0
        return descriptors.encode(
            aces,
            owner=self._sid(library, of.owner),
            group=f"{DOMAIN_SID}-513",
            control=control,
        )

    def _sid(self, library: worlds.Library, name: str) -> str:
        for alias in library.aliases:
            if alias.name == name and name not in _ALIAS_RIDS:
                return f"{_own_domain(library)}-{self._alias_rid(library, alias)}"
        return self.sids[name]

    @staticmethod
    def _alias_rid(library: worlds.Library, alias: worlds.Alias) -> int:
        return _ALIAS_RIDS.get(alias.name) or 1000 + library.aliases.index(alias)

    # -- the directory --------------------------------------------------------------------

    def _entries(self) -> Iterator[_Entry]:
        world = self.world
        level = str(world.functional_level).encode()
        yield _Entry(
            BASE,
            {
                "objectClass": [b"top", b"domain", b"domainDNS"],
                "objectSid": [sid_to_bytes(DOMAIN_SID)],
                "msDS-Behavior-Version": [level],
                "nTMixedDomain": [b"0"],
            },
        )
        yield _Entry(
            f"CN={NETBIOS},CN=Partitions,{CONFIGURATION}",
            {
                "objectClass": [b"top", b"crossRef"],
                "nCName": [BASE.encode()],
                "nETBIOSName": [NETBIOS.encode()],
            },
        )
        yield self._connection_point("MSVMM", world.vmm)
        for host in world.hosts:
            yield self._connection_point("Microsoft Hyper-V", host.name)
        for group in self._groups():
            yield self._principal(
                group.name,
                f"CN={group.name},OU=Gruppen,{BASE}",
                objectClass=[b"top", b"group"],
                groupType=[str(_SCOPE_BITS[group.scope] - 2**31).encode()],
                member=[self._dn(member).encode() for member in group.members],
            )
        for user in world.users:
            control = 0x10200 | (0 if user.enabled else 2) | (0x100000 if user.sensitive else 0)
            yield self._principal(
                user.name,
                self._dn(user.name),
                objectClass=[b"top", b"person", b"organizationalPerson", b"user"],
                objectCategory=[b"person"],
                userAccountControl=[str(control).encode()],
                accountExpires=[str(to_filetime(user.expires) if user.expires else NEVER).encode()],
                servicePrincipalName=[spn.encode() for spn in user.spns],
                pwdLastSet=[str(to_filetime(user.password_set)).encode()],
                primaryGroupID=[b"513"],
                tokenGroups=self._token_groups(user.name, "Domain Users"),
            )
        yield self._principal(
            READER,
            f"CN={READER},CN=Users,{BASE}",
            objectClass=[b"top", b"person", b"organizationalPerson", b"user"],
            objectCategory=[b"person"],
            userAccountControl=[b"512"],
        )
        for name, spns, more in self._computers():
            yield self._principal(
                f"{name}$",
                self._dn(name),
                **{
                    "objectClass": [
                        b"top",
                        b"person",
                        b"organizationalPerson",
                        b"user",
                        b"computer",
                    ],
                    "objectCategory": [b"computer"],
                    "dNSHostName": [f"{name.lower()}.{DOMAIN}".encode()],
                    "servicePrincipalName": [spn.encode() for spn in spns],
                    "pwdLastSet": [str(to_filetime(self.moment - timedelta(days=10))).encode()],
                    "userAccountControl": [b"4096"],
                    "primaryGroupID": [b"515"],
                    "tokenGroups": self._token_groups(name, "Domain Computers"),
                    **more,
                },
            )

    def _connection_point(self, name: str, computer: str) -> _Entry:
        return _Entry(
            f"CN={name},{self._dn(computer)}",
            {
                "objectClass": [b"top", b"leaf", b"connectionPoint", b"serviceConnectionPoint"],
                "cn": [name.encode()],
                "serviceDNSName": [f"{computer.lower()}.{DOMAIN}".encode()],
            },
        )

    def _computers(self) -> Iterator[tuple[str, list[str], dict[str, list[bytes]]]]:
        for host in self.world.hosts:
            control = (
                0x1000
                | (0 if host.enabled else 0x2)
                | (0x80000 if host.unconstrained else 0)
                | (0x1000000 if host.any_protocol else 0)
            )
            times = {
                replication.USER_ACCOUNT_CONTROL: host.delegation_changed,
                **(
                    {replication.ALLOWED_TO_DELEGATE_TO: host.delegation_changed}
                    if host.delegate_to
                    else {}
                ),
            }
            yield (
                host.name,
                [*_host_spns(host.name), *host.extra_spns],
                {
                    "userAccountControl": [str(control).encode()],
                    "msDS-AllowedToDelegateTo": [spn.encode() for spn in host.delegate_to],
                    "nTSecurityDescriptor": [_security()],
                    "replPropertyMetaData": [replication.encode(times)],
                },
            )
        for library in self.world.libraries:
            yield library.name, [*_host_spns(library.name), *library.extra_spns], {}
        yield self.world.vmm, _host_spns(self.world.vmm), {}
        for name, spns in self.world.other_spns:
            yield name, list(spns), {}
        for controller in self.world.controllers:
            bits = 0x0500_1000 if controller.read_only else 0x0008_2000
            system = {
                "operatingSystem": [controller.system.encode()],
                "operatingSystemVersion": [controller.version.encode()],
                "userAccountControl": [str(bits).encode()],
                "primaryGroupID": [b"521" if controller.read_only else b"516"],
            }
            yield controller.name, _host_spns(controller.name), system

    def _groups(self) -> list[worlds.Group]:
        built_in = [worlds.Group(name, "global") for name in _BUILT_IN_GROUPS]
        known = {group.name for group in self.world.groups}
        return [*(g for g in built_in if g.name not in known), *self.world.groups]

    def _principal(self, name: str, dn: str, **values: list[bytes]) -> _Entry:
        plain = name.removesuffix("$")
        found = {
            "sAMAccountName": [name.encode()],
            "cn": [plain.encode()],
            "objectSid": [sid_to_bytes(self.sids[plain])],
            "whenChanged": [b"20260301080000.0Z"],
            **values,
        }
        wide = [
            sid
            for sid in found.get("tokenGroups", [])
            if sid
            not in {
                sid_to_bytes(self.sids[g.name]) for g in self._groups() if g.scope == "domain-local"
            }
        ]
        if "tokenGroups" in found:
            found["tokenGroupsGlobalAndUniversal"] = wide
        return _Entry(dn, {key: value for key, value in found.items() if value})

    def _dn(self, name: str) -> str:
        if any(user.name == name for user in self.world.users):
            return f"CN={name},OU=Dienstkonten,{BASE}"
        if any(group.name == name for group in self._groups()):
            return f"CN={name},OU=Gruppen,{BASE}"
        return f"CN={name},CN=Computers,{BASE}"

    def _token_groups(self, name: str, primary: str) -> list[bytes]:
        held = {primary}
        while True:
            more = {g for one in (name, *held) for g in self._groups_of.get(one, ())} - held
            if not more:
                break
            held |= more
        of_dc = ["S-1-5-32-545"]  # the controller's own view, which a member server does not share
        return [sid_to_bytes(sid) for sid in sorted([*(self.sids[g] for g in held), *of_dc])]

    @cached_property
    def _directory(self) -> _Directory:
        """Made when it is first asked: a test may have added entries by then."""
        return _Directory(self.entries)

    def _search(self, base: str, scope: str, query: str, wanted: str) -> list[Row]:
        if not base:
            values = {
                "configurationNamingContext": (CONFIGURATION.encode(),),
                "defaultNamingContext": (BASE.encode(),),
                "rootDomainNamingContext": (BASE.encode(),),
                "dnsHostName": (f"dc01.{DOMAIN}".encode(),),
                "domainFunctionality": (str(self.world.functional_level).encode(),),
                "currentTime": (self.moment.strftime("%Y%m%d%H%M%S.0Z").encode(),),
            }
            context = {
                "msDS-PrincipalName": (self.origin.who.encode(),),
                "tokenGroups": tuple(sid_to_bytes(self.sids[n]) for n in ("Domain Users", READER)),
            }
            if wanted == ",".join(context):
                return [Row("", context)]
            return [Row("", values)]
        rows = []
        attributes = wanted.split(",")
        for entry in self._directory.search(base.lower(), scope, query):
            values = {a: tuple(entry.values[a]) for a in attributes if entry.values.get(a)}
            rows.append(Row(entry.dn, values))
        return rows

    def _replica(self, question: Question) -> Answer | Gap:
        """What one controller answers, which may lag behind the others."""
        controller = next(
            c for c in self.world.controllers if f"{c.name.lower()}.{DOMAIN}" == question.server
        )
        if not controller.reachable:
            return self._gap(Reason.UNREACHABLE, f"{question.server} does not answer.")
        behind = dict(controller.behind)
        rows = []
        for row in self._search(*question.detail[1:]):
            other = dict(behind.get((row.first("sAMAccountName") or b"").decode(), ()))
            values = {k: v for k, v in {**row.values, **other}.items() if v}
            rows.append(Row(row.name, values))
        return self._answer(question.server, rows)

    def _row(self, question: Question, **values: bytes) -> Answer:
        row = Row("", {key: (value,) for key, value in values.items()})
        return self._answer(question.server, [row])

    def _answer(self, source: str, rows: Sequence[Row]) -> Answer:
        return Answer(tuple(rows), source, self.moment)

    def _gap(self, reason: Reason, text: str) -> Gap:
        return Gap(reason, text, self.moment)


def _sids(world: World) -> dict[str, str]:
    names = [user.name for user in world.users]
    names += [group.name for group in world.groups if group.name not in _BUILT_IN_GROUPS]
    names += [host.name for host in world.hosts]
    names += [library.name for library in world.libraries]
    names += [world.vmm, *(name for name, _ in world.other_spns)]
    numbered = {name: f"{DOMAIN_SID}-{1103 + i}" for i, name in enumerate(names)}
    numbered |= {c.name: f"{DOMAIN_SID}-{900_000 + i}" for i, c in enumerate(world.controllers)}
    built_in = {name: f"{DOMAIN_SID}-{rid}" for name, (rid, _) in _BUILT_IN_GROUPS.items()}
    reader = {READER: f"{DOMAIN_SID}-800000"}
    return {**worlds.WELL_KNOWN, **built_in, **numbered, **reader}


def _security() -> bytes:
    """Who may change a computer account by default: administrators, and the account itself."""
    full = [f"{DOMAIN_SID}-512", "S-1-5-18", "S-1-5-32-548"]
    aces = [descriptors.Ace(0, 0, 0xF01FF, sid) for sid in full]
    own = descriptors.Ace(5, 0, 0x20, "S-1-5-10", b"", b"\x01" * 16)
    return descriptors.encode([*aces, own], owner=f"{DOMAIN_SID}-512")


def _own_domain(library: worlds.Library) -> str:
    return f"S-1-5-21-77-88-{sum(library.name.encode())}"


def _host_spns(name: str) -> list[str]:
    return [f"HOST/{name}", f"HOST/{name.lower()}.{DOMAIN}"]


class _Directory:
    """Entries as a search sees them; of a filter that names values only the owners are tried."""

    def __init__(self, entries: Sequence[_Entry]) -> None:
        self._entries = entries
        self._folded = [
            {key.lower(): [v.lower() for v in found] for key, found in entry.values.items()}
            for entry in entries
        ]
        self._owners: dict[tuple[str, bytes], set[int]] = {}
        self._places: dict[str, set[int]] = {}
        for number, values in enumerate(self._folded):
            self._places.setdefault(entries[number].dn.lower(), set()).add(number)
            for key, found in values.items():
                for value in found:
                    self._owners.setdefault((key, value), set()).add(number)

    def search(self, base: str, scope: str, query: str) -> Iterator[_Entry]:
        """What fits, in the order of the entries."""
        filter_, rest = _parsed(query)
        assert not rest, query
        found = self._places.get(base, set()) if scope == "base" else self._perhaps(filter_)
        for number in sorted(range(len(self._entries)) if found is None else found):
            dn = self._entries[number].dn.lower()
            inside = {
                "base": dn == base,
                "one": dn.partition(",")[2] == base,
                "sub": dn.endswith(base),
            }[scope]
            if inside and _fits(self._folded[number], filter_):
                yield self._entries[number]

    def _perhaps(self, filter_: _Filter) -> set[int] | None:
        """Entries beside which none can fit; None where the filter does not tell."""
        operator, *parts = filter_
        if operator == "=":
            key, wanted = parts
            return (
                None if "*" in wanted or ":" in key else self._owners.get(_pair(key, wanted), set())
            )
        known = [self._perhaps(part) for part in parts]
        told = [found for found in known if found is not None]
        if operator == "&":
            return min(told, key=len, default=None)
        return set().union(*told) if len(told) == len(known) else None


def _parsed(query: str) -> tuple[_Filter, str]:
    """A filter of RFC 4515 as far as the questions use them, and what stands after it."""
    assert query[0] == "(", query
    if query[1] in "&|":
        parts, rest = [], query[2:]
        while rest[0] == "(":
            part, rest = _parsed(rest)
            parts.append(part)
        return (query[1], *parts), rest[1:]
    inner, _, rest = query[1:].partition(")")
    key, _, wanted = inner.partition("=")
    return ("=", key.lower(), wanted), rest


def _pair(key: str, wanted: str) -> tuple[str, bytes]:
    raw = re.sub(rb"\\([0-9a-f]{2})", lambda found: bytes([int(found[1], 16)]), wanted.encode())
    return key, raw.lower()


def _fits(values: Mapping[str, Sequence[bytes]], filter_: _Filter) -> bool:
    """`&`, `|`, equality, presence, a prefix, and all of some bits."""
    operator, *parts = filter_
    if operator == "&":
        return all(_fits(values, part) for part in parts)
    if operator == "|":
        return any(_fits(values, part) for part in parts)
    key, wanted = parts
    if key.endswith(":1.2.840.113556.1.4.803:"):  # all of these bits (MS-ADTS 3.1.1.3.4.4.1)
        held = values.get(key.partition(":")[0], [])
        return any(int(value) & int(wanted) == int(wanted) for value in held)
    held = values.get(key, [])
    _, raw = _pair(key, wanted)
    if wanted == "*":
        return bool(held)
    if wanted.endswith("*"):
        return any(value.startswith(raw[:-1]) for value in held)
    return raw in held
