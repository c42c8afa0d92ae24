"""The catalogue: every control, in document order. A test compares it with the folder."""

from __future__ import annotations

from typing import Final

from vmmaudit.controls.acc_06 import ACC_06
from vmmaudit.controls.control import Control

CATALOGUE: Final[tuple[Control, ...]] = (ACC_06,)
