"""Security identifiers (MS-DTYP 2.4.2) as text, `S-1-5-…`, and those known by name (2.4.2.4)."""

from __future__ import annotations

import re
import struct
from typing import Final

from vmmaudit.errors import FormatError

EVERYONE: Final = "S-1-1-0"
CREATOR_OWNER: Final = "S-1-3-0"
CREATOR_GROUP: Final = "S-1-3-1"
OWNER_RIGHTS: Final = "S-1-3-4"
NETWORK: Final = "S-1-5-2"
ANONYMOUS: Final = "S-1-5-7"
AUTHENTICATED_USERS: Final = "S-1-5-11"
THIS_ORGANIZATION: Final = "S-1-5-15"
SYSTEM: Final = "S-1-5-18"
ADMINISTRATORS: Final = "S-1-5-32-544"
USERS: Final = "S-1-5-32-545"
BUILTIN: Final = "S-1-5-32"
AUTHENTICATION_AUTHORITY_ASSERTED: Final = "S-1-18-1"
SERVICE_ASSERTED: Final = "S-1-18-2"

NAMES: Final = {
    EVERYONE: "Everyone",
    CREATOR_OWNER: "CREATOR OWNER",
    CREATOR_GROUP: "CREATOR GROUP",
    OWNER_RIGHTS: "OWNER RIGHTS",
    NETWORK: r"NT AUTHORITY\NETWORK",
    ANONYMOUS: r"NT AUTHORITY\ANONYMOUS LOGON",
    AUTHENTICATED_USERS: r"NT AUTHORITY\Authenticated Users",
    THIS_ORGANIZATION: r"NT AUTHORITY\This Organization",
    SYSTEM: r"NT AUTHORITY\SYSTEM",
    ADMINISTRATORS: r"BUILTIN\Administrators",
    USERS: r"BUILTIN\Users",
    "S-1-5-32-546": r"BUILTIN\Guests",
    "S-1-5-32-547": r"BUILTIN\Power Users",
    "S-1-5-32-551": r"BUILTIN\Backup Operators",
    AUTHENTICATION_AUTHORITY_ASSERTED: "Authentication authority asserted identity",
    SERVICE_ASSERTED: "Service asserted identity",
}
"""English names, for showing only: German systems say *Jeder* and *VORDEFINIERT*."""

PROTECTED_USERS_RID: Final = 525
DOMAIN_COMPUTERS_RID: Final = 515
DOMAIN_USERS_RID: Final = 513

_TEXT: Final = re.compile(r"S-1-(0x[0-9A-Fa-f]{12}|\d{1,10})((?:-\d{1,10}){0,15})")


def sid_from_bytes(data: bytes | memoryview, offset: int = 0) -> str:
    """The SID that starts at `offset`; bytes after it are not looked at.

    Raises:
        FormatError: revision other than 1, more than 15 sub-authorities, or truncated.
    """
    if len(data) < offset + 8:
        raise FormatError("SID", offset, "the buffer ends inside it")
    revision, count = data[offset], data[offset + 1]
    if revision != 1:
        raise FormatError("SID", offset, f"revision {revision} instead of 1")
    if count > 15:
        raise FormatError("SID", offset, f"{count} sub-authorities, the limit is 15")
    if len(data) < offset + 8 + 4 * count:
        raise FormatError("SID", offset, "the buffer ends inside it")
    authority = int.from_bytes(data[offset + 2 : offset + 8], "big")
    parts = struct.unpack_from(f"<{count}I", data, offset + 8)
    shown = str(authority) if authority < 2**32 else f"0x{authority:012X}"
    return "-".join(["S-1", shown, *map(str, parts)])


def sid_to_bytes(sid: str) -> bytes:
    """The binary form of a SID in text form (MS-DTYP 2.4.2.1).

    Raises:
        FormatError: not the text form of a SID.
    """
    found = _TEXT.fullmatch(sid)
    if not found:
        raise FormatError("SID", 0, f"{sid!r} is not the text form of a SID")
    authority = int(found[1], 0) if found[1].startswith("0x") else int(found[1])
    parts = [int(part) for part in found[2].split("-")[1:]]
    if authority >= 2**48 or any(part >= 2**32 for part in parts):
        raise FormatError("SID", 0, f"{sid!r} has a number that does not fit")
    return struct.pack(f"<BB6s{len(parts)}I", 1, len(parts), authority.to_bytes(6, "big"), *parts)


def sid_length(data: bytes | memoryview, offset: int = 0) -> int:
    """How many bytes the SID at `offset` takes."""
    return 8 + 4 * data[offset + 1]


def domain_of(sid: str) -> str:
    """The SID without its last part: the domain of an account."""
    return sid.rpartition("-")[0]


def rid_of(sid: str) -> int:
    """The last part: the relative identifier; 0 where there is nothing but an authority."""
    parts = sid.split("-")
    return int(parts[-1]) if len(parts) > 3 else 0


def is_builtin(sid: str) -> bool:
    """Whether it is of the BUILTIN domain, which every machine has for itself."""
    return sid.startswith(BUILTIN + "-")


def is_domain_account(sid: str) -> bool:
    """Whether it is of a domain or a machine (S-1-5-21-…)."""
    return sid.startswith("S-1-5-21-")
