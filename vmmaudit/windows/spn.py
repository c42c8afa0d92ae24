"""Service principal names: `class/host[:port][/service]` (MS-ADTS 2.2.21)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spn:
    """The parts, folded to lower case since the directory compares without case."""

    service: str
    host: str
    port: str = ""
    instance: str = ""


def parse(text: str) -> Spn | None:
    """The parts of an SPN, or None where it has no host part."""
    service, slash, rest = text.lower().partition("/")
    if not slash or not service or not rest:
        return None
    host, _, instance = rest.partition("/")
    host, _, port = host.partition(":")
    return Spn(service, host, port, instance) if host else None
