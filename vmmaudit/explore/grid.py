"""The matrix to click into, and beneath it the chain of the place that was chosen.

Needs the extra `[lab]`. What is clicked is told to Python and nothing is done in the browser,
so that a saved notebook without a kernel shows the matrix as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anywidget
import traitlets

from vmmaudit.display import framed, safe

if TYPE_CHECKING:
    from vmmaudit.explore.matrix import Matrix
    from vmmaudit.explore.workbench import Workbench

_SCRIPT: Final = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")


class Grid(anywidget.AnyWidget):
    """Markup of a table whose places can be chosen with mouse and keyboard.

    Attributes:
        markup: is escaped already, as everything of `vmmaudit.display` is.
        place: row and column that are marked; empty: none.
    """

    _esm = _SCRIPT
    markup = traitlets.Unicode().tag(sync=True)
    place = traitlets.List(traitlets.Int()).tag(sync=True)

    def __init__(self, markup: str, chosen: Callable[[int, int], None]) -> None:
        super().__init__(markup=markup)
        self._chosen = chosen
        self.on_msg(self._told)

    def _told(self, _: Any, content: Any, __: Any) -> None:
        match content:
            case {"row": int(row), "column": int(column)}:
                self._chosen(row, column)


class Clickable:
    """A matrix, and the chain of the place that was chosen in it.

    The chain is the one of the workbench: what is chosen here is chosen there, and the other
    way round.
    """

    def __init__(self, matrix: Matrix, bench: Callable[[], Workbench]) -> None:
        import ipywidgets

        self._matrix = matrix
        self._make_bench = bench
        self._bench: Workbench | None = None
        self.grid = Grid(matrix._repr_html_(), self._choose)
        language = matrix.texts.language
        hint = safe(matrix.texts.word("explore", "matrix_hint"))
        self._hint = ipywidgets.HTML(framed(f"<p class='note'>{hint}</p>", language=language))
        self.box = ipywidgets.VBox([self.grid, self._hint])
        self.box.add_class("vmmaudit-matrix")

    def _choose(self, row: int, column: int) -> None:
        """Show the chain of a place; one that is not there is no place."""
        hosts, shares = self._matrix.hosts, self._matrix.shares
        if not (0 <= row < len(hosts) and 0 <= column < len(shares)):
            return
        if not self._matrix.has(hosts[row], shares[column]):
            return
        if self._bench is None:
            self._bench = bench = self._make_bench()
            for chooser in (bench.host, bench.library):
                chooser.observe(lambda _: self._mark(), "value")
            self.box.children = (self.grid, bench.file, bench.message, bench.chain)
        self._bench.choose(hosts[row], shares[column])
        self._mark()

    def _mark(self) -> None:
        """Mark the place of the chain that the workbench shows."""
        bench, matrix = self._bench, self._matrix
        assert bench is not None  # noqa: S101 - listens only once there is one
        try:
            place = [matrix.hosts.index(bench.host.value), matrix.shares.index(bench.library.value)]
        except ValueError:  # typed, and not there
            place = []
        self.grid.place = place
