"""What a verification found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

from vmmaudit.display import framed, safe, table
from vmmaudit.scope import Role
from vmmaudit.seal.signature import Signature

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Verification:
    """What was found; every failure is one sentence, in English as on the command line.

    found = verify(Path("output/contoso_2026-10-01T060000Z"), [Path("root.pem")])
    found.released       # nothing is wrong, and everybody has signed
    found.to_frame()     # one row per failure, signature, open role and note

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
        return bool(self.signatures) and not self.failures and not self.missing

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
        yield f"status  {self.status} ({self._german})"

    @property
    def _german(self) -> str:
        return "Freigegeben" if self.released else "Entwurf"

    def to_frame(self) -> pd.DataFrame:
        """One row per failure, signature, role that is open, and note: what `lines` say."""
        import pandas as pd  # noqa: PLC0415 - costs 0.3 s

        rows = (line.split(maxsplit=1) for line in self.lines())
        found = [(kind, said) for kind, said in rows if kind != "status"]
        return pd.DataFrame(found, columns=["what", "sentence"])

    def _repr_html_(self) -> str:
        tone = "bad" if self.failures else "good" if self.released else "warn"
        said = safe(f"{self.source}: {self.status} ({self._german})")
        return framed(
            f"<p class='{tone}'><strong>{said}</strong></p>", table(self.to_frame()), language="en"
        )
