"""How failures are worded: the patterns of codes, results, names and refusals.

Sources: KB 2689989 and 968968, the published procedure for VMM 2008 R2 and its trace, packer
issue 7500, build notes of a lab. No German wording of Hyper-V was found in public; what stands
here for German is therefore only a sign (`inferred`), as is a name that ends in `$`.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final


class Identity(StrEnum):
    """Whose access was refused."""

    ACCOUNT = "account"
    COMPUTER = "computer"
    HYPER_V = "hyper-v"
    NOBODY = "nobody"
    UNCLEAR = "unclear"
    NONE = "none"


class Confidence(StrEnum):
    """How sure the identity is: the text says it, a sign of it stands there, or neither."""

    STATED = "stated"
    INFERRED = "inferred"
    NONE = "none"


QUOTES: Final = "'\"‘’‚‛„“”«»‹›"
GUID: Final = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
CODES: Final = (
    re.compile(r"Task failed error (?P<name>\w+) \((?P<code>\d{1,6})\)"),
    re.compile(r"Carmine error was: (?P<name>\w+) \((?P<code>\d{1,6})\)"),
    re.compile(r"(?:^|[>\s_*])(?:Error|Warning|Fehler|Warnung)\s*\((?P<code>\d{1,6})\)(?P<name>)"),
    re.compile(r"(?:Error ID|Fehler-ID|FullyQualifiedErrorId)\s*:\s*(?P<code>\d{1,6})\b(?P<name>)"),
    re.compile(r"ErrorInfo\s*:\s*(?P<name>\w+) \((?P<code>\d{1,6})\)"),
    re.compile(r"\bCode\s*:\s*(?P<code>\d{3,5})\b(?P<name>)"),
)
HRESULT: Final = re.compile(
    r"\b0x(?P<hex>[89A-Fa-f][0-9A-Fa-f]{7})\b|(?:Code=\"|%%)(?P<dec>2\d{9})\b"
)
SIGN: Final = re.compile(r"0x[89A-Fa-f][0-9A-Fa-f]{7}|%%2|\([1-9]\d{1,5}\)|Code|ID\b|ccount ")
NEAR: Final = 300
STATUS: Final = re.compile(r"\b0x(?P<hex>80[0-9A-Fa-f]{2})\b|got error: (?P<dec>327[67]\d)\b")
STATED: Final = (
    re.compile(r"\bon (?:the )?(?P<host>[\w.-]+) server because\b"),
    re.compile(r"\bcontact (?:server |an agent on the )(?P<host>[\w.-]+)"),
)
NAMED: Final = (re.compile(rf"\b(?:Server|Host) [{QUOTES}]?(?P<host>[\w-]+(?:\.[\w-]+)+)"),)
COMPUTER: Final = re.compile(
    rf"[{QUOTES}]\s*(?P<name>[^{QUOTES}\\\s]+\\(?P<host>[^{QUOTES}\\\s]+)\$)\s*[{QUOTES}]"
)
_OPEN: Final = rf"(?<!\w)[{QUOTES}]\s*"
_IN_PATH: Final = rf"(?:[^{QUOTES}<>|*?]|['’](?=\w))"  # an apostrophe may stand in a name
_IN_NAME: Final = rf"(?:[^{QUOTES}\\]|['’](?=\w))"
UNC: Final = re.compile(
    rf"{_OPEN}(?P<quoted>\\\\{_IN_PATH}+?)\s*[{QUOTES}](?!\w)"
    rf"|(?P<bare>\\\\[\w.$-]+\\[^\s{QUOTES}<>|*?,;\])]+)"
)
LOCAL: Final = re.compile(rf"{_OPEN}(?P<path>[A-Za-z]:\\{_IN_PATH}+?)\s*[{QUOTES}](?!\w)")
OWNER: Final = re.compile(rf"{_OPEN}(?P<vm>{_IN_NAME}{{1,100}}?)\s*[{QUOTES}]\s*:\s")
DEVICE: Final = re.compile(
    rf"{_OPEN}(?P<vm>{_IN_NAME}{{1,100}}?)\s*[{QUOTES}] failed to add device"
)
GUEST: Final = re.compile(r"\bon virtual machine (?P<vm>.{1,100}?)\. The ")
MACHINE: Final = re.compile(rf"\([^()]{{0,80}}?\bID\b[^()]{{0,40}}?(?P<id>{GUID})\s*\)")
WORDINGS: Final = (
    # KB 2689989; published procedure and its trace; packer issue 7500. German: inferred.
    (re.compile(r"\bMachine Account\b"), Identity.COMPUTER, Confidence.STATED),
    (
        re.compile(r"\bVirtual Machine Management service account does not have\b", re.IGNORECASE),
        Identity.HYPER_V,
        Confidence.STATED,
    ),
    (
        re.compile(
            r"\bUser account does not have (?:permission|sufficient privilege)", re.IGNORECASE
        ),
        Identity.ACCOUNT,
        Confidence.STATED,
    ),
    (re.compile(r"\b(?:Computer|Maschinen)konto\b"), Identity.COMPUTER, Confidence.INFERRED),
    (re.compile(r"\bBenutzerkonto\b"), Identity.ACCOUNT, Confidence.INFERRED),
)
WHEN: Final = re.compile(
    r"^[ \t]*(?:TimeCreated|StartTime|EndTime|Date and Time|Date|Datum und Uhrzeit|Datum|Startzeit"
    r"|Zeit)[ \t]*:[ \t]*(.+)$",
    re.MULTILINE,
)
WRITER: Final = re.compile(
    r"^[ \t]*(?:Computer|MachineName)[ \t]*:[ \t]*(?P<host>[\w.-]+)[ \t]*$", re.MULTILINE
)
