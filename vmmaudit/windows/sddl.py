"""Security descriptors as text, SDDL (MS-DTYP 2.5.1), from and into the form that servers send.

Aliases of a domain (`DA`, `DU`, `LA`, …) mean nothing without the SID of the domain that wrote
them. A condition is not compiled: its entry becomes a callback entry that carries the text, so
that whoever evaluates the descriptor knows that something decides that he cannot see.
"""

from __future__ import annotations

import re
import struct
import uuid
from typing import Final

from vmmaudit.errors import FormatError
from vmmaudit.windows.descriptor import Ace, AceType, Control, Dacl, decode, pack_ace
from vmmaudit.windows.sid import sid_to_bytes

_BUILTIN: Final = {
    "AA": 579, "AO": 548, "BA": 544, "BG": 546, "BO": 551, "BU": 545, "CD": 574, "CY": 569,
    "ER": 573, "ES": 576, "HA": 578, "HO": 584, "IS": 568, "LU": 559, "MS": 577, "MU": 558,
    "NO": 556, "PO": 550, "PU": 547, "RA": 575, "RD": 555, "RE": 552, "RM": 580, "RU": 554,
    "SO": 549,
}  # fmt: skip
WELL_KNOWN: Final = {
    **{alias: f"S-1-5-32-{rid}" for alias, rid in _BUILTIN.items()},
    "AC": "S-1-15-2-1", "AN": "S-1-5-7", "AS": "S-1-18-1", "AU": "S-1-5-11", "CG": "S-1-3-1",
    "CO": "S-1-3-0", "ED": "S-1-5-9", "HI": "S-1-16-12288", "IU": "S-1-5-4", "LS": "S-1-5-19",
    "LW": "S-1-16-4096", "ME": "S-1-16-8192", "MP": "S-1-16-8448", "NS": "S-1-5-20",
    "NU": "S-1-5-2", "OW": "S-1-3-4", "PS": "S-1-5-10", "RC": "S-1-5-12",
    "SI": "S-1-16-16384", "SS": "S-1-18-2", "SU": "S-1-5-6", "SY": "S-1-5-18",
    "UD": "S-1-5-84-0-0-0-0-0", "WD": "S-1-1-0", "WR": "S-1-5-33",
}  # fmt: skip
"""MS-DTYP 2.5.1.1, sid-token; those that mean the same everywhere."""
DOMAIN_RIDS: Final = {
    "AP": 525, "CA": 517, "CN": 522, "DA": 512, "DC": 515, "DD": 516, "DG": 514, "DU": 513,
    "KA": 526, "LA": 500, "LG": 501, "PA": 520, "RS": 553,
}  # fmt: skip
"""Those relative to the domain of the machine that wrote the text."""
ROOT_RIDS: Final = {"EA": 519, "EK": 527, "RO": 498, "SA": 518}
"""Those relative to the forest's root domain."""
_RIGHTS: Final = {
    "GA": 0x10000000, "GX": 0x20000000, "GW": 0x40000000, "GR": 0x80000000,
    "SD": 0x10000, "RC": 0x20000, "WD": 0x40000, "WO": 0x80000, "AS": 0x1000000,
    "CC": 0x1, "DC": 0x2, "LC": 0x4, "SW": 0x8, "RP": 0x10, "WP": 0x20, "DT": 0x40,
    "LO": 0x80, "CR": 0x100,
    "FA": 0x1F01FF, "FR": 0x120089, "FW": 0x120116, "FX": 0x1200A0,
    "KA": 0xF003F, "KR": 0x20019, "KW": 0x20006, "KX": 0x20019,
    "NW": 0x1, "NR": 0x2, "NX": 0x4,
}  # fmt: skip
_TYPES: Final = {
    "A": AceType.ACCESS_ALLOWED, "D": AceType.ACCESS_DENIED, "AU": AceType.SYSTEM_AUDIT,
    "AL": AceType.SYSTEM_ALARM, "OA": AceType.ACCESS_ALLOWED_OBJECT,
    "OD": AceType.ACCESS_DENIED_OBJECT, "OU": AceType.SYSTEM_AUDIT_OBJECT,
    "OL": AceType.SYSTEM_ALARM_OBJECT, "XA": AceType.ACCESS_ALLOWED_CALLBACK,
    "XD": AceType.ACCESS_DENIED_CALLBACK, "ZA": AceType.ACCESS_ALLOWED_CALLBACK_OBJECT,
}  # fmt: skip
"""The types of a DACL; those of a SACL are not looked into."""
_OBJECT: Final = frozenset({"OA", "OD", "OU", "OL", "ZA"})
_CALLBACK: Final = frozenset({"XA", "XD", "ZA"})
_FLAGS: Final = {
    "OI": 0x01, "CI": 0x02, "NP": 0x04, "IO": 0x08, "ID": 0x10, "CR": 0x20, "SA": 0x40, "FA": 0x80,
}  # fmt: skip
_DACL_FLAGS: Final = {"P": Control.DACL_PROTECTED, "AR": 0x100, "AI": Control.DACL_AUTO_INHERITED}
_NULL: Final = "NO_ACCESS_CONTROL"
_NUMBER: Final = r"(?:0[Xx](?:[0-9A-Fa-f](?!:))+|\d+)"
"""The letter before a colon is no digit of the SID but begins the next part."""
_SID: Final = rf"(?:[Ss]-1-{_NUMBER}(?:-{_NUMBER})*|[A-Za-z]{{2}})"
_HEAD: Final = re.compile(rf"\s*(?:O:\s*({_SID}))?\s*(?:G:\s*({_SID}))?\s*")
_LIST: Final = re.compile(rf"([DS]):\s*((?:{_NULL}|AR|AI|P)*)\s*")
_WRITTEN: Final = {AceType.ACCESS_ALLOWED.value: "A", AceType.ACCESS_DENIED.value: "D"}
_ALL_FLAGS: Final = sum(_FLAGS.values())
_MASKS: Final = {_RIGHTS[name]: name for name in ("FA", "FR", "FW", "FX", "GA", "GR", "GW", "GX")}
_ALIASES: Final = {sid: alias for alias, sid in WELL_KNOWN.items()}
_STRING: Final = re.compile(r'"[^"]*"')


