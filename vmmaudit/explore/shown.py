"""A table that can be sorted and filtered in JupyterLab, and read anywhere else.

itables draws it from what is in this very notebook; nothing is fetched. Without the extra
`[lab]` there is a plain table and one sentence on what to install.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import pandas as pd

from vmmaudit.assessment import Ternary, Verdict
from vmmaudit.controls.texts import Texts
from vmmaudit.display import framed, safe, visible
from vmmaudit.display import table as plain
from vmmaudit.explore.extra import interactive, parts

_PAGE: Final = 10
_BYTES: Final = 32_000_000
_CONDITIONS: Final = (
    "contains", "notContains", "equal", "notEqual", "starts", "ends", "empty", "notEmpty",
    "greater", "greaterOrEqual", "less", "lessOrEqual",
)  # fmt: skip
"""What a column can be filtered by, as DataTables names it."""


@dataclass(frozen=True, repr=False)
class Table:
    """One table of an exploration.

    In a notebook: type into *Search*, or click into a column's head to sort or filter it. In
    code: `audit.hosts.to_frame()` is a pandas DataFrame whose column names are the same in
    every language, so `audit.hosts.to_frame().query("ready == 'no'")` works with any pack.
    """

    name: str
    frame: pd.DataFrame
    texts: Texts

    def to_frame(self) -> pd.DataFrame:
        """The data, one row each, with column names that never change."""
        return self.frame.copy()

    def __len__(self) -> int:
        return len(self.frame)

    def in_words(self) -> pd.DataFrame:
        """The same with headings and values in the reader's language."""
        word = self.texts.word
        shown = {
            word("explore", "column", str(key)): [self._word(value) for value in column]
            for key, column in self.frame.items()
        }
        return pd.DataFrame(shown)

    def _word(self, value: Any) -> Any:
        word = self.texts.word
        match value:
            case Ternary():
                return word("explore", "value", value.value)
            case Verdict():
                return f"{value.tone.symbol} {self.texts.label('verdict', value.value)}"
            case bool():
                return word("explore", "value", "true" if value else "false")
            case str():
                return visible(value)
        if pd.isna(value):
            return ""
        return int(value) if float(value).is_integer() else value

    def widget(self) -> Any:
        """The table as a widget, to be put beside others."""
        word = self.texts.word
        shown = self.in_words()
        conditions = {name: word("explore", "filter", name) for name in _CONDITIONS}
        return parts("itables.widget").ITable(
            shown,
            caption=None,
            classes="display compact cell-border",
            style="width:100%;margin:0;font-size:13px",
            maxBytes=_BYTES,
            maxColumns=0,
            allow_html=False,
            showIndex=False,
            pageLength=_PAGE,
            lengthMenu=[_PAGE, 25, 100, 500],
            autoWidth=False,
            order=[],
            columnControl=["searchDropdown"],
            layout={
                "topStart": "search",
                "topEnd": None,
                "bottomStart": "info",
                "bottomEnd": ["pageLength", "paging"],
            },
            language={
                "search": word("explore", "grid", "search"),
                "info": word("explore", "grid", "info"),
                "infoEmpty": word("explore", "grid", "info_empty"),
                "infoFiltered": word("explore", "grid", "info_filtered"),
                "lengthMenu": word("explore", "grid", "length"),
                "zeroRecords": word("explore", "grid", "zero"),
                "emptyTable": word("explore", "grid", "empty"),
                "columnControl": {"search": {"text": conditions, "number": conditions}},
            },
        )

    def __repr__(self) -> str:
        return str(self.frame)

    def _title(self) -> str:
        title = safe(self.texts.word("explore", "table", self.name))
        return f"<h3>{title} ({self.texts.number(len(self.frame))})</h3>"

    def _repr_html_(self) -> str:
        """A plain table of the first rows."""
        return framed(self._title(), plain(self.in_words()), language=self.texts.language)

    def _repr_mimebundle_(self, **_: Any) -> Mapping[str, Any]:
        """The interactive table where it can be shown, and the plain one beside it."""
        static = {"text/html": self._repr_html_(), "text/plain": repr(self)}
        if not interactive():
            note = safe(self.texts.word("explore", "missing"))
            return static | {"text/html": static["text/html"] + f"<p>{note}</p>"}
        make = parts("ipywidgets")
        # A wide table is scrolled as a whole: the grid's own scrolling takes head and body apart.
        box = make.Box([self.widget()], layout=make.Layout(overflow="auto", display="block"))
        found: Mapping[str, Any] = box._repr_mimebundle_()
        return static | {key: value for key, value in found.items() if key != "text/plain"}


class Readable(Protocol):
    """A result that can be listed in the reader's words."""

    @property
    def language(self) -> str:
        """The language of its words."""

    def listing(self) -> pd.DataFrame:
        """One row each, with headings and values in that language."""


@dataclass(frozen=True, repr=False)
class Listing(Table):
    """A table whose headings and values are in the reader's language already."""

    def in_words(self) -> pd.DataFrame:
        """The data as they are."""
        return self.frame


def table(result: Readable) -> Table:
    """A diagnosis, a planned change or the proof of one as a table to sort and to filter.

    The same rows for code, with column names that never change: `result.to_frame()`.
    """
    return Listing("rows", result.listing(), Texts.load(result.language))
