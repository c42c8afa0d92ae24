"""One link of the chain: its state, why, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vmmaudit.assessment import Ternary, Value
from vmmaudit.facts import Missing


@dataclass(frozen=True, slots=True)
class Link:
    """One link of the chain.

    Attributes:
        code: why, as a code of the texts; empty for a plain yes.
        missing: where it is unknown for want of a fact.
    """

    state: Ternary
    code: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()
    missing: Missing | None = None

    @classmethod
    def unknown(cls, missing: Missing) -> Link:
        """Unknown for want of a fact."""
        return cls(Ternary.UNKNOWN, missing.reason.value, {}, missing.evidence, missing)
