"""What would change: the matrix before and after, and the verdicts that move."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from vmmaudit.audit import Audit
from vmmaudit.change.words import actor, sentence
from vmmaudit.compare import Comparison, compare
from vmmaudit.controls.texts import Texts
from vmmaudit.display import framed, safe
from vmmaudit.explore.matrix import Matrix

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class WhatIf:
    """An audit, and the same after changes that nobody made.

    found = audit.what_if(
        audit.suppose.member("HYPER07", "GG_HyperV_Hosts"), audit.suppose.restarted("HYPER07")
    )
    found                # the matrix before and after, and the verdicts that move
    found.to_frame()     # those verdicts as a DataFrame
    found.after          # the audit after the changes: explain() and assessment as ever

    Every control is judged anew on a changed copy. Nothing is touched, and nothing is written.
    """

    before: Audit
    after: Audit
    texts: Texts

    @cached_property
    def comparison(self) -> Comparison:
        """Verdict by verdict and pair by pair."""
        return compare(self.before.assessment, self.after.assessment, self.texts.language)

    @property
    def matrix(self) -> Matrix:
        """Hosts × shares after the changes, with what was before."""
        return Matrix(self.after.assessment, self.texts, self.before.assessment)

    def to_frame(self) -> pd.DataFrame:
        """One row per verdict that moves."""
        return self.comparison.to_frame()

    def markup(self) -> str:
        """Changes, matrix and moved verdicts, as markup for a frame."""
        word, fill, number = self.texts.word, self.texts.fill, self.texts.number
        changes = self.after.supposed[len(self.before.supposed) :]
        if not changes:
            return f"<p class='note'>{safe(word('explore', 'changes_none'))}</p>"
        listed = "".join(
            f"<li>{safe(sentence(change, self.texts))} "
            f"<span class='note'>[{safe(actor(change, self.texts))}]</span></li>"
            for change in changes
        )
        found = self.comparison
        if found.moved or found.ready:
            counts = {
                "moved": number(len(found.moved)),
                "unchanged": number(found.unchanged),
                "number": number(self._places()),
            }
            told = f"{fill(word('explore', 'moved'), counts)}. " + fill(
                word("explore", "pairs_moved"), counts
            )
        else:
            told = word("explore", "unmoved")
        return (
            f"<h3>{safe(word('explore', 'supposed'))}</h3><ol>{listed}</ol>"
            f"<p><strong>{safe(told)}</strong></p>{self.matrix.markup()}{found.markup()}"
            f"<p class='note'>{safe(word('explore', 'only_supposed'))}</p>"
        )

    def _places(self) -> int:
        """Pairs whose state or first broken control differs."""
        old = Matrix(self.before.assessment, self.texts).to_frame()
        new = Matrix(self.after.assessment, self.texts).to_frame().reindex_like(old)
        return int((old.fillna("") != new.fillna("")).to_numpy().sum())

    def _repr_html_(self) -> str:
        return framed(self.markup(), language=self.texts.language)

    def __repr__(self) -> str:
        steps = [sentence(change, self.texts) for change in self.after.supposed]
        return "\n".join([self.texts.word("explore", "supposed"), *steps, str(self.to_frame())])
