"""Entries added to and taken from a DACL, as the permission dialogs of Windows do it.

The order is the canonical one (MS-DTYP 2.4.5): explicit denials, explicit grants, then what
is inherited, denials before grants.
"""

from __future__ import annotations

from collections.abc import Sequence

from vmmaudit.windows.descriptor import (
    Ace,
    AceFlag,
    AceType,
    Control,
    Dacl,
    SecurityDescriptor,
    decode,
    encode,
)

_HANDED_DOWN = AceFlag.OBJECT_INHERIT | AceFlag.CONTAINER_INHERIT
_KEPT = Control.DACL_PROTECTED | Control.DACL_AUTO_INHERITED


def granted(
    descriptor: SecurityDescriptor | None, sid: str, mask: int, flags: int = 0
) -> SecurityDescriptor:
    """With one more explicit grant; an absent or NULL DACL grants everything already."""
    if descriptor is None:
        return _with((Ace(AceType.ACCESS_ALLOWED, flags, mask, sid),), None)
    if descriptor.dacl in (Dacl.ABSENT, Dacl.NULL):
        return descriptor
    entry = Ace(AceType.ACCESS_ALLOWED, flags, mask, sid)
    explicit = [index for index, ace in enumerate(descriptor.aces) if not ace.inherited]
    place = explicit[-1] + 1 if explicit else 0
    return _with((*descriptor.aces[:place], entry, *descriptor.aces[place:]), descriptor)


def handed_down(
    descriptor: SecurityDescriptor, sid: str, mask: int, *, is_folder: bool
) -> SecurityDescriptor:
    """With one more inherited grant, behind inherited denials and before other grants."""
    if descriptor.dacl in (Dacl.ABSENT, Dacl.NULL):
        return descriptor
    flags = AceFlag.INHERITED | (_HANDED_DOWN if is_folder else 0)
    entry = Ace(AceType.ACCESS_ALLOWED, flags, mask, sid)
    place = next(
        (i for i, ace in enumerate(descriptor.aces) if ace.inherited and not ace.denies),
        len(descriptor.aces),
    )
    return _with((*descriptor.aces[:place], entry, *descriptor.aces[place:]), descriptor)


def without(descriptor: SecurityDescriptor, entry: Ace) -> SecurityDescriptor:
    """Without the first entry equal to `entry`; the same descriptor where there is none."""
    if entry not in descriptor.aces:
        return descriptor
    left = list(descriptor.aces)
    left.remove(entry)
    return _with(left, descriptor)


def handed_down_without(descriptor: SecurityDescriptor, entry: Ace) -> SecurityDescriptor:
    """Without the inherited entry that came from `entry` on a folder above."""
    for own in descriptor.aces:
        if own.inherited and (own.type, own.mask, own.sid) == (entry.type, entry.mask, entry.sid):
            return without(descriptor, own)
    return descriptor


def _with(aces: Sequence[Ace], descriptor: SecurityDescriptor | None) -> SecurityDescriptor:
    if descriptor is None:
        return decode(encode(aces))
    return decode(
        encode(
            aces,
            owner=descriptor.owner,
            group=descriptor.group,
            control=descriptor.control & _KEPT,
        )
    )
