"""The account database of a server (MS-SAMR): its local groups and their members."""

from __future__ import annotations

from typing import Final

from vmmaudit.windows.dcerpc import Interface
from vmmaudit.windows.ndr import Reader, Writer

INTERFACE: Final = Interface("samr", "12345778-1234-abcd-ef00-0123456789ac", (1, 0))
CLOSE_HANDLE: Final = 1
LOOKUP_DOMAIN: Final = 5
ENUMERATE_DOMAINS: Final = 6
OPEN_DOMAIN: Final = 7
ENUMERATE_ALIASES: Final = 15
OPEN_ALIAS: Final = 27
GET_MEMBERS: Final = 33
CONNECT2: Final = 57
CONNECT5: Final = 64
HANDLE: Final = 20
"""Bytes of a context handle (C706 14.2.16.6)."""

SERVER_LOOKUP: Final = 0x0000_0030  # SAM_SERVER_ENUMERATE_DOMAINS | SAM_SERVER_LOOKUP_DOMAIN
DOMAIN_LIST: Final = 0x0000_0300  # DOMAIN_LIST_ACCOUNTS | DOMAIN_LOOKUP
ALIAS_LIST: Final = 0x0000_0004  # ALIAS_LIST_MEMBERS


def encode_connect5(server: str) -> bytes:
    """SamrConnect5 (3.1.5.1.1)."""
    writer = Writer().pointer().string(f"\\\\{server}").u32(SERVER_LOOKUP)
    return writer.u32(1).u32(1).u32(3).u32(0).done()


def encode_connect2(server: str) -> bytes:
    """SamrConnect2 (3.1.5.1.3), for servers before Windows XP and some that are none."""
    return Writer().pointer().string(f"\\\\{server}").u32(SERVER_LOOKUP).done()


def decode_connect5(reply: bytes) -> bytes:
    """The server handle of a SamrConnect5 reply."""
    reader = Reader(reply, "SamrConnect5")
    reader.u32()
    if reader.u32() != 1:
        raise reader.error("not of revision 1")
    reader.u32()
    reader.u32()
    return reader.take(HANDLE)


def decode_handle(reply: bytes) -> bytes:
    """The handle that a reply begins with."""
    return Reader(reply, "handle").take(HANDLE)


def encode_close(handle: bytes) -> bytes:
    """SamrCloseHandle (3.1.5.13.1)."""
    return handle


def encode_enumerate_domains(handle: bytes) -> bytes:
    """SamrEnumerateDomainsInSamServer (3.1.5.2.1)."""
    return Writer().raw(handle).u32(0).u32(0xFFFF).done()


def encode_lookup_domain(handle: bytes, name: str) -> bytes:
    """SamrLookupDomainInSamServer (3.1.5.11.1)."""
    data = name.encode("utf-16-le", "surrogatepass")
    writer = Writer().raw(handle).u16(len(data)).u16(len(data)).pointer()
    return writer.u32(len(data) // 2).u32(0).u32(len(data) // 2).raw(data).done()


def decode_lookup_domain(reply: bytes) -> str:
    """The domain's SID.

    Raises:
        FormatError: the reply does not follow MS-SAMR 3.1.5.11.1.
    """
    reader = Reader(reply, "SamrLookupDomainInSamServer")
    if not reader.u32():
        raise reader.error("there is no SID in it")
    return reader.sid()


def encode_open_domain(handle: bytes, sid: str) -> bytes:
    """SamrOpenDomain (3.1.5.1.5)."""
    return Writer().raw(handle).u32(DOMAIN_LIST).sid(sid).done()


def encode_enumerate_aliases(handle: bytes, context: int) -> bytes:
    """SamrEnumerateAliasesInDomain (3.1.5.2.3)."""
    return Writer().raw(handle).u32(context).u32(0xFFFF).done()


def encode_open_alias(handle: bytes, rid: int) -> bytes:
    """SamrOpenAlias (3.1.5.1.8)."""
    return Writer().raw(handle).u32(ALIAS_LIST).u32(rid).done()


def encode_get_members(handle: bytes) -> bytes:
    """SamrGetMembersInAlias (3.1.5.8.2)."""
    return handle


def decode_names(reply: bytes) -> tuple[int, tuple[tuple[int, str], ...]]:
    """The context to go on from, and RID and name of each entry (SAMPR_ENUMERATION_BUFFER).

    Raises:
        FormatError: the reply does not follow MS-SAMR 2.2.7.10.
    """
    reader = Reader(reply, "SAMPR_ENUMERATION_BUFFER")
    context = reader.u32()
    if not reader.u32():
        return context, ()
    reader.u32()
    if not reader.u32():
        return context, ()
    fixed = []
    for _ in range(reader.count(12)):
        rid, _length, _most, pointer = reader.u32(), reader.u16(), reader.u16(), reader.u32()
        fixed.append((rid, pointer))
    return context, tuple((rid, reader.string() if pointer else "") for rid, pointer in fixed)


def decode_aliases(reply: bytes) -> tuple[tuple[int, str], ...]:
    """RID and name of each local group of one SamrEnumerateAliasesInDomain reply.

    Raises:
        FormatError: the reply does not follow MS-SAMR 2.2.7.10.
    """
    return decode_names(reply)[1]


def decode_members(reply: bytes) -> tuple[str, ...]:
    """The SIDs of a SamrGetMembersInAlias reply.

    Raises:
        FormatError: the reply does not follow MS-SAMR 2.2.7.7.
    """
    reader = Reader(reply, "SAMPR_PSID_ARRAY_OUT")
    reader.u32()
    if not reader.u32():
        return ()
    pointers = [reader.u32() for _ in range(reader.count(4))]
    return tuple(reader.sid() for pointer in pointers if pointer)
