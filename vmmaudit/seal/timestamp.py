"""A time-stamping authority (RFC 3161), asked over HTTP."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from pyhanko.sign.timestamps import HTTPTimeStamper, TimeStamper

from vmmaudit.errors import UsageError

_SECONDS: Final = 20


def authority(url: str) -> TimeStamper:
    """The authority at a URL.

    Raises:
        UsageError: that is no address.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"'{url}' is no address of a time-stamping authority; write https://….")
    return HTTPTimeStamper(url, timeout=_SECONDS)
