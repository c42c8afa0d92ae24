"""Every entry of every permission list as a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pandas as pd

from vmmaudit.controls.texts import Texts
from vmmaudit.facts import Facts, Missing
from vmmaudit.scope import Library
from vmmaudit.windows.access import FULL, READ, map_generic
from vmmaudit.windows.descriptor import Ace, SecurityDescriptor

_CHANGE: Final = 0x0013_01BF
"""What Windows calls *Change* or *Modify*."""

Row = dict[str, Any]


def descriptors(facts: Facts, texts: Texts) -> pd.DataFrame:
    """One row per entry of every distinct security descriptor, at the shares and in NTFS.

    Equal descriptors stand here once, with the number of folders and files that carry them.
    A descriptor without entries (or one that could not be read) has one row that says so.
    """
    rows: list[Row] = []
    for library in facts.scope.libraries:
        share = facts.servers.share_descriptor(library)
        rows += _entries(facts, texts, library, "share", share, ("",))
        for descriptor, paths in facts.servers.descriptors(library):
            rows += _entries(facts, texts, library, "ntfs", descriptor, paths)
    return pd.DataFrame(
        rows,
        columns=[
            "share", "layer", "path", "carriers", "position", "effect", "trustee", "rights",
            "inherited", "applies", "mask", "sid", "owner", "protected", "digest",
        ],
    )  # fmt: skip


def _entries(
    facts: Facts,
    texts: Texts,
    library: Library,
    layer: str,
    found: SecurityDescriptor | Missing,
    paths: tuple[str, ...],
) -> Iterator[Row]:
    word = texts.word
    common: Row = {
        "share": library.share,
        "layer": word("explore", "layer", layer),
        "path": paths[0] or "\\",
        "carriers": len(paths),
    }
    if isinstance(found, Missing):
        yield common | {"effect": found.text}
        return
    common |= {
        "owner": facts.name_of(found.owner) if found.owner else "",
        "protected": found.protected,
        "digest": found.digest[:12],
    }
    if not found.aces:
        yield common | {"effect": word("explore", "dacl", found.dacl.value)}
    for position, ace in enumerate(found.aces, 1):
        yield common | {
            "position": position,
            "effect": _effect(ace, texts),
            "trustee": facts.name_of(ace.sid) if ace.sid else None,
            "rights": in_words(ace.mask, texts),
            "inherited": ace.inherited,
            "applies": not ace.inherit_only,
            "mask": f"0x{ace.mask:08x}",
            "sid": ace.sid,
        }


def _effect(ace: Ace, texts: Texts) -> str:
    effect = "allows" if ace.allows else "denies" if ace.denies else ""
    if not effect:
        return texts.word("explore", "effect", "other")
    found = texts.word("explain", effect)
    if ace.conditional:
        found = f"{found} ({texts.word('explore', 'effect', 'conditional')})"
    return found


def in_words(stored: int, texts: Texts) -> str:
    """An access mask as the rights that Windows shows, or as a number."""
    mask = map_generic(stored)
    for name, rights in (("full", FULL), ("change", _CHANGE), ("read", READ)):
        if mask & rights == rights:
            return texts.word("explain", name)
    return f"0x{mask:x}"
