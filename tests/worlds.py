"""Worlds are data: a conforming one, and variants that differ from it by one change.

The same value is turned into evidence without any server (`tests/simulate.py`),
applied to the live lab (`tests/lab/apply.py`), and is the source of the demo.
Names are short: `HYPER01` is the computer HYPER01$ with the DNS name
hyper01.contoso.com. A trustee is a name of this world or one of `WELL_KNOWN`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, Literal

ALLOW: Final = 0
DENY: Final = 1
OBJECT_INHERIT: Final = 0x01
CONTAINER_INHERIT: Final = 0x02
INHERIT_ONLY: Final = 0x08
INHERITED: Final = 0x10
BOTH: Final = OBJECT_INHERIT | CONTAINER_INHERIT

READ: Final = 0x120089
READ_EXECUTE: Final = 0x1200A9
CHANGE: Final = 0x1301BF
FULL: Final = 0x1F01FF

WELL_KNOWN: Final = {
    "Everyone": "S-1-1-0",
    "CREATOR OWNER": "S-1-3-0",
    "OWNER RIGHTS": "S-1-3-4",
    "NETWORK": "S-1-5-2",
    "Authenticated Users": "S-1-5-11",
    "SYSTEM": "S-1-5-18",
    r"BUILTIN\Administrators": "S-1-5-32-544",
    r"BUILTIN\Users": "S-1-5-32-545",
    "Orphan": "S-1-5-21-1111111111-2222222222-3333333333-4444",
}
DOMAIN: Final = "contoso.com"
NETBIOS: Final = "CONTOSO"
DOMAIN_SID: Final = "S-1-5-21-1004336348-1177238915-682003330"
"""The lab's domain is provisioned with this SID."""
MOMENT: Final = datetime(2026, 10, 1, 6, 0, tzinfo=UTC)
"""When a world without a lab is read."""


@dataclass(frozen=True)
class Ace:
    """One entry; `flags` are the ACE flags of MS-DTYP 2.4.4.1."""

    trustee: str
    mask: int
    kind: int = ALLOW
    flags: int = 0


@dataclass(frozen=True)
class Descriptor:
    """`aces` None is a NULL DACL; order and flags are kept as given."""

    aces: tuple[Ace, ...] | None
    owner: str = r"BUILTIN\Administrators"
    protected: bool = False


@dataclass(frozen=True)
class User:
    """A user account; a domain group membership stands with the group."""

    name: str
    enabled: bool = True
    sensitive: bool = False
    expires: datetime | None = None
    spns: tuple[str, ...] = ()
    password_set: datetime = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Group:
    """A security group of the domain; `members` are names of users, computers or groups."""

    name: str
    scope: Literal["global", "domain-local", "universal"]
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class Service:
    """A service of Windows; an empty account is the world's service account.

    `start` and `state` are those of MS-SCMR; `state` None is a manager that refuses to tell it.
    Only without a lab: Samba lets every service run as LocalSystem.
    """

    name: str
    account: str = "LocalSystem"
    start: int = 2
    state: int | None = 4


AGENT: Final = Service("SCVMMAgent")


@dataclass(frozen=True)
class Host:
    """A Hyper-V host's computer account.

    `delegate_to` is msDS-AllowedToDelegateTo, `delegation_changed` and `booted` exist only
    without a lab (Samba tells neither). `administrators` None are those that VMM makes.
    """

    name: str
    delegate_to: tuple[str, ...] = ()
    any_protocol: bool = True
    unconstrained: bool = False
    enabled: bool = True
    run_as: str | None = None
    extra_spns: tuple[str, ...] = ()
    delegation_changed: datetime = datetime(2026, 7, 1, 9, 30, tzinfo=UTC)
    booted: datetime | None = datetime(2026, 9, 12, 4, 0, tzinfo=UTC)
    administrators: tuple[str, ...] | None = None
    services: tuple[Service, ...] = (AGENT,)
    smb1: bool = False
    """Only without a lab, whose Samba is told by its configuration."""


