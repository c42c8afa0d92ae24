"""An entry of a permission list in words: whose, which rights, and what is handed down.

The rights stand in words and as the mask, how an entry is handed down in the letters of icacls:
a person reads the one, and compares the other with what Windows shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vmmaudit.controls.texts import Texts
from vmmaudit.windows.access import READ, map_generic
from vmmaudit.windows.descriptor import AceFlag

_FULL: Final = 0x1F_01FF
_CHANGE: Final = 0x13_01BF
_RIGHTS: Final = (("full", _FULL), ("change", _CHANGE), ("read", READ))
_LETTERS: Final = (
    (AceFlag.INHERITED, "(I)"),
    (AceFlag.OBJECT_INHERIT, "(OI)"),
    (AceFlag.CONTAINER_INHERIT, "(CI)"),
    (AceFlag.INHERIT_ONLY, "(IO)"),
    (AceFlag.NO_PROPAGATE_INHERIT, "(NP)"),
)


def entry(
    effect: str, sid: str, mask: int, flags: int, names: Mapping[str, str], texts: Texts
) -> str:
    r"""`Allow CONTOSO\HYPER01$: Read (0x1200a9) (OI)(CI)`; `effect` is `allow` or `deny`."""
    letters = "".join(letter for flag, letter in _LETTERS if flags & flag)
    rights = f"{_rights(mask, texts)} (0x{mask:x}) {letters}".rstrip()
    who = names.get(sid, sid)
    return texts.fill(texts.word("change", "entry", effect), {"who": who, "rights": rights})


def _rights(mask: int, texts: Texts) -> str:
    mapped = map_generic(mask)
    name = next((name for name, rights in _RIGHTS if mapped & rights == rights), "other_rights")
    return texts.word("change", "entry", name)
