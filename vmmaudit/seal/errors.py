"""What keeps a signature from being made."""

from __future__ import annotations

from vmmaudit.errors import AuditError


class SealError(AuditError):
    """A signature cannot be made: the key, the order of roles, the time stamp, the pack."""

    exit_code = 1