@dataclass(frozen=True)
class Alias:
    """A local group of a library server. BUILTIN\\Administrators has RID 544 in BUILTIN."""

    name: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class Item:
    """A folder (`size` None) or a file, by its path under the share."""

    path: str
    descriptor: Descriptor
    size: int | None = None


@dataclass(frozen=True)
class Share:
    """A share, its own descriptor, its root folder's, and what is below (parents first)."""

    name: str
    descriptor: Descriptor | None
    root: Descriptor
    items: tuple[Item, ...] = ()
    remark: str = ""


@dataclass(frozen=True)
class Library:
    """A library server; `unc_name` is the name by which VMM knows it."""

    name: str
    shares: tuple[Share, ...]
    aliases: tuple[Alias, ...] = ()
    extra_spns: tuple[str, ...] = ()
    unc_name: str = ""
    reachable: bool = True
    services: tuple[Service, ...] = (AGENT,)
    smb1: bool = False
    missing_shares: tuple[str, ...] = ()
    """Names that the scope lists although the server has no such share."""

    @property
    def named(self) -> str:
        """The server part of its UNC."""
        return self.unc_name or f"{self.name.lower()}.{DOMAIN}"


@dataclass(frozen=True)
class Controller:
    """A domain controller; `behind` are attributes that it has otherwise, by sAMAccountName.

    Only without a lab, which has one controller that is Samba.
    """

    name: str
    system: str = "Windows Server 2022 Standard"
    version: str = "10.0 (20348)"
    read_only: bool = False
    reachable: bool = True
    behind: tuple[tuple[str, tuple[tuple[str, tuple[bytes, ...]], ...]], ...] = ()


@dataclass(frozen=True)
class World:
    """One domain with everything that matters to shared ISO images."""

    users: tuple[User, ...]
    groups: tuple[Group, ...]
    hosts: tuple[Host, ...]
    libraries: tuple[Library, ...]
    vmm: str = "VMM01"
    account: str = "service.vmm"
    functional_level: int = 4
    other_spns: tuple[tuple[str, tuple[str, ...]], ...] = field(default=())
    """SPNs of computer accounts that are neither host nor library: (name, spns)."""
    vmm_services: tuple[Service, ...] = (Service("SCVMMService", account=""), AGENT)
    vmm_administrators: tuple[str, ...] | None = None
    vmm_version: str = "10.22.1287.0"
    controllers: tuple[Controller, ...] = (Controller("DC01"), Controller("DC02"))
    bits_port: int = 443

    def administrators_of(self, host: Host) -> tuple[str, ...]:
        """Who is in the local group of administrators of a host."""
        if host.administrators is not None:
            return host.administrators
        return tuple(dict.fromkeys(("Domain Admins", self.account, host.run_as or self.account)))

    @property
    def administrators(self) -> tuple[str, ...]:
        """Who is in the local group of administrators of the VMM server."""
        if self.vmm_administrators is not None:
            return self.vmm_administrators
        return "Domain Admins", self.account

    def host(self, name: str) -> Host:
        """The host of that name."""
        return next(host for host in self.hosts if host.name == name)

    def library(self, name: str) -> Library:
        """The library server of that name."""
        return next(library for library in self.libraries if library.name == name)

    def with_host(self, name: str, **changes: object) -> World:
        """A copy in which one host differs."""
        changed = tuple(
            replace(host, **changes) if host.name == name else host  # type: ignore[arg-type]
            for host in self.hosts
        )
        return replace(self, hosts=changed)

    def with_user(self, name: str, **changes: object) -> World:
        """A copy in which one user differs."""
        changed = tuple(
            replace(user, **changes) if user.name == name else user  # type: ignore[arg-type]
            for user in self.users
        )
        return replace(self, users=changed)

    def with_group(self, name: str, **changes: object) -> World:
        """A copy in which one group differs."""
        changed = tuple(
            replace(group, **changes) if group.name == name else group  # type: ignore[arg-type]
            for group in self.groups
        )
        return replace(self, groups=changed)

    def with_library(self, name: str, **changes: object) -> World:
        """A copy in which one library server differs."""
        changed = tuple(
            replace(library, **changes) if library.name == name else library  # type: ignore[arg-type]
            for library in self.libraries
        )
        return replace(self, libraries=changed)

    def with_share(self, library: str, share: str, **changes: object) -> World:
        """A copy in which one share differs."""
        changed = tuple(
            replace(found, **changes) if found.name == share else found  # type: ignore[arg-type]
            for found in self.library(library).shares
        )
        return self.with_library(library, shares=changed)

    def with_item(self, library: str, share: str, path: str, **changes: object) -> World:
        """A copy in which one folder or file differs."""
        found = next(s for s in self.library(library).shares if s.name == share)
        items = tuple(
            replace(item, **changes) if item.path == path else item  # type: ignore[arg-type]
            for item in found.items
        )
        return self.with_share(library, share, items=items)


