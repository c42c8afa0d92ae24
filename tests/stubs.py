"""Replies as servers send them, packed by hand from the specifications (the tests' own encoder)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import datetime

from vmmaudit.windows.filetime import to_filetime
from vmmaudit.windows.sid import sid_to_bytes


def _string(text: str) -> bytes:
    """A conformant varying string with its terminating NUL (C706 14.3.4)."""
    data = (text + "\0").encode("utf-16-le")
    count = len(data) // 2
    return struct.pack("<III", count, 0, count) + data + bytes(-len(data) % 4)


def shares(found: Sequence[tuple[str, int, str]]) -> bytes:
    """NetrShareEnum level 1 (MS-SRVS 3.1.4.8): name, type, remark."""
    fixed = b"".join(
        struct.pack("<III", 0x20000 + 8 * i, kind, 0x20004 + 8 * i)
        for i, (_, kind, _) in enumerate(found)
    )
    deferred = b"".join(_string(name) + _string(remark) for name, _, remark in found)
    container = struct.pack("<III", len(found), 0x20000, len(found)) + fixed + deferred
    return struct.pack("<III", 1, 1, 0x20000) + container + struct.pack("<III", len(found), 0, 0)


def share_502(name: str, remark: str, path: str, descriptor: bytes | None) -> bytes:
    """NetrShareGetInfo level 502 (MS-SRVS 3.1.4.10)."""
    size = len(descriptor or b"")
    fixed = struct.pack(
        "<IIIIIIIIIIII",
        502,
        0x20000,
        0x20004,
        0,
        0x20008,
        0,
        0xFFFFFFFF,
        0,
        0x2000C,
        0,
        size,
        0x20010 if descriptor else 0,
    )
    body = fixed + _string(name) + _string(remark) + _string(path)
    if descriptor:
        body += struct.pack("<I", size) + descriptor + bytes(-size % 4)
    return body + struct.pack("<I", 0)


def share_1(name: str, remark: str) -> bytes:
    """NetrShareGetInfo level 1."""
    fixed = struct.pack("<IIIII", 1, 0x20000, 0x20004, 0, 0x20008)
    return fixed + _string(name) + _string(remark) + struct.pack("<I", 0)


def time_of_day(now: datetime, since_start: int) -> bytes:
    """NetrRemoteTOD (MS-SRVS 3.1.4.21, 2.2.4.105); `since_start` in milliseconds."""
    return struct.pack(
        "<IIIIIIIiIIIIII",
        0x20000,
        int(now.timestamp()),
        since_start,
        now.hour,
        now.minute,
        now.second,
        0,
        0,
        310,
        now.day,
        now.month,
        now.year,
        now.isoweekday() % 7,
        0,
    )


def aliases(found: Sequence[tuple[int, str]]) -> bytes:
    """SamrEnumerateAliasesInDomain (MS-SAMR 3.1.5.2.3)."""
    fixed = b""
    deferred = b""
    for index, (rid, name) in enumerate(found):
        data = name.encode("utf-16-le")
        fixed += struct.pack("<IHHI", rid, len(data), len(data), 0x20000 + 4 * index)
        count = len(data) // 2
        deferred += struct.pack("<III", count, 0, count) + data + bytes(-len(data) % 4)
    head = struct.pack("<III", 0, 0x20000, len(found))
    buffer = struct.pack("<I", 0x20004 if found else 0)
    body = struct.pack("<I", len(found)) + fixed + deferred if found else b""
    return head + buffer + body + struct.pack("<II", len(found), 0)


def members(sids: Sequence[str]) -> bytes:
    """SamrGetMembersInAlias (MS-SAMR 3.1.5.8.2)."""
    head = struct.pack("<II", len(sids), 0x20000 if sids else 0)
    body = b""
    if sids:
        body = struct.pack("<I", len(sids))
        body += b"".join(struct.pack("<I", 0x20004 + 4 * i) for i in range(len(sids)))
        for sid in sids:
            packed = sid_to_bytes(sid)
            body += struct.pack("<I", packed[1]) + packed
    return head + body + struct.pack("<I", 0)


def entries(found: Sequence[tuple[str, int | None]], moment: datetime) -> bytes:
    """FileIdBothDirectoryInformation (MS-FSCC 2.4.17): name, and size or None for a folder."""
    packed = b""
    stamp = to_filetime(moment)
    for index, (name, size) in enumerate([(".", None), ("..", None), *found]):
        data = name.encode("utf-16-le")
        fixed = struct.pack(
            "<QQQQQQIIIBB24sHQ",
            stamp,
            stamp,
            stamp,
            stamp,
            size or 0,
            size or 0,
            0x10 if size is None else 0x20,
            len(data),
            0,
            0,
            0,
            b"",
            0,
            index,
        )
        body = fixed + data
        length = 8 + len(body)
        last = index == len(found) + 1
        body += b"" if last else bytes(-length % 8)
        packed += struct.pack("<II", 0 if last else 8 + len(body), 0) + body
    return packed


def service_config(account: str, start: int, shown: str = "") -> bytes:
    """RQueryServiceConfigW (MS-SCMR 3.1.4.17, 2.2.15)."""
    fixed = struct.pack(
        "<IIIIIIIII", 0x10, start, 1, 0x20000, 0x20004, 0, 0x20008, 0x2000C, 0x20010
    )
    texts = b"".join(_string(text) for text in (r"C:\vmm.exe", "", "", account, shown))
    return fixed + texts + struct.pack("<II", len(fixed) + len(texts), 0)


def service_status(state: int) -> bytes:
    """RQueryServiceStatus (MS-SCMR 3.1.4.7, 2.2.47)."""
    return struct.pack("<IIIIIII", 0x10, state, 1, 0, 0, 0, 0) + struct.pack("<I", 0)


def registry_value(value: str | int | Sequence[str]) -> bytes:
    """BaseRegQueryValue (MS-RRP 3.1.5.17): REG_SZ, REG_DWORD or REG_MULTI_SZ."""
    if isinstance(value, int):
        kind, data = 4, struct.pack("<I", value)
    elif isinstance(value, str):
        kind, data = 1, (value + "\0").encode("utf-16-le")
    else:
        kind, data = 7, "".join(f"{part}\0" for part in [*value, ""]).encode("utf-16-le")
    size = len(data)
    body = struct.pack("<IIIIII", 0x20000, kind, 0x20004, size, 0, size) + data + bytes(-size % 4)
    return body + struct.pack("<IIIII", 0x20008, size, 0x2000C, size, 0)


def looked_up(found: Sequence[tuple[str, str, int] | None]) -> bytes:
    """LsarLookupSids2 (MS-LSAT 3.1.4.10): domain, name and use of each, or None."""
    domains = list(dict.fromkeys(one[0] for one in found if one))
    head = struct.pack("<IIII", 0x20000, len(domains), 0x20004 if domains else 0, 32)
    if domains:
        head += struct.pack("<I", len(domains))
        for index, domain in enumerate(domains):
            size = 2 * len(domain)
            head += struct.pack("<HHII", size, size + 2, 0x20100 + 4 * index, 0)
        for domain in domains:
            head += _counted(domain)
    fixed = deferred = b""
    for index, one in enumerate(found):
        domain, name, use = one or ("", "", 8)
        size = 2 * len(name)
        at = domains.index(domain) if one else -1
        pointer = 0x20200 + 4 * index if one else 0
        fixed += struct.pack("<HxxHHIiI", use, size, size, pointer, at, 0)
        deferred += _counted(name) if one else b""
    names = struct.pack("<II", len(found), 0x20008) + struct.pack("<I", len(found))
    mapped = sum(one is not None for one in found)
    status = 0 if mapped == len(found) else 0x107 if mapped else 0xC0000073
    return head + names + fixed + deferred + struct.pack("<II", mapped, status)


def smb1_chosen(names: bytes = b"library01") -> bytes:
    """SMB_COM_NEGOTIATE response that chooses the first dialect (MS-SMB 2.2.4.5.2.1)."""
    words = struct.pack("<HBHHIIIIQhB", 0, 3, 50, 1, 0x4104, 0x10000, 7, 0x8080F3FD, 0, 0, 0)
    data = names.ljust(16, b"\0") + b"SPNEGO for " + names
    return _smb1(0, words, data)


def smb1_declined() -> bytes:
    """The same, that takes none of those offered (MS-CIFS 2.2.4.52.2)."""
    return _smb1(0, b"\xff\xff", b"")


def _smb1(status: int, words: bytes, data: bytes, command: int = 0x72, flags: int = 0x88) -> bytes:
    head = struct.pack(
        "<4sBIBH12sHHHH", b"\xffSMB", command, status, flags, 0xC801, b"", 0, 0, 0, 0
    )
    return head + bytes([len(words) // 2]) + words + struct.pack("<H", len(data)) + data


def _counted(text: str) -> bytes:
    """The characters of an RPC_UNICODE_STRING, which has no NUL (MS-DTYP 2.3.10)."""
    data = text.encode("utf-16-le")
    return struct.pack("<III", len(text), 0, len(text)) + data + bytes(-len(data) % 4)
