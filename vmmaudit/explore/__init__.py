"""Looking at an audit by hand: tables, the picture of a chain, and *what if*."""

from vmmaudit.explore.exploration import Exploration
from vmmaudit.explore.opening import explore
from vmmaudit.explore.shown import table

__all__ = ["Exploration", "explore", "table"]
