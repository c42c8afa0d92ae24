"""What was agreed: domains, VMM servers, hosts, library shares, accounts, thresholds, waivers.

YAML with one published JSON Schema (`vmmaudit schema scope`). An unknown or
misspelt key, a duplicate and a wrong type are errors that name file and line.
"""

from vmmaudit.scope.parts import (
    Audit,
    Authentication,
    Branding,
    ChangeRecord,
    Domain,
    Host,
    Library,
    Period,
    Person,
    Role,
    Scope,
    Site,
    Thresholds,
    TokenProfile,
    VmmServer,
    Waiver,
    nearest,
)
from vmmaudit.scope.reading import load, parse, parse_domain, schema
from vmmaudit.scope.values import AccountName, Classification, DnsName, Worded

__all__ = [
    "AccountName",
    "Audit",
    "Authentication",
    "Branding",
    "ChangeRecord",
    "Classification",
    "DnsName",
    "Domain",
    "Host",
    "Library",
    "Period",
    "Person",
    "Role",
    "Scope",
    "Site",
    "Thresholds",
    "TokenProfile",
    "VmmServer",
    "Waiver",
    "Worded",
    "load",
    "nearest",
    "parse",
    "parse_domain",
    "schema",
]
