"""Accounts, computers and groups as the directory tells them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from vmmaudit.errors import FormatError
from vmmaudit.evidence import Row
from vmmaudit.windows import replication
from vmmaudit.windows.account_control import AccountControl
from vmmaudit.windows.descriptor import SecurityDescriptor
from vmmaudit.windows.descriptor import decode as decode_descriptor
from vmmaudit.windows.filetime import from_filetime
from vmmaudit.windows.sid import sid_from_bytes

_GENERALIZED_TIME: Final = "%Y%m%d%H%M%S"
_ENCRYPTION: Final = "msds-supportedencryptiontypes"


@dataclass(frozen=True, slots=True)
class Principal:
    r"""One entry of the directory that has a SID.

    Attributes:
        shown: `NETBIOS\name` as found, for people; verdicts rest on `sid`.
        control: userAccountControl (MS-ADTS 2.2.16); `computed` its computed bits.
        delegates_to: msDS-AllowedToDelegateTo as written.
        primary_group: primaryGroupID, the RID of a group of the same domain; 0 if not read.
        changed: time of the last originating change per ATTRTYP.
        password_set: None where it was never set or has to be changed at the next logon.
        last_logon: lastLogonTimestamp, late by up to 14 days.
        encryption: msDS-SupportedEncryptionTypes (MS-KILE 2.2.7), None where it is not set.
        system: operatingSystem as the machine wrote it, e.g. `Windows Server 2022 Standard`.
        system_version: operatingSystemVersion, as written too, e.g. `10.0 (20348)`.
        evidence: id of the question that found it.
    """

    sid: str
    dn: str
    domain: str
    shown: str
    name: str
    classes: frozenset[str]
    control: int = 0
    computed: int = 0
    expires: datetime | None = None
    spns: tuple[str, ...] = ()
    delegates_to: tuple[str, ...] = ()
    allowed_to_act: SecurityDescriptor | None = None
    dns_name: str = ""
    sid_history: tuple[str, ...] = ()
    group_type: int = 0
    primary_group: int = 0
    authentication_policy: str = ""
    when_changed: datetime | None = None
    changed: Mapping[int, datetime] = field(default_factory=dict)
    password_set: datetime | None = None
    last_logon: datetime | None = None
    encryption: int | None = None
    system: str = ""
    system_version: str = ""
    evidence: str = ""

    def __hash__(self) -> int:
        """By SID: equal principals have the same."""
        return hash(self.sid)

    @property
    def enabled(self) -> bool:
        """Whether it may log on at all."""
        return not self.control & AccountControl.ACCOUNT_DISABLE

    @property
    def is_managed(self) -> bool:
        """Whether it is a group managed service account (whose class derives from computer)."""
        return "msds-groupmanagedserviceaccount" in self.classes

    @property
    def is_computer(self) -> bool:
        """Whether it is the account of a machine."""
        return "computer" in self.classes and not self.is_managed

    @property
    def is_domain_controller(self) -> bool:
        """Whether it is the account of a domain controller."""
        return bool(self.control & AccountControl.SERVER_TRUST)

    @property
    def may_transition(self) -> bool:
        """*Use any authentication protocol*: TRUSTED_TO_AUTH_FOR_DELEGATION."""
        return bool(self.control & AccountControl.TRUSTED_TO_AUTH_FOR_DELEGATION)

    def delegates_to_spn(self, spn: str) -> bool:
        """Whether the list holds this very text; only the case does not count."""
        return spn.lower() in (entry.lower() for entry in self.delegates_to)

    def has_spn(self, spn: str) -> bool:
        """Whether this SPN is registered on it."""
        return spn.lower() in (entry.lower() for entry in self.spns)


def decode(row: Row, domain: str, netbios: str, evidence: str) -> Principal | None:
    """The principal of a search result, or None where it has no SID.

    Raises:
        FormatError: a binary attribute does not follow its format.
    """
    values = {key.lower(): found for key, found in row.values.items()}

    def texts(key: str) -> tuple[str, ...]:
        return tuple(value.decode("utf-8", "replace") for value in values.get(key, ()))

    def text(key: str) -> str:
        return next(iter(texts(key)), "")

    def number(key: str) -> int:
        try:
            return int(text(key) or 0)
        except ValueError as error:
            raise FormatError(key, 0, f"{text(key)!r} is not a number") from error

    sid = next(iter(values.get("objectsid", ())), None)
    if sid is None:
        return None
    act = next(iter(values.get("msds-allowedtoactonbehalfofotheridentity", ())), None)
    meta = next(iter(values.get("replpropertymetadata", ())), None)
    name = text("samaccountname") or text("cn")
    return Principal(
        sid=sid_from_bytes(sid),
        dn=row.name,
        domain=domain,
        shown=f"{netbios}\\{name}",
        name=name,
        classes=frozenset(found.lower() for found in texts("objectclass")),
        control=number("useraccountcontrol"),
        computed=number("msds-user-account-control-computed"),
        expires=from_filetime(number("accountexpires")),
        spns=texts("serviceprincipalname"),
        delegates_to=texts("msds-allowedtodelegateto"),
        allowed_to_act=decode_descriptor(act) if act else None,
        dns_name=text("dnshostname").lower(),
        sid_history=tuple(sid_from_bytes(found) for found in values.get("sidhistory", ())),
        group_type=number("grouptype"),
        primary_group=number("primarygroupid"),
        authentication_policy=text("msds-assignedauthnpolicy"),
        when_changed=_generalized_time(text("whenchanged")),
        changed=replication.change_times(meta) if meta else {},
        password_set=from_filetime(number("pwdlastset")),
        last_logon=from_filetime(number("lastlogontimestamp")),
        encryption=number(_ENCRYPTION) if text(_ENCRYPTION) else None,
        system=text("operatingsystem"),
        system_version=text("operatingsystemversion"),
        evidence=evidence,
    )


def _generalized_time(text: str) -> datetime | None:
    """RFC 4517 3.3.13 in the form that Active Directory writes (`20261001060000.0Z`)."""
    try:
        return datetime.strptime(text[:14], _GENERALIZED_TIME).replace(tzinfo=UTC)
    except ValueError:
        return None
