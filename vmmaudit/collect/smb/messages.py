"""The messages that are sent, and what is cut out of the replies (MS-SMB2 2.2)."""

from __future__ import annotations

import struct
from typing import Any, Final

from smbprotocol.file_info import FileInformationClass
from smbprotocol.open import (
    SMB2CloseRequest,
    SMB2CreateRequest,
    SMB2QueryDirectoryRequest,
    SMB2QueryInfoRequest,
)

from vmmaudit.errors import FormatError

READ_CONTROL: Final = 0x00020000
FILE_LIST_DIRECTORY: Final = 0x00000001
FILE_READ_ATTRIBUTES: Final = 0x00000080
SYNCHRONIZE: Final = 0x00100000
READ_DATA_AND_WRITE_DATA: Final = 0x00000003
"""Access to a named pipe, MS-SMB2 2.2.13.1.1; never asked for on a file."""

_DESCRIPTOR_ACCESS: Final = READ_CONTROL
"""As Windows' own GetFileSecurity: who may read the attributes too is not asked."""
_LIST_ACCESS: Final = FILE_LIST_DIRECTORY | FILE_READ_ATTRIBUTES | SYNCHRONIZE
_OPEN_EXISTING: Final = 1  # MS-SMB2 2.2.13, CreateDisposition FILE_OPEN
_DIRECTORY_FILE: Final = 0x00000001
_OPEN_REPARSE_POINT: Final = 0x00200000
_SHARE_ALL: Final = 7
_IMPERSONATION: Final = 2
_SAME_FILE: Final = b"\xff" * 16  # the file of the compound's first request, 3.2.4.1.4
_OWNER_GROUP_DACL: Final = 7
_INFO_SECURITY: Final = 3
BUFFER: Final = 65_536  # one credit
_CREATE: Final = struct.Struct("<HBBIQQIIIIIHHII")  # 2.2.13, up to the name
_CREATE_SIZE: Final = 57
_NAME_AT: Final = 120  # from the header


class _Packed:
    """A message as its bytes: the library packs its own field by field, which costs most."""

    def __init__(self, command: int, data: bytes) -> None:
        self.COMMAND = command
        self._data = data

    def __len__(self) -> int:
        return len(self._data)

    def pack(self) -> bytes:
        """The bytes."""
        return self._data


def open_request(path: str, access: int, options: int) -> Any:
    """Open what exists; this is the only place where a right is asked for."""
    name = path.encode("utf-16-le", "surrogatepass")
    data = _CREATE.pack(
        *(_CREATE_SIZE, 0, 0, _IMPERSONATION, 0, 0, access, 0, _SHARE_ALL, _OPEN_EXISTING, options),
        *(_NAME_AT, len(name), 0, 0),
    )
    # The root has no name, but the buffer is never empty (2.2.13).
    return _Packed(SMB2CreateRequest.COMMAND, data + (name or b"\0\0"))


def close_request(handle: bytes) -> Any:
    """Close a file."""
    request = SMB2CloseRequest()
    request["file_id"] = handle
    return request


def _query_descriptor() -> Any:
    request = SMB2QueryInfoRequest()
    request["info_type"] = _INFO_SECURITY
    request["output_buffer_length"] = BUFFER
    request["additional_information"] = _OWNER_GROUP_DACL
    request["file_id"] = _SAME_FILE
    return request


_QUERY_DESCRIPTOR: Final = _Packed(SMB2QueryInfoRequest.COMMAND, _query_descriptor().pack())
_CLOSE_SAME: Final = _Packed(SMB2CloseRequest.COMMAND, close_request(_SAME_FILE).pack())


def descriptor_requests(path: str) -> tuple[Any, Any, Any]:
    """Open, ask for owner, group and DACL, close: one compound."""
    # What a link leads to has an answer of its own; the root may be a mounted volume.
    options = _OPEN_REPARSE_POINT if path else 0
    return open_request(path, _DESCRIPTOR_ACCESS, options), _QUERY_DESCRIPTOR, _CLOSE_SAME


def list_requests(path: str) -> tuple[Any, Any, Any]:
    """Twice, since the second is where most folders end."""
    create = open_request(path, _LIST_ACCESS, _DIRECTORY_FILE)
    return create, list_request(_SAME_FILE), list_request(_SAME_FILE)


def list_request(handle: bytes) -> Any:
    """The next entries of an open folder."""
    request = SMB2QueryDirectoryRequest()
    request["file_information_class"] = FileInformationClass.FILE_ID_BOTH_DIRECTORY_INFORMATION
    request["file_id"] = handle
    request["output_buffer_length"] = BUFFER
    request["buffer"] = "*".encode("utf-16-le")
    return request


def handle_of(reply: bytes) -> bytes:
    """The file id of a CREATE response (2.2.14)."""
    if len(reply) < 80:
        raise FormatError("SMB2 CREATE response", len(reply), "the reply ends inside it")
    return reply[64:80]


def buffer_of(reply: bytes, structure: str, form: str) -> bytes:
    """The buffer of a response; `form` says where offset and length of it stand."""
    if len(reply) < struct.calcsize(form):
        raise FormatError(structure, len(reply), "the reply ends inside it")
    offset, length = struct.unpack_from(form, reply)
    start = offset - 64  # offsets count from the header
    if length and (start < struct.calcsize(form) or start + length > len(reply)):
        raise FormatError(structure, 0, f"{length} bytes at {offset} do not fit the reply")
    return reply[start : start + length] if length else b""
