"""How single values of a scope are written."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
)

_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_DNS_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
REFERENCE: Final = re.compile(r"sso|ccache|prompt|env:[A-Za-z_][A-Za-z0-9_]*|keyring:[^/]+/.+")
UNC: Final = re.compile(r'\\\\([^\\/:*?"<>|]+)\\([^\\/:*?"<>|]+)\\?')
_LANGUAGE: Final = re.compile(r"^[a-z]{2,3}([_-][A-Za-z]{2,4})?$")
SERVERS: Final = r"[A-Za-z0-9_.:*?-]+"
_ACCOUNT: Final = re.compile(r'[^\\@/"\[\]:;|=,+*?<>]+\\[^\\/"\[\]:;|=,+*?<>]+|[^\\@]+@[^\\@]+')


def dns_name(value: str) -> str:
    """In lower case, without a dot at its end.

    Raises:
        ValueError: it is none.
    """
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
    if not REFERENCE.fullmatch(value):
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


def in_language(given: str | dict[str, str], language: str) -> str:
    """What is said in a language; where it is not said in that one, in the first that is there."""
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
DnsName = Annotated[str, AfterValidator(dns_name)]
AccountName = Annotated[str, AfterValidator(_account)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
SecretReference = Annotated[str, AfterValidator(_reference)]


class DuplicateError(ValueError):
    """Two entries of one name; carries where the second one stands."""

    def __init__(self, part: str, index: int, name: str) -> None:
        super().__init__(f"'{name}' stands twice under {part}; remove one of them")
        self.place = (part, index)
