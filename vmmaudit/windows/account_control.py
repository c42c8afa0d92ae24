"""userAccountControl (MS-ADTS 2.2.16) and groupType (2.2.12) bits that matter here."""

from __future__ import annotations

from enum import IntFlag


class AccountControl(IntFlag):
    """userAccountControl; LOCKOUT and PASSWORD_EXPIRED are of the computed attribute."""

    ACCOUNT_DISABLE = 0x0000_0002
    LOCKOUT = 0x0000_0010
    NORMAL_ACCOUNT = 0x0000_0200
    WORKSTATION_TRUST = 0x0000_1000
    SERVER_TRUST = 0x0000_2000
    TRUSTED_FOR_DELEGATION = 0x0008_0000
    NOT_DELEGATED = 0x0010_0000
    PASSWORD_EXPIRED = 0x0080_0000
    TRUSTED_TO_AUTH_FOR_DELEGATION = 0x0100_0000
    PARTIAL_SECRETS = 0x0400_0000


class GroupType(IntFlag):
    """groupType."""

    BUILTIN = 0x0000_0001
    GLOBAL = 0x0000_0002
    DOMAIN_LOCAL = 0x0000_0004
    UNIVERSAL = 0x0000_0008
    SECURITY = 0x8000_0000
