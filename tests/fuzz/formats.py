"""Microsoft's formats: descriptors, SIDs, SDDL, NDR replies, listings, replication metadata."""

from __future__ import annotations

import struct
from datetime import UTC, datetime

from tests import stubs
from tests.fuzz.target import Target
from vmmaudit.collect.smb import messages
from vmmaudit.errors import FormatError
from vmmaudit.windows import (
    dcerpc,
    descriptor,
    file_information,
    filetime,
    lsat,
    replication,
    samr,
    sddl,
    sid,
    smb1,
    srvsvc,
    svcctl,
    winreg,
)

DOMAIN = "S-1-5-21-1-2-3"
MOMENT = datetime(2026, 10, 1, tzinfo=UTC)
SDDL = (
    "O:BAG:SYD:PAI(A;OICI;FA;;;SY)(D;;FR;;;WD)",
    "O:S-1-5-21-1-2-3-500G:DUD:NO_ACCESS_CONTROL",
    'D:(XA;;FX;;;S-1-1-0;(@User.Title=="PM" && (@User.Division=="Finance")))S:(AU;SA;FA;;;WD)',
    "D:(OA;;RPWP;bf967a86-0de6-11d0-a285-00aa003049e2;;DA)",
)


def read_sid(data: bytes) -> None:
    text = sid.sid_from_bytes(data)
    assert sid.sid_to_bytes(text) == data[: sid.sid_length(data)]


