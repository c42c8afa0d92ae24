"""The server service (MS-SRVS): shares with their descriptors, and the time of day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vmmaudit.windows.dcerpc import Interface
from vmmaudit.windows.ndr import Reader, Writer

INTERFACE: Final = Interface("srvsvc", "4b324fc8-1670-01d3-1278-5a47bf6ee188", (3, 0))
SHARE_ENUM: Final = 15
SHARE_GET_INFO: Final = 16
REMOTE_TOD: Final = 28
LEVEL_1: Final = 1
LEVEL_502: Final = 502
LEVEL_1501: Final = 1501
SECURED: Final = (LEVEL_502, LEVEL_1501)
"""The levels that tell the permissions, the fuller one first."""
ALL_IN_ONE: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class ShareInfo:
    """SHARE_INFO_1 (2.2.4.23); bit 31 of `type` marks an administrative share."""

    name: str
    type: int
    remark: str


@dataclass(frozen=True, slots=True)
class Share:
    """SHARE_INFO_502_I (2.2.4.26); what level 1 does not tell is None."""

    name: str
    type: int
    remark: str
    path: str | None = None
    max_uses: int | None = None
    current_uses: int | None = None
    descriptor: bytes | None = None


@dataclass(frozen=True, slots=True)
class TimeOfDay:
    """TIME_OF_DAY_INFO (2.2.4.105).

    Attributes:
        elapsed: seconds since 1970-01-01 UTC.
        msecs: milliseconds since the server started; 32 bits, so it wraps at 49.7 days.
        timezone: minutes west of UTC; -1 is undefined.
    """

    elapsed: int
    msecs: int
    timezone: int


def encode_share_enum(server: str) -> bytes:
    """NetrShareEnum (3.1.4.8) at level 1, everything in one reply."""
    writer = Writer().pointer().string(f"\\\\{server}")
    writer.u32(LEVEL_1).u32(LEVEL_1).pointer().u32(0).pointer(present=False)
    return writer.u32(ALL_IN_ONE).pointer().u32(0).done()


def encode_share_get_info(server: str, share: str, level: int) -> bytes:
    """NetrShareGetInfo (3.1.4.10)."""
    return Writer().pointer().string(f"\\\\{server}").string(share).u32(level).done()


def encode_remote_tod(server: str) -> bytes:
    """NetrRemoteTOD (3.1.4.21)."""
    return Writer().pointer().string(f"\\\\{server}").done()


def decode_shares(reply: bytes) -> tuple[ShareInfo, ...]:
    """The shares of a NetrShareEnum reply.

    Raises:
        FormatError: the reply does not follow MS-SRVS 2.2.4.32.
    """
    reader = Reader(reply, "SHARE_INFO_1_CONTAINER")
    level, switch = reader.u32(), reader.u32()
    if level != LEVEL_1 or switch != LEVEL_1:
        raise reader.error(f"level {level} instead of 1")
    if not reader.u32():
        return ()
    reader.u32()
    if not reader.u32():
        return ()
    fixed = [(reader.u32(), reader.u32(), reader.u32()) for _ in range(reader.count(12))]
    return tuple(
        ShareInfo(_optional(reader, name) or "", kind, _optional(reader, remark) or "")
        for name, kind, remark in fixed
    )


def decode_share(reply: bytes, level: int) -> Share:
    """The share of a NetrShareGetInfo reply at level 1, 502 or 1501; the last has no name in it.

    Raises:
        FormatError: the reply does not follow MS-SRVS 2.2.4.23, 2.2.4.26 or 2.2.4.27.
    """
    reader = Reader(reply, f"SHARE_INFO_{level}")
    if reader.u32() != level:
        raise reader.error(f"not of level {level}")
    if not reader.u32():
        raise reader.error("there is no share in it")
    if level == LEVEL_1501:
        reader.u32()  # length of the descriptor, which its conformance repeats
        return Share("", 0, "", descriptor=(reader.blob() if reader.u32() else b"") or None)
    name, kind, remark = reader.u32(), reader.u32(), reader.u32()
    if level == LEVEL_1:
        return Share(_optional(reader, name) or "", kind, _optional(reader, remark) or "")
    if level != LEVEL_502:
        raise reader.error(f"level {level} is none of 1, 502 and 1501")
    reader.u32()  # permissions: of no effect since Windows NT
    most, current, path, password = reader.u32(), reader.u32(), reader.u32(), reader.u32()
    reader.u32()  # length of the descriptor, which its conformance repeats
    secured = reader.u32()
    texts = [_optional(reader, pointer) for pointer in (name, remark, path, password)]
    descriptor = reader.blob() if secured else b""
    return Share(texts[0] or "", kind, texts[1] or "", texts[2], most, current, descriptor or None)


def decode_time(reply: bytes) -> TimeOfDay:
    """The time of a NetrRemoteTOD reply.

    Raises:
        FormatError: the reply does not follow MS-SRVS 2.2.4.105.
    """
    reader = Reader(reply, "TIME_OF_DAY_INFO")
    if not reader.u32():
        raise reader.error("there is no time in it")
    elapsed, msecs = reader.u32(), reader.u32()
    for _ in range(4):
        reader.u32()
    return TimeOfDay(elapsed, msecs, reader.i32())


def _optional(reader: Reader, pointer: int) -> str | None:
    return reader.string() if pointer else None
