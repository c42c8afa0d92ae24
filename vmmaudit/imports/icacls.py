r"""What `icacls FOLDER\* /save FILE /t` writes: pairs of lines, a path and its descriptor as SDDL.

The paths are relative to the folder that was named; the file is UTF-16 without a mark.
A file with nothing but descriptors, `(Get-Acl PATH).Sddl > FILE`, is read too; it has no paths.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from vmmaudit.imports.record import ImportsError, Raw, Record, build

PATH: Final = "Path"
SDDL: Final = "Sddl"
_SDDL: Final = re.compile(
    r"(?:[OG]:(?:S-1-[-0-9]+|[A-Z]{2}))*"
    r"(?:[DS]:(?:P|AR|AI|NO_ACCESS_CONTROL)*(?=\(|[DS]:|$)|$)"
)


def records(text: str, source: str) -> Iterator[Record]:
    """One record for each descriptor, with `Path` and `Sddl`.

    Raises:
        ImportsError: a path without a descriptor.
    """
    path: tuple[int, str] | None = None
    for at, line in enumerate(re.split(r"\r\n|\n|\r", text), 1):
        if not line.strip():
            continue
        if is_sddl(line.strip()):
            pairs: list[tuple[str, Raw | None]] = [(PATH, path[1])] if path else []
            yield build(source, path[0] if path else at, [*pairs, (SDDL, line.strip())], ["icacls"])
            path = None
        elif path is None:
            path = at, line
        else:
            break
    if path is not None:
        raise ImportsError.at(
            source, path[0], "no descriptor follows this path; save it again with icacls /save."
        )


def is_sddl(text: str) -> bool:
    """Whether a line looks like a descriptor in text form (MS-DTYP 2.5.1)."""
    return bool(text) and _SDDL.match(text) is not None