def parse(text: str, *, domain: str | None = None, root: str | None = None) -> bytes:
    """A self-relative descriptor with owner, group and DACL; the SACL is left out.

    Args:
        text: for example `O:BAG:SYD:PAI(A;OICI;FA;;;SY)`.
        domain: SID of the domain that `DA`, `DU` and the like mean.
        root: SID of the forest's root domain, which `EA` and `SA` mean.

    Raises:
        FormatError: it does not follow MS-DTYP 2.5.1.1, or names an account nobody can know.
    """
    head = _HEAD.match(text)
    assert head is not None  # noqa: S101 - it matches nothing, too
    position, control, acl = head.end(), int(Control.SELF_RELATIVE), b""
    seen: set[str] = set()
    while position < len(text):
        found = _LIST.match(text, position)
        if not found or found[1] in seen:
            raise FormatError("SDDL", position, f"{text[position : position + 20]!r} is not known")
        seen.add(found[1])
        entries, end = _entries(text, found.end())
        if found[1] == "D":
            flags = re.findall(f"{_NULL}|AR|AI|P", found[2])
            control |= Control.DACL_PRESENT
            for flag in flags:
                control |= _DACL_FLAGS.get(flag, 0)
            aces = [_ace(entry, at, domain, root) for at, entry in entries]
            acl = b"" if _NULL in flags else _acl(aces)
            if len(acl) > 0xFFFF:
                raise FormatError("SDDL", found.start(), "its entries take more than 65,535 bytes")
        position = end
    body, offsets = b"", []
    for group in (1, 2):
        packed = (
            sid_to_bytes(_sid(head[group], head.start(group), domain, root)) if head[group] else b""
        )
        offsets.append(20 + len(body) if packed else 0)
        body += packed
    start = 20 + len(body) if acl else 0
    return struct.pack("<BBHIIII", 1, 0, control, *offsets, 0, start) + body + acl


def write(data: bytes) -> str | None:
    """A self-relative descriptor as text, or None where the text would not say all of it.

    That is the case for entries narrowed to a property, conditional ones and unknown types.

    Raises:
        FormatError: it does not follow MS-DTYP 2.4.6.
    """
    found = decode(data)
    if any(ace.type not in _WRITTEN or ace.flags & ~_ALL_FLAGS for ace in found.aces):
        return None
    text = f"O:{_named(found.owner)}" if found.owner else ""
    text += f"G:{_named(found.group)}" if found.group else ""
    if found.dacl is Dacl.ABSENT:
        return text
    text += "D:" + "".join(name for name, bit in _DACL_FLAGS.items() if found.control & bit)
    text += _NULL if found.dacl is Dacl.NULL else ""
    return text + "".join(_entry(ace) for ace in found.aces)


def _entry(ace: Ace) -> str:
    flags = "".join(name for name, bit in _FLAGS.items() if ace.flags & bit)
    mask = _MASKS.get(ace.mask, hex(ace.mask))
    return f"({_WRITTEN[ace.type]};{flags};{mask};;;{_named(ace.sid)})"


def _named(sid: str | None) -> str:
    return _ALIASES.get(sid or "", sid or "")