def read_sid_text(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    packed = sid.sid_to_bytes(text)
    assert sid.sid_to_bytes(sid.sid_from_bytes(packed)) == packed
    sid.domain_of(text), sid.rid_of(text), sid.is_builtin(text)


def read_descriptor(data: bytes) -> None:
    found = descriptor.decode(data)
    assert len(found.aces) * 4 <= len(data)
    text = sddl.write(data)
    if text is not None and len(found.aces) < 1000:
        again = descriptor.decode(sddl.parse(text))
        assert again.owner == found.owner
        assert again.group == found.group
        assert again.dacl is found.dacl
        assert [(a.type, a.flags, a.mask, a.sid) for a in again.aces] == [
            (a.type, a.flags, a.mask, a.sid) for a in found.aces
        ]


def read_sddl(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    descriptor.decode(sddl.parse(text, domain=DOMAIN, root=DOMAIN))


def read_samr(data: bytes) -> None:
    each(
        data,
        samr.decode_connect5,
        samr.decode_handle,
        samr.decode_lookup_domain,
        samr.decode_names,
        samr.decode_members,
    )


def read_lsat(data: bytes) -> None:
    each(
        data,
        lsat.decode_handle,
        lsat.decode_names,
        lambda reply: lsat.decode_names(reply, flags=False),
    )


def read_srvsvc(data: bytes) -> None:
    each(
        data,
        srvsvc.decode_shares,
        srvsvc.decode_time,
        lambda reply: srvsvc.decode_share(reply, 1),
        lambda reply: srvsvc.decode_share(reply, 502),
    )


def read_svcctl(data: bytes) -> None:
    each(data, svcctl.decode_handle, svcctl.decode_config, svcctl.decode_state)


def read_winreg(data: bytes) -> None:
    each(data, winreg.decode_handle)
    value = winreg.decode_value(data)
    each(data, lambda _: value.texts(), lambda _: value.number())


def read_pdu(data: bytes) -> None:
    assert dcerpc.fragment_length(data) >= dcerpc.HEADER
    dcerpc.decode(data)


def read_smb1(data: bytes) -> None:
    speaks = smb1.decode_reply(data)
    assert smb1.decode_reply(smb1.without_names(data)) is speaks


def read_listing(data: bytes) -> None:
    found = list(file_information.decode_entries(data))
    assert len(found) * 104 <= len(data)
    for entry in found:
        for moment in (entry.created, entry.written, entry.changed):
            filetime.from_filetime(moment)
        entry.name.encode()


def read_smb(data: bytes) -> None:
    each(
        data,
        messages.handle_of,
        lambda reply: messages.buffer_of(reply, "SMB2 QUERY_INFO response", "<2xHI"),
        lambda reply: messages.buffer_of(reply, "SMB2 IOCTL response", "<32xII"),
    )


def read_replication(data: bytes) -> None:
    assert len(replication.versions(data)) * 40 <= len(data)
    replication.change_times(data)


def each(data: bytes, *readers) -> None:
    """Every reader gets the bytes; refused is what none of them takes."""
    refused = None
    accepted = False
    for reader in readers:
        try:
            reader(data)
            accepted = True
        except FormatError as error:
            refused = error
    if refused and not accepted:
        raise refused


def _descriptors() -> tuple[bytes, ...]:
    return tuple(sddl.parse(text, domain=DOMAIN) for text in SDDL)


def _replication() -> bytes:
    entry = struct.pack("<IIQ16sQQ", replication.ALLOWED_TO_ACT, 3, 13_400_000_000, bytes(16), 1, 1)
    return struct.pack("<IIII", 1, 0, 2, 0) + entry * 2


def _pdus() -> tuple[bytes, ...]:
    header = struct.Struct("<BBBB4sHHI")
    parts = {
        2: struct.pack("<IHBB", 4, 0, 0, 0) + b"stub",
        3: struct.pack("<IHBBII", 4, 0, 0, 0, 5, 0),
        12: struct.pack("<HHIH", 4280, 4280, 1, 13)
        + b"\\PIPE\\srvsvc\0"
        + bytes(1)
        + struct.pack("<BxxxHH", 1, 0, 0)
        + bytes(20),
        13: struct.pack("<H", 4),
    }
    return tuple(
        header.pack(5, 0, kind, 3, b"\x10\0\0\0", 16 + len(body), 0, 1) + body
        for kind, body in parts.items()
    )


TARGETS = (
    Target("sid", read_sid, (FormatError,), (sid.sid_to_bytes(DOMAIN),), 128),
    Target(
        "sid-text",
        read_sid_text,
        (FormatError,),
        (DOMAIN.encode(), b"S-1-0x0123456789AB-1", b"S-1-5-32-544"),
        256,
    ),
    Target("descriptor", read_descriptor, (FormatError,), _descriptors()),
    Target("sddl", read_sddl, (FormatError,), tuple(text.encode() for text in SDDL)),
    Target(
        "samr",
        read_samr,
        (FormatError,),
        (
            stubs.aliases([(544, "Administrators"), (1000, "ISO-Leser")]),
            stubs.members([DOMAIN, "S-1-5-32-544"]),
            struct.pack("<II", 0x20000, 1) + sid.sid_to_bytes("S-1-5-32") + bytes(4),
            struct.pack("<IIIII", 1, 1, 3, 0, 0) + bytes(24),
        ),
    ),
    Target(
        "lsat",
        read_lsat,
        (FormatError,),
        (stubs.looked_up([("CONTOSO", "prüfer", 1), None, ("BUILTIN", "Users", 4)]),),
    ),
    Target(
        "srvsvc",
        read_srvsvc,
        (FormatError,),
        (
            stubs.shares([("ISOs$", 0, "Bibliothek"), ("IPC$", 0x80000003, "")]),
            stubs.share_502("ISOs", "", r"C:\ISOs", sddl.parse(SDDL[0])),
            stubs.share_1("ISOs", "x"),
            stubs.time_of_day(MOMENT, 12_345),
        ),
    ),
    Target(
        "svcctl",
        read_svcctl,
        (FormatError,),
        (
            stubs.service_config(r"CONTOSO\vmm", 2, "System Center"),
            stubs.service_status(4),
        ),
    ),
    Target(
        "winreg",
        read_winreg,
        (FormatError,),
        tuple(stubs.registry_value(value) for value in ("text", 7, ("a", "b"))),
    ),
    Target("rpc-pdu", read_pdu, (FormatError,), _pdus()),
    Target(
        "smb-listing",
        read_listing,
        (FormatError,),
        (stubs.entries([("Prüfung.iso", 5), ("Ordner", None)], MOMENT),),
    ),
    Target("smb1", read_smb1, (FormatError,), (stubs.smb1_chosen(), stubs.smb1_declined())),
    Target("smb-reply", read_smb, (FormatError,), (bytes(64) + bytes(100),)),
    Target("replication", read_replication, (FormatError,), (_replication(),)),
)
