"""The access check for files and shares (MS-DTYP 2.5.3.2), with what cannot be known.

A conditional or unknown entry is evaluated once as it hurts most and once as it
helps most; only where the two differ is the result unknown. A SID that the token
may or may not hold (a local group whose members could not be read) is tried both ways.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from enum import IntFlag
from typing import Final

from vmmaudit.windows import sid as sids
from vmmaudit.windows.descriptor import Ace, Dacl, SecurityDescriptor


class FileRight(IntFlag):
    """ACCESS_MASK bits of files and folders (MS-SMB2 2.2.13.1)."""

    READ_DATA = 0x0000_0001
    WRITE_DATA = 0x0000_0002
    APPEND_DATA = 0x0000_0004
    READ_EA = 0x0000_0008
    WRITE_EA = 0x0000_0010
    EXECUTE = 0x0000_0020
    DELETE_CHILD = 0x0000_0040
    READ_ATTRIBUTES = 0x0000_0080
    WRITE_ATTRIBUTES = 0x0000_0100
    DELETE = 0x0001_0000
    READ_CONTROL = 0x0002_0000
    WRITE_DAC = 0x0004_0000
    WRITE_OWNER = 0x0008_0000
    SYNCHRONIZE = 0x0010_0000


LIST_DIRECTORY: Final = 0x0000_0001
READ: Final = 0x0012_0089
READ_EXECUTE: Final = 0x0012_00A9
FULL: Final = 0x001F_01FF

_GENERIC: Final = (
    (0x8000_0000, READ),
    (0x4000_0000, 0x0012_0116),
    (0x2000_0000, 0x0012_00A0),
    (0x1000_0000, FULL),
)
_GENERIC_BITS: Final = 0xF000_0000
_OWNER_IMPLIED: Final = FileRight.READ_CONTROL | FileRight.WRITE_DAC
_MOST_POSSIBLE: Final = 8
"""So many uncertain memberships are tried in all combinations; with more it is unknown."""


@dataclass(frozen=True, slots=True)
class Token:
    """Who asks: the SIDs held for certain, and those that are held perhaps."""

    sids: frozenset[str]
    possible: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Decision:
    """The result and the entries (positions in the DACL) that decided it.

    Attributes:
        granted: True, False, or None where it depends on what cannot be known.
        entries: those that granted the rights, or the one that refused; empty if none mentions
            the missing right.
        missing: the wanted bits that were not granted.
    """

    granted: bool | None
    entries: tuple[int, ...] = ()
    missing: int = 0


def check(descriptor: SecurityDescriptor, token: Token, wanted: int) -> Decision:
    """Whether `token` gets all of `wanted` from `descriptor`."""
    named = {ace.sid for ace in descriptor.aces if ace.sid}
    if descriptor.owner:
        named.add(descriptor.owner)
    doubtful = sorted(token.possible & named - token.sids)
    if len(doubtful) > _MOST_POSSIBLE:
        return Decision(None)
    first: Decision | None = None
    for held in itertools.product((False, True), repeat=len(doubtful)):
        extra = {sid for sid, is_held in zip(doubtful, held, strict=True) if is_held}
        decision = _check_certain(descriptor, token.sids | extra, wanted)
        if decision.granted is None:
            return decision
        if first is None:
            first = decision
        elif first.granted != decision.granted:
            return Decision(None)
    return first or Decision(None)


def map_generic(mask: int) -> int:
    """GENERIC_* bits replaced by what they mean for files (MS-DTYP 2.4.3, MS-SMB2 2.2.13.1)."""
    if not mask & _GENERIC_BITS:
        return mask
    mapped = mask & ~_GENERIC_BITS
    for generic, rights in _GENERIC:
        if mask & generic:
            mapped |= rights
    return mapped


def matches(ace: Ace, held: frozenset[str] | set[str], *, is_owner: bool) -> bool:
    """Whether an entry speaks of a token: INHERIT_ONLY and CREATOR OWNER entries never do."""
    if ace.inherit_only or ace.sid is None:
        return False
    if ace.sid in (sids.CREATOR_OWNER, sids.CREATOR_GROUP):
        return False
    if ace.sid == sids.OWNER_RIGHTS:
        return is_owner
    return ace.sid in held


def _check_certain(descriptor: SecurityDescriptor, held: frozenset[str], wanted: int) -> Decision:
    if descriptor.dacl in (Dacl.ABSENT, Dacl.NULL):
        return Decision(granted=True)
    worst = _walk(descriptor, held, wanted, hopeful=False)
    if all(ace.understood and not ace.conditional for ace in descriptor.aces):
        return worst
    best = _walk(descriptor, held, wanted, hopeful=True)
    return worst if worst.granted == best.granted else Decision(None)


def _walk(
    descriptor: SecurityDescriptor, held: frozenset[str], wanted: int, *, hopeful: bool
) -> Decision:
    """MS-DTYP 2.5.3.2 in the stored order; `hopeful` decides what is not understood."""
    left = map_generic(wanted)
    is_owner = descriptor.owner in held
    if is_owner and not _has_owner_rights(descriptor):
        left &= ~_OWNER_IMPLIED
    granting: list[int] = []
    for index, ace in enumerate(descriptor.aces):
        if not left:
            break
        if not ace.understood:
            if ace.inherit_only:
                continue
            if not hopeful:
                return Decision(False, (index,), left)
            left = 0
            break
        if not matches(ace, held, is_owner=is_owner) or ace.object_type:
            continue
        if ace.conditional and ace.allows != hopeful:
            continue
        mask = map_generic(ace.mask)
        if ace.allows and mask & left:
            granting.append(index)
            left &= ~mask
        elif ace.denies and mask & left:
            return Decision(False, (index,), left)
    return Decision(not left, tuple(granting) if not left else (), left)


def _has_owner_rights(descriptor: SecurityDescriptor) -> bool:
    return any(ace.sid == sids.OWNER_RIGHTS and not ace.inherit_only for ace in descriptor.aces)
