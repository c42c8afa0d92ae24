"""The parts of a scope, and what they know of each other."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from vmmaudit.scope.values import (
    REFERENCE,
    SERVERS,
    UNC,
    AccountName,
    Classification,
    DnsName,
    DuplicateError,
    SecretReference,
    TimeZone,
    Worded,
    dns_name,
    in_language,
)


class _Part(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=False,
        str_strip_whitespace=True,
        hide_input_in_errors=True,
    )


class TokenProfile(StrEnum):
    """How a library server builds the token of a network logon (`docs/semantics.md`)."""

    WINDOWS_MEMBER = "windows-member"
    SAMBA_MEMBER = "samba-member"


class Role(StrEnum):
    """Who signs: executing auditor, second pair of eyes, approver, audited party."""

    AUDITOR = "auditor"
    REVIEWER = "reviewer"
    APPROVER = "approver"
    AUDITEE = "auditee"


class Period(_Part):
    """First and last day of the audited period, both included."""

    start: date = Field(alias="from")
    end: date = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> Period:
        if self.end < self.start:
            raise ValueError(f"the period ends ({self.end}) before it begins ({self.start})")
        return self


class Audit(_Part):
    """The mandate: title, period, classification, languages, exclusions, notes on the sample.

    Title and mandate may be given by language: `title: {de: …, en: …}`.
    """

    title: Worded
    client: str = ""
    mandate: Worded | None = None
    period: Period | None = None
    time_zone: TimeZone = "UTC"
    classification: Classification = "internal"
    languages: tuple[str, ...] = Field(default=("de", "en"), min_length=1)
    document_id: str = ""
    distribution: tuple[str, ...] = ()
    exclusions: tuple[str, ...] = ()
    sample: str = ""
    retention_years: int | None = Field(default=None, ge=1, le=100)

    def titled(self, language: str) -> str:
        """The title in a language, or else in the first one it is given in."""
        return in_language(self.title, language)

    def mandated(self, language: str) -> str:
        """The mandate in a language, or else in the first one it is given in."""
        return in_language(self.mandate, language) if self.mandate else ""

    @property
    def zone(self) -> ZoneInfo:
        """Where the documents' times are told, besides UTC."""
        return ZoneInfo(self.time_zone)


class Person(_Part):
    """Somebody with a role in this audit."""

    role: Role
    name: str = Field(min_length=1)
    organisation: str = ""


class Authentication(_Part):
    """How to log on to the servers of a domain. `secret` is a reference, never a secret."""

    protocol: Literal["negotiate", "kerberos", "ntlm", "simple"] = "negotiate"
    user: str | None = None
    secret: SecretReference = "sso"  # noqa: S105 - names the logon of this session


def _or_reference(schema: dict[str, Any]) -> None:
    """The reference to the secret may stand alone in the place of the mapping."""
    mapping = {key: schema.pop(key) for key in list(schema) if key != "default"}
    schema["anyOf"] = [{"type": "string", "pattern": f"^({REFERENCE.pattern})$"}, mapping]


