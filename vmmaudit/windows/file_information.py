"""Directory listings: FileIdBothDirectoryInformation (MS-FSCC 2.4.17)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from vmmaudit.errors import FormatError

_FIXED: Final = struct.Struct("<IIQQQQQQIIIBB24sHQ")
DIRECTORY: Final = 0x10
_REPARSE_POINT: Final = 0x400
ENCRYPTED: Final = 0x4000
ELSEWHERE: Final = 0x1000 | 0x40000 | 0x400000
"""MS-FSCC 2.6: offline, or recalled from somewhere when opened or read."""
_STRUCTURE: Final = "FileIdBothDirectoryInformation"


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """One entry; times are FILETIMEs, `attributes` those of MS-FSCC 2.6."""

    name: str
    attributes: int
    size: int
    created: int
    written: int
    changed: int
    file_id: int

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return bool(self.attributes & DIRECTORY)

    @property
    def is_reparse_point(self) -> bool:
        """Whether it leads somewhere else, or its content is held somewhere else."""
        return bool(self.attributes & _REPARSE_POINT)


def decode_entries(buffer: bytes) -> Iterator[DirectoryEntry]:
    """The entries of one buffer, `.` and `..` among them.

    Raises:
        FormatError: an offset or a length leads outside the buffer, or backwards.
    """
    offset = 0
    while buffer:
        if offset + _FIXED.size > len(buffer):
            raise FormatError(_STRUCTURE, offset, "the buffer ends inside an entry")
        (step, _, created, _, written, changed, size, _, attributes, length, *_, file_id) = (
            _FIXED.unpack_from(buffer, offset)
        )
        start = offset + _FIXED.size
        if start + length > len(buffer) or length % 2:
            raise FormatError(_STRUCTURE, offset, f"a name of {length} bytes does not fit")
        name = buffer[start : start + length].decode("utf-16-le", "surrogatepass")
        yield DirectoryEntry(
            name.encode("utf-8", "replace").decode(),
            attributes,
            size,
            created,
            written,
            changed,
            file_id,
        )
        if not step:
            return
        if step < _FIXED.size + length:
            raise FormatError(_STRUCTURE, offset, f"the next entry, {step} bytes on, overlaps")
        offset += step
