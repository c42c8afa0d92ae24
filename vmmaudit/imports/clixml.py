"""CLIXML, what Export-Clixml writes (MS-PSRP 2.2.5), without running or trusting any of it.

No entities, no document types. Secure strings and credentials are dropped. An object in an object
is shown by its name (a SID by its value) and by dotted names.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from xml.parsers import expat

from vmmaudit.imports.record import ImportsError, Raw, Record, build

_CHUNK: Final = 1 << 16
_DEPTH: Final = 100
_NESTED: Final = 3
"""How many levels of objects in objects are kept under dotted names."""
_AT_MOST: Final = 1_000_000
"""Values of one property; lists that refer to lists could otherwise grow without end."""
_ESCAPE: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
_BYTES: Final = frozenset({"BA"})
_CHARACTER: Final = "C"
_SECRETS: Final = frozenset({"SS"})
_LISTS: Final = frozenset({"LST", "IE", "QUE", "STK"})
_NUMBERS: Final = ("By", "SB", "U16", "I16", "U32", "I32", "U64", "I64", "Sg", "Db", "D")
_OTHERS: Final = ("S", "C", "B", "DT", "TS", "G", "URI", "Version", "XD", "SBK", "BA", "SS")
_PLAIN: Final = frozenset({*_NUMBERS, *_OTHERS})
_CREDENTIALS: Final = ("PSCredential", "SecureString", "NetworkCredential")

Pair: TypeAlias = tuple[str, Raw | None]


@dataclass(slots=True)
class _Node:
    """An element while it is open."""

    tag: str
    line: int
    name: str = ""
    ref: str = ""
    text: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    shown: str | None = None
    pairs: list[Pair] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    values: list[Raw] = field(default_factory=list)
    listed: bool = False
    records: list[Record] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Object:
    """A closed element: its values, and the properties in it."""

    values: tuple[Raw, ...]
    pairs: tuple[Pair, ...] = ()
    lost: tuple[str, ...] = ()
    gone: bool = False


class _CliXmlError(Exception):
    """What is wrong with the file, as a sentence."""


def records(text: str, source: str) -> Iterator[Record]:
    """The objects of a file; a list at the top is as many records.

    Raises:
        ImportsError: not CLIXML, or XML with a document type.
    """
    reader = _Reader(source)
    # A str is parsed as UTF-8 whatever encoding the declaration names.
    try:
        for start in range(0, len(text), _CHUNK):
            reader.parser.Parse(text[start : start + _CHUNK], False)
            yield from reader.finished()
        reader.parser.Parse("", True)
        yield from reader.finished()
    except expat.ExpatError as error:
        raise ImportsError.at(
            source,
            error.lineno,
            f"it is not XML ({expat.ErrorString(error.code)}); export it again.",
        ) from error
    except (_CliXmlError, UnicodeEncodeError) as error:
        sentence = str(error) if isinstance(error, _CliXmlError) else "it holds half a character."
        raise ImportsError.at(source, reader.parser.CurrentLineNumber, sentence) from error


class _Reader:
    """Keeps the open elements, the objects by reference, and the finished records."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.open: list[_Node] = []
        self.objects: dict[str, _Object] = {}
        self.kinds: dict[str, list[str]] = {}
        self.done: list[Record] = []
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters

    def finished(self) -> list[Record]:
        done, self.done = self.done, []
        return done

    def _refuse(self, *_: object) -> None:
        raise _CliXmlError("it has a document type, which CLIXML never has; it is not read.")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self.open and tag != "Objs":
            raise _CliXmlError("it is XML but not CLIXML; export it with Export-Clixml.")
        if len(self.open) >= _DEPTH:
            raise _CliXmlError("objects are nested too deeply; export it with -Depth 2.")
        name = _unescaped(attributes.get("N", ""))
        node = _Node(tag, self.parser.CurrentLineNumber, name, attributes.get("RefId", ""))
        self.open.append(node)

    def _characters(self, text: str) -> None:
        self.open[-1].text.append(text)

    def _end(self, tag: str) -> None:
        node = self.open.pop()
        if not self.open:
            return
        parent = self.open[-1]
        text = "".join(node.text)
        if tag == "T":
            parent.kinds.append(_unescaped(text.strip()))
        elif tag == "ToString":
            parent.shown = _unescaped(text)
        elif tag == "TN":
            self.kinds[node.ref] = parent.kinds = node.kinds
        elif tag == "TNRef":
            parent.kinds = self.kinds.get(node.ref, [])
        elif tag in _LISTS:
            parent.values.extend(node.values)
            parent.records.extend(node.records)
            parent.listed = True
        elif tag in ("Props", "MS", "DCT", "En"):
            self._take_inside(parent, node)
        elif tag == "Ref":
            # The properties of what is referred to stand where it was first written.
            self._give(parent, node, self.objects.get(node.ref, _Object((), gone=True)))
        elif tag == "Nil":
            self._give(parent, node, _Object(()))
        elif tag == "Obj":
            self._give(parent, node, self._object(node))
        elif tag in _PLAIN:
            self._give(parent, node, _plain(tag, text))
        if len(parent.values) > _AT_MOST or len(parent.pairs) > _AT_MOST:
            raise _CliXmlError("one object holds over a million values; it is not read.")

    def _take_inside(self, parent: _Node, node: _Node) -> None:
        if node.tag != "En":
            parent.pairs.extend(node.pairs)
            parent.lost.extend(node.lost)
            return
        # An entry of a dictionary: what is named Key names what is named Value.
        found = dict(reversed(node.pairs))
        key = found.get("Key")
        named = key if isinstance(key, str) else ""
        for inner, value in node.pairs:
            if inner == "Value" or inner.startswith("Value."):
                parent.pairs.append((named + inner[5:], value))
        parent.lost.extend(named + inner[5:] for inner in node.lost if inner.startswith("Value"))

    def _object(self, node: _Node) -> _Object:
        if any(kind.endswith(_CREDENTIALS) for kind in node.kinds):
            found = _Object((), gone=True)
        elif node.listed or node.values:
            # An enumeration holds its number, but its name says more.
            enumeration = not node.listed and node.shown
            found = _Object((node.shown,) if enumeration and node.shown else tuple(node.values))
        else:
            found = _Object(_named(node), tuple(node.pairs), tuple(node.lost))
        if node.ref:
            self.objects[node.ref] = _Object(found.values, gone=found.gone)
        return found

    def _give(self, parent: _Node, node: _Node, found: _Object) -> None:
        """Hands a closed element to the one around it."""
        if parent.tag in _LISTS or parent.tag == "Objs":
            if parent.tag == "Objs" and node.listed:
                self.done.extend(node.records)
            elif found.pairs and not found.gone and len(self.open) <= 3:
                record = self._record(node, found)
                (self.done if parent.tag == "Objs" else parent.records).append(record)
            if parent.tag != "Objs":
                parent.values.extend(found.values)
            return
        if parent.tag == "Obj":
            parent.values.extend(found.values)
            return
        parent.pairs.extend((node.name, value) for value in found.values or (None,))
        if found.gone:
            parent.lost.append(node.name)
        inside = [(f"{node.name}.{inner}", value) for inner, value in found.pairs]
        parent.pairs.extend(pair for pair in inside if pair[0].count(".") <= _NESTED)
        parent.lost.extend(f"{node.name}.{inner}" for inner in found.lost)

    def _record(self, node: _Node, found: _Object) -> Record:
        kinds = [kind.removeprefix("Deserialized.") for kind in node.kinds]
        return build(self.source, node.line, found.pairs, kinds, found.lost)


def _named(node: _Node) -> tuple[Raw, ...]:
    """What an object is called: a SID's value, else its name, else what it says of itself."""
    texts = {name: value for name, value in reversed(node.pairs) if isinstance(value, str)}
    wanted = ("Value", "Name") if node.shown and node.shown.startswith("S-1-") else ("Name",)
    called = next((texts[name] for name in wanted if texts.get(name)), node.shown)
    return (called,) if called else ()


def _plain(tag: str, text: str) -> _Object:
    if tag in _SECRETS:
        return _Object((), gone=True)
    if tag in _BYTES:
        try:
            return _Object((base64.b64decode("".join(text.split()), validate=True),))
        except ValueError as error:
            raise _CliXmlError("a byte array is not base64; export it again.") from error
    if tag == _CHARACTER:
        number = text.strip()
        return _Object((chr(int(number)),) if re.fullmatch(r"[0-9]{1,5}", number) else ())
    if tag == "B":
        return _Object((text.strip().capitalize(),))
    return _Object((_unescaped(text),) if text else ())


def _unescaped(text: str) -> str:
    """`_x000A_` is a line break (MS-PSRP 2.2.5.3.2), a pair of halves one character."""
    found = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
    return found.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
