"""A sheet whose rows are written as a whole: of a million cells few are different.

xlsxwriter keeps each cell as an object and sets each of its attributes by itself. Here what
stands behind a cell's address is made once for each different cell; everything else of the
sheet is xlsxwriter's own. A test compares both, byte by byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet


class Cell(NamedTuple):
    """What stands in a cell, a text or a number, and its format."""

    content: str | float
    format: Any


class Row(NamedTuple):
    """A row's height in points, and its cells from the first column on; None is an empty one."""

    height: float
    cells: Sequence[Cell | None]


class Page(Worksheet):  # type: ignore[misc]
    """A worksheet that takes its rows from `write_rows`."""

    def __init__(self) -> None:
        super().__init__()
        self._body: list[str] = []

    def write_rows(self, rows: Iterable[Row]) -> None:
        """Write rows from the first on; nothing else may be written into this sheet."""
        columns: list[str] = []
        tail, opening = cache(self._tail), cache(_opening)
        count, strings = 0, self.str_table.count
        for number, (height, cells) in enumerate(rows, 1):
            while len(columns) < len(cells):
                columns.append(xl_col_to_name(len(columns)))
            written = [
                f'<c r="{column}{number}{tail(cell)}'
                for column, cell in zip(columns, cells, strict=False)
                if cell is not None
            ]
            body = "".join(written)
            strings += body.count('" t="s">')
            self._body.append(f'<row r="{number}{opening(height)}{body}</row>')
            count = number
        self.str_table.count = strings
        if count:
            self._check_dimensions(0, 0)
            self._check_dimensions(count - 1, len(columns) - 1)

    def _tail(self, cell: Cell) -> str:
        """Everything of a cell that stands behind its address."""
        style = cell.format._get_xf_index()
        if isinstance(cell.content, str):
            index = self.str_table._get_shared_string_index(cell.content)
            return f'" s="{style}" t="s"><v>{index}</v></c>'
        return f'" s="{style}"><v>{cell.content:.16G}</v></c>'

    def _write_rows(self) -> None:
        if not self._body:
            super()._write_rows()
        for row in self._body:
            self.fh.write(row)


def _opening(points: float) -> str:
    """The attributes of a row behind its number; heights are whole pixels, as in a screen's."""
    pixels = int(points * 4 / 3 + 0.5)
    return f'" ht="{pixels * 0.75:.16g}" customHeight="1">'
