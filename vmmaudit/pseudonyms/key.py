"""The key: what pseudonyms are made with, and what they stand for.

A pseudonym is as long as the name it stands for, so that counted strings inside a
server's reply stay well formed. It comes from HMAC-SHA-256 (RFC 2104) of the name
without its case; where two names would share one, the later takes the next.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import string
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from math import gcd
from pathlib import Path
from typing import Final, TypeAlias

from vmmaudit.errors import PackError

FORMAT: Final = 1
_Maker: TypeAlias = Callable[[bytes], str]
_FIRST: Final = string.ascii_lowercase
_OTHERS: Final = string.ascii_lowercase + string.digits
_RIDS: Final = 1_000
"""Accounts below it come with every domain and keep their RID (MS-ADTS 6.1.1.6)."""


@dataclass
class Key:
    """A secret and the assignments made with it; names without their case."""

    secret: bytes
    names: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    authorities: dict[str, str] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set, init=False, repr=False)

    def __post_init__(self) -> None:
        self._taken = {*self.names.values(), *self.authorities.values(), *self.addresses.values()}

    def name(self, real: str, forbidden: Collection[str] = ()) -> str:
        """The pseudonym of a name: as many UTF-16 units long, lower case, letters and digits.

        Args:
            real: the name, in any case.
            forbidden: names that no pseudonym may be equal to.
        """
        folded = fold(real)
        if folded not in self.names:
            length = len(folded.encode("utf-16-le")) // 2
            self.names[folded] = self._free("name", folded, forbidden, lambda d: _word(d, length))
        return self.names[folded]

    def text(self, real: str, kind: str) -> str:
        """What stands in the place of a whole free text, such as a justification."""
        if not real:
            return ""
        if real not in self.texts:
            self.texts[real] = f"{kind}-{self._digest('text', real, 0).hex()[:12]}"
        return self.texts[real]

    def authority(self, real: str) -> str:
        """Three sub-authorities `a-b-c` of a domain or machine, with as many digits each."""
        if real not in self.authorities:
            parts = real.split("-")
            self.authorities[real] = self._free(
                "authority",
                real,
                (),
                lambda d: "-".join(_number(d, i, p) for i, p in enumerate(parts)),
            )
        return self.authorities[real]

    def rid(self, real: int) -> int:
        """The RID in place of one that an administrator's object has, with as many digits.

        Below 1000 it stays. A permutation, so no two share one.
        """
        if real < _RIDS:
            return real
        low: int = 10 ** (len(str(real)) - 1)
        size = min(10 * low, 2**32) - low
        digest = self._digest("rid", str(low), 0)
        step = int.from_bytes(digest[:8]) % size
        while gcd(step, size) != 1:
            step = (step + 1) % size
        return low + ((real - low) * step + int.from_bytes(digest[8:16])) % size

    def address(self, real: str) -> str:
        """An address of the same family out of a range that is nobody's (RFC 1918, RFC 3849)."""
        if real not in self.addresses:
            make = _ipv6 if ":" in real else _ipv4
            self.addresses[real] = self._free("address", real, (), make)
        return self.addresses[real]

    def guid(self, real: bytes) -> bytes:
        """Sixteen other bytes; of nothing nothing."""
        return self._digest("guid", real.hex(), 0)[:16] if any(real) else real

    def _free(self, kind: str, real: str, forbidden: Collection[str], make: _Maker) -> str:
        for attempt in range(10_000):
            found = make(self._digest(kind, real, attempt))
            if found not in self._taken and found not in forbidden:
                self._taken.add(found)
                return found
        raise PackError(f"There are no more pseudonyms of {len(real)} characters.")

    def _digest(self, kind: str, real: str, attempt: int) -> bytes:
        message = f"{kind}\0{attempt}\0{real}".encode("utf-8", "surrogatepass")
        return hmac.digest(self.secret, message, hashlib.sha256)

    def save(self, path: Path, original: str) -> None:
        """Write the key file, whole or not at all, for its owner alone.

        Raises:
            PackError: it cannot be written.
        """
        partial = path.with_name(f".{path.name}.partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.unlink(missing_ok=True)
            # Windows takes no notice of the mode: access is by the folder's ACL there.
            with os.fdopen(
                os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
            ) as file:
                file.write(self.dumps(original))
            partial.replace(path)
        except OSError as error:
            raise PackError(
                f"The key {path} cannot be written: {error.strerror or error}."
            ) from error

    def dumps(self, original: str) -> bytes:
        """The key file: pseudonyms and what they stand for.

        Args:
            original: digest of the pack that was copied.
        """
        value = {
            "format": FORMAT,
            "secret": self.secret.hex(),
            "original": original,
            **{
                kind: {pseudonym: real for real, pseudonym in sorted(table.items())}
                for kind, table in self._tables().items()
            },
        }
        return json.dumps(value, ensure_ascii=False, indent=1).encode("utf-8", "replace") + b"\n"

    def _tables(self) -> dict[str, dict[str, str]]:
        return {
            "names": self.names,
            "texts": self.texts,
            "authorities": self.authorities,
            "addresses": self.addresses,
        }


def fold(name: str) -> str:
    """A name without its case, character by character: `İ` stays one."""
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in name)


def new() -> Key:
    """A key with a fresh secret of 256 bits."""
    return Key(secrets.token_bytes(32))


def load(path: Path) -> Key:
    """A key written before: names get the same pseudonyms again.

    Raises:
        PackError: it cannot be read, or is no key.
    """
    try:
        value = json.loads(path.read_bytes())
        if value["format"] > FORMAT:
            raise PackError(f"{path} is of a newer format; use a newer vmmaudit to read it.")
        tables = {
            kind: {real: pseudonym for pseudonym, real in value[kind].items()}
            for kind in ("names", "texts", "authorities", "addresses")
        }
        return Key(bytes.fromhex(value["secret"]), **tables)
    except OSError as error:
        raise PackError(f"The key {path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PackError(f"{path} is not a key file of vmmaudit.") from error


def _word(digest: bytes, length: int) -> str:
    """Letters and digits; the first is a letter and, from two on, one is a digit."""
    number = int.from_bytes(hashlib.shake_256(digest).digest(length + 16))
    number, first = divmod(number, len(_FIRST))
    found = _FIRST[first]
    for _ in range(length - 1):
        number, index = divmod(number, len(_OTHERS))
        found += _OTHERS[index]
    if length > 1 and found.isalpha():
        found = found[:-1] + string.digits[digest[0] % 10]
    return found


def _number(digest: bytes, index: int, real: str) -> str:
    low = 10 ** (len(real) - 1) if len(real) > 1 else 0
    size = min(10 ** len(real), 2**32) - low
    return str(low + int.from_bytes(digest[index * 8 : index * 8 + 8]) % size)


def _ipv4(digest: bytes) -> str:
    return f"10.{digest[0]}.{digest[1]}.{digest[2]}"


def _ipv6(digest: bytes) -> str:
    return "2001:db8:" + ":".join(f"{int.from_bytes(digest[i : i + 2]):x}" for i in range(0, 12, 2))
