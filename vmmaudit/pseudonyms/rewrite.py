"""Names, SIDs and addresses replaced wherever they stand: in text, filters and replies.

Every replacement has the length of what it replaces (in UTF-16 units, and in bytes
inside binary values), so offsets and counts around it stay true.
"""

from __future__ import annotations

import ipaddress
import re
import struct
from collections.abc import Iterable
from typing import Any, Final

from vmmaudit import questions
from vmmaudit.pseudonyms.key import Key, fold

SID: Final = re.compile(r"\bS-1-5-21-(\d{1,10}-\d{1,10}-\d{1,10})(?:-(\d{1,10}))?(?![\d-])")
_BINARY_SID: Final = re.compile(
    rb"\x01([\x04\x05])\x00\x00\x00\x00\x00\x05\x15\x00\x00\x00(.{12})", re.DOTALL
)
"""S-1-5-21-a-b-c with or without a RID (MS-DTYP 2.4.2.2)."""
_IPV4: Final = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
_IPV6: Final = re.compile(r"(?<![\w:.])[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f.]*(?![\w:])")
_VALUE: Final = re.compile(r"(?<==)[^()]*(?=\))")
_ESCAPED: Final = re.compile(r"(?:\\[0-9A-Fa-f]{2})+")
_ANYWHERE: Final = 5
"""Names of this length and more are found inside longer words too."""
_IN_BYTES: Final = 6


