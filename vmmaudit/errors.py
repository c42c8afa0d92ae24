"""Every error a user can meet: one tree, one clear sentence each, one exit code each.

The sentence says what is wrong, where, and what to do. Only `collect` turns a
`WireError` into a gap; only `cli` turns an error into words and an exit status.
"""

from __future__ import annotations

from typing import Final

DAMAGED: Final = (
    *(ValueError, LookupError, TypeError, AttributeError, ArithmeticError),
    *(AssertionError, NotImplementedError, RecursionError),
)
"""What libraries raise, besides their own errors, over input that somebody damaged on purpose."""


class AuditError(Exception):
    """Something that the user can understand and mend."""

    exit_code = 5

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows instead of a traceback: the sentence."""
        return [f"{type(self).__name__}: {self}"]


class UsageError(AuditError):
    """The command line or a notebook parameter is wrong."""

    exit_code = 1


class ScopeError(AuditError):
    """The scope file is missing, malformed or contradicts itself."""

    exit_code = 1


class EvidenceError(AuditError):
    """An evidence file is truncated, altered, or of a format this version cannot read."""

    exit_code = 1


class PackError(AuditError):
    """A pack cannot be read, or cannot be written (disk full, read-only folder)."""

    exit_code = 1


class FormatError(AuditError):
    """Bytes that do not follow the Microsoft format they claim to be.

    `structure` names the structure as its specification does, `offset` counts
    bytes from the start of the buffer that was given to the decoder.
    """

    def __init__(self, structure: str, offset: int, problem: str) -> None:
        super().__init__(f"{structure} at byte {offset}: {problem}")
        self.structure = structure
        self.offset = offset
        self.problem = problem
