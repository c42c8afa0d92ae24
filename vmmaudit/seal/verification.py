"""What a verification found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from vmmaudit.scope import Role
from vmmaudit.seal.signature import Signature


@dataclass(frozen=True)
class Verification:
    """What was found; every failure is one sentence.

    Attributes:
        source: the pack or the PDF.
        failures: what is wrong.
        notes: what should be known.
        signatures: one per person, in the order they signed.
        missing: roles that have to sign and have not.
    """

    source: str
    failures: tuple[str, ...]
    notes: tuple[str, ...]
    signatures: tuple[Signature, ...]
    missing: tuple[Role, ...]

    @property
    def released(self) -> bool:
        """Nothing is wrong, and everybody who has to has signed."""
        return not self.failures and not self.missing

    @property
    def status(self) -> str:
        """`released` or `draft`."""
        return "released" if self.released else "draft"

    def data(self) -> dict[str, Any]:
        """For machines."""
        return {
            "source": self.source,
            "status": self.status,
            "failures": list(self.failures),
            "notes": list(self.notes),
            "missing": [role.value for role in self.missing],
            "signatures": [
                {
                    "role": item.role.value,
                    "name": item.name,
                    "issuer": item.issuer,
                    "at": item.moment.isoformat() if item.moment else None,
                    "time": "stamped" if item.stamped else "claimed",
                    "certificate": item.certificate.sha256.hex(),
                }
                for item in self.signatures
            ],
        }

    def lines(self) -> Iterator[str]:
        """For people: what is wrong first, the status last."""
        for failure in self.failures:
            yield f"FAILED  {failure}"
        for item in self.signatures:
            sign = "bad" if item.problems else "ok"
            at = (
                f"{item.moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
                if item.moment
                else "at an unknown time"
            )
            clock = "time stamp" if item.stamped else "own clock"
            yield f"{sign:6}  {item.role.value}: {item.name} ({item.issuer}), {at}, {clock}"
        for role in self.missing:
            yield f"open    {role.value}: no valid signature"
        for note in self.notes:
            yield f"note    {note}"
        german = "Freigegeben" if self.released else "Entwurf"
        yield f"status  {self.status} ({german})"
