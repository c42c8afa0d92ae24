r"""Single changes an administrator could make: each adds or takes away one thing.

A change names its object by SID, because names are shown and SIDs decide; `name` fields are
for people and for scripts that look the object up and compare its SID before they write.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, TypeAlias

from vmmaudit.windows.descriptor import Ace


class Actor(StrEnum):
    """Who can make a change; the order is that in which a plan is carried out."""

    DOMAIN = "domain-administrator"
    FILE_SERVER = "file-server-administrator"
    HOST = "host-administrator"


@dataclass(frozen=True, slots=True, order=True)
class Named:
    r"""An object of the directory: `shown` is `NETBIOS\name`."""

    sid: str
    shown: str
    dn: str
    domain: str


@dataclass(frozen=True, slots=True)
class AddDelegationTarget:
    """Add an SPN to msDS-AllowedToDelegateTo (MS-ADA2 2.466)."""

    actor: ClassVar[Actor] = Actor.DOMAIN
    account: Named
    spn: str


@dataclass(frozen=True, slots=True)
class SetControlBit:
    """Set one bit of userAccountControl (MS-ADTS 2.2.16)."""

    actor: ClassVar[Actor] = Actor.DOMAIN
    account: Named
    bit: int


@dataclass(frozen=True, slots=True)
class ClearControlBit:
    """Clear one bit of userAccountControl (MS-ADTS 2.2.16)."""

    actor: ClassVar[Actor] = Actor.DOMAIN
    account: Named
    bit: int


@dataclass(frozen=True, slots=True)
class RemoveExpiry:
    """Set accountExpires to *never* (MS-ADA1 2.2)."""

    actor: ClassVar[Actor] = Actor.DOMAIN
    account: Named


@dataclass(frozen=True, slots=True)
class AllowToAct:
    """Let `caller` delegate to `account`: msDS-AllowedToActOnBehalfOfOtherIdentity (MS-ADA2)."""

    actor: ClassVar[Actor] = Actor.DOMAIN
    account: Named
    caller: Named


@dataclass(frozen=True, slots=True)
class RegisterSpn:
    """Add a servicePrincipalName (MS-ADA3 2.253)."""

    actor: ClassVar[Actor] = Actor.DOMAIN
    account: Named
    spn: str


@dataclass(frozen=True, slots=True)
class RemoveSpn:
    """Take a servicePrincipalName away from an account that should not have it."""

    actor: ClassVar[Actor] = Actor.DOMAIN
    account: Named
    spn: str


@dataclass(frozen=True, slots=True)
class AddMember:
    """Add an account or a group to a group of the domain."""

    actor: ClassVar[Actor] = Actor.DOMAIN
    group: Named
    member: Named


@dataclass(frozen=True, slots=True)
class RemoveMember:
    """Take an account or a group out of a group of the domain."""

    actor: ClassVar[Actor] = Actor.DOMAIN
    group: Named
    member: Named


@dataclass(frozen=True, slots=True)
class GrantOnShare:
    r"""Add an allowing entry to a share's own permissions; `share` is the UNC `\\name\share`."""

    actor: ClassVar[Actor] = Actor.FILE_SERVER
    share: str
    trustee: Named
    mask: int


@dataclass(frozen=True, slots=True)
class RemoveFromShare:
    """Remove one entry from a share's own permissions."""

    actor: ClassVar[Actor] = Actor.FILE_SERVER
    share: str
    entry: Ace
    trustee: str


@dataclass(frozen=True, slots=True)
class GrantOnFile:
    """Add an allowing entry to a file, or to a folder (then it is handed down)."""

    actor: ClassVar[Actor] = Actor.FILE_SERVER
    share: str
    path: str
    is_folder: bool
    trustee: Named
    mask: int


@dataclass(frozen=True, slots=True)
class RemoveFromFile:
    """Remove one entry from the file or folder where it is not inherited."""

    actor: ClassVar[Actor] = Actor.FILE_SERVER
    share: str
    path: str
    entry: Ace
    trustee: str


@dataclass(frozen=True, slots=True)
class Restart:
    """Restart a host, so that it asks for new tickets (semantics 1, in_force)."""

    actor: ClassVar[Actor] = Actor.HOST
    host: str


Change: TypeAlias = (
    AddDelegationTarget
    | SetControlBit
    | ClearControlBit
    | RemoveExpiry
    | AllowToAct
    | RegisterSpn
    | RemoveSpn
    | AddMember
    | RemoveMember
    | GrantOnShare
    | RemoveFromShare
    | GrantOnFile
    | RemoveFromFile
    | Restart
)
"""One step."""
