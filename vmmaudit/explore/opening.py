"""Opens a pack, or collects live with a display of how far every target is."""

from __future__ import annotations

import getpass
import sys
import threading
from contextvars import copy_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from vmmaudit import scope as scope_format
from vmmaudit.audit import Audit, collected, open_audit
from vmmaudit.controls.texts import Texts
from vmmaudit.display import framed, safe
from vmmaudit.explore.exploration import Exploration
from vmmaudit.explore.language import check_language
from vmmaudit.progress import display

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
    check_language(language)
    # `HYPER01$ → LIBRARY01$` is no formula, in no DataFrame that somebody makes of this.
    pd.set_option("display.html.use_mathjax", False)
    if scope and not evidence:
        found = _collected(Path(scope), language)
    else:
        found = open_audit(scope, evidence)
    return Exploration(found, Texts.load(found.languages(language)[0]))


def _collected(scope: Path, language: str) -> Audit:
    if not _in_notebook():
        with display(sys.stderr) as report:
            return collected(scope, report, prompt=getpass.getpass)
    language = language or scope_format.load(scope).audit.languages[0]
    check_language(language)
    shown = Display(language)
    return collected(scope, shown.report, prompt=shown.prompt)


def _in_notebook() -> bool:
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return get_ipython() is not None


class Display:
    """The targets and how far each is, in the output of a notebook's cell.

    Reports come from several threads; the display is shown with the first of them.
    """

    def __init__(self, language: str = "en") -> None:
        self._texts = Texts.load(language)
        self._seen: dict[str, Progress] = {}
        self._lock = threading.Lock()
        self._handle: Any = None
        # The context tells the kernel which cell's output this is; threads have none of their own.
        self._context = copy_context()

    def report(self, progress: Progress) -> None:
        """Take note of one target's progress, and show it."""
        with self._lock:
            self._seen[progress.target] = progress
            self._context.copy().run(self._show)

    def prompt(self, question: str) -> str:
        """Ask for a password in the notebook.

        Raises:
            EOFError: nobody can be asked, as papermill runs it.
        """
        try:
            return self._context.copy().run(getpass.getpass, question)
        except NotImplementedError as error:  # IPython's StdinNotImplementedError
            raise EOFError from error

    def _show(self) -> None:
        from IPython.display import HTML
        from IPython.display import display as shown_in_cell

        shown = HTML(self.markup())  # type: ignore[no-untyped-call]
        if self._handle is None:
            self._handle = shown_in_cell(shown, display_id=True)  # type: ignore[no-untyped-call]
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
