"""The language that somebody asked for, refused before anything else is done."""

from __future__ import annotations

from vmmaudit.controls.texts import languages
from vmmaudit.errors import UsageError


def check_language(language: str) -> None:
    """Refuse a language that has no texts; an empty one is the scope's.

    Raises:
        UsageError: names those that there are.
    """
    if language and language not in languages():
        raise UsageError(
            f"There are no texts in '{language}'; choose from {', '.join(languages())}."
        )
