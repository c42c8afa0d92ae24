"""Memberships of groups that only one of two packs read.

A group is read where somebody of the audit is in it. Emptied between two packs it is not read
the second time, and one that was filled was not read the first time. What the accounts
themselves hold (tokenGroups) is read both times, and tells it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from vmmaudit import questions
from vmmaudit.errors import FormatError
from vmmaudit.evidence import Evidence
from vmmaudit.windows.sid import sid_from_bytes

_TOKEN: Final = "tokenGroups"  # noqa: S105 - an attribute's name


def left(
    before: Evidence, after: Evidence, groups: Mapping[str, tuple[str, tuple[str, ...]]]
) -> Iterator[tuple[str, str]]:
    """Who of `groups` does not hold the group any more: the group's DN and the member's.

    Args:
        before: where the groups were read.
        after: where they were not.
        groups: SID and members of each group, by its DN.
    """
    old, new = _held(before), _held(after)
    for group, (sid, members) in groups.items():
        for member in members:
            key = member.lower()
            if key in new and sid in old.get(key, ()) and sid not in new[key]:
                yield group, member


def _held(evidence: Evidence) -> dict[str, frozenset[str]]:
    """The SIDs of the groups of each account whose groups were read, by its DN in lower case."""
    found: dict[str, frozenset[str]] = {}
    for question, answer in evidence.of(questions.SEARCH):
        if _TOKEN not in question.detail[3].split(","):
            continue
        for row in answer.rows:
            values = {key.lower(): values for key, values in row.values.items()}
            try:
                sids = frozenset(map(sid_from_bytes, values.get(_TOKEN.lower(), ())))
            except FormatError:
                continue
            found[row.name.lower()] = sids
    return found