class Rewriter:
    """Replaces what a key knows.

    Args:
        key: gives the pseudonyms.
        anywhere: names that are replaced inside longer words too, if they are long enough.
        whole: names that are replaced only as whole words.
    """

    def __init__(self, key: Key, anywhere: Iterable[str], whole: Iterable[str]) -> None:
        self._key = key
        longer = {fold(name) for name in anywhere}
        inside = {name for name in longer if len(name) >= _ANYWHERE}
        words = ({fold(name) for name in whole} | longer) - inside
        names = inside | words
        self._known = {name: key.name(name, names) for name in sorted(names)}
        self._pattern = _compiled(inside, words)
        ascii_only = {name for name in inside if name.isascii() and len(name) >= _IN_BYTES}
        self._bytes = _compiled(ascii_only, ())

    def text(self, value: str) -> str:
        """A text with every known name, every SID and every address replaced."""
        found = SID.sub(self._sid, value)
        found = _IPV4.sub(self._address, found)
        found = _IPV6.sub(self._address, found)
        return self._names(found)

    def spn(self, value: str) -> str:
        """A service principal name: what stands behind its class."""
        kind, slash, rest = value.partition("/")
        return kind + slash + self.text(rest) if slash else self.text(value)

    def value(self, value: bytes) -> bytes:
        """One value of a row: as text where it is text, else as what a server replied."""
        try:
            text = value.decode()
        except UnicodeDecodeError:
            return self.binary(value)
        return self.binary(value) if "\0" in text else self.text(text).encode()

    def binary(self, value: bytes) -> bytes:
        """SIDs in their own form; UTF-16 at even and odd places; ASCII."""
        found = _BINARY_SID.sub(self._binary_sid, self._with_rids(value))
        for start in (0, 1):
            end = len(found) - (len(found) - start) % 2
            text = found[start:end].decode("utf-16-le", "surrogatepass")
            changed = self._names(SID.sub(self._sid, text)).encode("utf-16-le", "surrogatepass")
            found = found[:start] + changed + found[end:]
        text = found.decode("latin-1")
        return self._bytes.sub(self._name, text).encode("latin-1")

    def filter(self, query: str) -> str:
        """A search filter (RFC 4515): the values alone, with their escapes undone and done."""
        return _VALUE.sub(lambda found: self._assertion(found[0]), query)

    def _assertion(self, value: str) -> str:
        if "\\" not in value:
            return self.spn(value)
        if _ESCAPED.fullmatch(value):
            data = _unescaped(value)
            changed = self.binary(data)
            if changed != data:
                return "".join(f"\\{byte:02x}" for byte in changed)
        text = _ESCAPED.sub(lambda f: _unescaped(f[0]).decode("utf-8", "surrogateescape"), value)
        replaced = self.spn(text)
        return value if replaced == text else questions.escape(replaced)

    def aliases(self, reply: bytes) -> bytes:
        """SamrEnumerateAliasesInDomain (MS-SAMR 2.2.3.10): RIDs apart from their domain."""
        if len(reply) < 24:
            return reply
        data = bytearray(self.binary(reply))
        (count,) = struct.unpack_from("<I", data, 8)
        for index in range(min(count, (len(data) - 20) // 12)):
            place = 20 + 12 * index
            (rid,) = struct.unpack_from("<I", data, place)
            struct.pack_into("<I", data, place, self._key.rid(rid))
        return bytes(data)

    def metadata(self, value: bytes) -> bytes:
        """The databases that changes came from (MS-DRSR 5.162, version 1: 48 bytes an entry)."""
        data = bytearray(value)
        for place in range(16 + 16, len(data) - 31, 48):
            data[place : place + 16] = self._key.guid(bytes(data[place : place + 16]))
        return bytes(data)

    def rid(self, value: str) -> str:
        """A RID as a number in text."""
        return str(self._key.rid(int(value))) if value.isdecimal() else value

    def _with_rids(self, value: bytes) -> bytes:
        """RIDs behind a domain's three sub-authorities."""
        data = bytearray(value)
        for found in _BINARY_SID.finditer(value):
            if found[1] == b"\x05" and found.end() + 4 <= len(data):
                (rid,) = struct.unpack_from("<I", data, found.end())
                struct.pack_into("<I", data, found.end(), self._key.rid(rid))
        return bytes(data)

    def _binary_sid(self, found: re.Match[bytes]) -> bytes:
        parts = struct.unpack("<III", found[2])
        changed = self._key.authority("-".join(map(str, parts)))
        numbers = struct.pack("<III", *map(int, changed.split("-")))
        return found[0][:12] + numbers

    def _sid(self, found: re.Match[str]) -> str:
        rid = "" if found[2] is None else f"-{self._key.rid(int(found[2]))}"
        return f"S-1-5-21-{self._key.authority(found[1])}{rid}"

    def _address(self, found: re.Match[str]) -> str:
        try:
            address = ipaddress.ip_address(found[0])
        except ValueError:
            return found[0]
        if address.is_loopback or address.is_unspecified:
            return found[0]
        return self._key.address(str(address))

    def _names(self, text: str) -> str:
        return self._pattern.sub(self._name, text)

    def _name(self, found: re.Match[Any]) -> str:
        real: str = found[0]
        name = self._known.get(fold(real), real)
        return name.upper() if real.isupper() else name


def _unescaped(value: str) -> bytes:
    return bytes.fromhex(value.replace("\\", ""))


def _compiled(inside: Iterable[str], words: Iterable[str]) -> re.Pattern[str]:
    """One pattern for all names, the longest first at every place."""
    parts = []
    anywhere, whole = _trie(inside), _trie(words)
    if anywhere:
        parts.append(anywhere)
    if whole:
        parts.append(rf"(?<![^\W_]){whole}(?![^\W_])")
    return re.compile("|".join(parts) or r"(?!)", re.IGNORECASE)


def _trie(names: Iterable[str]) -> str:
    """A pattern that reads each character once, whatever the number of names."""
    root: dict[str, Any] = {}
    for name in names:
        node = root
        for character in name:
            node = node.setdefault(character, {})
        node[""] = {}
    return _branch(root) if root else ""


def _branch(root: dict[str, Any]) -> str:
    """Children before parents, without recursion: a name may be longer than the stack."""
    order, stack = [], [root]
    while stack:
        node = stack.pop()
        order.append(node)
        stack.extend(child for key, child in node.items() if key)
    made: dict[int, str] = {}
    for node in reversed(order):
        branches = [re.escape(key) + made[id(child)] for key, child in sorted(node.items()) if key]
        if not branches:
            made[id(node)] = ""
        else:
            joined = (
                branches[0]
                if len(branches) == 1 and "" not in node
                else f"(?:{'|'.join(branches)})"
            )
            made[id(node)] = joined + ("?" if "" in node else "")
    return made[id(root)]
