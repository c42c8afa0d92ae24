"""Names behind SIDs as a server knows them (MS-LSAT).

LsarLookupSids3 needs a secure channel of a machine account over TCP (3.1.4.9), so what is
called here is LsarLookupSids2, and LsarLookupSids where a server has nothing newer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from vmmaudit.windows.dcerpc import Interface
from vmmaudit.windows.ndr import Reader, Writer

INTERFACE: Final = Interface("lsarpc", "12345778-1234-abcd-ef00-0123456789ab", (0, 0))
CLOSE: Final = 0
LOOKUP_SIDS: Final = 15
OPEN_POLICY: Final = 44
LOOKUP_SIDS2: Final = 57
HANDLE: Final = 20
"""Bytes of a context handle (C706 14.2.16.6)."""
AT_ONCE: Final = 200
"""SIDs per call; the limit is 20,480 (2.2.17)."""

LOOKUP_NAMES: Final = 0x0000_0800  # POLICY_LOOKUP_NAMES, MS-LSAD 2.2.1.1.2
_WORKSTATION: Final = 1  # LsapLookupWksta, 2.2.16: the server asks its domain for others' names
_CLIENT_REVISION: Final = 2


class Use(IntEnum):
    """SID_NAME_USE (2.2.13)."""

    USER = 1
    GROUP = 2
    DOMAIN = 3
    ALIAS = 4
    WELL_KNOWN = 5
    DELETED = 6
    INVALID = 7
    UNKNOWN = 8
    COMPUTER = 9
    LABEL = 10


@dataclass(frozen=True, slots=True)
class Name:
    """What a SID is called; both parts are empty where nobody knows it."""

    use: int
    domain: str
    name: str

    @property
    def known(self) -> bool:
        """Whether it is a name at all: servers put the SID's text in the place of unknown ones."""
        return bool(self.name) and self.use not in (Use.DELETED, Use.INVALID, Use.UNKNOWN)

    @property
    def shown(self) -> str:
        r"""`DOMAIN\name`."""
        return f"{self.domain}\\{self.name}" if self.domain else self.name


def encode_open_policy(server: str) -> bytes:
    """LsarOpenPolicy2 (3.1.4.2) with empty object attributes (MS-LSAD 2.2.2.4)."""
    writer = Writer().pointer().string(f"\\\\{server}")
    writer.u32(24).u32(0).u32(0).u32(0).u32(0).u32(0)
    return writer.u32(LOOKUP_NAMES).done()


def encode_lookup_sids2(policy: bytes, sids: Sequence[str]) -> bytes:
    """LsarLookupSids2 (3.1.4.10)."""
    writer = _sids(Writer().raw(policy), sids).u32(0).u32(0)
    return writer.u16(_WORKSTATION).u32(0).u32(0).u32(_CLIENT_REVISION).done()


def encode_lookup_sids(policy: bytes, sids: Sequence[str]) -> bytes:
    """LsarLookupSids (3.1.4.11)."""
    writer = _sids(Writer().raw(policy), sids).u32(0).u32(0)
    return writer.u16(_WORKSTATION).u32(0).done()


def encode_close(policy: bytes) -> bytes:
    """LsarClose (3.1.4.3)."""
    return policy


def decode_handle(reply: bytes) -> bytes:
    """The handle that a reply begins with."""
    return Reader(reply, "LSAPR_HANDLE").take(HANDLE)


def decode_names(reply: bytes, *, flags: bool = True) -> tuple[Name, ...]:
    """A name per SID of the question, in its order.

    `flags` tells LsarLookupSids2 (LSAPR_TRANSLATED_NAME_EX, 2.2.21) from LsarLookupSids.

    Raises:
        FormatError: the reply does not follow MS-LSAT 2.2.12 and 2.2.20.
    """
    reader = Reader(reply, "LSAPR_TRANSLATED_NAMES")
    domains = _domains(reader) if reader.u32() else ()
    entries = reader.u32()
    if not reader.u32():
        if entries:
            raise reader.error("there are no names in it")
        return ()
    if reader.count(20 if flags else 16) != entries:
        raise reader.error("a count of names that differs")
    fixed = []
    for _ in range(entries):
        use = reader.u16()
        reader.align(4)
        _length, _most, pointer = reader.u16(), reader.u16(), reader.u32()
        fixed.append((use, pointer, reader.i32()))
        if flags:
            reader.u32()
    found = []
    for use, pointer, index in fixed:
        name = reader.string() if pointer else ""
        if index >= len(domains):
            raise reader.error(f"domain {index} of {len(domains)}")
        # A name that is a domain's own would else be shown twice.
        domain = "" if index < 0 or use == Use.DOMAIN else domains[index]
        found.append(Name(use, domain, name))
    return tuple(found)


def _domains(reader: Reader) -> tuple[str, ...]:
    """LSAPR_REFERENCED_DOMAIN_LIST (2.2.12)."""
    entries, pointer = reader.u32(), reader.u32()
    reader.u32()  # of no meaning
    if not pointer:
        return ()
    if reader.count(12) != entries:
        raise reader.error("a count of domains that differs")
    fixed = []
    for _ in range(entries):
        reader.u16()
        reader.u16()
        fixed.append((reader.u32(), reader.u32()))
    names = []
    for name, sid in fixed:
        names.append(reader.string() if name else "")
        if sid:
            reader.align(4)
            reader.sid()
    return tuple(names)


def _sids(writer: Writer, sids: Sequence[str]) -> Writer:
    """LSAPR_SID_ENUM_BUFFER (2.2.18)."""
    writer.u32(len(sids)).pointer().u32(len(sids))
    for _ in sids:
        writer.pointer()
    for sid in sids:
        writer.align(4).sid(sid)
    return writer
