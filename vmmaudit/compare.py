"""What changed between two assessments, verdict by verdict and pair by pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from vmmaudit.assessment import Assessment, Judgement, Readiness, Verdict
from vmmaudit.controls.texts import Texts
from vmmaudit.display import framed, safe

if TYPE_CHECKING:
    import pandas as pd


class Change(StrEnum):
    """How a verdict moved."""

    NEW = "new"
    REGRESSED = "regressed"
    FIXED = "fixed"
    WAIVED = "waived"
    WAIVER_ENDED = "waiver-ended"
    NOT_ASSESSABLE = "newly-not-assessable"
    OTHER = "other"
    REQUIREMENT = "requirement-changed"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Moved:
    """One control and subject whose verdict, reason or waiver differs.

    Attributes:
        requirement_changed: the control has another version now, so the two verdicts do not
            mean the same.
    """

    change: Change
    before: Judgement | None
    after: Judgement | None

    @property
    def judgement(self) -> Judgement:
        """The later one, or the earlier where the subject is gone."""
        found = self.after or self.before
        assert found is not None  # noqa: S101 - one of the two is always there
        return found

    @property
    def requirement_changed(self) -> bool:
        """Whether both exist and the control's version differs."""
        return bool(self.before and self.after and self.before.version != self.after.version)


@dataclass(frozen=True, slots=True, repr=False)
class Comparison:
    """Two assessments side by side; unchanged verdicts are only counted.

    found = compare(assessed("output/before"), assessed("output/after"), "de")
    found                        # what moved, with the sentence that says why
    found.of(Change.REGRESSED)   # what got worse
    found.ready                  # pairs of host and share whose state moved
    found.to_frame()             # one row per verdict that moved

    Attributes:
        language: of the words it is shown in.
    """

    moved: tuple[Moved, ...]
    unchanged: int
    ready: tuple[tuple[Readiness, Readiness], ...]
    language: str = "en"

    @property
    def requirements(self) -> dict[str, tuple[int, int]]:
        """Controls whose version differs, with both versions: verdicts mean another thing."""
        return {
            moved.judgement.control: (moved.before.version, moved.after.version)
            for moved in self.moved
            if moved.before and moved.after and moved.requirement_changed
        }

    def of(self, change: Change) -> tuple[Moved, ...]:
        """What moved in one way, in the order of the later assessment."""
        return tuple(moved for moved in self.moved if moved.change is change)

    def counts(self) -> Counter[Change]:
        """How many of each kind."""
        return Counter(moved.change for moved in self.moved)

    def to_frame(self) -> pd.DataFrame:
        """One row per verdict that moved."""
        import pandas as pd  # noqa: PLC0415 - costs 0.3 s

        return pd.DataFrame(
            {
                "change": m.change.value,
                "control": m.judgement.control,
                "subject": m.judgement.subject.name,
                "before": m.before.verdict.value if m.before else "",
                "after": m.after.verdict.value if m.after else "",
                "requirement changed": m.requirement_changed,
            }
            for m in self.moved
        )

    def markup(self) -> str:
        """The verdicts that moved as a table in words, for a frame."""
        return _table(self.moved, Texts.load(self.language)) if self.moved else ""

    def _repr_html_(self) -> str:
        texts = Texts.load(self.language)
        counts = {"moved": len(self.moved), "unchanged": self.unchanged, "number": len(self.ready)}
        told = (texts.fill(texts.word("explore", key), counts) for key in ("moved", "pairs_moved"))
        return framed(
            *(f"<p><strong>{safe(said)}</strong></p>" for said in told),
            self.markup(),
            language=self.language,
        )

    def __repr__(self) -> str:
        return f"<Comparison: {len(self.moved)} verdicts moved, {self.unchanged} did not>"


_SHOWN: Final = 100


