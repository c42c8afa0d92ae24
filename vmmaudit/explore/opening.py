"""Opens a pack, or collects live with a display of how far every target is."""

from __future__ import annotations

import getpass
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from vmmaudit.audit import Audit, collected, open_audit
from vmmaudit.controls.texts import Texts
from vmmaudit.explore.exploration import Exploration
from vmmaudit.explore.style import framed, safe

if TYPE_CHECKING:
    from vmmaudit.collect.gather import Progress


def explore(scope: str | Path = "", evidence: str | Path = "", language: str = "") -> Exploration:
    """An audit to look around in; without arguments the embedded, made-up site.

    Args:
        scope: a scope file; alone, it is collected for now, read-only.
        evidence: a pack's folder, or an evidence file together with its scope.
        language: `de` or `en`; empty: the first of the scope's languages.

    Raises:
        AuditError: what was named cannot be read; the sentence says what to do.
    """
    # `HYPER01$ → LIBRARY01$` is no formula, in no DataFrame that somebody makes of this.
    pd.set_option("display.html.use_mathjax", False)
    found = _collected(Path(scope)) if scope and not evidence else open_audit(scope, evidence)
    return Exploration(found, Texts.load(found.languages(language)[0]))


def _collected(scope: Path) -> Audit:
    if "IPython" in sys.modules:
        from IPython import get_ipython

        if get_ipython() is not None:
            return collected(scope, Display().report, prompt=getpass.getpass)
    from vmmaudit.progress import display

    with display(sys.stderr) as report:
        return collected(scope, report, prompt=getpass.getpass)


class Display:
    """The targets and how far each is, in the output of a notebook's cell.

    Reports come from several threads; the display is shown with the first of them.
    """

    def __init__(self, language: str = "en") -> None:
        self._texts = Texts.load(language)
        self._seen: dict[str, Progress] = {}
        self._lock = threading.Lock()
        self._handle: Any = None

    def report(self, progress: Progress) -> None:
        """Take note of one target's progress, and show it."""
        from IPython.display import HTML, display

        with self._lock:
            self._seen[progress.target] = progress
            shown = HTML(self.markup())  # type: ignore[no-untyped-call]
            if self._handle is None:
                self._handle = display(shown, display_id=True)  # type: ignore[no-untyped-call]
            else:
                self._handle.update(shown)

    def markup(self) -> str:
        """A bar, and one row per target."""
        done = sum(progress.done for progress in self._seen.values())
        counts = {"done": done, "total": len(self._seen)}
        told = self._texts.fill(self._texts.word("explore", "collecting"), counts)
        rows = "".join(map(self._row, self._seen.values()))
        return framed(
            f"<p>{safe(told)}<br><progress value='{done}' max='{len(self._seen)}' "
            f"style='width:24em'></progress></p><div class='scroll'><table>{rows}</table></div>",
            language=self._texts.language,
        )

    def _row(self, progress: Progress) -> str:
        tone, sign = ("good", "✓") if progress.done else ("none", "·")
        if progress.gaps:
            tone, sign = "warn", "!"
        counts = {"answers": progress.replies, "gaps": progress.gaps}
        told = self._texts.fill(self._texts.word("explore", "answers_value"), counts)
        return (
            f"<tr><td class='{tone}'>{sign}</td><td>{safe(progress.target)}</td>"
            f"<td>{safe(told)}</td><td>{safe(progress.problem)}</td></tr>"
        )
