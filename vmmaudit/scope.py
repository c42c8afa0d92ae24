"""What was agreed: domains, VMM servers, hosts, library shares, accounts, thresholds, waivers.

YAML with one published JSON Schema (`vmmaudit schema scope`). An unknown or
misspelt key, a duplicate and a wrong type are errors that name file and line.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from itertools import count
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from vmmaudit.errors import ScopeError

_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_DNS_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_REFERENCE: Final = re.compile(r"sso|ccache|prompt|env:[A-Za-z_][A-Za-z0-9_]*|keyring:[^/]+/.+")
_UNC: Final = re.compile(r'\\\\([^\\/:*?"<>|]+)\\([^\\/:*?"<>|]+)\\?')
_LANGUAGE: Final = re.compile(r"^[a-z]{2,3}([_-][A-Za-z]{2,4})?$")
_SERVERS: Final = r"[A-Za-z0-9_.:*?-]+"
_ACCOUNT: Final = re.compile(r'[^\\@/"\[\]:;|=,+*?<>]+\\[^\\/"\[\]:;|=,+*?<>]+|[^\\@]+@[^\\@]+')


def _dns_name(value: str) -> str:
    if not _DNS_NAME.fullmatch(value):
        raise ValueError(f"'{value}' is not a DNS name")
    return value.rstrip(".").lower()


def _worded(value: Any) -> Any:
    texts = value if isinstance(value, dict) else {"en": value}
    if texts and all(
        isinstance(code, str)
        and _LANGUAGE.fullmatch(code)
        and isinstance(text, str)
        and 0 < len(text.strip()) <= 2000
        for code, text in texts.items()
    ):
        return value
    raise ValueError(
        "is not a text of at most 2,000 characters; write one, or one for each language: "
        "{de: …, en: …}"
    )


def _account(value: str) -> str:
    if not _ACCOUNT.fullmatch(value):
        raise ValueError(rf"'{value}' is not an account name; write DOMAIN\name or name@domain")
    return value


def _reference(value: str) -> str:
    if not _REFERENCE.fullmatch(value):
        raise ValueError(
            "is not a reference to a secret; write sso, ccache, prompt, env:NAME or "
            "keyring:service/user, never the secret itself"
        )
    return value


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"'{value}' is not a time zone; write a name such as Europe/Berlin"
        ) from None
    return value


def _in_language(given: str | dict[str, str], language: str) -> str:
    if isinstance(given, str):
        return given
    return given.get(language) or next(iter(given.values()))


Classification: TypeAlias = Literal["public", "internal", "confidential", "strictly-confidential"]
_Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
_LanguageCode = Annotated[str, StringConstraints(pattern=_LANGUAGE.pattern)]
Worded = Annotated[
    _Text | Annotated[dict[_LanguageCode, _Text], Field(min_length=1)], BeforeValidator(_worded)
]
"""What is printed as it stands, or by language: `{de: …, en: …}`."""
DnsName = Annotated[str, AfterValidator(_dns_name)]
AccountName = Annotated[str, AfterValidator(_account)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
SecretReference = Annotated[str, AfterValidator(_reference)]


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
        return _in_language(self.title, language)

    def mandated(self, language: str) -> str:
        """The mandate in a language, or else in the first one it is given in."""
        return _in_language(self.mandate, language) if self.mandate else ""

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
    schema["anyOf"] = [{"type": "string", "pattern": f"^({_REFERENCE.pattern})$"}, mapping]


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
        found = _UNC.fullmatch(value)
        if not found:
            raise ValueError(rf"'{value}' is not a share; write \\server\share")
        name, share = found.groups()
        try:
            ipaddress.ip_address(name)
        except ValueError:
            _dns_name(name)
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
    servers: tuple[Annotated[str, Field(pattern=rf"^{_SERVERS}$")], ...] = Field(min_length=1)


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
                    raise _DuplicateError(part, index, name)
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


class _DuplicateError(ValueError):
    """Two entries of one name; carries where the second one stands."""

    def __init__(self, part: str, index: int, name: str) -> None:
        super().__init__(f"'{name}' stands twice under {part}; remove one of them")
        self.place = (part, index)


def load(path: Path) -> Scope:
    """Read a scope file.

    Raises:
        ScopeError: missing, not YAML, or against the schema; names file, line and remedy.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScopeError(
            f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8."
        ) from error
    except OSError as error:
        raise ScopeError(f"The scope {path} cannot be read: {error.strerror or error}.") from error
    return parse(text, str(path), path.parent)


