"""Looking at an audit by hand: tables, the picture of a chain, and *what if*."""

from vmmaudit.explore.exploration import Exploration
from vmmaudit.explore.opening import explore

__all__ = ["Exploration", "explore"]
