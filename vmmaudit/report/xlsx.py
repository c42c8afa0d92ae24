"""The workbook behind the document: every row, to be filtered and sorted.

Every text is written as a text, so nothing that a directory holds is ever a
formula or a link. Equal input gives equal bytes: the workbook's own time is
that of the evidence.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from math import ceil
from typing import Any, Final

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from vmmaudit.assessment import Assessment, Verdict
from vmmaudit.controls.texts import Texts
from vmmaudit.display import Tone, visible
from vmmaudit.report.changed import changed
from vmmaudit.report.document import Document
from vmmaudit.report.excepted import excepted
from vmmaudit.report.material import Tool, tone
from vmmaudit.report.ooxml import MUTED, WASH
from vmmaudit.report.ooxml import TONES as COLOURS
from vmmaudit.report.page import Cell, Page, Row
from vmmaudit.report.prose import plain
from vmmaudit.report.register import EvidenceSummary
from vmmaudit.report.sheets import Mark, Sheet, Value, sheets
from vmmaudit.waivers import Standing

_OPTIONS: Final = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_ROWS: Final = 1_048_575
"""Rows of a sheet below its head."""
_CHARACTERS: Final = 32_767
_PROPERTY: Final = 255
_FORMULA: Final = ("=", "+", "-", "@")
_A4: Final = 9
_A3: Final = 8
_WIDE: Final = 200
"""Characters in a row that could not be read on a smaller sheet."""
_EPOCH: Final = datetime(1899, 12, 30, tzinfo=UTC)
"""Where the days of a workbook begin; right from March 1900 on."""
_HEAD: Final = 32.0
_LINE: Final = 13.5
_LINES: Final = 12


def render_xlsx(
    document: Document,
    assessment: Assessment,
    verdicts: Sheet,
    evidence: EvidenceSummary,
    texts: Texts,
    previous: Assessment | None = None,
    waivers: Sequence[Standing] = (),
) -> bytes:
    """The workbook as one .xlsx file.

    Args:
        document: what it belongs to: title, cover, and the matrix in its order.
        assessment: what is counted and listed.
        verdicts: its judgements as rows: `sheets.verdicts`.
        evidence: the whole register, of which the document prints a part.
        texts: the words, in the document's language.
        previous: the last audit's assessment; what moved since gets a sheet of its own.
        waivers: the scope's exceptions and what became of them, likewise.
    """
    buffer = io.BytesIO()
    workbook = xlsxwriter.Workbook(buffer, _OPTIONS)
    workbook.set_properties(
        {
            "title": visible(document.title)[:_PROPERTY],
            "subject": visible(document.cover.subject)[:_PROPERTY],
            "author": visible(document.author)[:_PROPERTY],
            "keywords": visible(document.identifier)[:_PROPERTY],
            "category": visible(document.classification)[:_PROPERTY],
            "created": document.moment.astimezone(UTC).replace(tzinfo=None),
        }
    )
    for name, content in document.properties.items():
        workbook.set_custom_property(name, visible(content)[:_PROPERTY], "text")
    others = sheets(document, assessment, evidence, texts)
    moved = [changed(previous, assessment, texts)] if previous else []
    moved += [excepted(waivers, texts)] if waivers else []
    Writer(workbook, document, texts).write(assessment, [verdicts, *moved, *others])
    workbook.close()
    return buffer.getvalue()


class Writer:
    """Writes sheets into one workbook."""

    def __init__(self, workbook: Any, document: Document, texts: Texts) -> None:
        self.workbook = workbook
        self.document = document
        self.texts = texts
        self.formatted = cache(self._format)
        self.cell = cache(self._cell)

    def write(self, assessment: Assessment, found: Sequence[Sheet]) -> None:
        """The summary, and behind it every sheet."""
        summary = self._added("summary")
        for sheet in found:
            self._sheet(self._added(sheet.key, Page), sheet)
        self._summary(summary, assessment, found)
        summary.activate()

    def _added(self, key: str, kind: type[Worksheet] = Worksheet) -> Any:
        page = self.workbook.add_worksheet(self.texts.label("sheet", key), kind)
        page.set_landscape()
        page.set_paper(_A4)
        page.fit_to_pages(1, 0)
        page.set_footer(f"&L&8SHA-256 {self.document.digest[:16]}&C&8&A&R&8&P / &N")
        if self.document.direction == "rtl":
            page.right_to_left()
        return page

    def _sheet(self, page: Any, sheet: Sheet) -> None:
        if sum(sheet.widths) > _WIDE:
            page.set_paper(_A3)
        for column, width in enumerate(sheet.widths):
            page.set_column(column, column, width)
        page.set_default_row(_height(1))
        shown = sheet.rows if len(sheet.rows) <= _ROWS else sheet.rows[: _ROWS - 1]
        page.write_rows(self._rows(sheet, shown))
        last = max(len(shown), 1), len(sheet.heads) - 1
        line = {"type": "blanks", "format": self.formatted("line")}
        page.conditional_format(1, 0, *last, line)
        page.autofilter(0, 0, max(len(shown), 1), len(sheet.heads) - 1)
        page.freeze_panes(1, sheet.frozen)
        page.repeat_rows(0)

    def _rows(self, sheet: Sheet, shown: Sequence[tuple[Value, ...]]) -> Iterator[Row]:
        yield Row(_HEAD, [Cell(_text(head), self.formatted("head")) for head in sheet.heads])
        for values in shown:
            cells = [self.cell(value) for value in values]
            yield Row(_height(_lines(cells, sheet.widths)), cells)
        if len(shown) < len(sheet.rows):
            said = self.texts.fill(
                self.texts.sentence("workbook", "cut"),
                {"shown": len(shown), "total": len(sheet.rows)},
            )
            yield Row(_height(1), [Cell(said, self.formatted("strong"))])

    def _summary(self, page: Any, assessment: Assessment, found: Sequence[Sheet]) -> None:
        texts, cover = self.texts, self.document.cover
        page.fit_to_pages(1, 1)
        page.set_column(0, 0, 44)
        page.set_column(1, 1, 80)
        page.hide_gridlines(2)
        page.write_string(0, 0, _text(cover.title), self.formatted("title"))
        page.write_string(1, 0, _text(cover.subject), self.formatted("plain"))
        page.write_string(2, 0, _text(cover.client), self.formatted("muted"))
        page.merge_range(4, 0, 4, 1, "", self.formatted(f"large {cover.tone}"))
        said = _text(f"{cover.tone.symbol}  {cover.headline}")
        page.write_string(4, 0, said, self.formatted(f"large {cover.tone}"))
        page.set_row(4, 30)
        row = 6
        facts = [(name, plain(content)) for name, content in cover.facts]
        tool = Tool(assessment.tool, assessment.commit)
        facts += [
            (texts.label("field", "moment"), texts.moment(self.document.moment)),
            (texts.label("field", "tool"), plain(tool.shown(texts))),
            (texts.label("field", "catalogue"), assessment.catalogue),
            (texts.label("field", "scope"), assessment.scope),
        ]
        for name, value in facts:
            page.write_string(row, 0, _text(name), self.formatted("muted"))
            page.write_string(row, 1, _text(value), self.formatted("plain"))
            row += 1
        counts = assessment.counts()
        row = self._counts(
            page,
            row + 1,
            texts.label("column", "verdict"),
            [
                (Mark(verdict.tone, texts.label("verdict", verdict.value)), counts[verdict])
                for verdict in Verdict
            ],
        )
        states = [tone(pair) for pair in assessment.readiness]
        row = self._counts(
            page,
            row + 1,
            texts.label("sheet", "pairs"),
            [
                (Mark(state, texts.label("readiness", state.value)), states.count(state))
                for state in Tone
                if state is not Tone.MANUAL
            ],
        )
        page.write_string(row + 1, 0, texts.label("column", "sheet"), self.formatted("head"))
        page.write_string(row + 1, 1, texts.label("column", "rows"), self.formatted("head"))
        for index, sheet in enumerate(found, row + 2):
            name = texts.label("sheet", sheet.key)
            page.write_url(index, 0, f"internal:'{name}'!A1", self.formatted("link"), name)
            page.write_number(index, 1, len(sheet.rows), self.formatted("count"))

    def _counts(self, page: Any, row: int, head: str, counts: Iterable[tuple[Mark, int]]) -> int:
        page.write_string(row, 0, head, self.formatted("head"))
        page.write_string(row, 1, self.texts.label("column", "count"), self.formatted("head"))
        for mark, count in counts:
            row += 1
            page.write_string(row, 0, mark.shown, self.formatted(f"badge {mark.tone}"))
            page.write_number(row, 1, count, self.formatted("count"))
        return row + 1

    def _cell(self, value: Value) -> Cell | None:
        match value:
            case None | "":
                return None  # a rule of the whole sheet draws its border
            case str():
                text = _text(value)
                risky = text.lstrip().startswith(_FORMULA)
                return Cell(text, self.formatted("quoted" if risky else "text"))
            case Mark():
                kind = "badge" if value.text else "sign"
                return Cell(_text(value.shown), self.formatted(f"{kind} {value.tone}"))
            case int():
                return Cell(value, self.formatted("number"))
            case datetime():
                return Cell(_days(value), self.formatted("moment"))
            case date():
                moment = datetime.combine(value, time(), UTC)
                return Cell(_days(moment), self.formatted("day"))

    def _format(self, name: str) -> Any:
        """A format by its name, made once; `badge good` is a badge in that tone."""
        kind, _, state = name.partition(" ")
        cell = {"valign": "top", "text_wrap": True, "font_size": 10, "border": 4}
        cell["border_color"] = "#CFD5DC"
        looks: dict[str, dict[str, Any]] = {
            "plain": {"font_size": 10, "align": "left"},
            "muted": {"font_size": 10, "font_color": f"#{MUTED}"},
            "strong": {"font_size": 10, "bold": True},
            "title": {"font_size": 18, "bold": True, "font_color": self.document.colour},
            "head": {
                **cell,
                "bold": True,
                "bg_color": f"#{WASH}",
                "valign": "vcenter",
            },
            "text": cell,
            "line": {"border": 4, "border_color": cell["border_color"]},
            # Excel takes the content of such a cell as text even after it was edited.
            "quoted": {**cell, "quote_prefix": True},
            "number": {**cell, "num_format": "0"},
            "count": {**cell, "num_format": "#,##0", "align": "left"},
            "moment": {**cell, "num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"},
            "day": {**cell, "num_format": "yyyy-mm-dd", "align": "left"},
            "link": {**cell, "font_color": self.document.colour, "underline": 1},
            "badge": {**cell, "bold": True},
            "sign": {**cell, "bold": True, "align": "center"},
            "large": {"font_size": 13, "bold": True, "valign": "vcenter", "indent": 1},
        }
        look = looks[kind]
        if state:
            front, back = COLOURS[Tone(state)]
            look |= {"font_color": f"#{front}", "bg_color": f"#{back}"}
        return self.workbook.add_format(look)


def _lines(cells: Sequence[Cell | None], widths: Sequence[float]) -> int:
    """Lines of the row's longest text, wrapped: not every program fits a row by itself."""
    lines = 1
    for cell, width in zip(cells, widths, strict=True):
        if cell and isinstance(cell.content, str) and len(cell.content) > lines * width:
            lines = ceil(len(cell.content) / width)
    return min(lines, _LINES)


def _height(lines: int) -> float:
    """Points."""
    return _LINE * lines + 2


def _days(moment: datetime) -> float:
    """Days since the workbook's epoch, as Excel counts them."""
    return (moment - _EPOCH) / timedelta(days=1)


def _text(value: str) -> str:
    """A text as a cell may hold it: what steers is shown, what is too long ends with `…`."""
    shown = visible(value)
    if shown.startswith("<r>"):
        shown = f" {shown}"  # else xlsxwriter takes it for markup of its own, as it stands
    return shown if len(shown) <= _CHARACTERS else f"{shown[: _CHARACTERS - 1]}…"