def _acl(aces: list[tuple[bool, bytes]]) -> bytes:
    """ACL_REVISION_DS where an object entry needs it (MS-DTYP 2.4.5)."""
    revision = 4 if any(narrowed for narrowed, _ in aces) else 2
    body = b"".join(ace for _, ace in aces)
    return struct.pack("<BBHHH", revision, 0, (8 + len(body)) & 0xFFFF, len(aces), 0) + body


def _entries(text: str, position: int) -> tuple[list[tuple[int, str]], int]:
    """The entries in parentheses with their offsets, and where they end.

    Conditions hold parentheses, and strings in which a parenthesis means nothing.
    """
    found = []
    while text.startswith("(", position):
        depth, at = 1, position + 1
        while depth:
            if at >= len(text):
                raise FormatError("SDDL", position, "an entry is not closed")
            string = _STRING.match(text, at) if text[at] == '"' else None
            depth += (text[at] == "(") - (text[at] == ")")
            at = string.end() if string else at + 1
        found.append((position, text[position + 1 : at - 1]))
        position = at
        while position < len(text) and text[position].isspace():
            position += 1
    return found, position


def _ace(text: str, at: int, domain: str | None, root: str | None) -> tuple[bool, bytes]:
    """Whether a GUID may narrow it, and its binary form (MS-DTYP 2.4.4)."""
    fields = [field.strip() for field in text.split(";", 6)]
    kind = fields[0].upper()
    if kind not in _TYPES:
        raise FormatError("SDDL", at, f"an entry of type {kind[:20]!r} is not known")
    if len(fields) != (7 if kind in _CALLBACK else 6):
        raise FormatError("SDDL", at, f"an entry of type {kind!r} has {len(fields)} fields")
    flags, mask = _bits(fields[1], _FLAGS, at), _mask(fields[2], at)
    sid = _sid(fields[5], at, domain, root)
    # Without the signature "artx" (MS-DTYP 2.4.4.17), so that nobody takes it for compiled.
    data = fields[6].encode("utf-16-le", "replace") if kind in _CALLBACK else b""
    if len(data) > 0xF000:
        raise FormatError("SDDL", at, "a condition is longer than an entry can be")
    guids = [_guid(field, at) for field in fields[3:5]]
    if kind not in _OBJECT:
        if any(guids):
            raise FormatError("SDDL", at, f"an entry of type {kind!r} has no object type")
        packed = pack_ace(Ace(_TYPES[kind], flags, mask, sid, data))
    else:
        present = bool(guids[0]) | 2 * bool(guids[1])
        body = struct.pack("<II", mask, present) + b"".join(guids) + sid_to_bytes(sid) + data
        body += b"\0" * (-len(body) % 4)
        packed = struct.pack("<BBH", _TYPES[kind], flags, 4 + len(body)) + body
    return kind in _OBJECT, packed


def _mask(text: str, at: int) -> int:
    """Hexadecimal, octal or decimal as C reads them, or pairs of letters."""
    if re.fullmatch(r"0[xX][0-9A-Fa-f]{1,8}|0[0-7]{0,11}|[1-9][0-9]{0,9}", text):
        octal = text.startswith("0") and text[1:2].isdigit()
        number = int(text, 8) if octal else int(text, 0)
        if number < 2**32:
            return number
    return _bits(text, _RIGHTS, at)


def _bits(text: str, known: dict[str, int], at: int) -> int:
    found = 0
    for start in range(0, len(text), 2):
        bit = known.get(text[start : start + 2].upper())
        if bit is None:
            raise FormatError("SDDL", at, f"{text[:40]!r} is not known")
        found |= bit
    return found


def _guid(text: str, at: int) -> bytes:
    if not text:
        return b""
    if not re.fullmatch(r"\{?[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}?", text):
        raise FormatError("SDDL", at, f"{text[:40]!r} is not a GUID")
    return uuid.UUID(text).bytes_le


def _sid(text: str, at: int, domain: str | None, root: str | None) -> str:
    alias = text.upper()
    if alias in WELL_KNOWN:
        return WELL_KNOWN[alias]
    for relative, base, what in ((DOMAIN_RIDS, domain, "domain"), (ROOT_RIDS, root, "root domain")):
        if alias in relative:
            if base is None:
                raise FormatError("SDDL", at, f"nobody knows of which {what} {alias} is")
            return f"{base}-{relative[alias]}"
    if not re.fullmatch(
        r"S-1-(?:\d{1,15}|0X[0-9A-F]{1,12})(?:-(?:\d{1,10}|0X[0-9A-F]{1,8}))*", alias
    ):
        raise FormatError("SDDL", at, f"{text[:60]!r} is not a SID")
    authority, *parts = (
        int(part, 16) if part.startswith("0X") else int(part) for part in alias.split("-")[2:]
    )
    shown = str(authority) if authority < 2**32 else f"0x{authority:012X}"
    return "-".join(["S-1", shown, *map(str, parts)])
