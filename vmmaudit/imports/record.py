"""One object as a file shows it, before anybody asks what it means.

The readers of this package are pure: text in, records out. Names and values stay as found, in
whatever language the exporting machine speaks; what is unknown is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from vmmaudit.errors import AuditError

Raw: TypeAlias = str | bytes

_LOST: Final = re.compile(
    r"(?!.*\.(?:iso|ISO)$)(?:Deserialized\.)?(?:System|Microsoft)"
    r"(?:\.[A-Z]\w*)*[.+][A-Z]\w*(?:`\d+)?(?:\[.*\])?"
    r"|@\{.*\}"
    r"|(?:[A-Za-z]\w*\.)*[A-Za-z]\w*\[\]",
    re.DOTALL,
)
_SECRET: Final = re.compile(
    r"(?:user|unicode|old|new|lm|nt|clear|plain|admin)?"
    r"(?:pass(?:word|wd|phrase)?|pwd|kennwort|secret)(?:history)?"
    r"|dbcspwd|(?:lm|nt)pwdhistory|supplementalcredentials|ms-mcs-admpwd"
    r"|mslaps-(?:encrypted)?(?:dsrm)?password(?:history)?"
    r"|msds-managedpassword(?:id|previousid)?|msds-groupmsamanagedpassword"
    r"|msfve-(?:recoverypassword|keypackage)|(?:initial|trust)auth\w*",
    re.IGNORECASE,
)
"""Names of properties that hold a secret: attributes of a directory, and what people write."""


class ImportsError(AuditError):
    """A file that was handed over cannot be used: one sentence with file, line and remedy."""

    exit_code = 1

    @classmethod
    def at(cls, source: str, line: int, sentence: str) -> ImportsError:
        """The error with the place in the file."""
        return cls(f"{source}, line {line}: {sentence}")


@dataclass(frozen=True, slots=True)
class Record:
    """One object of a file.

    Attributes:
        source: file name as given by the user, without its folder.
        line: 1-based line where it begins, for error sentences.
        values: property name as found → its values in order; absent or empty → ().
        kinds: names of its types, the most special first; empty where the format has none.
        truncated: properties whose value is not here although there was one: the exporting
            command lost it (a type name or `@{…}` stands where an object was), or it is a secret
            and was dropped. Their values are (), which must not be taken for empty.
    """

    source: str
    line: int
    values: Mapping[str, tuple[Raw, ...]]
    kinds: tuple[str, ...] = ()
    truncated: frozenset[str] = frozenset()

    def all(self, *names: str) -> tuple[Raw, ...]:
        """The values of the first of `names` that has any, whatever the case of the name."""
        for name in names:
            found = self.values.get(name)
            if not found:
                wanted = name.lower()
                found = next((v for n, v in self.values.items() if n.lower() == wanted and v), ())
            if found:
                return found
        return ()

    def first(self, *names: str) -> Raw | None:
        """The first value, or None."""
        return next(iter(self.all(*names)), None)

    def text(self, *names: str) -> str | None:
        """The first value that is text, stripped; bytes count if they are printable UTF-8."""
        for value in self.all(*names):
            if isinstance(value, str):
                return value.strip()
            try:
                decoded = value.decode()
            except UnicodeDecodeError:
                continue
            if decoded.isprintable():
                return decoded
        return None

    def has(self, *names: str) -> bool:
        """Whether the file has all of these properties, empty ones included."""
        known = {name.lower() for name in self.values}
        return all(name.lower() in known for name in names)

    def lost(self, name: str) -> bool:
        """Whether the property had a value that is not here."""
        return name.lower() in {known.lower() for known in self.truncated}


def stands_for_an_object(text: str) -> bool:
    """Whether a text is what PowerShell writes where it gave up on an object.

    `ConvertTo-Json` beyond its depth and `Export-Csv` always write ToString(): the type's name
    (`System.String[]`, `Microsoft.…ADPropertyValueCollection`) or `@{a=1; b=2}`.
    """
    return _LOST.fullmatch(text) is not None


def is_secret(name: str) -> bool:
    """Whether a property of this name holds a secret, which is never kept."""
    return _SECRET.fullmatch(name.rpartition(".")[2].partition(";")[0]) is not None


def build(
    source: str,
    line: int,
    pairs: Iterable[tuple[str, Raw | None]],
    kinds: Iterable[str] = (),
    lost: Iterable[str] = (),
) -> Record:
    """A record from names and values in the order found; None is *no value*.

    What stands for a lost object goes to `truncated`, and so does every secret.
    """
    values: dict[str, list[Raw]] = {}
    truncated = set(lost)
    for name, value in pairs:
        kept = values.setdefault(name, [])
        if value is None or len(value) == 0:
            continue
        if is_secret(name) or (isinstance(value, str) and stands_for_an_object(value)):
            truncated.add(name)
        else:
            kept.append(value)
    for name in truncated:
        values[name] = []
    found = {name: tuple(kept) for name, kept in values.items()}
    return Record(source, line, found, tuple(kinds), frozenset(truncated))
