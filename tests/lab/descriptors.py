"""Security descriptors as bytes, packed apart from the product, which must not check itself."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from tests.lab.recipe import DOMAIN_SID
from tests.worlds import INHERIT_ONLY, Ace, Descriptor

_GROUP: Final = f"{DOMAIN_SID}-513"
_GENERIC: Final = {
    0x80000000: 0x120089,
    0x40000000: 0x120116,
    0x20000000: 0x1200A0,
    0x10000000: 0x1F01FF,
}
_PRESENT, _PROTECTED, _SELF_RELATIVE = 0x0004, 0x1000, 0x8000
#: xattr.idl, xattr_NTACL version 3 without a hash: the descriptor begins here, and its offsets
#: count from the beginning of the whole value.
_HEAD: Final = struct.pack("<HHIIH64x2x", 3, 3, 0x20000, 0x20004, 0)


def sid_bytes(sid: str) -> bytes:
    """A SID as MS-DTYP 2.4.2.2 stores it."""
    revision, authority, *rest = (int(part) for part in sid.split("-")[1:])
    head = struct.pack("<BB6s", revision, len(rest), authority.to_bytes(6, "big"))
    return head + struct.pack(f"<{len(rest)}I", *rest)


def _stored(ace: Ace) -> int:
    """The mask as a server stores it: generic rights become rights of files (MS-DTYP 2.4.3).

    A server does so when a descriptor is set, so smbd does not expect them in a stored one.
    """
    if ace.flags & INHERIT_ONLY:
        return ace.mask
    mask = ace.mask & 0x0FFFFFFF
    for bit, rights in _GENERIC.items():
        mask |= rights if ace.mask & bit else 0
    return mask


def pack(of: Descriptor, sid: Callable[[str], str], base: int = 0) -> bytes:
    """A self-relative descriptor; `sid` resolves the names in it."""
    owner, group = sid_bytes(sid(of.owner)), sid_bytes(_GROUP)
    acl = b""
    if of.aces is not None:
        entries = b""
        for ace in of.aces:
            trustee = sid_bytes(sid(ace.trustee))
            head = struct.pack("<BBHI", ace.kind, ace.flags, 8 + len(trustee), _stored(ace))
            entries += head + trustee
        acl = struct.pack("<BBHHH", 2, 0, 8 + len(entries), len(of.aces), 0) + entries
    control = _SELF_RELATIVE | _PRESENT | (_PROTECTED if of.protected else 0)
    at = base + 20
    group_at = at + len(owner)
    acl_at = group_at + len(group) if acl else 0
    return struct.pack("<BBHIIII", 1, 0, control, at, group_at, 0, acl_at) + owner + group + acl


def attribute(of: Descriptor, sid: Callable[[str], str]) -> bytes:
    """The value of user.NTACL under which smbd keeps a descriptor."""
    return _HEAD + pack(of, sid, base=len(_HEAD))