def _table(found: Sequence[Moved], texts: Texts) -> str:
    word = texts.word
    heads = "".join(
        f"<th scope='col'>{safe(word('explore', 'column', name))}</th>"
        for name in ("control", "title", "subject", "before", "after", "why")
    )
    rows = "".join(_row(moved, texts) for moved in found[:_SHOWN])
    more = len(found) - _SHOWN
    return (
        f"<h3>{safe(word('explore', 'table', 'moved'))}</h3><div class='scroll'><table><thead>"
        f"<tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
        + (f"<p class='note'>+ {more}: <code>to_frame()</code></p>" if more > 0 else "")
    )


def _row(moved: Moved, texts: Texts) -> str:
    later = moved.judgement
    why = texts.fill(texts.finding(later.control, later.code), later.values)
    return (
        f"<tr><th scope='row'>{safe(later.control)}</th>"
        f"<td>{safe(texts.control(later.control).title)}</td>"
        f"<td>{safe(later.subject.name)}</td>"
        f"{_verdict(moved.before, texts)}{_verdict(moved.after, texts)}<td>{safe(why)}</td></tr>"
    )


def _verdict(judgement: Judgement | None, texts: Texts) -> str:
    if judgement is None:
        return "<td>–</td>"
    tone = judgement.verdict.tone
    word = safe(texts.label("verdict", judgement.verdict.value))
    return f"<td class='{tone.value}'>{tone.symbol} {word}</td>"


def compare(before: Assessment, after: Assessment, language: str = "en") -> Comparison:
    """What moved from one assessment to the other, in the order of the later one."""
    old = {(j.control, j.subject.id): j for j in before.verdicts}
    new = {(j.control, j.subject.id): j for j in after.verdicts}
    moved = [
        Moved(change, old.get(key), judgement)
        for key, judgement in new.items()
        if (change := _change(old.get(key), judgement))
    ]
    gone = [Moved(Change.GONE, judgement, None) for key, judgement in old.items() if key not in new]
    ready = tuple(_readiness(before, after))
    return Comparison((*moved, *gone), len(new) - len(moved), ready, language)


def repeats(before: Assessment, after: Assessment) -> frozenset[tuple[str, str]]:
    """Controls and subject ids that were a finding then and are one again."""
    grave = (Verdict.FAIL, Verdict.WARN)
    old = {(j.control, j.subject.id) for j in before.verdicts if j.verdict in grave}
    new = {(j.control, j.subject.id) for j in after.verdicts if j.verdict in grave}
    return frozenset(old & new)


_FINDINGS: Final = (Verdict.FAIL, Verdict.WARN)
_OPEN: Final = (Verdict.NOT_ASSESSABLE, Verdict.MANUAL)
_WELL: Final = (Verdict.PASS, Verdict.NOT_APPLICABLE)


def _change(before: Judgement | None, after: Judgement) -> Change | None:
    if before is None:
        return None if after.verdict in _WELL else Change.NEW
    if before.waiver is None and after.waiver is not None:
        return Change.WAIVED
    if before.waiver is not None and after.waiver is None and after.verdict is not Verdict.PASS:
        return Change.WAIVER_ENDED
    was, now = before.verdict, after.verdict
    if was is now and before.code == after.code:
        return Change.REQUIREMENT if before.version != after.version else None
    if now is Verdict.NOT_ASSESSABLE and was is not now:
        return Change.NOT_ASSESSABLE
    if now in _WELL and was not in _WELL:
        return Change.FIXED
    if now in _FINDINGS and was in _OPEN:  # nobody knows whether it got worse
        return Change.NEW
    if now in _FINDINGS and (was in _WELL or (was, now) == (Verdict.WARN, Verdict.FAIL)):
        return Change.REGRESSED
    return Change.OTHER


def _readiness(before: Assessment, after: Assessment) -> Iterator[tuple[Readiness, Readiness]]:
    """Pairs of host and share whose readiness or first broken link moved."""
    old = {(entry.host, entry.share.lower()): entry for entry in before.readiness}
    for entry in after.readiness:
        was = old.get((entry.host, entry.share.lower()))
        if was and (was.ready, was.broken) != (entry.ready, entry.broken):
            yield was, entry