def cifs(library: str) -> tuple[str, str]:
    """Both forms that the management console writes for one server."""
    return f"cifs/{library.lower()}.{DOMAIN}", f"cifs/{library}"


def _folder_acl(*, inherited: bool) -> Descriptor:
    flags = BOTH | (INHERITED if inherited else 0)
    return Descriptor(
        (
            Ace(r"BUILTIN\Administrators", FULL, flags=flags),
            Ace("SYSTEM", FULL, flags=flags),
            Ace("DL_VMMLib_R", READ_EXECUTE, flags=flags),
        ),
        protected=not inherited,
    )


FILE_ACL: Final = Descriptor(
    (
        Ace(r"BUILTIN\Administrators", FULL, flags=INHERITED),
        Ace("SYSTEM", FULL, flags=INHERITED),
        Ace("DL_VMMLib_R", READ_EXECUTE, flags=INHERITED),
    )
)
SHARE_ACL: Final = Descriptor(
    (
        Ace(r"BUILTIN\Administrators", FULL),
        Ace("SYSTEM", FULL),
        Ace("DL_VMMLib_R", READ_EXECUTE),
    )
)
ISO_SIZE: Final = 65_536
SHARE: Final = "MSSCVMMLibrary"
ISO: Final = r"ISOs\en_windows_server_2008_r2.iso"


def _library(name: str, isos: tuple[str, ...]) -> Library:
    folder = _folder_acl(inherited=True)
    items = (
        Item("ISOs", folder),
        Item("Scripts", folder),
        Item("VHDs", folder),
        *(Item(rf"ISOs\{iso}", FILE_ACL, size=ISO_SIZE) for iso in isos),
    )
    return Library(
        name,
        shares=(Share(SHARE, SHARE_ACL, _folder_acl(inherited=False), items, "VMM Library Files"),),
        aliases=(Alias(r"BUILTIN\Administrators", ("Domain Admins",)),),
    )


LIBRARIES: Final = ("LIBRARY01", "LIBRARY02")
HOSTS: Final = tuple(f"HYPER{number:02}" for number in range(1, 8))


def conforming() -> World:
    """Seven hosts, two library servers, groups nested by AGDLP: everything is as it should be."""
    targets = tuple(spn for library in LIBRARIES for spn in cifs(library))
    return World(
        users=(
            User("service.vmm", spns=(f"SCVMM/vmm01.{DOMAIN}", "SCVMM/VMM01")),
            User("run.as"),
        ),
        groups=(
            Group("GG_HyperV_Hosts", "global", HOSTS),
            Group("GG_VMM_Accounts", "global", ("service.vmm", "run.as", "VMM01")),
            Group("DL_VMMLib_R", "domain-local", ("GG_HyperV_Hosts", "GG_VMM_Accounts")),
        ),
        hosts=tuple(Host(name, delegate_to=targets) for name in HOSTS),
        libraries=(
            _library("LIBRARY01", ("en_windows_server_2008_r2.iso", "Prüfung_ä.iso")),
            _library("LIBRARY02", ("de_windows_server_2025.iso",)),
        ),
    )
