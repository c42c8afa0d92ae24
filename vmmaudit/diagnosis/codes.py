"""What is known of VMM's error codes, of HRESULTs, and of the return values of Hyper-V's WMI.

Each entry names where it was read. What is not here is called unknown, not interpreted.
The sentences stand in `controls/texts/<language>/diagnosis.toml` under the same keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Relevance(StrEnum):
    """What a code has to do with shared ISO images."""

    CORE = "core"
    FOLLOW_UP = "follow-up"
    LIBRARY = "library"
    COPY = "copy"
    CONNECTION = "connection"
    LOCK = "lock"
    OTHER = "other"
    UNKNOWN = "unknown"


class Kind(StrEnum):
    """What a result says."""

    REFUSED = "refused"
    NOT_FOUND = "not-found"
    BUSY = "busy"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Code:
    """A VMM error code; `name` is what traces call it, empty where no source shows it."""

    number: int
    name: str
    relevance: Relevance
    source: str


@dataclass(frozen=True, slots=True)
class Result:
    """An HRESULT or WMI return value; `symbol` is its name in the source."""

    value: str
    symbol: str
    kind: Kind
    source: str


_ERREF: Final = "MS-ERREF 2.1, 2.2"

CODES: Final[Mapping[int, Code]] = {
    code.number: code
    for code in (
        Code(444, "AMCannotAssociateVMMServer", Relevance.OTHER, "Microsoft support article"),
        Code(801, "LibObjectNotFound", Relevance.LIBRARY, "KB 2756886"),
        Code(2606, "", Relevance.LOCK, "KB 2795040"),
        Code(2906, "HostAgentBadPathname", Relevance.LIBRARY, "Microsoft support article"),
        Code(2910, "", Relevance.LIBRARY, "Microsoft support article"),
        Code(2912, "HostAgentFail", Relevance.COPY, "KB 2928972"),
        Code(2917, "HostAgentBadSharePathname", Relevance.LIBRARY, "Microsoft support article"),
        Code(2927, "HostAgentWSManError", Relevance.CONNECTION, "KB 2679685"),
        Code(12700, "VirVMAsyncTaskError", Relevance.CORE, "KB 2689989"),
        Code(13206, "", Relevance.FOLLOW_UP, "Microsoft support article"),
        Code(13233, "", Relevance.FOLLOW_UP, "published procedure for VMM 2008 R2"),
        Code(25310, "UserHostConnectFailed", Relevance.OTHER, "Microsoft support article"),
    )
}

RESULTS: Final[Mapping[str, Result]] = {
    result.value: result
    for result in (
        Result("0x80070002", "ERROR_FILE_NOT_FOUND", Kind.NOT_FOUND, _ERREF),
        Result("0x80070003", "ERROR_PATH_NOT_FOUND", Kind.NOT_FOUND, _ERREF),
        Result("0x80070005", "E_ACCESSDENIED", Kind.REFUSED, _ERREF),
        Result("0x80070020", "ERROR_SHARING_VIOLATION", Kind.BUSY, _ERREF),
        Result("0x80070035", "ERROR_BAD_NETPATH", Kind.NOT_FOUND, _ERREF),
        Result("0x80070043", "ERROR_BAD_NET_NAME", Kind.NOT_FOUND, _ERREF),
        Result("0x80070057", "E_INVALIDARG", Kind.OTHER, _ERREF),
        Result("0x8007052F", "ERROR_ACCOUNT_RESTRICTION", Kind.OTHER, _ERREF),
        Result("0x80070569", "ERROR_LOGON_TYPE_NOT_GRANTED", Kind.OTHER, "KB 2779204"),
        Result("0x80070570", "ERROR_FILE_CORRUPT", Kind.OTHER, _ERREF),
        Result("0x8009030E", "SEC_E_NO_CREDENTIALS", Kind.OTHER, _ERREF),
        Result("0x80090322", "SEC_E_WRONG_PRINCIPAL", Kind.OTHER, _ERREF),
        Result("0x80041001", "WBEM_E_FAILED", Kind.OTHER, "KB 2928972"),
        Result("0x80338102", "", Kind.OTHER, "KB 2679685"),
        *(
            Result(f"0x{value:04X}", symbol, kind, "Msvm_VirtualSystemManagementService")
            for value, symbol, kind in (
                (0x8000, "Failed", Kind.OTHER),
                (0x8001, "Access Denied", Kind.REFUSED),
                (0x8002, "Not Supported", Kind.OTHER),
                (0x8003, "Status is unknown", Kind.OTHER),
                (0x8004, "Timeout", Kind.OTHER),
                (0x8005, "Invalid parameter", Kind.OTHER),
                (0x8006, "System is in use", Kind.BUSY),
                (0x8007, "Invalid state for this operation", Kind.OTHER),
                (0x8008, "Incorrect data type", Kind.OTHER),
                (0x8009, "System is not available", Kind.OTHER),
                (0x800A, "Out of memory", Kind.OTHER),
            )
        ),
    )
}


def code(number: int, name: str = "") -> Code:
    """What is known of a VMM code; `name` is what the trace calls it."""
    return CODES.get(number) or Code(number, name, Relevance.UNKNOWN, "")


def result(value: str) -> Result:
    """What is known of an HRESULT (eight digits) or a WMI return value (four).

    An HRESULT of facility 7 wraps a Win32 error (MS-ERREF 2.1); its number is all that is
    said of one that is not in the table.
    """
    value = "0x" + value[2:].upper()
    if known := RESULTS.get(value):
        return known
    if len(value) == 10 and value.startswith("0x8007"):
        return Result(value, f"Win32 {int(value[6:], 16)}", Kind.UNKNOWN, "MS-ERREF 2.1")
    return Result(value, "", Kind.UNKNOWN, "")
