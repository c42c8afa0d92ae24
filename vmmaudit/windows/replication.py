"""replPropertyMetaData: when each attribute of an object was last changed at its origin.

PROPERTY_META_DATA_VECTOR as stored in the directory (MS-DRSR 5.162, 5.163): it holds
no linked values, so a change of `member` is not in it. That of each link stands in
msDS-ReplValueMetaData (MS-ADTS 3.1.1.3.1.1.3), a piece of XML for each, which only those may
read who may watch the replication, and which Samba leaves empty.
"""

from __future__ import annotations

import html
import re
import struct
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from vmmaudit.errors import FormatError

USER_ACCOUNT_CONTROL: Final = 0x0009_0008
PRIMARY_GROUP_ID: Final = 0x0009_0062
SERVICE_PRINCIPAL_NAME: Final = 0x0009_0303
ALLOWED_TO_DELEGATE_TO: Final = 0x0009_06FB
ALLOWED_TO_ACT: Final = 0x0009_0886
"""ATTRTYPs of MS-ADTS 3.1.1.2.6: OID 1.2.840.113556.1.4.x is prefix 9, number x."""

_EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)
_ELEMENT: Final = re.compile(r"<(\w+)>([^<]*)</\1>")
_NEVER: Final = "1601-01-01T00:00:00Z"
_ENTRY: Final = struct.Struct("<IIQ16sQQ")


def change_times(data: bytes) -> dict[int, datetime]:
    """ATTRTYP → time of the last originating change, to the second.

    Raises:
        FormatError: truncated, or another version.
    """
    times = {}
    for offset, (attribute, _, seconds, _, _, _) in _entries(data):
        try:
            times[attribute] = _EPOCH + timedelta(seconds=seconds)
        except OverflowError as error:
            raise FormatError("PROPERTY_META_DATA", offset, "a time that cannot be") from error
    return times


def link_times(values: Iterable[bytes], attribute: str = "member") -> dict[str, datetime]:
    """DN of a link's target in lower case → when the link last came to be; removed ones aside.

    Raises:
        FormatError: a value is not such a piece of XML.
    """
    found = {}
    for value in values:
        piece = value.rstrip(b"\0").decode("utf-8", "replace")
        fields = dict(_ELEMENT.findall(piece))
        try:
            name, target = fields["pszAttributeName"], html.unescape(fields["pszObjectDn"])
            changed = _moment(fields["ftimeLastOriginatingChange"])
            lives = _moment(fields["ftimeDeleted"]) == _moment(_NEVER)
        except (KeyError, ValueError):
            raise FormatError("DS_REPL_VALUE_META_DATA", 0, "a field is missing or wrong") from None
        if lives and name.lower() == attribute:
            found[target.lower()] = changed
    return found


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def versions(data: bytes) -> dict[int, int]:
    """ATTRTYP → how often the attribute was changed (dwVersion), alike on every replica.

    Raises:
        FormatError: truncated, or another version of the structure.
    """
    return {attribute: version for _, (attribute, version, *_) in _entries(data)}


def _entries(data: bytes) -> Iterator[tuple[int, tuple[int, int, int, bytes, int, int]]]:
    """The offset and the fields of each PROPERTY_META_DATA."""
    if len(data) < 16:
        raise FormatError("PROPERTY_META_DATA_VECTOR", 0, "the buffer ends inside its header")
    version, _, count, _ = struct.unpack_from("<IIII", data)
    if version != 1:
        raise FormatError("PROPERTY_META_DATA_VECTOR", 0, f"version {version} instead of 1")
    if len(data) < 16 + count * _ENTRY.size:
        raise FormatError("PROPERTY_META_DATA_VECTOR", 8, f"{count} entries do not fit")
    for index in range(count):
        offset = 16 + index * _ENTRY.size
        yield offset, _ENTRY.unpack_from(data, offset)


def encode(times: dict[int, datetime], version: int = 1) -> bytes:
    """The inverse of `change_times`, for made-up worlds; USNs are 1."""
    entries = b"".join(
        _ENTRY.pack(attribute, version, int((moment - _EPOCH).total_seconds()), bytes(16), 1, 1)
        for attribute, moment in sorted(times.items())
    )
    return struct.pack("<IIII", 1, 0, len(times), 0) + entries
