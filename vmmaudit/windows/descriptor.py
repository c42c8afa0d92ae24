"""Security descriptors (MS-DTYP 2.4.6), ACLs (2.4.5) and ACEs (2.4.4), decoded without loss.

Absent, NULL and empty DACLs are told apart: absent and NULL grant everything,
empty grants nothing. ACEs are stepped over by their own size, unknown types are
kept as unknown, and bytes after the last ACE are tolerated as servers send them.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag, StrEnum
from typing import Final

from vmmaudit.errors import FormatError
from vmmaudit.windows.sid import sid_from_bytes, sid_length, sid_to_bytes


class AceType(IntEnum):
    """MS-DTYP 2.4.4.1."""

    ACCESS_ALLOWED = 0x00
    ACCESS_DENIED = 0x01
    SYSTEM_AUDIT = 0x02
    SYSTEM_ALARM = 0x03
    ACCESS_ALLOWED_COMPOUND = 0x04
    ACCESS_ALLOWED_OBJECT = 0x05
    ACCESS_DENIED_OBJECT = 0x06
    SYSTEM_AUDIT_OBJECT = 0x07
    SYSTEM_ALARM_OBJECT = 0x08
    ACCESS_ALLOWED_CALLBACK = 0x09
    ACCESS_DENIED_CALLBACK = 0x0A
    ACCESS_ALLOWED_CALLBACK_OBJECT = 0x0B
    ACCESS_DENIED_CALLBACK_OBJECT = 0x0C
    SYSTEM_AUDIT_CALLBACK = 0x0D
    SYSTEM_ALARM_CALLBACK = 0x0E
    SYSTEM_AUDIT_CALLBACK_OBJECT = 0x0F
    SYSTEM_ALARM_CALLBACK_OBJECT = 0x10
    SYSTEM_MANDATORY_LABEL = 0x11
    SYSTEM_RESOURCE_ATTRIBUTE = 0x12
    SYSTEM_SCOPED_POLICY_ID = 0x13


class AceFlag(IntFlag):
    """MS-DTYP 2.4.4.1."""

    OBJECT_INHERIT = 0x01
    CONTAINER_INHERIT = 0x02
    NO_PROPAGATE_INHERIT = 0x04
    INHERIT_ONLY = 0x08
    INHERITED = 0x10


class Control(IntFlag):
    """MS-DTYP 2.4.6."""

    OWNER_DEFAULTED = 0x0001
    GROUP_DEFAULTED = 0x0002
    DACL_PRESENT = 0x0004
    DACL_DEFAULTED = 0x0008
    SACL_PRESENT = 0x0010
    DACL_AUTO_INHERITED = 0x0400
    DACL_PROTECTED = 0x1000
    SELF_RELATIVE = 0x8000


_PLAIN: Final = frozenset({0x00, 0x01, 0x02, 0x03, 0x11, 0x12, 0x13})
_OBJECT: Final = frozenset({0x05, 0x06, 0x07, 0x08})
_CALLBACK: Final = frozenset({0x09, 0x0A, 0x0D, 0x0E})
_CALLBACK_OBJECT: Final = frozenset({0x0B, 0x0C, 0x0F, 0x10})
_ALLOW: Final = frozenset({0x00, 0x05, 0x09, 0x0B})
_DENY: Final = frozenset({0x01, 0x06, 0x0A, 0x0C})


@dataclass(frozen=True, slots=True)
class Ace:
    """One entry as stored.

    Attributes:
        type: an `AceType`, or a number this module does not know.
        mask: as stored; GENERIC_* bits are mapped at evaluation. 0 for unknown types.
        sid: None for unknown types.
        data: what follows the mask where the type is unknown, or the condition (callback types).
        object_type: whether a GUID narrows the entry to a property or child of a directory object.
    """

    type: int
    flags: int
    mask: int
    sid: str | None
    data: bytes = b""
    object_type: bytes = b""

    @property
    def allows(self) -> bool:
        """Whether a match grants."""
        return self.type in _ALLOW

    @property
    def denies(self) -> bool:
        """Whether a match refuses."""
        return self.type in _DENY

    @property
    def conditional(self) -> bool:
        """Whether a condition decides, which needs claims that an auditor cannot see."""
        return self.type in _CALLBACK or self.type in _CALLBACK_OBJECT

    @property
    def understood(self) -> bool:
        """Whether the type is one this module knows."""
        return self.type in _PLAIN | _OBJECT | _CALLBACK | _CALLBACK_OBJECT

    @property
    def inherit_only(self) -> bool:
        """Whether it is only handed down and has no effect here."""
        return bool(self.flags & AceFlag.INHERIT_ONLY)

    @property
    def inherited(self) -> bool:
        """Whether it came from a parent folder."""
        return bool(self.flags & AceFlag.INHERITED)


class Dacl(StrEnum):
    """The four states of a DACL; only `ENTRIES` has a list that matters."""

    ABSENT = "absent"
    NULL = "null"
    EMPTY = "empty"
    ENTRIES = "entries"


@dataclass(frozen=True, slots=True)
class SecurityDescriptor:
    """Owner, group and DACL; the digest is that of the bytes it was decoded from."""

    owner: str | None
    group: str | None
    control: int
    dacl: Dacl
    aces: tuple[Ace, ...]
    digest: str

    @property
    def protected(self) -> bool:
        """Whether inheritance from above is cut off."""
        return bool(self.control & Control.DACL_PROTECTED)


def decode(data: bytes) -> SecurityDescriptor:
    """A self-relative descriptor.

    Raises:
        FormatError: it does not follow MS-DTYP 2.4.6.
    """
    if len(data) < 20:
        raise FormatError("SECURITY_DESCRIPTOR", 0, f"{len(data)} bytes, at least 20 are needed")
    revision, _, control, owner, group, _sacl, dacl = struct.unpack_from("<BBHIIII", data)
    if revision != 1:
        raise FormatError("SECURITY_DESCRIPTOR", 0, f"revision {revision} instead of 1")
    if not control & Control.SELF_RELATIVE:
        raise FormatError("SECURITY_DESCRIPTOR", 2, "it is not self-relative")
    aces: tuple[Ace, ...] = ()
    if not control & Control.DACL_PRESENT:
        state = Dacl.ABSENT
    elif dacl == 0:
        state = Dacl.NULL
    else:
        aces = _acl(data, dacl)
        state = Dacl.ENTRIES if aces else Dacl.EMPTY
    return SecurityDescriptor(
        sid_from_bytes(data, owner) if owner else None,
        sid_from_bytes(data, group) if group else None,
        control,
        state,
        aces,
        hashlib.sha256(data).hexdigest(),
    )


def _acl(data: bytes, start: int) -> tuple[Ace, ...]:
    if start + 8 > len(data):
        raise FormatError("ACL", start, "the buffer ends inside its header")
    revision, _, size, count, _ = struct.unpack_from("<BBHHH", data, start)
    if revision not in (2, 3, 4):
        raise FormatError("ACL", start, f"revision {revision} instead of 2 to 4")
    end = start + size
    if size < 8 or end > len(data):
        raise FormatError("ACL", start, f"a size of {size} bytes does not fit the buffer")
    aces = []
    offset = start + 8
    for _ in range(count):
        if offset + 4 > end:
            raise FormatError("ACE", offset, "the ACL ends inside its header")
        length = struct.unpack_from("<H", data, offset + 2)[0]
        if length < 4 or offset + length > end:
            raise FormatError("ACE", offset, f"a size of {length} bytes does not fit the ACL")
        aces.append(_ace(data[offset : offset + length], offset))
        offset += length
    return tuple(aces)


def _ace(data: bytes, offset: int) -> Ace:
    kind, flags = data[0], data[1]
    if kind not in _PLAIN | _OBJECT | _CALLBACK | _CALLBACK_OBJECT:
        return Ace(kind, flags, 0, None, data[4:])
    if len(data) < 8:
        raise FormatError("ACE", offset, "it ends before its access mask")
    mask = struct.unpack_from("<I", data, 4)[0]
    position, guid = 8, b""
    if kind in _OBJECT or kind in _CALLBACK_OBJECT:
        if len(data) < 12:
            raise FormatError("ACE", offset, "it ends before its object flags")
        present = struct.unpack_from("<I", data, 8)[0]
        position = 12 + 16 * bool(present & 1) + 16 * bool(present & 2)
        guid = data[12:28] if present & 1 else b""
    try:
        sid = sid_from_bytes(data, position)
    except FormatError as error:
        raise FormatError("ACE", offset + error.offset, f"its SID: {error.problem}") from error
    rest = data[position + sid_length(data, position) :]
    return Ace(kind, flags, mask, sid, rest if kind not in _PLAIN | _OBJECT else b"", guid)


def encode(
    aces: Sequence[Ace] | None,
    *,
    owner: str | None = None,
    group: str | None = None,
    control: int = 0,
) -> bytes:
    """A self-relative descriptor; `aces` None is a NULL DACL. The inverse of `decode`."""
    flags = control | Control.SELF_RELATIVE | Control.DACL_PRESENT
    body, offsets = b"", []
    for sid in (owner, group):
        packed = sid_to_bytes(sid) if sid else b""
        offsets.append(20 + len(body) if packed else 0)
        body += packed
    dacl = 0
    if aces is not None:
        dacl = 20 + len(body)
        packed = b"".join(pack_ace(ace) for ace in aces)
        body += struct.pack("<BBHHH", _revision(aces), 0, 8 + len(packed), len(aces), 0) + packed
    return struct.pack("<BBHIIII", 1, 0, flags, offsets[0], offsets[1], 0, dacl) + body


def _revision(aces: Sequence[Ace]) -> int:
    """ACL_REVISION_DS where an object entry needs it (MS-DTYP 2.4.5)."""
    return 4 if any(a.type in _OBJECT | _CALLBACK_OBJECT for a in aces) else 2


def pack_ace(ace: Ace) -> bytes:
    """One entry in its binary form (MS-DTYP 2.4.4)."""
    if ace.sid is None:
        body = ace.data
    else:
        narrowed = b""
        if ace.type in _OBJECT or ace.type in _CALLBACK_OBJECT:
            narrowed = struct.pack("<I", bool(ace.object_type)) + ace.object_type
        body = struct.pack("<I", ace.mask) + narrowed + sid_to_bytes(ace.sid) + ace.data
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<BBH", ace.type, ace.flags, 4 + len(body)) + body
