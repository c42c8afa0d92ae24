"""Windows Remote Management, where the scope allows it: an extra, `vmmaudit[winrm]`.

Only `installed` and the kinds may be imported without it.
"""

from __future__ import annotations

import importlib.util
from typing import Final

from vmmaudit import questions

ALONE: Final = (questions.BOOT, questions.VMM_OBJECTS, questions.REACH)
"""What no pipe tells."""
KINDS: Final = (
    *ALONE,
    questions.SERVICE,
    questions.SHARE,
    questions.SAM_DOMAIN,
    questions.ALIASES,
    questions.MEMBERS,
)


def installed() -> bool:
    """Whether the extra is there."""
    return importlib.util.find_spec("pypsrp") is not None