class Domain(_Part):
    """An Active Directory domain and how it is reached.

    `transport`: `sealed` is port 389 signed and sealed, `ldaps` 636, `starttls` TLS on 389.
    `winrm`: whether servers of the domain may be asked over WinRM (`http` is port 5985, encrypted
    by Kerberos; `https` 5986) where pipes are refused, and for what only WinRM tells.
    """

    name: DnsName
    controllers: tuple[DnsName, ...] = ()
    transport: Literal["sealed", "ldaps", "starttls"] = "sealed"
    auth: Authentication = Field(default=Authentication(), json_schema_extra=_or_reference)
    ca: Path | None = None
    winrm: Literal["off", "http", "https"] = "off"

    @field_validator("auth", mode="before")
    @classmethod
    def _shorthand(cls, value: Any) -> Any:
        return {"secret": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _simple_needs_tls(self) -> Domain:
        if self.auth.protocol == "simple" and self.transport == "sealed":
            raise ValueError(
                "a simple bind is only made inside TLS; set transport: ldaps or starttls"
            )
        return self


class VmmServer(_Part):
    """A VMM management server, and the account its service runs under if that is known."""

    server: DnsName
    account: AccountName | None = None


class Host(_Part):
    """A Hyper-V host; `run_as` is the Run As account it was added to VMM with, if any."""

    name: DnsName
    run_as: AccountName | None = None
    cluster: DnsName | None = None
    platform: Literal["hyper-v", "esx"] = "hyper-v"


class Library(_Part):
    r"""A library share as VMM names it: `\\name\share`.

    `server` is the computer account behind the name where the name is an alias or a
    cluster's client access point. `registered` says where the name was taken from.
    """

    share: str
    server: DnsName | None = None
    token_profile: TokenProfile = TokenProfile.WINDOWS_MEMBER

    @field_validator("share")
    @classmethod
    def _unc(cls, value: str) -> str:
        found = UNC.fullmatch(value)
        if not found:
            raise ValueError(rf"'{value}' is not a share; write \\server\share")
        name, share = found.groups()
        try:
            ipaddress.ip_address(name)
        except ValueError:
            dns_name(name)
        return rf"\\{name}\{share}"

    @property
    def unc_name(self) -> str:
        """The server part exactly as written, but without the case: the name whose SPN counts."""
        return self.share.split("\\")[2].lower()

    @property
    def share_name(self) -> str:
        """The share part as written."""
        return self.share.split("\\")[3]


class Site(_Part):
    """A place whose servers are read by workers that stand in it (`--executor`).

    `servers` are full names or patterns (`*`, `?`), of domains too; a server that no site names
    is read where its domain is.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9_-]+$")
    servers: tuple[Annotated[str, Field(pattern=rf"^{SERVERS}$")], ...] = Field(min_length=1)


class Thresholds(_Part):
    """Numbers that a verdict depends on, with the field's usual values."""

    ticket_lifetime_hours: int = Field(default=10, ge=1, le=720)
    replication_margin_minutes: int = Field(default=15, ge=0, le=10080)
    files_per_share: int = Field(default=100_000, ge=1)


class Waiver(_Part):
    """An exception granted by somebody entitled to; it lies over a verdict, never replaces it.

    `control` and `subject` are patterns (`*`, `?`); `source` says which list and row it is from.
    """

    control: str
    subject: str = "*"
    reason: str = Field(min_length=1)
    owner: str = ""
    approver: str = ""
    ticket: str = ""
    until: date
    source: str = ""


_Verbatim = Annotated[str, StringConstraints(strip_whitespace=False)]
_ID_PLACES: Final = frozenset({"date", "year", "digest"})


class Branding(_Part):
    """How the documents look for this customer.

    `logo` is a PNG or JPEG file, `templates` a folder with those files of `templates/` that
    differ; in a pack's own scope both stand as their content. `document_id` is a scheme such
    as `IR-{{year}}-{{digest}}` (`date`, `year`, `digest`). `classifications` gives a level
    another label, in all languages or by language.
    """

    sender: str = ""
    logo: str = ""
    colour: str = Field(default="#1f3a5f", pattern=r"^#[0-9a-fA-F]{6}$")
    document_id: str = ""
    classifications: dict[Classification, str | dict[str, str]] = {}
    retention_years: int | None = Field(default=None, ge=1, le=100)
    templates: str | dict[str, _Verbatim] = ""

    @field_validator("document_id")
    @classmethod
    def _known_places(cls, value: str) -> str:
        for name in re.findall(r"\{\{\s*(.*?)\s*\}\}", value):
            if name not in _ID_PLACES:
                known = ", ".join(sorted(_ID_PLACES))
                raise ValueError(f"there is no placeholder '{name}'; there are {known}")
        return value


class ChangeRecord(_Part):
    """How a plan is filed: what only the people know who file it.

    `start` and `end` are of the audit's time zone where they name no offset of their own.
    """

    number: str = Field(default="", max_length=40)
    type: Literal["normal", "standard", "emergency"] = "normal"
    business_service: str = ""
    assignment_group: str = ""
    requested_by: str = ""
    assigned_to: str = ""
    start: datetime | None = None
    end: datetime | None = None
    cab_required: bool = True

    @model_validator(mode="after")
    def _in_order(self) -> ChangeRecord:
        if self.start and self.end:
            if (self.start.tzinfo is None) is not (self.end.tzinfo is None):
                raise ValueError("give both start and end with an offset, or neither")
            if self.end <= self.start:
                raise ValueError(f"the change ends ({self.end}) before it begins ({self.start})")
        return self


class Scope(_Part):
    """The whole file."""

    format: Literal[1]
    audit: Audit
    people: tuple[Person, ...] = ()
    domains: tuple[Domain, ...] = Field(min_length=1)
    vmm: tuple[VmmServer, ...] = ()
    hosts: tuple[Host, ...] = Field(min_length=1)
    libraries: tuple[Library, ...] = Field(min_length=1)
    sites: tuple[Site, ...] = ()
    thresholds: Thresholds = Thresholds()
    waivers: tuple[Waiver, ...] = ()
    waivers_file: str = ""
    branding: Branding = Branding()
    change: ChangeRecord = ChangeRecord()

    @model_validator(mode="after")
    def _unique(self) -> Scope:
        for part, names in (
            ("domains", [domain.name for domain in self.domains]),
            ("hosts", [host.name for host in self.hosts]),
            ("libraries", [library.share.lower() for library in self.libraries]),
            ("vmm", [vmm.server for vmm in self.vmm]),
            ("sites", [site.name for site in self.sites]),
        ):
            for index, name in enumerate(names):
                if name in names[:index]:
                    raise DuplicateError(part, index, name)
        return self

    @model_validator(mode="after")
    def _somewhere(self) -> Scope:
        for domain in self.domains if self.sites else ():
            if not self.site_of(domain.name):
                raise ValueError(
                    f"no site names the domain '{domain.name}'; put it into the one whose workers "
                    "reach its controllers"
                )
        return self

    @property
    def hyper_v_hosts(self) -> tuple[Host, ...]:
        """Hosts that can share an image; on ESX it is always copied."""
        return tuple(host for host in self.hosts if host.platform == "hyper-v")

    @property
    def esx_hosts(self) -> tuple[Host, ...]:
        """Hosts that VMM copies every image to."""
        return tuple(host for host in self.hosts if host.platform == "esx")

    def domain_of(self, server: str) -> Domain:
        """The domain a server belongs to by its DNS suffix; a short name is of the first one."""
        return nearest(self.domains, server)

    def site_of(self, server: str) -> str:
        """The first site that names a server, else its domain's; empty where there are none."""
        for name in (server.lower(), self.domain_of(server).name):
            for site in self.sites:
                if any(fnmatchcase(name, pattern.lower()) for pattern in site.servers):
                    return site.name
        return ""

    def account_of(self, host: Host) -> AccountName | None:
        """A(H): the host's Run As account, else the VMM service account if it is declared."""
        return host.run_as or next((vmm.account for vmm in self.vmm if vmm.account), None)

    def digest(self) -> str:
        """SHA-256 over what the scope says: neither defaults nor folders of this machine."""
        said = self.model_dump(by_alias=True, exclude_defaults=True)
        text = json.dumps(
            said, sort_keys=True, default=lambda v: v.name if isinstance(v, Path) else str(v)
        )
        return hashlib.sha256(text.encode()).hexdigest()


def nearest(domains: Sequence[Domain], server: str) -> Domain:
    """The domain a server belongs to by its DNS suffix; a short name is of the first one."""
    fitting = [domain for domain in domains if server.lower().endswith("." + domain.name)]
    return max(fitting, key=lambda domain: len(domain.name), default=domains[0])
