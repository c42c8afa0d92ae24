"""Looks through every byte of a pack: packed files, PDF texts and attachments, both encodings."""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from pypdf import PdfReader

from vmmaudit import evidence as evidence_format


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of a folder and everything inside it, with where it is."""
    for path in sorted(folder.rglob("*")):
        yield path.name, str(path.relative_to(folder)).encode()
        if path.is_file():
            yield from _opened(path.name, path.read_bytes())


def _opened(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    yield name, data
    if data.startswith(b"\x1f\x8b"):
        plain = gzip.decompress(data)
        yield f"{name}!", plain
        if name.endswith(".jsonl.gz"):
            yield from _values(name, data)
    elif data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            for inner in packed.namelist():
                yield f"{name}!{inner}", inner.encode()
                yield from _opened(f"{name}!{inner}", packed.read(inner))
    elif data.startswith(b"%PDF"):
        yield from _pdf(name, data)
    elif name.endswith(".ipynb"):
        yield f"{name}!", json.dumps(json.loads(data), ensure_ascii=False).encode()
    for found in re.finditer(rb"base64,([A-Za-z0-9+/=]+)", data):
        yield f"{name}!base64", base64.b64decode(found[1] + b"==")


def _values(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    evidence = evidence_format.read(io.BytesIO(data), name)
    for answer in evidence.answers.values():
        for row in answer.rows:
            for key, values in row.values.items():
                for value in values:
                    yield f"{name}!{key}", value


def _pdf(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    reader = PdfReader(io.BytesIO(data))
    text = "\n".join(page.extract_text() for page in reader.pages)
    yield f"{name}!text", text.encode()
    yield f"{name}!joined", "".join(text.split()).encode()
    yield f"{name}!metadata", repr(reader.metadata).encode()
    for number in range(len(reader.xref_objStm) + sum(map(len, reader.xref.values()))):
        found = reader.get_object(number) if number else None
        if hasattr(found, "get_data"):
            yield f"{name}!{number}", found.get_data()
        elif found is not None:
            yield f"{name}!{number}", repr(found).encode()
    for attached, versions in reader.attachments.items():
        for version in versions:
            yield from _opened(attached, version)


def leaks(folder: Path, names: set[str], binaries: set[bytes]) -> list[str]:
    """Where one of the names (UTF-8 or UTF-16, in any case) or byte strings still stands."""
    wanted = {name.casefold() for name in names}
    found = []
    for place, data in contents(folder):
        texts = [data.decode("utf-8", "replace")]
        texts += [
            data[start : len(data) - (len(data) - start) % 2].decode("utf-16-le", "replace")
            for start in (0, 1)
        ]
        texts.append(data.decode("latin-1"))
        for text in texts:
            folded = (
                text.casefold()
            )  # searching it for each name beats one pattern that ignores case
            for name in wanted:
                at = folded.find(name)
                if at >= 0:
                    around = folded[max(0, at - 40) : at + len(name) + 40]
                    found.append(f"{place}: {name!r} in {around!r}")
        found += [f"{place}: {part.hex()}" for part in binaries if part in data]
    return found
