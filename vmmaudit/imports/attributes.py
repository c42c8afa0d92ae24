"""Properties of exported directory objects as the raw attributes that a server would send.

Get-ADComputer and its kind rename attributes, turn dates into text of the exporting machine's
culture, and show but the last class; what cannot be turned back is left out, never guessed.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import Final

from vmmaudit.errors import FormatError
from vmmaudit.imports.record import Raw, Record
from vmmaudit.windows.account_control import AccountControl, GroupType
from vmmaudit.windows.filetime import NEVER, to_filetime
from vmmaudit.windows.sid import sid_to_bytes

_SIDS: Final = {"objectsid", "sidhistory", "tokengroups", "tokengroupsglobalanduniversal"}
_BINARY: Final = {
    "msds-allowedtoactonbehalfofotheridentity",
    "replpropertymetadata",
    "ntsecuritydescriptor",
}
_TIMES: Final = {"accountexpires", "pwdlastset", "lastlogontimestamp"}
_MANY: Final = {
    "serviceprincipalname",
    "msds-allowedtodelegateto",
    "member",
    "memberof",
    "objectclass",
    "keywords",
    "servicebindinginformation",
    "msds-additionaldnshostname",
    *(_SIDS - {"objectsid"}),
}
ALIASES: Final = {
    "sid": "objectsid",
    "serviceprincipalnames": "serviceprincipalname",
    "members": "member",
    "accountexpirationdate": "accountexpires",
    "passwordlastset": "pwdlastset",
    "lastlogondate": "lastlogontimestamp",
    "modified": "whenchanged",
    "distinguishedname": "dn",
}
_CLASSES: Final = {
    "user": ("top", "person", "organizationalPerson", "user"),
    "computer": ("top", "person", "organizationalPerson", "user", "computer"),
    "group": ("top", "group"),
    "msds-groupmanagedserviceaccount": (
        *("top", "person", "organizationalPerson", "user", "computer"),
        "msDS-GroupManagedServiceAccount",
    ),
}
_SCOPES: Final = {
    "domainlocal": GroupType.DOMAIN_LOCAL,
    "global": GroupType.GLOBAL,
    "universal": GroupType.UNIVERSAL,
}
_SPLIT: Final = re.compile(r"(?<!\\)[;|\n]")
_TRUE: Final = ("true", "wahr", "1")
_FORMS: Final = (
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%m/%d/%Y %I:%M:%S %p",
)


_GENERALIZED: Final = re.compile(r"\d{14}\.0Z", re.ASCII)
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", re.ASCII)
_SWITCHES: Final = frozenset(
    {"enabled", "trustedfordelegation", "trustedtoauthfordelegation", "accountnotdelegated"}
)


EVERYTHING: Final = "*"


def asked(record: Record) -> set[str]:
    """The attributes, in lower case, that the export tells of, with a value or without one."""
    names = {ALIASES.get(name.lower(), name.lower()) for name in record.values}
    lost = {ALIASES.get(name.lower(), name.lower()) for name in record.truncated}
    if names >= _SWITCHES:
        names.add("useraccountcontrol")
    if "groupscope" in names:
        names.add("grouptype")
    allowed = "PrincipalsAllowedToDelegateToAccount"
    if record.has(allowed) and not record.all(allowed) and not record.lost(allowed):
        names.add("msds-allowedtoactonbehalfofotheridentity")
    if record.has("instanceType", "objectGUID"):
        names.add(EVERYTHING)  # only an export without a choice of attributes has these
    return names - lost


def dn_of(record: Record) -> str | None:
    """The distinguished name, if the record is an object of a directory."""
    found = record.text("distinguishedName", "dn")
    return found if found and re.match(r"(?i)(cn|ou|dc)=", found) else None


def attributes(record: Record) -> dict[str, tuple[bytes, ...]]:
    """Attribute names in lower case and their raw values."""
    found: dict[str, tuple[bytes, ...]] = {}
    for name, values in record.values.items():
        key = ALIASES.get(name.lower(), name.lower())
        raw = tuple(value for one in values for value in _raw(key, one))
        if raw and key not in found:
            found[key] = raw
    _complete(record, found)
    return found


def _raw(key: str, value: Raw) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield value
        return
    texts = _SPLIT.split(value) if key in _MANY else [value]
    for text in texts:
        text = text.strip()  # noqa: PLW2901
        if text:
            made = _one(key, text)
            if made is not None:
                yield made


def _one(key: str, text: str) -> bytes | None:
    if key in _SIDS:
        try:
            return sid_to_bytes(text)
        except FormatError:
            return _from_base64(text)
    if key in _BINARY:
        return _from_base64(text)
    if key in _TIMES:
        if re.fullmatch(r"-?\d+", text):
            return text.encode()
        moment = moment_of(text)
        return str(to_filetime(moment)).encode() if moment else None
    if key == "whenchanged":
        moment = moment_of(text)
        return moment.strftime("%Y%m%d%H%M%S.0Z").encode() if moment else None
    return text.encode()


def moment_of(text: str, zone: tzinfo = UTC) -> datetime | None:
    """A date as Windows writes it; None where its order cannot be known.

    One that names no offset is of `zone`, where the machine that exported it stands.
    """
    for form in (None, *_FORMS):
        try:
            found = _iso(text.strip()) if form is None else _by(form, text.strip())
            return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None


def _iso(text: str) -> datetime:
    """ISO 8601, with the seven digits of .NET too, or the generalized time of a directory."""
    if _GENERALIZED.fullmatch(text):
        return datetime.strptime(text, "%Y%m%d%H%M%S.0Z").replace(tzinfo=UTC)
    if not _ISO.match(text):
        raise ValueError(text)
    return datetime.fromisoformat(text)


def _by(form: str, text: str) -> datetime:
    return datetime.strptime(text, form)  # noqa: DTZ007 - its caller knows the zone


def _from_base64(text: str) -> bytes | None:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def _complete(record: Record, found: dict[str, tuple[bytes, ...]]) -> None:
    """What Get-AD… shows in other words than the attributes that it read."""
    classes = found.get("objectclass", ())
    if len(classes) == 1:
        chain = _CLASSES.get(classes[0].decode("utf-8", "replace").lower())
        if chain:
            found["objectclass"] = tuple(name.encode() for name in chain)
    if "useraccountcontrol" not in found:
        control = _control(record)
        if control is not None:
            found["useraccountcontrol"] = (str(control).encode(),)
    if "grouptype" not in found and (scope := record.text("GroupScope")):
        kind = _SCOPES.get(scope.lower())
        if kind is not None:
            security = (record.text("GroupCategory") or "Security").lower() == "security"
            found["grouptype"] = (str(int(kind) - (2**31 if security else 0)).encode(),)
    if "accountexpires" not in found and record.has("AccountExpirationDate"):
        found["accountexpires"] = (str(NEVER).encode(),)


def _control(record: Record) -> int | None:
    """UserAccountControl from the switches of Get-AD…, if all that matter are there."""
    names = ("Enabled", "TrustedForDelegation", "TrustedToAuthForDelegation", "AccountNotDelegated")
    if not record.has(*names):
        return None
    enabled, unconstrained, transition, protected = (
        (record.text(name) or "").lower() in _TRUE for name in names
    )
    control = 0 if enabled else int(AccountControl.ACCOUNT_DISABLE)
    control |= AccountControl.TRUSTED_FOR_DELEGATION if unconstrained else 0
    control |= AccountControl.TRUSTED_TO_AUTH_FOR_DELEGATION if transition else 0
    control |= AccountControl.NOT_DELEGATED if protected else 0
    is_computer = (record.text("ObjectClass") or "").lower().endswith("computer")
    usual = AccountControl.WORKSTATION_TRUST if is_computer else AccountControl.NORMAL_ACCOUNT
    return control | usual
