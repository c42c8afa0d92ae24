"""Reads a scope file; each mistake is a sentence that names file and line."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, Final

from pydantic import (
    ValidationError,
)
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from vmmaudit.errors import DAMAGED, ScopeError
from vmmaudit.scope.parts import Domain, Scope
from vmmaudit.scope.values import DuplicateError


def load(path: Path) -> Scope:
    """Read a scope file.

    Raises:
        ScopeError: missing, not YAML, or against the schema; names file, line and remedy.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScopeError(
            f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8."
        ) from error
    except OSError as error:
        raise ScopeError(f"The scope {path} cannot be read: {error.strerror or error}.") from error
    return parse(text, str(path), path.parent)


def parse(text: str, name: str, folder: Path = Path()) -> Scope:
    """The scope in `text`; `name` is used in error sentences, `folder` resolves relative paths."""
    try:
        document = YAML(typ="rt", pure=True).load(text)
    except MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ScopeError(f"{name}{line}: this is not valid YAML: {error.problem}.") from error
    except (YAMLError, *DAMAGED) as error:
        raise ScopeError(f"{name} is not valid YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(document, CommentedMap):
        raise ScopeError(f"{name} holds no scope; it must begin with 'format: 1'.")
    if isinstance(document.get("format"), int) and document["format"] > 1:
        raise ScopeError(f"{name} has format {document['format']}; this vmmaudit reads format 1.")
    try:
        scope = Scope.model_validate(_plain(document, count(_MOST_ENTRIES, -1)))
    except RecursionError as error:
        raise ScopeError(f"{name} is nested too deeply, or in itself.") from error
    except ValidationError as error:
        raise ScopeError("\n".join(_sentences(error, document, name))) from error
    return _with_absolute_paths(scope, folder)


def parse_domain(value: dict[str, Any]) -> Domain:
    """A domain given on the command line.

    Raises:
        ScopeError: one sentence per mistake.
    """
    try:
        return Domain.model_validate(value)
    except ValidationError as error:
        mistakes = (
            f"--{'.'.join(map(str, p['loc'])) or 'transport'}: "
            f"{p.get('ctx', {}).get('error') or _MESSAGES.get(p['type'], p['msg'])}"
            for p in error.errors()
        )
        raise ScopeError("; ".join(mistakes) + ".") from error


def schema() -> dict[str, Any]:
    """The published JSON Schema of the scope file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Scope.model_json_schema(by_alias=True),
        "title": "vmmaudit scope, format 1",
    }


def _plain(value: Any, left: Iterator[int]) -> Any:
    """The document without ruamel's own types, which pydantic's strictness would stumble on.

    Aliases are written out here, so a few lines could become more than there is memory.
    """
    if next(left) < 0:
        raise RecursionError
    if isinstance(value, CommentedMap):
        return {key: _plain(item, left) for key, item in value.items()}
    if isinstance(value, CommentedSeq):
        return [_plain(item, left) for item in value]
    if isinstance(value, str):
        return str(value)
    return value


def _sentences(error: ValidationError, document: CommentedMap, name: str) -> list[str]:
    sentences = []
    for problem in error.errors():
        cause = problem.get("ctx", {}).get("error")
        place = cause.place if isinstance(cause, DuplicateError) else problem["loc"]
        line = _line(document, place)
        key = ".".join(str(part) for part in place) or "the file"
        message = str(cause) if cause else _MESSAGES.get(problem["type"], problem["msg"])
        sentences.append(f"{name}, line {line}: {key}: {message}.")
    return sentences


_MOST_ENTRIES: Final = 1_000_000
"""Keys and values of a whole scope, aliases written out; a hundred thousand hosts need less."""
_MESSAGES: Final = {
    "extra_forbidden": "there is no such key; check its spelling",
    "missing": "this key is required",
    "string_type": "text is expected here; put it in quotes",
    "tuple_type": "a list is expected here",
    "model_type": "a mapping of keys is expected here",
    "model_attributes_type": "a mapping of keys is expected here",
    "int_parsing": "a whole number is expected here",
    "int_type": "a whole number is expected here",
    "date_from_datetime_parsing": "a date is expected here, such as 2026-12-31",
    "string_pattern_mismatch": "this is no name; letters, digits, - and _ are allowed",
    "too_short": "at least one entry is required here",
}


def _line(document: CommentedMap, place: tuple[Any, ...]) -> int:
    """The line (from 1) of the deepest part of `place` that stands in the file."""
    node: Any = document
    line = 1
    for key in place:
        try:
            if isinstance(node, CommentedMap):
                line = node.lc.key(key)[0] + 1
            elif isinstance(node, CommentedSeq):
                line = node.lc.item(key)[0] + 1
            node = node[key]
        except (KeyError, IndexError, TypeError):
            break
    return line


def _with_absolute_paths(scope: Scope, folder: Path) -> Scope:
    """Relative paths are meant from the folder of the scope file."""
    domains = tuple(
        d.model_copy(update={"ca": (folder / d.ca).resolve()}) if d.ca else d for d in scope.domains
    )
    logo, templates = scope.branding.logo, scope.branding.templates
    found: dict[str, str] = {}
    if logo and not logo.startswith("data:"):
        found["logo"] = str((folder / logo).resolve())
    if templates and isinstance(templates, str):
        found["templates"] = str((folder / templates).resolve())
    branding = scope.branding.model_copy(update=found)
    return scope.model_copy(update={"domains": domains, "branding": branding})