def parse(text: str, name: str, folder: Path = Path()) -> Scope:
    """The scope in `text`; `name` is used in error sentences, `folder` resolves relative paths."""
    try:
        document = YAML(typ="rt", pure=True).load(text)
    except MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ScopeError(f"{name}{line}: this is not valid YAML: {error.problem}.") from error
    except (YAMLError, *_BROKEN) as error:
        raise ScopeError(f"{name} is not valid YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(document, CommentedMap):
        raise ScopeError(f"{name} holds no scope; it must begin with 'format: 1'.")
    if isinstance(document.get("format"), int) and document["format"] > 1:
        raise ScopeError(f"{name} has format {document['format']}; this vmmaudit reads format 1.")
    try:
        scope = Scope.model_validate(_plain(document, count(_MOST_ENTRIES, -1)))
    except RecursionError as error:
        raise ScopeError(f"{name} is nested too deeply, or in itself.") from error
    except ValidationError as error:
        raise ScopeError("\n".join(_sentences(error, document, name))) from error
    return _with_absolute_paths(scope, folder)


def parse_domain(value: dict[str, Any]) -> Domain:
    """A domain given on the command line.

    Raises:
        ScopeError: one sentence per mistake.
    """
    try:
        return Domain.model_validate(value)
    except ValidationError as error:
        mistakes = (
            f"--{'.'.join(map(str, p['loc'])) or 'transport'}: "
            f"{p.get('ctx', {}).get('error') or _MESSAGES.get(p['type'], p['msg'])}"
            for p in error.errors()
        )
        raise ScopeError("; ".join(mistakes) + ".") from error


def schema() -> dict[str, Any]:
    """The published JSON Schema of the scope file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Scope.model_json_schema(by_alias=True),
        "title": "vmmaudit scope, format 1",
    }


def _plain(value: Any, left: Iterator[int]) -> Any:
    """The document without ruamel's own types, which pydantic's strictness would stumble on.

    Aliases are written out here, so a few lines could become more than there is memory.
    """
    if next(left) < 0:
        raise RecursionError
    if isinstance(value, CommentedMap):
        return {key: _plain(item, left) for key, item in value.items()}
    if isinstance(value, CommentedSeq):
        return [_plain(item, left) for item in value]
    if isinstance(value, str):
        return str(value)
    return value


def _sentences(error: ValidationError, document: CommentedMap, name: str) -> list[str]:
    sentences = []
    for problem in error.errors():
        cause = problem.get("ctx", {}).get("error")
        place = cause.place if isinstance(cause, _DuplicateError) else problem["loc"]
        line = _line(document, place)
        key = ".".join(str(part) for part in place) or "the file"
        message = str(cause) if cause else _MESSAGES.get(problem["type"], problem["msg"])
        sentences.append(f"{name}, line {line}: {key}: {message}.")
    return sentences


_BROKEN: Final = (
    *(RecursionError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError),
    *(AssertionError, NotImplementedError),
)
"""What the YAML library raises besides its own errors, over text that is meant to break it."""
_MOST_ENTRIES: Final = 1_000_000
"""Keys and values of a whole scope, aliases written out; a hundred thousand hosts need less."""
_MESSAGES: Final = {
    "extra_forbidden": "there is no such key; check its spelling",
    "missing": "this key is required",
    "string_type": "text is expected here; put it in quotes",
    "tuple_type": "a list is expected here",
    "model_type": "a mapping of keys is expected here",
    "model_attributes_type": "a mapping of keys is expected here",
    "int_parsing": "a whole number is expected here",
    "int_type": "a whole number is expected here",
    "date_from_datetime_parsing": "a date is expected here, such as 2026-12-31",
    "string_pattern_mismatch": "this is no name; letters, digits, - and _ are allowed",
    "too_short": "at least one entry is required here",
}


def _line(document: CommentedMap, place: tuple[Any, ...]) -> int:
    """The line (from 1) of the deepest part of `place` that stands in the file."""
    node: Any = document
    line = 1
    for key in place:
        try:
            if isinstance(node, CommentedMap):
                line = node.lc.key(key)[0] + 1
            elif isinstance(node, CommentedSeq):
                line = node.lc.item(key)[0] + 1
            node = node[key]
        except (KeyError, IndexError, TypeError):
            break
    return line


def _with_absolute_paths(scope: Scope, folder: Path) -> Scope:
    """Relative paths are meant from the folder of the scope file."""
    domains = tuple(
        d.model_copy(update={"ca": (folder / d.ca).resolve()}) if d.ca else d for d in scope.domains
    )
    logo, templates = scope.branding.logo, scope.branding.templates
    found: dict[str, str] = {}
    if logo and not logo.startswith("data:"):
        found["logo"] = str((folder / logo).resolve())
    if templates and isinstance(templates, str):
        found["templates"] = str((folder / templates).resolve())
    branding = scope.branding.model_copy(update=found)
    return scope.model_copy(update={"domains": domains, "branding": branding})
