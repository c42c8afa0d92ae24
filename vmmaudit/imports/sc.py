"""What `sc qc` and `sc queryex` print about services.

German Windows prints English labels under a German first line (`[SC] … ERFOLG`); other languages
translate the labels too, so a label that is not known is told by its place in the list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from vmmaudit.imports.record import ImportsError, Record, build

ERROR: Final = "ERROR"
"""The property with the number of a Windows error, as 1060 for a service that does not exist."""
SERVICE_NAME: Final = "SERVICE_NAME"
_CONFIGURED: Final = (
    "TYPE",
    "START_TYPE",
    "ERROR_CONTROL",
    "BINARY_PATH_NAME",
    "LOAD_ORDER_GROUP",
    "TAG",
    "DISPLAY_NAME",
    "DEPENDENCIES",
    "SERVICE_START_NAME",
)
"""The order of `sc qc`."""
_RUNNING: Final = (
    "TYPE",
    "STATE",
    "WIN32_EXIT_CODE",
    "SERVICE_EXIT_CODE",
    "CHECKPOINT",
    "WAIT_HINT",
    "PID",
    "FLAGS",
)
"""The order of `sc queryex`; `sc query` ends before PID."""
_GERMAN: Final = {
    "DIENSTNAME": SERVICE_NAME,
    "ANZEIGENAME": "DISPLAY_NAME",
    "TYP": "TYPE",
    "STARTTYP": "START_TYPE",
    "STATUS": "STATE",
    "FEHLERSTEUERUNG": "ERROR_CONTROL",
    "BINÄRPFADNAME": "BINARY_PATH_NAME",
    "ABHÄNGIGKEITEN": "DEPENDENCIES",
    "DIENSTSTARTNAME": "SERVICE_START_NAME",
}
_KNOWN: Final = frozenset({SERVICE_NAME, *_CONFIGURED, *_RUNNING})
_FAILED: Final = re.compile(r"\[SC\] .* (\d{1,10}):?\s*")
_HEAD: Final = re.compile(r"([^\s:\[][^:]{0,60}?)\s*: ?(.*)")
_FIELD: Final = re.compile(r"[ \t]++([^\s:(][^:]{0,60}?)?\s*: ?(.*)")
_MORE: Final = re.compile(r"[ \t]++(\(.*)")


def records(text: str, source: str) -> Iterator[Record]:
    """One record for each service; labels in English, unknown ones as found.

    Raises:
        ImportsError: a line that is neither a label with a value nor a message.
    """
    block: list[tuple[str, str]] = []
    began, sentence = 0, ""
    for at, line in enumerate(re.split(r"\r\n|\n|\r", text), 1):
        failed = _FAILED.fullmatch(line)
        head = _HEAD.fullmatch(line)
        if failed or line.startswith("[SC]"):
            yield from _service(block, began, source)
            block = []
            sentence = "follows" if failed else ""
            if failed:
                yield build(source, at, [(ERROR, failed[1])])
        elif not line.strip():
            sentence = "follows" if sentence == "follows" else ""
        elif sentence:
            sentence = "is here"
        elif _is_prompt(line):
            continue
        elif line[0] in " \t":
            _continue(block, line, source, at)
        elif head:
            # `sc query` prints a display name without indentation below the service's name.
            if len(block) != 1 or _label(head[1]) != "DISPLAY_NAME":
                yield from _service(block, began, source)
                block, began = [], at
            block.append((SERVICE_NAME if not block else "DISPLAY_NAME", head[2].strip()))
        else:
            raise ImportsError.at(
                source, at, "this is not the output of sc qc or sc queryex; save it again."
            )
    yield from _service(block, began, source)


def _continue(block: list[tuple[str, str]], line: str, source: str, at: int) -> None:
    """A labelled line, another value of the label above, or what `sc query` says of the state."""
    found = _FIELD.fullmatch(line)
    more = _MORE.fullmatch(line)
    if block and more:
        label, value = block[-1]
        block[-1] = label, f"{value} {more[1].strip()}"
    elif block and found:
        block.append((found[1] or block[-1][0], found[2].strip()))
    else:
        raise ImportsError.at(
            source, at, "this is not the output of sc qc or sc queryex; save it again."
        )


def _service(block: list[tuple[str, str]], began: int, source: str) -> Iterator[Record]:
    if not block:
        return
    labels = list(dict.fromkeys(label for label, _ in block[1:] if label != "DISPLAY_NAME"))
    named = {label: _label(label) for label in labels}
    if not _KNOWN & set(list(named.values())[1:]):
        order = _RUNNING if len(labels) in (len(_RUNNING), len(_RUNNING) - 2) else _CONFIGURED
        if len(labels) in (len(_CONFIGURED), len(_RUNNING), len(_RUNNING) - 2):
            named = dict(zip(labels, order, strict=False))
    yield build(source, began, [(named.get(label, label), value) for label, value in block])


def _label(found: str) -> str:
    known = re.sub(r"[ _-]", "", found).upper()
    return _GERMAN.get(known, found)


def _is_prompt(line: str) -> bool:
    r"""`C:\>sc qc …`, copied along from the window."""
    return re.match(r"(?:PS )?[A-Za-z]:\\[^>]*>", line) is not None
