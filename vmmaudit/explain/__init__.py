"""Why a host can or cannot open an ISO image: every link, down to the entry that decides."""

from vmmaudit.explain.chain import Explanation, explain

__all__ = ["Explanation", "explain"]
